//! `bindings/abi.json` and the table of `docs/options.md` are what the library says. `CATENA_BLESS=1 cargo test --test
//! abi_json` writes them anew (after `--test header`, for enums are read from the header).

use catena::services::{Engine, Kind, OPTIONS, OptionRow, Service, Value};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Compares a committed file with what it should be, or writes it.
#[track_caller]
fn fresh(name: &str, text: &str) {
    if std::env::var_os("CATENA_BLESS").is_some() {
        fs::write(path(name), text).expect("the folder is writable");
    }
    let renew = "CATENA_BLESS=1 cargo test --test abi_json writes it anew";
    assert!(fs::read_to_string(path(name)).is_ok_and(|is| is == text), "{name} is stale; {renew}");
}

fn value(row: &OptionRow, value: Value) -> Json {
    match value {
        Value::Whole(n) => n.into(),
        Value::Real(x) => x.into(),
        Value::Switch(on) => on.into(),
        Value::Names(text) => text.into(),
        Value::Choice(_) => row.kind.text(value).into(),
    }
}

fn option(row: &OptionRow) -> Json {
    let bound = |whole: u64, x: f64| match row.kind {
        _ if x.is_infinite() => Json::Null,
        Kind::Whole(..) => whole.into(),
        _ => x.into(),
    };
    let (least, greatest) = row.kind.bounds();
    let (least, greatest) = match row.kind {
        Kind::Whole(from, to) => (bound(from, least), bound(to, greatest)),
        Kind::Real(_) => (bound(0, least), bound(0, greatest)),
        Kind::Switch | Kind::Choice(_) | Kind::Names => (Json::Null, Json::Null),
    };
    let open = matches!(row.kind, Kind::Real(range) if !range.closed);
    let choices = row.kind.choices().iter();
    json!({
        "name": row.name,
        "kind": row.kind.name(),
        "type": match row.kind {
            Kind::Whole(..) => "uint64_t",
            Kind::Real(_) => "double",
            Kind::Switch => "bool",
            Kind::Choice(_) => "int32_t",
            Kind::Names => "char",
        },
        "default": value(row, row.default()),
        "range": row.kind.range(),
        "least": least,
        "greatest": greatest,
        "open": open,
        "choices": choices.map(|c| json!({ "name": c.name, "value": c.number, "help": c.help })).collect::<Vec<_>>(),
        "services": row.services.iter().map(|s| s.name()).collect::<Vec<_>>(),
        "help": row.help,
    })
}

/// The enums of a header, each with its constants, their values and comments.
fn enums(header: &str) -> Vec<(String, Vec<Json>)> {
    let mut found = Vec::new();
    let mut lines = header.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("enum ").filter(|name| !name.ends_with(';')) else { continue };
        let (mut constants, mut comment) = (Vec::new(), Vec::new());
        for line in lines.by_ref().map(str::trim).take_while(|line| *line != "};") {
            if let Some(words) = line.strip_prefix("// ") {
                comment.push(words);
            } else if let Some((name, number)) = line.trim_end_matches(',').split_once(" = ") {
                let number: i64 = number.parse().expect("a number");
                constants.push(json!({ "name": name, "value": number, "help": comment.join(" ") }));
                comment.clear();
            }
        }
        found.push((name.to_string(), constants));
    }
    found
}

fn engines() -> [(&'static str, Engine); 3] {
    let engine = |service: Service, engine| (service.name(), engine);
    [
        engine(Service::Nuts, Engine::Nuts),
        engine(Service::Static, Engine::Static { int_time: 1.0 }),
        engine(Service::FixedParam, Engine::FixedParam),
    ]
}

#[test]
fn abi_json_is_fresh() {
    let enums = enums(&read("include/catena.h"));
    let names: Vec<&str> = enums.iter().map(|(name, _)| name.as_str()).collect();
    for name in
        ["catena_status", "catena_metric", "catena_engine", "catena_on_failure", "catena_layout", "catena_level"]
    {
        assert!(names.contains(&name), "{name} among {names:?}");
    }
    assert!(enums.iter().all(|(_, constants)| constants.len() > 1));
    let status = enums.iter().find(|(name, _)| name == "catena_status").map(|(_, constants)| constants.clone());
    let columns = engines().map(|(name, engine)| (name.to_string(), json!(engine.columns())));
    let services = Service::all().map(|s| {
        let takes = OPTIONS.iter().filter(|row| row.services.contains(&s)).map(|row| row.name);
        json!({ "name": s.name(), "help": s.help(), "options": takes.collect::<Vec<_>>() })
    });
    let all = json!({
        "abi_version": catena::ffi::error::catena_abi_version(),
        "options": OPTIONS.iter().map(option).collect::<Vec<_>>(),
        "services": services,
        "columns": Json::Object(columns.into_iter().collect()),
        "status": status,
        "enums": Json::Object(enums.into_iter().map(|(name, constants)| (name, Json::Array(constants))).collect()),
    });
    fresh("bindings/abi.json", &format!("{}\n", serde_json::to_string_pretty(&all).unwrap()));
}

const BEGIN: &str = "<!-- made by tests/abi_json.rs -->\n";
const END: &str = "<!-- end -->\n";

/// What a value is shown as.
fn shown(text: String) -> String {
    if text == std::f64::consts::TAU.to_string() { "2π".into() } else { format!("`{text}`") }
}

#[test]
fn the_page_of_options_is_fresh() {
    let mut table = String::from("| option | default | values | services | |\n| --- | --- | --- | --- | --- |\n");
    for row in OPTIONS {
        let services = row.services.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
        let values = match row.kind {
            Kind::Switch => "`true` or `false`".into(),
            Kind::Choice(of) => of.iter().map(|c| format!("`{}`: {}", c.name, c.help)).collect::<Vec<_>>().join("; "),
            kind => kind.noun(),
        };
        let (name, default, help) = (row.name, shown(row.default_text()), row.help);
        table.push_str(&format!("| `{name}` | {default} | {values} | {services} | {help} |\n"));
    }
    let page = read("docs/options.md");
    let (before, rest) = page.split_once(BEGIN).expect("the mark before the table");
    let (_, after) = rest.split_once(END).expect("the mark after the table");
    fresh("docs/options.md", &format!("{before}{BEGIN}{table}{END}{after}"));
}

/// The defaults that a file's comments tell, by the option: "… Default 4." above `pattern`, then the option's name.
fn told(text: &str, comment: &str, name_of: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut words = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix(comment) {
            words.push(' ');
            words.push_str(more.trim());
            continue;
        }
        if let Some(name) = name_of(line)
            && let Some((_, default)) = words.rsplit_once("Default ")
        {
            let default = default.split_once(". ").map_or(default, |(first, _)| first);
            found.push((name, default.trim_end_matches('.').to_string()));
        }
        words.clear();
    }
    found
}

/// What a comment says as the value's text.
fn as_text(told: &str) -> String {
    let number = |x: f64| catena::io::shortest(x);
    let first = told.split([':', ';']).next().unwrap_or(told);
    match first {
        "2 pi" | "2π" => number(std::f64::consts::TAU),
        "1 ms" => number(1e-3),
        "diagonal" => "diag_e".into(),
        name => match name.strip_prefix("CATENA_METRIC_").or(name.strip_prefix("CATENA_ON_FAILURE_")) {
            Some(choice) => choice.to_lowercase(),
            None => name.into(),
        },
    }
}

#[test]
fn comments_tell_the_defaults_of_the_table() {
    let header = |line: &str| {
        let name = line.strip_prefix("catena_status catena_options_set_")?.split_once('(')?.0;
        Some(name.to_string())
    };
    let cpp = |line: &str| Some(line.strip_prefix("Options &")?.split_once('(')?.0.to_string());
    let field = |line: &str| Some(line.strip_prefix("pub ")?.split_once(':')?.0.to_string());
    let files = [
        ("include/catena.h", told(&read("include/catena.h"), "//", header), 28),
        ("include/catena/options.hpp", told(&read("include/catena/options.hpp"), "//", cpp), 28),
        ("src/services/options/mod.rs", told(&read("src/services/options/mod.rs"), "///", field), 17),
        ("src/adapt/options.rs", told(&read("src/adapt/options.rs"), "///", field), 7),
    ];
    for (file, found, least) in files {
        let mut seen = 0;
        for (name, default) in found {
            let Some(row) = OPTIONS.iter().find(|row| row.name == name) else { continue };
            let mut is = as_text(&default);
            if let (Kind::Switch, "0" | "1") = (row.kind, is.as_str()) {
                is = (is == "1").to_string();
            }
            assert_eq!(is, row.default_text(), "the default of {name} in {file}");
            seen += 1;
        }
        assert!(seen >= least, "{file} tells {seen} defaults");
    }
}

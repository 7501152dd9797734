//! What each language defines, and whether a name is among it.

use std::path::Path;
use std::process::Command;

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All files below a folder whose names end in `ending`, one after the other.
pub fn sources(folder: &str, ending: &str) -> String {
    fn gather(folder: &Path, ending: &str, all: &mut String) {
        let mut entries: Vec<_> = std::fs::read_dir(folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                gather(&path, ending, all);
            } else if path.to_string_lossy().ends_with(ending) {
                all.push_str(&read(&path));
                all.push('\n');
            }
        }
    }
    let mut all = String::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut all);
    assert!(!all.is_empty(), "{folder} has no files that end in {ending}");
    all
}

pub fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `text` has `name` with no letter, digit or underscore around it.
fn has_word(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(in_word)
            && !text[at + name.len()..].chars().next().is_some_and(in_word)
    })
}

/// The lines that begin with one of `openings` and the name `owner`, each with all below it up to a line that is `end`.
fn bodies<'a>(text: &'a str, openings: &[&str], owner: &str, end: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for opening in openings {
        for (at, _) in text.match_indices(opening) {
            let rest = &text[at + opening.len()..];
            let begins_line = at == 0 || text[..at].ends_with('\n');
            if begins_line && rest.starts_with(owner) && !rest[owner.len()..].starts_with(in_word) {
                found.push(&rest[..rest.find(&format!("\n{end}")).unwrap_or(rest.len())]);
            }
        }
    }
    found
}

/// What the names are looked up in.
pub struct Definitions {
    c: String,
    cpp: String,
    namespace: String,
    manual: String,
    julia: String,
    python: String,
    abi: String,
    rust: String,
    help: String,
}

impl Definitions {
    pub fn new() -> Self {
        let help = Command::new(env!("CARGO_BIN_EXE_catena")).arg("help").output().expect("the program runs");
        Self {
            c: sources("include", ".h"),
            cpp: sources("include/catena", ".hpp"),
            namespace: sources("bindings/R", "NAMESPACE"),
            manual: sources("bindings/R/man", ".Rd"),
            julia: sources("bindings/julia/src", ".jl"),
            python: sources("bindings/python/catena", ".py"),
            abi: read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bindings/abi.json")),
            rust: ["src/services", "src/report", "src/diagnostics", "src/learn", "src/io", "src/model"]
                .map(|folder| sources(folder, ".rs"))
                .concat(),
            help: String::from_utf8(help.stdout).expect("UTF-8"),
        }
    }

    pub fn has(&self, language: &str, name: &str) -> bool {
        match language {
            "C" => self.c_has(name),
            "C++" => self.cpp_has(name),
            "R" => self.r_has(name),
            "Julia" => self.julia_has(name),
            "Python" => self.python_has(name),
            "Rust" => self.rust_has(name),
            "command line" => self.command_line_has(name),
            _ => unreachable!("one of LANGUAGES"),
        }
    }

    /// `function`, or `struct.member`.
    fn c_has(&self, name: &str) -> bool {
        match name.split_once('.') {
            Some((table, member)) => bodies(&self.c, &["typedef struct "], table, "}")
                .iter()
                .any(|body| has_word(body, &format!("{member};")) || body.contains(&format!("(*{member})("))),
            None => self.c.contains(&format!(" {name}(")) || self.c.contains(&format!("*{name}(")),
        }
    }

    /// `catena::function`, or `Class::member`, which may be followed by an argument that is a constant of the header.
    fn cpp_has(&self, name: &str) -> bool {
        let (name, argument) = name.strip_suffix(')').and_then(|name| name.split_once('(')).unwrap_or((name, ""));
        let Some((owner, member)) = name.split_once("::") else { return false };
        let defined = if owner == "catena" {
            self.cpp.lines().any(|line| line.starts_with("inline ") && line.contains(&format!(" {member}(")))
        } else {
            let is_member = |body: &&str| without_comments(body).lines().any(|line| declares(line, member));
            bodies(&self.cpp, &["class ", "struct "], owner, "};").iter().any(is_member)
        };
        defined && (argument.is_empty() || has_word(&self.c, argument))
    }

    /// `function()`, `function(argument = ...)`, or `fit$element`.
    fn r_has(&self, name: &str) -> bool {
        if let Some(element) = name.strip_prefix("fit$") {
            let pages = self.manual.split("\\name{");
            return pages.filter(|page| page.starts_with("catena_sample}")).any(|page| {
                page.split_once("\\value{").is_some_and(|(_, value)| value.contains(&format!("\\item{{{element}}}")))
            });
        }
        let Some((function, argument)) = call(name) else { return false };
        let exported = self.namespace.contains(&format!("export({function})\n"))
            || self.namespace.contains(&format!("S3method({function}, catena_fit)\n"));
        // The argument stands in the function's usage, or its page describes it.
        let takes = |page: &str| {
            let part =
                |opening: &str| page.split_once(opening).map_or("", |(_, rest)| rest.split("\n}").next().unwrap_or(""));
            let Some((_, usage)) = part("\\usage{").split_once(&format!("{function}(")) else { return false };
            let mut described = part("\\arguments{").split("\\item{").skip(1).filter_map(|item| item.split('}').next());
            let usage = usage.split(")\n").next().unwrap_or(usage);
            // Any option of the library is taken where there are dots.
            let option = has_word(usage, "...") && self.c.contains(&format!("catena_options_set_{argument}("));
            option || has_word(usage, argument) || described.any(|item| has_word(item, argument))
        };
        exported && (argument.is_empty() || self.manual.split("\\name{").any(takes))
    }

    /// `Catena.function`, `Catena.function(argument = ...)`, `Struct.field`, or `function(run)` for one of Julia's own.
    fn julia_has(&self, name: &str) -> bool {
        let begins = |opening: String| self.julia.lines().any(|line| line.starts_with(&opening));
        let Some((owner, member)) = name.split_once('.') else {
            return call(name).is_some_and(|(function, _)| begins(format!("function Base.{function}(")));
        };
        if owner != "Catena" {
            let field = |line: &str| line.trim_start().starts_with(&format!("{member}::"));
            let structs = bodies(&self.julia, &["struct ", "mutable struct "], owner, "end");
            return structs.iter().any(|body| body.lines().any(field));
        }
        let (function, argument) = call(member).unwrap_or((member, ""));
        let is_struct = |line: &str| {
            ["struct ", "mutable struct "].iter().any(|opening| word_after(line, opening) == Some(function))
        };
        let defined = begins(format!("function {function}("))
            || begins(format!("{function}("))
            || self.julia.lines().any(is_struct);
        // The argument stands in the function's own documentation, or is an option of the library that the package knows.
        let mut documents = self.julia.split("\"\"\"").skip(1).step_by(2);
        let own = |text: &str| text.trim_start().starts_with(&format!("Catena.{function}("));
        let option = self.c.contains(&format!("catena_options_set_{argument}(")) && has_word(&self.julia, argument);
        defined && (argument.is_empty() || option || documents.any(|text| own(text) && has_word(text, argument)))
    }

    /// `catena.function`, `catena.function(argument=...)`, or `Class.member`, of the class or one that it inherits from.
    fn python_has(&self, name: &str) -> bool {
        let Some((owner, member)) = name.split_once('.') else { return false };
        if owner != "catena" {
            return self.python_class_has(owner, member);
        }
        let (function, argument) = call(member).unwrap_or((member, ""));
        let exported = self.python.contains(&format!(" \"{function}\","));
        let bodies = bodies(&self.python, &["def ", "class "], function, "\n\n");
        // The argument stands in the signature, or is an option of the library that the function takes among its options.
        let signature = |body: &&str| {
            let body = body.split("def __init__(").last().unwrap_or(body);
            let signature = body.split("\"\"\"").next().unwrap_or(body);
            let option = signature.contains("**options") && self.abi.contains(&format!("\"name\": \"{argument}\","));
            has_word(signature, argument) || option
        };
        exported && !bodies.is_empty() && (argument.is_empty() || bodies.iter().any(signature))
    }

    fn python_class_has(&self, owner: &str, member: &str) -> bool {
        bodies(&self.python, &["class "], owner, "\n\n").iter().any(|body| {
            let method = body.lines().any(|line| word_after(line, "    def ") == Some(member));
            // A field of a data class, or one of the attributes in the docstring.
            let field = body.lines().filter_map(|line| line.split_once(':')).any(|(names, _)| {
                let mut names = names.trim().split(", ");
                names.any(|name| name == member)
            });
            let head = body.lines().next().unwrap_or("");
            let bases = head.split_once('(').map_or("", |(_, rest)| rest.split(')').next().unwrap_or(""));
            let inherited = |base: &str| !base.is_empty() && self.python_class_has(base.trim(), member);
            method || field || bases.split(',').any(inherited)
        })
    }

    /// `function`, `Type`, or `Type::member`.
    fn rust_has(&self, name: &str) -> bool {
        let types = ["pub struct ", "pub enum ", "pub trait "];
        let Some((owner, member)) = name.split_once("::") else {
            let named = |opening: &&str| self.rust.lines().any(|line| word_after(line, opening) == Some(name));
            return types.iter().chain(&["pub fn "]).any(named);
        };
        let field = |body: &&str| body.contains(&format!("    pub {member}:"));
        let method = |body: &&str| body.lines().any(|line| word_after(line, "    pub fn ") == Some(member));
        bodies(&self.rust, &types, owner, "}").iter().any(field) || self.implementations(owner).iter().any(method)
    }

    /// The bodies of `impl Type` and `impl<...> Type`.
    fn implementations(&self, owner: &str) -> Vec<&str> {
        let blocks = self.rust.split("\nimpl").skip(1);
        blocks
            .filter_map(|block| {
                let (head, body) = block.split_once('{')?;
                let implements = !head.contains(" for ") && has_word(head, owner);
                implements.then(|| &body[..body.find("\n}").unwrap_or(body.len())])
            })
            .collect()
    }

    /// A method, an argument, or `argument=value`.
    fn command_line_has(&self, name: &str) -> bool {
        let (name, value) = name.split_once('=').unwrap_or((name, ""));
        self.help.lines().any(|line| {
            let first = line.trim_start().strip_prefix("catena ").unwrap_or(line.trim_start());
            let Some(word) = first.split_whitespace().next() else { return false };
            match word.split_once('=') {
                // One of several words, or a number or switch of any value.
                Some((argument, values)) if argument == name => {
                    !values.contains('|') || value.is_empty() || values.split('|').any(|v| v == value)
                }
                Some(_) => false,
                None => word == name && value.is_empty(),
            }
        })
    }
}

pub fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// Whether a line of a C++ class declares the member: a function's name before its arguments, or a name before `;`, `,`.
fn declares(line: &str, member: &str) -> bool {
    line.match_indices(member).any(|(at, _)| {
        let (before, after) = (&line[..at], line[at + member.len()..].trim_start());
        let alone = before.ends_with([' ', '&', '*']) && !before.trim().is_empty() && !before.contains("return");
        alone && !after.starts_with(in_word) && after.starts_with(['(', ';', ',', '=', '{'])
    })
}

/// The word after `opening`, where the line begins with that.
pub fn word_after<'a>(line: &'a str, opening: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(opening)?;
    Some(&rest[..rest.find(|c| !in_word(c)).unwrap_or(rest.len())])
}

/// Function and argument of `function(argument = value)`.
fn call(name: &str) -> Option<(&str, &str)> {
    let (function, arguments) = name.strip_suffix(')')?.split_once('(')?;
    Some((function, arguments.split('=').next().unwrap_or("").trim()))
}

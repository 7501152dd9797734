//! Options by name: one row of the table, and validation, texts, numbers and the C ABI have the option.

mod common;

use catena::ffi::error::{
    catena_error, catena_error_argument, catena_error_code, catena_error_free, catena_error_message, catena_status,
};
use catena::ffi::options::describe::{catena_option_kind, catena_options_at, catena_options_count};
use catena::ffi::options::{
    catena_metric, catena_on_failure, catena_options, catena_options_free, catena_options_get,
    catena_options_get_integer, catena_options_get_number, catena_options_new, catena_options_set,
    catena_options_set_integer, catena_options_set_number,
};
use catena::io::TableWriter;
use catena::model::{Density, MAX_CHAIN_ID};
use catena::services::{
    Adaptation, FailurePolicy, Given, GivenDraws, Kind, MetricKind, OPTIONS, OptionRow, OptionSet, SampleIo,
    SampleOptions, Service, Value, generate_quantities, nearest, sample_fixed_param, sample_hmc_static, sample_nuts,
};
use common::{Correlated, borrow};
use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};

/// A value that is allowed and not the default.
fn other(row: &OptionRow) -> Value {
    match (row.kind, row.default()) {
        (Kind::Whole(least, most), Value::Whole(n)) => Value::Whole(if n < most { n + 1 } else { least }),
        (Kind::Real(range), Value::Real(x)) => {
            Value::Real(if range.holds(x / 2.0) && x != 0.0 { x / 2.0 } else { 0.25 })
        }
        (Kind::Switch, Value::Switch(on)) => Value::Switch(!on),
        (Kind::Choice(of), default) => {
            let other = of.iter().map(|c| Value::Choice(c.number)).find(|v| *v != default);
            other.expect("a choice has two values")
        }
        (Kind::Names, _) => Value::Names("mu,theta[1,2]".into()),
        (kind, value) => panic!("{kind:?} has the default {value:?}"),
    }
}

/// What no option of this kind may be.
fn outside(kind: &Kind) -> Vec<String> {
    let texts: &[&str] = match kind {
        Kind::Whole(..) => &["-1", "1.5", "1e3", "18446744073709551616", "many", ""],
        Kind::Real(_) => &["nan", "inf", "-inf", "-1", "0.8x", ""],
        Kind::Switch => &["2", "yes", "TRUE", ""],
        Kind::Choice(_) => &["7", "-1", "round", "1.5", ""],
        Kind::Names => &[",", "mu,", "mu,,theta"],
    };
    let mut texts: Vec<String> = texts.iter().map(|t| t.to_string()).collect();
    match kind {
        Kind::Whole(least, most) => {
            texts.extend(least.checked_sub(1).map(|n| n.to_string()));
            texts.extend(most.checked_add(1).map(|n| n.to_string()));
        }
        Kind::Real(range) if !range.closed => texts.push("0".into()),
        Kind::Real(range) if range.greatest.is_finite() => texts.push((range.greatest + 0.5).to_string()),
        _ => {}
    }
    texts
}

#[test]
fn defaults_are_in_range_and_those_of_the_options() {
    let mut names = HashSet::new();
    for row in OPTIONS {
        assert!(names.insert(row.name), "{} twice", row.name);
        assert!(row.kind.holds(row.default()), "{}", row.name);
        assert!(!row.help.is_empty() && !row.help.contains('\n') && !row.services.is_empty());
    }
    assert_eq!(OptionSet::default().options(), SampleOptions::default());
    assert_eq!(SampleOptions::default().adaptation, Some(Adaptation::default()));
    SampleOptions::default().validate().unwrap();
    // Every field has a row: what Debug shows of the options is names of rows, but for adaptation's own name.
    let shown = format!("{:#?}", SampleOptions::default());
    for line in shown.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name) {
        assert!(line == "adaptation" || names.contains(line), "a row for {line}");
    }
}

#[test]
fn every_option_is_set_by_text_and_number_and_refuses_what_it_cannot_be() {
    for row in OPTIONS {
        let mut set = OptionSet::default();
        let value = other(row);
        set.set(row.name, Given::Text(&row.kind.text(value.clone()))).unwrap();
        assert_eq!(set.get(row.name).unwrap(), value, "{}", row.name);
        let mut by_number = OptionSet::default();
        let numbered = by_number.set(row.name, Given::Number(value.number()));
        // Names are no number.
        assert_eq!(numbered.is_ok(), row.kind != Kind::Names, "{}", row.name);
        assert!(row.kind == Kind::Names || by_number == set, "{}", row.name);
        if let Some(n) = value.whole() {
            let mut by_whole = OptionSet::default();
            by_whole.set(row.name, Given::Whole(n)).unwrap();
            assert_eq!(by_whole, set, "{}", row.name);
        }
        // Only this one has changed, and what a preset has values for.
        let changed = OPTIONS.iter().filter(|r| r.get(&set) != r.default()).map(|r| r.name);
        let presets = ["preset", "warm_start", "warmup_until", "metric", "delta"].contains(&row.name);
        let changed: Vec<&str> =
            changed.filter(|name| *name == row.name || !presets || !OptionSet::is_preset(name)).collect();
        assert_eq!(changed, [row.name]);
        for text in outside(&row.kind) {
            let before = set.clone();
            let error = set.set(row.name, Given::Text(&text)).unwrap_err();
            assert_eq!(error.argument_name(), Some(row.name));
            let got = text.to_lowercase();
            let got = got.trim_start_matches('-');
            assert!(error.message().to_lowercase().contains(got), "{}={text}: {error}", row.name);
            assert_eq!(set, before, "{}={text}", row.name);
        }
    }
}

#[test]
fn messages_say_what_was_expected_and_what_came() {
    let refused = |name: &str, given: Given<'_>| OptionSet::default().set(name, given).unwrap_err().to_string();
    let cases = [
        ("thin", Given::Whole(0), "argument 'thin': expected at least 1, got 0"),
        ("thin", Given::Text("x"), "argument 'thin': expected a whole number of at least 1, got 'x'"),
        ("thin", Given::Number(1.5), "argument 'thin': expected a whole number of at least 1, got 1.5"),
        ("max_depth", Given::Whole(21), "argument 'max_depth': expected 1 to 20, got 21"),
        ("delta", Given::Number(1.5), "argument 'delta': expected a number strictly between 0 and 1, got 1.5"),
        ("stepsize", Given::Number(f64::NAN), "argument 'stepsize': expected a finite number above 0, got NaN"),
        ("stepsize_jitter", Given::Number(2.0), "argument 'stepsize_jitter': expected a number from 0 to 1, got 2"),
        ("init_radius", Given::Number(-1.0), "argument 'init_radius': expected a finite number of at least 0, got -1"),
        (
            "batch_wait",
            Given::Number(-1.0),
            "argument 'batch_wait': expected a finite number of seconds, at least 0, got -1",
        ),
        (
            "batch_wait",
            Given::Number(1e300),
            "argument 'batch_wait': expected a finite number of seconds, at least 0, got",
        ),
        ("adapt", Given::Number(2.0), "argument 'adapt': expected true (1) or false (0), got 2"),
        (
            "metric",
            Given::Number(7.0),
            "argument 'metric': expected unit_e (0), diag_e (1), dense_e (2), fisher_diag (3), fisher_dense (4), low_rank (5) or auto (6), got 7",
        ),
        (
            "metric",
            Given::Text("dens_e"),
            "argument 'metric': expected unit_e (0), diag_e (1), dense_e (2), fisher_diag (3), fisher_dense (4), low_rank (5) or auto (6), got 'dens_e'; did you mean 'dense_e'?",
        ),
        ("seed", Given::Number(2f64.powi(60)), "argument 'seed': expected at most 2^53 as a double; larger ones as"),
        ("max_dpeth", Given::Whole(3), "argument 'max_dpeth': not an option; did you mean 'max_depth'?"),
        ("xyzzy", Given::Whole(3), "argument 'xyzzy': not an option; there are num_chains, init_chain_id, seed, "),
    ];
    for (name, given, expected) in cases {
        let got = refused(name, given);
        assert!(got.starts_with(expected), "{got}");
    }
    assert_eq!(nearest("refersh", ["thin", "refresh"]), Some("refresh"));
    assert_eq!(nearest("xyzzy", ["thin", "refresh"]), None);
}

#[test]
fn ids_begin_at_1_and_never_wrap() {
    let options =
        |init_chain_id, num_chains| SampleOptions { init_chain_id, num_chains, ..Default::default() }.validate();
    let refused = |first, chains| {
        let error = options(first, chains).unwrap_err();
        assert_eq!(error.argument_name(), Some("init_chain_id"), "{error}");
        error.to_string()
    };
    assert_eq!(refused(0, 1), "argument 'init_chain_id': expected at least 1, got 0");
    options(MAX_CHAIN_ID, 1).unwrap();
    options(MAX_CHAIN_ID - 3, 4).unwrap();
    assert_eq!(
        refused(MAX_CHAIN_ID - 2, 4),
        "argument 'init_chain_id': expected an id of at least 1 that leaves room for 4 chains, at most 9223372036854775804, \
         got 9223372036854775805"
    );
    refused(MAX_CHAIN_ID, 2);
    refused(MAX_CHAIN_ID + 1, 1);
    refused(u64::MAX, 2);
    refused(2, usize::MAX);
    options(1, MAX_CHAIN_ID as usize).unwrap();
    // By name as well, whichever comes second.
    let mut set = OptionSet::default();
    set.set("num_chains", Given::Whole(1)).unwrap();
    set.set("init_chain_id", Given::Whole(MAX_CHAIN_ID)).unwrap();
    let error = set.set("num_chains", Given::Whole(2)).unwrap_err();
    assert_eq!((error.argument_name(), set.get("num_chains").unwrap()), (Some("init_chain_id"), Value::Whole(1)));
}

#[test]
fn adaptations_options_are_kept_while_it_is_off() {
    let mut set = OptionSet::default();
    set.set("adapt", Given::Text("false")).unwrap();
    set.set("delta", Given::Number(0.9)).unwrap();
    assert_eq!(set.options().adaptation, None);
    assert!(set.set("delta", Given::Number(2.0)).is_err(), "also while it is off");
    set.set("adapt", Given::Text("1")).unwrap();
    // A target that is given is kept.
    let given = Adaptation { delta: 0.9, raise_delta: false, ..Default::default() };
    assert_eq!(set.options().adaptation, Some(given));
}

/// What a service gives for these options: every number it writes, in bits.
fn given_by(service: Service, options: &SampleOptions) -> Vec<u64> {
    let model = Correlated { dim: 2, rho: 0.5 };
    let mut writers: Vec<TableWriter> = (0..options.num_chains).map(|_| TableWriter::new()).collect();
    let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
    match service {
        Service::Nuts => sample_nuts(&model, options, io).map(drop),
        Service::Static => sample_hmc_static(&model, options, io).map(drop),
        Service::FixedParam => sample_fixed_param(&model, options, io).map(drop),
        Service::GenerateQuantities => {
            let names = model.names();
            let draws = GivenDraws { names, chains: vec![&[0.5, -0.5, 1.5, 0.25][..]; options.num_chains] };
            generate_quantities(&model, options, &draws, io).map(drop)
        }
        Service::Diagnose
        | Service::LogDensity
        | Service::Population
        | Service::Smc
        | Service::Pathfinder
        | Service::Variational
        | Service::Optimize
        | Service::Laplace => unreachable!("they take options of their own"),
    }
    .unwrap();
    writers.iter().flat_map(|w| w.values().iter().map(|x| x.to_bits())).collect()
}

#[test]
fn a_service_leaves_alone_what_it_does_not_take() {
    let short = SampleOptions { num_chains: 2, num_warmup: 30, num_samples: 15, refresh: 0, ..SampleOptions::stan() };
    let short = OptionSet::from(&short);
    for service in [Service::Nuts, Service::Static, Service::FixedParam, Service::GenerateQuantities] {
        let expected = given_by(service, &short.options());
        for row in OPTIONS.iter().filter(|row| !row.services.contains(&service)) {
            let mut set = short.clone();
            set.set(row.name, Given::Text(&row.kind.text(other(row)))).unwrap();
            assert!(given_by(service, &set.options()) == expected, "{} and {}", service.name(), row.name);
        }
        // And takes what decides its numbers.
        let decides: &[&str] = match service {
            Service::Nuts => {
                &["seed", "init_chain_id", "num_warmup", "thin", "metric", "stepsize_jitter", "adapt", "delta"]
            }
            Service::Static => &["seed", "int_time", "num_samples", "save_warmup", "gamma", "init_radius"],
            Service::FixedParam => &["seed", "init_chain_id", "num_samples", "thin", "init_radius"],
            _ => &[],
        };
        for name in decides {
            let row = OPTIONS.iter().find(|row| row.name == *name).unwrap();
            assert!(row.services.contains(&service));
            let mut set = short.clone();
            set.set(name, Given::Text(&row.kind.text(other(row)))).unwrap();
            assert!(given_by(service, &set.options()) != expected, "{} and {name}", service.name());
        }
    }
}

/// Options of the C ABI, freed in the end.
struct Options(*mut catena_options);

impl Options {
    fn new() -> Self {
        let mut options = null_mut();
        assert_eq!(unsafe { catena_options_new(&mut options, null_mut()) }, catena_status::CATENA_OK);
        Self(options)
    }

    fn get(&self, name: &CStr) -> String {
        let mut text = [0 as c_char; 32];
        let status = unsafe { catena_options_get(self.0, name.as_ptr(), text.as_mut_ptr(), text.len(), null_mut()) };
        assert_eq!(status, catena_status::CATENA_OK);
        unsafe { CStr::from_ptr(text.as_ptr()) }.to_str().unwrap().to_string()
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        unsafe { catena_options_free(self.0) };
    }
}

/// Argument and message of the error of a call that must be refused.
fn refused(f: impl FnOnce(*mut *mut catena_error) -> catena_status) -> (String, String) {
    let mut error = null_mut();
    assert_eq!(f(&mut error), catena_status::CATENA_INVALID_ARGUMENT);
    let text = |p: *const c_char| unsafe { CStr::from_ptr(p) }.to_str().unwrap().to_string();
    let found = unsafe { (text(catena_error_argument(error)), text(catena_error_message(error))) };
    assert_eq!(unsafe { catena_error_code(error) }, catena_status::CATENA_INVALID_ARGUMENT);
    unsafe { catena_error_free(error) };
    found
}

#[test]
fn every_row_is_settable_by_name_through_the_abi() {
    for row in OPTIONS {
        let name = CString::new(row.name).unwrap();
        let value = other(row);
        let text = row.kind.text(value.clone());
        let c_text = CString::new(text.clone()).unwrap();
        let options = Options::new();
        assert_eq!(options.get(&name), row.default_text());
        let ok = catena_status::CATENA_OK;
        assert_eq!(unsafe { catena_options_set(options.0, name.as_ptr(), c_text.as_ptr(), null_mut()) }, ok);
        assert_eq!(options.get(&name), text);
        let (mut number, mut whole) = (f64::NAN, 0);
        let mut get_number = |e| unsafe { catena_options_get_number(options.0, name.as_ptr(), &mut number, e) };
        if row.kind == Kind::Names {
            assert_eq!(refused(get_number).0, "name");
            continue;
        }
        assert_eq!(get_number(null_mut()), ok);
        assert_eq!(number, value.number());
        let get_whole = |place, e| unsafe { catena_options_get_integer(options.0, name.as_ptr(), place, e) };
        match value.whole() {
            Some(n) => {
                assert_eq!((get_whole(&mut whole, null_mut()), whole), (ok, n));
                let again = Options::new();
                assert_eq!(unsafe { catena_options_set_integer(again.0, name.as_ptr(), n, null_mut()) }, ok);
                assert_eq!(again.get(&name), text);
            }
            None => assert_eq!(refused(|e| get_whole(&mut whole, e)).0, "name"),
        }
        let again = Options::new();
        assert_eq!(unsafe { catena_options_set_number(again.0, name.as_ptr(), number, null_mut()) }, ok);
        assert_eq!(again.get(&name), text);
    }
}

#[test]
fn the_abi_lists_every_row() {
    let text = |p: *const c_char| unsafe { CStr::from_ptr(p) }.to_str().unwrap();
    let list = |mut p: *const *const c_char| {
        let mut all = Vec::new();
        while let Some(one) = unsafe { p.as_ref() }.filter(|one| !one.is_null()) {
            all.push(text(*one));
            p = p.wrapping_add(1);
        }
        all
    };
    assert_eq!(catena_options_count(), OPTIONS.len());
    assert!(catena_options_at(OPTIONS.len()).is_null());
    for (i, row) in OPTIONS.iter().enumerate() {
        let option = unsafe { &*catena_options_at(i) };
        assert_eq!((text(option.name), text(option.help)), (row.name, row.help));
        assert_eq!(text(option.default_value), row.default_text());
        assert_eq!(text(option.range), row.kind.range());
        assert_eq!((option.least, option.greatest), row.kind.bounds());
        let kind = match row.kind {
            Kind::Whole(..) => catena_option_kind::CATENA_OPTION_WHOLE,
            Kind::Real(_) => catena_option_kind::CATENA_OPTION_REAL,
            Kind::Switch => catena_option_kind::CATENA_OPTION_SWITCH,
            Kind::Choice(_) => catena_option_kind::CATENA_OPTION_CHOICE,
            Kind::Names => catena_option_kind::CATENA_OPTION_NAMES,
        };
        assert_eq!(option.kind, kind);
        assert_eq!(option.choices.is_null(), row.kind.choices().is_empty());
        assert_eq!(list(option.choices), row.kind.choices().iter().map(|c| c.name).collect::<Vec<_>>());
        for (k, choice) in row.kind.choices().iter().enumerate() {
            assert_eq!(unsafe { *option.choice_numbers.add(k) }, choice.number);
        }
        assert_eq!(list(option.services), row.services.iter().map(|s| s.name()).collect::<Vec<_>>());
    }
}

#[test]
fn bad_calls_by_name_are_refused() {
    let options = Options::new();
    let (o, thin) = (options.0, c"thin".as_ptr());
    let set = |o, name, value| refused(|e| unsafe { catena_options_set(o, name, value, e) });
    assert_eq!(set(null_mut(), thin, c"1".as_ptr()).0, "options");
    assert_eq!(set(o, null(), c"1".as_ptr()).0, "name");
    assert_eq!(set(o, thin, null()).0, "value");
    assert_eq!(set(o, thin, c"0".as_ptr()).1, "argument 'thin': expected at least 1, got 0");
    assert_eq!(set(o, c"thn".as_ptr(), c"1".as_ptr()).1, "argument 'thn': not an option; did you mean 'thin'?");
    assert_eq!(refused(|e| unsafe { catena_options_set_number(o, c"dleta".as_ptr(), 0.5, e) }).0, "dleta");
    assert_eq!(refused(|e| unsafe { catena_options_set_integer(o, null(), 1, e) }).0, "name");
    assert_eq!(refused(|e| unsafe { catena_options_get_number(o, thin, null_mut(), e) }).0, "value");
    assert_eq!(refused(|e| unsafe { catena_options_get_integer(null(), thin, null_mut(), e) }).0, "options");
    let mut text = [1 as c_char; 2];
    let mut get =
        |name: &CStr, size| refused(|e| unsafe { catena_options_get(o, name.as_ptr(), text.as_mut_ptr(), size, e) });
    assert_eq!(get(c"num_samples", 4), ("size".into(), "argument 'size': expected at least 5, got 4".into()));
    assert_eq!(get(c"thin", 0).0, "size");
    assert_eq!(refused(|e| unsafe { catena_options_get(o, thin, null_mut(), 9, e) }).0, "value");
}

#[test]
fn numbers_of_choices_are_those_of_the_header() {
    use catena_metric::*;
    use catena_on_failure::*;
    let metrics = [(CATENA_METRIC_UNIT_E as i32, MetricKind::Unit), (CATENA_METRIC_DIAG_E as i32, MetricKind::Diag)];
    assert!(metrics.iter().all(|(n, kind)| *n == *kind as i32));
    assert_eq!(CATENA_METRIC_DENSE_E as i32, MetricKind::Dense as i32);
    assert_eq!(CATENA_ON_FAILURE_STOP_CHAIN as i32, FailurePolicy::StopChain as i32);
    assert_eq!(CATENA_ON_FAILURE_STOP_RUN as i32, FailurePolicy::StopRun as i32);
}

//! Init contexts: JSON by Stan's conventions, positions, and how coordinates are set from them by name.

use catena::Code;
use catena::io::{PositionInit, Values, check_json};
use catena::model::{Density, InitContext, NoInit, Refusal, SerialReducer, Task, Variable, WorkerError};
use catena::random::{Purpose, Stream};
use std::sync::Mutex;

fn get(init: &Values, name: &str) -> Variable {
    init.variable(name).unwrap().unwrap_or_else(|| panic!("no variable {name}"))
}

fn variable(shape: &[usize], values: &[f64]) -> Variable {
    Variable { shape: shape.to_vec(), values: values.to_vec() }
}

/// The message of the error that `text` must give.
fn message(text: &str) -> String {
    let error = Values::from_json(text).expect_err(text);
    assert_eq!(error.code(), Code::Io, "{text}");
    error.to_string()
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(message(text), format!("init JSON, {expected}"), "for {text}");
}

#[test]
fn numbers_and_arrays_keep_value_and_shape() {
    let text = r#"{"i": 3, "r": -2.5e-3, "v": [1, 2.5, 3], "empty": [], "none": [[], []],
                   "big": 18446744073709551615, "least": 5e-324, "third": 0.1}"#;
    let init = Values::from_json(text).unwrap();
    assert_eq!(get(&init, "i"), variable(&[], &[3.0]));
    assert_eq!(get(&init, "r"), variable(&[], &[-2.5e-3]));
    assert_eq!(get(&init, "v"), variable(&[3], &[1.0, 2.5, 3.0]));
    assert_eq!(get(&init, "empty"), variable(&[0], &[]));
    assert_eq!(get(&init, "none"), variable(&[2, 0], &[]));
    assert_eq!(get(&init, "big"), variable(&[], &[18446744073709551615.0]));
    assert_eq!(get(&init, "least"), variable(&[], &[5e-324]));
    assert_eq!(get(&init, "third"), variable(&[], &[0.1]));
    assert_eq!(init.variable("w").unwrap(), None);
    assert_eq!(init.position(), None);
}

#[test]
fn nested_arrays_come_out_first_index_fastest() {
    let init = Values::from_json(r#"{"m": [[11, 12, 13], [21, 22, 23]]}"#).unwrap();
    assert_eq!(get(&init, "m"), variable(&[2, 3], &[11.0, 21.0, 12.0, 22.0, 13.0, 23.0]));
    let text = r#"{"a": [[[111,112],[121,122],[131,132]], [[211,212],[221,222],[231,232]]]}"#;
    let a = get(&Values::from_json(text).unwrap(), "a");
    assert_eq!(a.shape, [2, 3, 2]);
    for (at, value) in a.values.iter().enumerate() {
        let (i, j, k) = (at % 2 + 1, at / 2 % 3 + 1, at / 6 + 1);
        assert_eq!(*value, (100 * i + 10 * j + k) as f64);
    }
}

#[test]
fn special_numbers_are_taken_as_strings_and_as_bare_words() {
    let text = r#"{"s": ["NaN", "Inf", "+Inf", "-Inf", "Infinity", "+Infinity", "-Infinity"],
                   "b": [NaN,Inf, -Inf ,Infinity,-Infinity], "x":NaN}"#;
    let init = Values::from_json(text).unwrap();
    let inf = f64::INFINITY;
    let s = get(&init, "s").values;
    assert!(s[0].is_nan());
    assert_eq!(s[1..], [inf, inf, -inf, inf, inf, -inf]);
    let b = get(&init, "b").values;
    assert!(b[0].is_nan());
    assert_eq!(b[1..], [inf, -inf, inf, -inf]);
    assert!(get(&init, "x").values[0].is_nan());
}

#[test]
fn bare_words_inside_strings_and_longer_words_are_left_alone() {
    let init = Values::from_json(r#"{"NaN": 1, "a NaN, [Inf]": 2, "q\"NaN": 3, "b\\": NaN}"#).unwrap();
    assert_eq!(init.names().collect::<Vec<_>>(), ["NaN", "a NaN, [Inf]", "q\"NaN", "b\\"]);
    assert_eq!(get(&init, "q\"NaN").values, [3.0]);
    assert!(get(&init, "b\\").values[0].is_nan());
    refused(r#"{"a": NaNs}"#, "line 1, column 7: expected value");
    refused(r#"{"a": 1NaN}"#, "line 1, column 8: expected `,` or `}`");
    refused(r#"{"a": -NaN}"#, "line 1, column 8: invalid number");
    refused("{NaN: 1}", "line 1, column 2: key must be a string");
    refused("{Inf : 1}", "line 1, column 2: key must be a string");
}

#[test]
fn tuples_become_variables_of_their_own() {
    let init = Values::from_json(r#"{"t": {"1": 1.5, "2": {"1": [1, 2], "2": 4}}, "z": {}}"#).unwrap();
    assert_eq!(init.names().collect::<Vec<_>>(), ["t.1", "t.2.1", "t.2.2"]);
    assert_eq!(get(&init, "t.2.1"), variable(&[2], &[1.0, 2.0]));
    assert!(message(r#"{"t": [1, {"1": 2}]}"#).contains("variable 't[2]'"));
    assert!(message(r#"{"t": [{"1": 2}]}"#).contains("got an object (arrays of tuples are not supported)"));
    assert!(message(r#"{"t.1": 1, "t": {"1": 2}}"#).contains("variable 't.1' is given twice"));
}

#[test]
fn errors_say_variable_index_line_and_column() {
    refused("", "line 1, column 1: EOF while parsing a value");
    refused("[1]", "line 1, column 1: invalid type: sequence, expected an object of variables");
    refused("{\"a\": true}", "line 1, column 10: variable 'a': expected a number or an array of numbers, got true");
    refused(
        "{\n \"a\": [1, null]}",
        "line 2, column 14: variable 'a[2]': expected a number or an array of numbers, got null",
    );
    refused(
        r#"{"a": "one"}"#,
        "line 1, column 11: variable 'a': expected a number or an array of numbers, got the string \"one\"",
    );
    refused(
        "{\"a\": [[1, 2],\n[3]]}",
        "line 2, column 3: variable 'a[2]': expected length 2, as the array before it, got length 1",
    );
    refused(
        "{\"a\": [[[1],[2]],\n[[3],[4,5]]]}",
        "line 2, column 10: variable 'a[2,2]': expected length 1, as the array before it, got length 2",
    );
    refused(
        "{\"a\": [1, [2]]}",
        "line 1, column 11: variable 'a[2]': expected a number, as the elements before it, got an array",
    );
    refused(
        "{\"a\": [[1], 2]}",
        "line 1, column 13: variable 'a[2]': expected an array, as the elements before it, got a number",
    );
    refused(
        "{\"a\": [[], 2]}",
        "line 1, column 12: variable 'a[2]': expected an array, as the elements before it, got a number",
    );
    refused("{\"a\": 1e400}", "line 1, column 11: number out of range");
    assert!(message("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}").contains("line 3, column"));
    assert!(message("{\"a\": 1, \"a\": 3}").contains("variable 'a' is given twice"));
    assert!(message("{\"a\": 1} x").contains("line 1, column 10: trailing characters"));
}

#[test]
fn columns_count_the_text_as_it_was_given() {
    // The same fault after bare words and after numbers of the same width stands in the same place.
    for (words, numbers) in [
        ("{\"a\": [NaN, -Infinity, Inf, true]}", "{\"a\": [123, 123456789, 123, true]}"),
        ("{\"a\": [NaN, NaN],\n \"b\": [NaN true]}", "{\"a\": [123, 123],\n \"b\": [123 true]}"),
        ("{\"a\": [[NaN, Inf], [NaN]]}", "{\"a\": [[123, 123], [123]]}"),
        ("{\"a\": [[NaN], NaN]}", "{\"a\": [[123], 123]}"),
        ("{\"a\": NaN\n, \"b\": -Inf", "{\"a\": 123\n, \"b\": 1234"),
    ] {
        let (words, numbers) = (message(words), message(numbers));
        assert_eq!(words, numbers);
    }
}

#[test]
fn files_are_read_and_named_in_errors() {
    let path = std::env::temp_dir().join(format!("catena_io_json_{}.json", std::process::id()));
    std::fs::write(&path, "{\"a\": [1, 2]}").unwrap();
    assert_eq!(get(&Values::from_json_file(&path).unwrap(), "a").values, [1.0, 2.0]);
    std::fs::write(&path, "{\"a\": [1, 2}").unwrap();
    let error = Values::from_json_file(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("file '{}', line 1, column 12: expected `,` or `]`", path.display()));
    std::fs::write(&path, b"{\"a\": \xff}").unwrap();
    assert!(Values::from_json_file(&path).unwrap_err().to_string().contains("UTF-8"));
    std::fs::remove_file(&path).unwrap();
    let error = Values::from_json_file(&path).unwrap_err();
    assert_eq!(error.code(), Code::Io);
    assert!(error.to_string().contains(&path.display().to_string()));
}

#[test]
fn any_structure_is_checked_with_line_and_column() {
    let text = "{\"a\": [{\"1\": 2, \"2\": [Inf, -Infinity, NaN]}],\n \"b\": true}\n";
    check_json(text, "data").unwrap();
    let error = check_json(&text.replace("true", "[1 2]"), "data").unwrap_err();
    assert_eq!(error.code(), Code::Io);
    assert_eq!(error.to_string(), "data, line 2, column 10: expected `,` or `]`");
    assert!(check_json("{} {}", "data").is_err() && check_json("", "data").is_err());
}

#[test]
fn names_never_asked_for_are_reported_in_order() {
    let init = Values::from_json(r#"{"b": 1, "a": 2, "c": 3}"#).unwrap();
    assert_eq!(init.unused(), ["b", "a", "c"]);
    std::thread::scope(|scope| {
        scope.spawn(|| init.variable("a").unwrap());
        scope.spawn(|| init.variable("absent").unwrap());
    });
    assert_eq!(init.unused(), ["b", "c"]);
}

#[test]
fn a_position_is_copied_and_may_hold_nan_but_no_infinity() {
    let init = PositionInit::new(&[1.0, f64::NAN, -0.0]).unwrap();
    let position = init.position().unwrap();
    assert_eq!(position[0], 1.0);
    assert!(position[1].is_nan());
    assert!(position[2] == 0.0 && position[2].is_sign_negative());
    assert_eq!(init.variable("x").unwrap(), None);
    let error = PositionInit::new(&[0.0, f64::NEG_INFINITY]).unwrap_err();
    assert_eq!(error.argument_name(), Some("position"));
    assert!(error.message().contains("-inf at index 1"));
}

/// A density known by the names of its coordinates alone.
struct Named(Vec<String>);

impl Density for Named {
    type Worker = ();

    fn dim(&self) -> usize {
        self.0.len()
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], _: &mut [f64]) -> Result<f64, Refusal> {
        unreachable!("initial values need no evaluation")
    }

    fn names(&self) -> Vec<String> {
        self.0.clone()
    }
}

fn initialize(names: &[String], init: &dyn InitContext) -> Result<Vec<f64>, String> {
    let mut position = vec![f64::NAN; names.len()];
    let mut random = Stream::new(1, 1, Purpose::Init);
    let mut message = String::new();
    let reducer = SerialReducer(|| ());
    let mut task = Task::new(1, &mut random, &mut message, &reducer);
    match Named(names.to_vec()).initialize(&mut (), &mut task, init, &mut position) {
        Ok(()) => Ok(position),
        Err(refusal) => {
            assert_eq!(refusal, Refusal::Stop);
            Err(message)
        }
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// NaN would not compare equal to itself.
fn drawn_as(values: Vec<f64>, mark: f64) -> Vec<f64> {
    values.into_iter().map(|x| if x.is_nan() { mark } else { x }).collect()
}

#[test]
fn coordinates_are_set_by_name_and_as_elements_of_arrays() {
    let names = strings(&["mu", "m.1.1", "m.2.1", "m.1.2", "m.2.2", "tau", "v.1", "v.2"]);
    let init = Values::from_json(r#"{"m": [[11, 12], [21, 22]], "mu": -1, "v.2": [5], "other": 1}"#).unwrap();
    let position = drawn_as(initialize(&names, &init).unwrap(), 99.0);
    assert_eq!(position, [-1.0, 11.0, 21.0, 12.0, 22.0, 99.0, 99.0, 5.0]);
    assert_eq!(init.unused(), ["other"]);
    // A name of its own wins over the array, and does not shift the array's other elements.
    let init = Values::from_json(r#"{"v": [1, 2], "v.1": 7, "tau": "NaN"}"#).unwrap();
    let position = drawn_as(initialize(&names, &init).unwrap(), 99.0);
    assert_eq!(position, [99.0, 99.0, 99.0, 99.0, 99.0, 99.0, 7.0, 2.0]);
    assert!(initialize(&names, &NoInit).unwrap().iter().all(|x| x.is_nan()));
}

#[test]
fn wrong_numbers_of_values_stop_with_a_message() {
    let names = strings(&["mu", "v.1", "v.2"]);
    let with = |text: &str| initialize(&names, &Values::from_json(text).unwrap()).unwrap_err();
    assert_eq!(with(r#"{"mu": [1, 2]}"#), "init 'mu': expected 1 value, got 2");
    assert_eq!(with(r#"{"v": [1, 2, 3]}"#), "init 'v': expected 2 values, got 3");
    assert_eq!(with(r#"{"v": 1}"#), "init 'v': expected 2 values, got 1");
}

#[test]
fn an_array_is_asked_for_once_whatever_its_size() {
    #[derive(Default)]
    struct Counting(Mutex<Vec<String>>);
    impl InitContext for Counting {
        fn variable(&self, name: &str) -> Result<Option<Variable>, catena::Error> {
            self.0.lock().unwrap().push(name.to_owned());
            Ok(None)
        }
    }
    let names: Vec<String> = (1..=5000).map(|i| format!("x.{i}")).collect();
    let init = Counting::default();
    initialize(&names, &init).unwrap();
    let asked = init.0.into_inner().unwrap();
    assert_eq!(asked.len(), names.len() + 1);
    assert_eq!(asked.iter().filter(|name| *name == "x").count(), 1);
}

use crate::error::Code;
use crate::io::Values;
use crate::model::Variable;

fn get(text: &str, name: &str) -> Variable {
    Values::from_dump(text).unwrap_or_else(|e| panic!("{text}: {e}")).get(name).expect(name).clone()
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = Values::from_dump(text).expect_err(text);
    assert_eq!(error.code(), Code::Io);
    assert_eq!(error.to_string(), format!("R dump, {expected}"), "for {text}");
}

#[test]
fn numbers_vectors_and_sequences_keep_value_and_shape() {
    let text = "# rstan\nN <- 8L\n\"y\" <-\nc(28, -8.5 , 3e2,\n 1.5E-3)#end\n`mu.0` = -.5; s <- 5:2;v<- c(1:3,-1:1, 7)\r\none <- c(4)\n\
                empty <- integer(0)\nz <- double(2)\nnone <- c()\nr <- 1:1";
    assert_eq!(get(text, "N"), Variable { shape: vec![], values: vec![8.0] });
    assert_eq!(get(text, "y"), Variable { shape: vec![4], values: vec![28.0, -8.5, 300.0, 0.0015] });
    assert_eq!(get(text, "mu.0"), Variable { shape: vec![], values: vec![-0.5] });
    assert_eq!(get(text, "s").values, [5.0, 4.0, 3.0, 2.0]);
    assert_eq!(get(text, "v").values, [1.0, 2.0, 3.0, -1.0, 0.0, 1.0, 7.0]);
    assert_eq!(get(text, "one").shape, [1]);
    assert_eq!(get(text, "r").shape, [1]);
    assert_eq!(get(text, "empty"), Variable { shape: vec![0], values: vec![] });
    assert_eq!(get(text, "none").shape, [0]);
    assert_eq!(get(text, "z").values, [0.0, 0.0]);
    let names: Vec<String> = Values::from_dump(text).unwrap().names().map(str::to_owned).collect();
    assert_eq!(names, ["N", "y", "mu.0", "s", "v", "one", "empty", "z", "none", "r"]);
}

#[test]
fn arrays_have_the_first_index_fastest() {
    let text = "m <- structure(c(11, 21, 12, 22, 13, 23), .Dim = c(2L, 3L))\na <-\nstructure(1:8, dim=c(2,2,2))\n\
                e <- structure(integer(0), .Dim = c(0L, 3L))";
    assert_eq!(get(text, "m"), Variable { shape: vec![2, 3], values: vec![11.0, 21.0, 12.0, 22.0, 13.0, 23.0] });
    assert_eq!(get(text, "a").shape, [2, 2, 2]);
    assert_eq!(get(text, "e"), Variable { shape: vec![0, 3], values: vec![] });
}

#[test]
fn special_numbers() {
    let v = get("x <- c(NaN, Inf, -Inf, +Inf, -0.0)", "x").values;
    assert!(v[0].is_nan() && v[1] == f64::INFINITY && v[2] == f64::NEG_INFINITY && v[3] == f64::INFINITY);
    assert!(v[4] == 0.0 && v[4].is_sign_negative());
}

#[test]
fn errors_have_line_and_column() {
    refused("N <- 8\ny <- c(1, two)", "line 2, column 11: variable 'y': expected a number, got 'two'");
    refused("y <- c(1 2)", "line 1, column 10: variable 'y': expected ',' or ')', got '2'");
    refused("y <- c(1,", "line 1, column 10: variable 'y': expected a number, got the end of the text");
    refused("y 3", "line 1, column 3: expected '<-' after the name 'y', got '3'");
    refused("3 <- y", "line 1, column 1: expected the name of a variable, got '3'");
    refused("\"y <- 1", "line 1, column 1: expected a closing \" in the same line");
    refused("y <- 1 + 2", "line 1, column 8: variable 'y': expected the end of the line after the value, got '+'");
    refused("y <- 1\n y <- 2", "line 2, column 2: variable 'y' is given twice");
    refused("y <- 1.5L", "line 1, column 6: variable 'y': expected a whole number before L, got 1.5");
    refused(
        "y <- 1.5:3",
        "line 1, column 6: variable 'y': expected a sequence of whole numbers of at most 1e9 elements, got 1.5:3",
    );
    refused(
        "y <- 1:1e300",
        &format!(
            "line 1, column 6: variable 'y': expected a sequence of whole numbers of at most 1e9 elements, got 1:{}",
            1e300
        ),
    );
    refused("y <- 12a", "line 1, column 6: variable 'y': expected a number, got '12a'");
    refused(
        "y <- c(1,NA)",
        "line 1, column 10: variable 'y': expected a number, got NA: a missing value is none; leave the variable out or give NaN",
    );
    refused(
        "y <- structure(1:6, .Dim = c(2, 2))",
        "line 1, column 28: variable 'y': expected as many elements as dimensions 2 x 2 have, got 6",
    );
    refused(
        "y <- structure(1:6, .Dim = c(-2, 3))",
        "line 1, column 28: variable 'y': expected whole numbers of at least 0 as dimensions, got -2",
    );
    refused(
        "y <- structure(1:6, names = 3)",
        "line 1, column 21: variable 'y': expected the attribute '.Dim', got 'names'",
    );
    refused(
        "y <- integer(-1)",
        "line 1, column 14: variable 'y': expected a whole number of at least 0 as length, got -1",
    );
    refused("y <- \"text\"", "line 1, column 6: variable 'y': expected a number, got '\"'");
}

#[test]
fn as_json_the_values_are_the_same() {
    let text = "N <- 8L; big <- 3000000000; y <- c(0.1, -2, NaN, Inf, -Inf, -0.0)\n\
                m <- structure(c(11, 21, 12, 22, 13, 23), .Dim = c(2L, 3L)); e <- structure(integer(0), .Dim = c(2L, 0L))";
    let dump = Values::from_dump(text).unwrap();
    let json = dump.to_json();
    assert_eq!(
        json,
        "{\n  \"N\": 8,\n  \"big\": 3000000000.0,\n  \"y\": [0.1, -2, \"NaN\", \"Inf\", \"-Inf\", -0.0],\n  \
         \"m\": [[11, 12, 13], [21, 22, 23]],\n  \"e\": [[], []]\n}\n"
    );
    let back = Values::from_json(&json).unwrap();
    for name in dump.names() {
        let (a, b) = (dump.get(name).unwrap(), back.get(name).unwrap());
        assert_eq!(a.shape, b.shape, "{name}");
        let bits = |v: &Variable| v.values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(a), bits(b), "{name}");
    }
}

#[test]
fn files_are_read_by_their_extension() {
    let folder = std::env::temp_dir();
    let path = |extension: &str| folder.join(format!("catena-values-{}.{extension}", std::process::id()));
    std::fs::write(path("R"), "a <- 2").unwrap();
    std::fs::write(path("json"), "{\"a\": 3}").unwrap();
    assert_eq!(Values::from_file(path("R")).unwrap().get("a").unwrap().values, [2.0]);
    assert_eq!(Values::from_file(path("json")).unwrap().get("a").unwrap().values, [3.0]);
    std::fs::remove_file(path("R")).unwrap();
    std::fs::remove_file(path("json")).unwrap();
    assert!(Values::from_file(path("R")).unwrap_err().to_string().contains("catena-values"));
}

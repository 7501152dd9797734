//! Stan CSV: the text of numbers, whole lines, files that are made, gone on with and cut by failures.

use catena::Code;
use catena::io::{CsvWriter, MAX_SIG_FIGS, OutputFile, Writer, shortest};
use std::ffi::CString;
use std::io::{self, Write};
use std::path::PathBuf;

/// Marsaglia's xorshift64.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// One value a line.
fn written(sig_figs: u32, values: &[f64]) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut writer = CsvWriter::new(&mut bytes, sig_figs).unwrap();
    for value in values {
        writer.row(&[*value]).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

/// What C's `printf("%.{n}g", x)` writes.
fn printed_by_c(n: u32, x: f64) -> String {
    let format = CString::new(format!("%.{n}g")).unwrap();
    let mut buffer = [0u8; 64];
    // SAFETY: the buffer's size is passed, the format takes one double, and the result is ended by a zero byte.
    let length = unsafe { libc::snprintf(buffer.as_mut_ptr().cast(), buffer.len(), format.as_ptr(), x) };
    String::from_utf8(buffer[..length as usize].to_vec()).unwrap()
}

/// Values where digits carry, exponents change or the notation does.
fn edge_values() -> Vec<f64> {
    let mut values = vec![
        0.0,
        1.0,
        7.0,
        0.1,
        0.5,
        0.25,
        1e-4,
        9.9999e-5,
        9.99999999e-5,
        1e-5,
        123456.0,
        1234565.0,
        999999.5,
        9999995.0,
        123456789.0,
        1e15,
        1e16,
        1e17,
        1e22,
        1e23,
        1e100,
        5e-324,
        1.5e-323,
        2.2250738585072014e-308,
        2.225073858507201e-308,
        f64::MAX,
        f64::EPSILON,
        9007199254740993.0,
        0.000244140625,
        2.5,
        0.125,
        1.0000000000000002,
        999999999999999.9,
    ];
    for exponent in -20..20 {
        for digits in [1.0, 9.5, 9.99995, 1.5, 2.5, 4.4999995] {
            values.push(digits * 10f64.powi(exponent));
        }
    }
    let negative: Vec<f64> = values.iter().map(|x| -x).collect();
    values.extend(negative);
    values
}

#[test]
fn shortest_text_is_plain() {
    for (value, text) in [
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1.2e-7, "1.2e-07"),
        (7.0, "7"),
        (0.0, "0"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1e-4, "0.0001"),
        (1e-5, "1e-05"),
        (123456789.0, "123456789"),
        (1234567.5, "1234567.5"),
        (9007199254740992.0, "9007199254740992"),
        (1e16, "1e+16"),
        (-1.5e300, "-1.5e+300"),
        (5e-324, "5e-324"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(written(0, &[value]), [text]);
        assert_eq!(shortest(value), text);
    }
}

#[test]
fn shortest_text_reads_back_to_the_same_bits() {
    let mut bits = Bits(0x9E37_79B9_7F4A_7C15);
    let mut values: Vec<f64> = (0..100_000).map(|_| f64::from_bits(bits.next())).filter(|x| x.is_finite()).collect();
    // Ordinary magnitudes too: random bits are mostly huge or tiny.
    values.extend((0..100_000).map(|_| (bits.next() >> 11) as f64 / (1u64 << 40) as f64 - 4096.0));
    values.extend((0..20_000).map(|_| f64::from_bits(bits.next() >> 12))); // denormals
    values.extend((0..20_000).map(|_| (bits.next() >> (bits.next() % 64)) as f64));
    values.extend(edge_values());
    for (value, text) in values.iter().zip(written(0, &values)) {
        let back: f64 = text.parse().unwrap();
        assert_eq!(back.to_bits(), value.to_bits(), "{text} for {value:e}");
        assert!(!text.ends_with(".0") && !text.contains('E') && text.len() <= 24, "{text}");
    }
}

#[test]
fn significant_digits_are_those_of_c() {
    let mut bits = Bits(0x2545_F491_4F6C_DD1D);
    let mut values: Vec<f64> = (0..30_000).map(|_| f64::from_bits(bits.next())).filter(|x| x.is_finite()).collect();
    values.extend((0..30_000).map(|_| (bits.next() >> 11) as f64 / (1u64 << 43) as f64 - 512.0));
    // Few bits after the point: exact ties are common.
    values.extend((0..30_000).map(|_| (bits.next() >> 40) as f64 / 1024.0));
    // Short decimals, whose last digit is often a 5 at the place of rounding.
    values.extend((0..30_000).map(|_| (bits.next() % 100_000_000) as f64 * 5.0 / 1e7));
    values.extend((0..2_000).map(|_| f64::from_bits(bits.next() >> 12)));
    values.extend(edge_values());
    for n in 1..=MAX_SIG_FIGS {
        for (&value, text) in values.iter().zip(written(n, &values)) {
            assert_eq!(text, printed_by_c(n, value), "%.{n}g of {value:e}");
        }
    }
}

#[test]
fn significant_digits_of_known_values() {
    for (n, value, text) in [
        (6, 1e-5, "1e-05"),
        (6, 1e-4, "0.0001"),
        (6, 123456789.0, "1.23457e+08"),
        (6, 999999.5, "1e+06"),
        (9, 123456789.0, "123456789"),
        (1, 0.25, "0.2"),
        (1, 2.5, "2"),
        (1, 3.5, "4"),
        (2, 0.125, "0.12"),
        (3, 9.995, "9.99"),
        (6, 0.0, "0"),
        (6, -0.0, "-0"),
        (6, 5e-324, "4.94066e-324"),
        (18, 0.1, "0.100000000000000006"),
        (6, 7.0, "7"),
        (6, f64::NAN, "nan"),
        (6, f64::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(written(n, &[value]), [text]);
    }
}

#[test]
fn more_than_18_digits_are_refused() {
    let error = CsvWriter::new(Vec::new(), MAX_SIG_FIGS + 1).unwrap_err();
    assert_eq!((error.code(), error.argument_name()), (Code::InvalidArgument, Some("sig_figs")));
}

#[test]
fn a_whole_file_looks_like_stans() {
    let mut bytes = Vec::new();
    let mut writer = CsvWriter::new(&mut bytes, 6).unwrap();
    writer.comment("method = sample\n  num_samples = 2\n").unwrap();
    writer.names(&names(&["lp__", "n_leapfrog__", "theta.1"])).unwrap();
    writer.message("Adaptation terminated").unwrap();
    writer.row(&[-7.123456789, 7.0, 0.25]).unwrap();
    writer.row(&[f64::NAN, 15.0, -1e-9]).unwrap();
    writer.message("").unwrap();
    writer.finish().unwrap();
    assert_eq!(writer.rows(), 2);
    drop(writer);
    let text = "# method = sample\n#   num_samples = 2\n#\nlp__,n_leapfrog__,theta.1\n# Adaptation terminated\n\
                -7.12346,7,0.25\nnan,15,-1e-09\n#\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
}

#[test]
fn rows_and_names_that_do_not_fit_are_refused() {
    let mut writer = CsvWriter::new(Vec::new(), 0).unwrap();
    let error = writer.names(&names(&["a", "b,c"])).unwrap_err();
    assert_eq!(error.code(), Code::Writer);
    assert!(error.message().contains("\"b,c\""));
    writer.names(&names(&["a", "b"])).unwrap();
    let error = writer.row(&[1.0]).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Writer, "row 1: expected 2 values, got 1"));
    writer.row(&[1.0, 2.0]).unwrap();
}

/// Takes `room` bytes, then is full; notes each piece.
struct Full<'a> {
    room: usize,
    pieces: &'a mut Vec<Vec<u8>>,
}

impl Write for Full<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.room {
            return Err(io::Error::other("no room"));
        }
        self.room -= piece.len();
        self.pieces.push(piece.to_vec());
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_gets_whole_lines_also_without_finish() {
    let mut pieces = Vec::new();
    let mut writer = CsvWriter::new(Full { room: usize::MAX, pieces: &mut pieces }, 0).unwrap();
    writer.names(&names(&["a", "b"])).unwrap();
    for i in 0..50_000 {
        writer.row(&[i as f64 / 7.0, -(i as f64)]).unwrap();
    }
    drop(writer);
    assert!(pieces.len() > 5);
    assert!(pieces.iter().all(|piece| piece.ends_with(b"\n")));
    let text = String::from_utf8(pieces.concat()).unwrap();
    assert_eq!(text.lines().count(), 50_001);
    assert!(text.lines().all(|line| line.split(',').count() == 2));
}

#[test]
fn a_failed_write_is_reported_and_remembered() {
    let mut pieces = Vec::new();
    let mut writer = CsvWriter::new(Full { room: 100_000, pieces: &mut pieces }, 0).unwrap();
    let error = (0..100_000).find_map(|i| writer.row(&[f64::from(i)]).err()).expect("100 kB hold fewer rows");
    assert_eq!((error.code(), error.message()), (Code::Writer, "CSV output failed: no room"));
    assert_eq!(writer.row(&[1.0]).unwrap_err(), error);
    assert_eq!(writer.message("x").unwrap_err(), error);
    assert_eq!(writer.finish().unwrap_err(), error);
    drop(writer);
    assert_eq!(pieces.len(), 1);
    assert!(pieces[0].ends_with(b"\n"));
}

/// A file of this test alone, removed at the end.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("catena_io_csv_{name}_{}.csv", std::process::id())))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }

    fn append(&self) -> Result<CsvWriter<OutputFile>, catena::Error> {
        CsvWriter::append(&self.0, 0)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_is_made_and_gone_on_with() {
    let file = TestFile::new("append");
    std::fs::write(&file.0, "what was there before").unwrap();
    let mut writer = CsvWriter::create(&file.0, 0).unwrap();
    writer.comment("seed = 1").unwrap();
    writer.names(&names(&["a", "b"])).unwrap();
    writer.row(&[1.0, 2.0]).unwrap();
    writer.finish().unwrap();
    drop(writer);
    assert_eq!(file.text(), "# seed = 1\na,b\n1,2\n");

    // A resumed chain writes no names, but the file tells how many columns there are.
    let mut writer = file.append().unwrap();
    assert_eq!(writer.row(&[1.0]).unwrap_err().message(), "row 1: expected 2 values, got 1");
    writer.row(&[3.0, 4.0]).unwrap();
    writer.finish().unwrap();
    drop(writer);
    assert_eq!(file.text(), "# seed = 1\na,b\n1,2\n3,4\n");

    // Names that come again are not repeated; other names are refused.
    let mut writer = file.append().unwrap();
    assert_eq!(writer.names(&names(&["a", "c"])).unwrap_err().code(), Code::Writer);
    assert_eq!(writer.names(&names(&["a"])).unwrap_err().code(), Code::Writer);
    writer.names(&names(&["a", "b"])).unwrap();
    writer.row(&[5.0, 6.0]).unwrap();
    drop(writer);
    assert_eq!(file.text(), "# seed = 1\na,b\n1,2\n3,4\n5,6\n");
}

#[test]
fn appending_to_a_missing_file_makes_it() {
    let file = TestFile::new("missing");
    let mut writer = file.append().unwrap();
    writer.names(&names(&["a"])).unwrap();
    writer.row(&[0.5]).unwrap();
    writer.finish().unwrap();
    assert_eq!(file.text(), "a\n0.5\n");
}

#[test]
fn a_file_that_ends_in_a_partial_line_is_refused() {
    let file = TestFile::new("partial");
    std::fs::write(&file.0, "a,b\n1,2\n3").unwrap();
    let error = file.append().unwrap_err();
    assert_eq!(error.code(), Code::Io);
    assert!(error.message().contains("its last line is not complete"), "{error}");
    assert_eq!(file.text(), "a,b\n1,2\n3");
}

#[test]
fn a_file_that_cannot_be_made_is_named() {
    let path = std::env::temp_dir().join("catena_no_such_directory").join("x.csv");
    let error = CsvWriter::create(&path, 0).unwrap_err();
    assert_eq!(error.code(), Code::Io);
    assert!(error.message().contains(&path.display().to_string()));
    assert_eq!(CsvWriter::append(&path, 0).unwrap_err().code(), Code::Io);
}

/// Set in the process of [`a_full_disk_leaves_a_file_of_whole_lines`] whose files may not grow; holds the path.
const LIMITED_FILE: &str = "CATENA_TEST_LIMITED_FILE";

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_a_file_of_whole_lines() {
    if let Ok(path) = std::env::var(LIMITED_FILE) {
        let mut writer = CsvWriter::create(&path, 0).unwrap();
        writer.names(&names(&["a", "b"])).unwrap();
        let error = (0..1_000_000).find_map(|i| writer.row(&[f64::from(i), 1.0 / f64::from(i)]).err());
        let error = error.expect("the file may not grow so far");
        assert_eq!(error.code(), Code::Writer);
        assert!(error.message().contains(&path), "{error}");
        return;
    }
    let file = TestFile::new("full");
    // A limit of 257 blocks of 512 or 1024 bytes (as the shell counts them) falls inside a piece of lines.
    let script = "trap '' XFSZ; ulimit -f 257; exec \"$0\" --exact csv::a_full_disk_leaves_a_file_of_whole_lines";
    let program = std::env::current_exe().unwrap();
    let child = std::process::Command::new("sh").arg("-c").arg(script).arg(program).env(LIMITED_FILE, &file.0).output();
    let child = child.unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let text = file.text();
    assert!(text.len() > 100_000 && text.ends_with('\n'), "{} bytes", text.len());
    assert!(text.lines().all(|line| line.split(',').count() == 2));
}

//! Files of the command line program: what is written when, and what never is.

use crate::cli::{bad, compiled, folder, good, program, told};
use catena::io::{StanCsv, read_chain};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

const OLDER: &str = "results of last week\n";

fn library() -> &'static str {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| compiled("normals", "tests/c/exported/normals.c")).to_str().unwrap()
}

fn normals(at: &Path, line: &str) -> Command {
    program(at, [library()].into_iter().chain(line.split_whitespace()))
}

/// A shell with the program as $1 and the model's library as $2.
fn shell(at: &Path, script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_catena"), library()]).current_dir(at);
    command
}

fn text(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn older(at: &Path, names: &[&str]) {
    names.iter().for_each(|name| std::fs::write(at.join(name), OLDER).unwrap());
}

#[track_caller]
fn untouched(at: &Path, names: &[&str]) {
    names.iter().for_each(|name| assert_eq!(text(at.join(name)), OLDER, "{name}"));
}

#[test]
fn a_run_that_cannot_start_leaves_older_results() {
    let at = folder("older");
    let names = ["x_1.csv", "x_2.csv", "d_1.csv", "x_metric_1.json"];
    older(&at, &names);
    std::fs::create_dir(at.join("x_3.csv")).unwrap();
    let run = "sample num_chains=3 output file=x.csv diagnostic_file=d.csv";
    let (_, words) = bad(normals(&at, run));
    assert!(words.contains("'output file'") && words.contains("x_3.csv"), "{words}");
    untouched(&at, &names);
    assert!(!at.join("d_2.csv").exists(), "what was made for nothing is gone");

    std::fs::remove_dir(at.join("x_3.csv")).unwrap();
    std::fs::create_dir(at.join("x_metric_2.json")).unwrap();
    let with_metric = "sample num_chains=3 adapt save_metric=true output file=x.csv diagnostic_file=d.csv";
    let (_, words) = bad(normals(&at, with_metric));
    assert!(words.contains("x_metric_2.json"), "{words}");
    untouched(&at, &names);

    let many: Vec<String> = (1..=60).map(|i| format!("o_{i}.csv")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    older(&at, &many);
    // More than may be open: told before any is made, at once for whatever number. Of two lists together it is seen on the way.
    for (chains, more, told) in [
        ("60", "", "at most 40 files"),
        ("100000000", "", "at most 40 files"),
        ("36", " diagnostic_file=d.csv", "Too many open files"),
    ] {
        let run = format!("ulimit -n 40; \"$1\" \"$2\" sample num_chains={chains} output file=o.csv{more}");
        let (code, words) = bad(shell(&at, &run));
        assert!(code == 66 && words.contains(told), "{words}");
    }
    untouched(&at, &many);

    std::fs::write(at.join("wrong.csv"), "lp__,b\n1,2\n").unwrap();
    let (_, words) = bad(normals(&at, "generate_quantities fitted_params=wrong.csv output file=x_1.csv"));
    assert!(words.contains("expected a column 'a'"), "{words}");
    untouched(&at, &names);
}

#[test]
fn outputs_are_no_inputs_and_not_each_other() {
    let at = folder("identity");
    std::fs::write(at.join("data.json"), "{}").unwrap();
    std::fs::write(at.join("init.json"), "{\"a\": 1, \"b\": 2}").unwrap();
    symlink("data.json", at.join("link.csv")).unwrap();
    std::fs::hard_link(at.join("init.json"), at.join("hard.csv")).unwrap();
    symlink(library(), at.join("library.csv")).unwrap();
    std::fs::write(at.join("one.csv"), "").unwrap();
    symlink("one.csv", at.join("two.csv")).unwrap();
    for (line, words) in [
        ("sample data file=data.json output file=link.csv", ["'output file'", "'data file'"]),
        ("sample data file=data.json output file=./data.json", ["'output file'", "'data file'"]),
        ("sample init=init.json output file=hard.csv", ["'output file'", "'init'"]),
        ("sample output file=library.csv", ["'output file'", "'model'"]),
        ("sample output file=one.csv diagnostic_file=two.csv", ["'output diagnostic_file'", "'output file'"]),
        ("sample num_chains=2 output file=new.csv,./new.csv", ["new.csv", "'output file' has"]),
        ("diagnose init=init.json output file=hard.csv", ["'output file'", "'init'"]),
    ] {
        let (_, told) = bad(normals(&at, line));
        assert!(words.iter().all(|word| told.contains(word)), "{line}: {told}");
    }
    assert_eq!((text(at.join("data.json")).as_str(), text(at.join("init.json")).len()), ("{}", 16));
    assert!(!at.join("new.csv").exists());
    good(normals(&at, "sample output file=draws.csv refresh=0"));
    std::fs::hard_link(at.join("draws.csv"), at.join("other.csv")).unwrap();
    for line in ["summary draws.csv csv_filename=other.csv", "report draws.csv output=other.csv"] {
        let (_, told) = bad(program(&at, line.split(' ')));
        assert!(told.contains("'draws.csv', which is to be"), "{told}");
    }
    let devices = "sample num_samples=5 num_chains=2 output file=/dev/null,/dev/null diagnostic_file=/dev/null";
    good(normals(&at, devices));
}

#[test]
fn two_runs_do_not_share_a_file() {
    let at = folder("shared");
    std::fs::write(at.join("slow.json"), "[\"slow\"]").unwrap();
    let mut first = begun(normals(&at, "sample data file=slow.json output file=x.csv refresh=1 num_threads=1"));
    let head = text(at.join("x.csv"));
    let (_, words) = bad(normals(&at, "sample output file=x.csv"));
    assert!(words.contains("'x.csv'") && words.contains("another writer"), "{words}");
    assert!(text(at.join("x.csv")).starts_with(&head));
    first.kill().unwrap();
    first.wait().unwrap();
    good(normals(&at, "sample output file=x.csv"));
}

/// Starts a run and waits for its first line of progress.
fn begun(mut command: Command) -> Child {
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().expect("a run tells of its iterations").unwrap();
    assert!(line.contains("Iteration"), "{line}");
    // Read to the end, so that the run does not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

#[test]
fn rows_are_on_disk_soon_after_they_are_drawn() {
    let at = folder("soon");
    std::fs::write(at.join("slow.json"), "[\"slow\"]").unwrap();
    let line = "sample num_warmup=0 num_samples=100000 data file=slow.json output file=x.csv diagnostic_file=d.arrow \
                sig_figs=0 refresh=1 num_threads=1";
    let mut child = begun(normals(&at, line));
    // 64 KiB of rows would take hours.
    let path = at.join("x.csv");
    let rows = || text(path.clone()).lines().filter(|line| !line.starts_with('#')).count().saturating_sub(1);
    let patience = 300;
    let came = (0..patience).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        rows() >= 8
    });
    // Three batches of Arrow have 1, 1 and 2 rows; those that wait for the fourth to have 4 come within a second.
    std::thread::sleep(Duration::from_secs(1));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(came, "{} rows after half a minute", rows());
    assert!(text(path.clone()).ends_with('\n'));
    let arrow = read_chain(&at.join("d.arrow")).unwrap();
    assert!(arrow.rows() + 1 >= rows(), "{} and {} rows", arrow.rows(), rows());
    let csv = StanCsv::from_file(at.join("x.csv")).unwrap();
    assert_eq!(arrow.values()[0].to_string(), csv.values()[0].to_string(), "the same log density");
    assert_eq!((arrow.setting("num_warmup"), arrow.cut_off()), (Some("0"), None));
}

#[test]
fn names_are_any_bytes() {
    let at = folder("bytes");
    let name = |kind: &str| OsString::from_vec([b"\xff\xfe ", kind.as_bytes()].concat());
    let word = |option: &str, kind: &str| OsString::from_vec([option.as_bytes(), b"=", name(kind).as_bytes()].concat());
    for (line, kind) in [
        ("sample num_samples=20", "draws.csv"),
        ("sample num_samples=20", "draws.arrow"),
        ("optimize jacobian=true", "mode.csv"),
        ("pathfinder", "pathfinder.csv"),
        ("variational", "fit.csv"),
        ("smc num_sets=1 num_particles=20", "set.csv"),
        ("diagnose", "gradient.csv"),
    ] {
        let mut command = normals(&at, &format!("{line} output refresh=0"));
        command.arg(word("file", kind));
        good(command);
        assert!(at.join(name(kind)).is_file(), "{line}");
    }
    let mut command = normals(&at, "pathfinder save_single_paths=true num_paths=1 output");
    command.arg(word("file", "p.csv"));
    good(command);
    assert!(at.join(name("p_path_1.csv")).is_file());
    for (what, output) in [("summary", "csv_filename"), ("report", "output")] {
        let mut command = program(&at, [what]);
        command.arg(name("draws.csv")).arg(word(output, what));
        good(command);
        assert!(at.join(name(what)).is_file(), "{what}");
    }
}

#[test]
fn what_is_no_file_is_no_checkpoint() {
    let at = folder("no_checkpoint");
    std::fs::create_dir(at.join("folder")).unwrap();
    good(shell(&at, "mkfifo pipe"));
    for (line, words) in [
        ("output file=x.csv checkpoint=pipe", ["'output checkpoint'", "something else"]),
        ("output file=x.csv checkpoint=folder", ["'output checkpoint'", "something else"]),
        ("output file=x.csv resume=pipe", ["'resume'", "no file but something else"]),
        ("output file=x.csv resume=folder", ["'resume'", "no file but something else"]),
        ("from=pipe output file=x.csv", ["'sample from'", "no file but something else"]),
        ("output file=c.bin.part checkpoint=c.bin", ["aside", "'c.bin.part'"]),
        ("output file=x.csv diagnostic_file=x.csv.part", ["aside", "'x.csv.part'"]),
        ("num_chains=2 output file=pipe", ["'output file'", "2 chains would have to share"]),
        ("num_chains=2 output file=/dev/stdout", ["'output file'", "2 chains would have to share"]),
        ("adapt save_metric=true output file=pipe", ["'sample adapt save_metric'", "something else"]),
        ("num_threads=4097 output file=x.csv", ["'num_threads'", "4096"]),
    ] {
        let (_, told) = bad(normals(&at, &format!("sample num_samples=5 num_warmup=5 {line}")));
        assert!(words.iter().all(|word| told.contains(word)), "{line}: {told}");
    }
    assert!(!at.join("x.csv").exists());
    good(normals(&at, "sample num_samples=5 num_warmup=5 output file=x.csv checkpoint=c.bin every=1e300 refresh=0"));
    symlink("c.bin", at.join("link.bin")).unwrap();
    good(normals(&at, "sample num_samples=5 num_warmup=5 output file=y.csv checkpoint=link.bin refresh=0"));
    assert!(at.join("link.bin").is_symlink());
}

#[test]
fn arrow_files_have_the_draws_and_the_settings_of_csv() {
    let at = folder("arrow");
    let run = "sample num_chains=2 num_samples=60 num_warmup=50 save_warmup=true random seed=2";
    let said = |name: &str| good(normals(&at, &format!("{run} output file={name} refresh=0 sig_figs=0")));
    let (of_csv, of_arrow) = (said("x.csv"), said("x.arrow"));
    assert_eq!(of_csv, of_arrow, "one summary");
    for id in 1..=2 {
        let [csv, arrow] = ["csv", "arrow"].map(|kind| read_chain(&at.join(format!("x_{id}.{kind}"))).unwrap());
        assert_eq!((csv.names(), csv.values(), csv.warmup_rows()), (arrow.names(), arrow.values(), 50));
        assert_eq!(csv.adapted(), arrow.adapted());
        let settings = |file: &StanCsv| -> Vec<_> {
            let settings = file.settings().iter();
            settings.filter(|(key, _)| key != "file" && key != "start_datetime").cloned().collect()
        };
        assert_eq!(settings(&csv), settings(&arrow));
        // One that was killed has no foot; its settings tell what is warm-up.
        let bytes = std::fs::read(at.join(format!("x_{id}.arrow"))).unwrap();
        std::fs::write(at.join("killed.arrow"), &bytes[..bytes.len() / 2]).unwrap();
        let killed = read_chain(&at.join("killed.arrow")).unwrap();
        assert_eq!(killed.warmup_rows(), killed.rows().min(50));
    }
    let summary = |name: &str| good(program(&at, ["summary", &format!("{name}_1.{}", "csv")[..]]));
    for kind in ["csv", "arrow"] {
        let quantities = format!(
            "generate_quantities fitted_params=x.{kind} num_chains=2 random seed=2 output file=q_{kind}.csv refresh=0"
        );
        good(normals(&at, &quantities));
    }
    assert_eq!(summary("q_csv"), summary("q_arrow"));
    good(normals(&at, "sample from=x_1.arrow num_samples=5 output file=f.arrow refresh=0"));
    for (method, rows) in [("pathfinder num_psis_draws=20", 20), ("log_prob unconstrained_params=p.json", 1)] {
        std::fs::write(at.join("p.json"), "{\"params_r\": [1, 2]}").unwrap();
        good(normals(&at, &format!("{method} output file=m.arrow refresh=0")));
        assert_eq!(read_chain(&at.join("m.arrow")).unwrap().rows(), rows, "{method}");
    }
}

#[test]
fn pipes_and_devices_are_outputs() {
    let at = folder("pipes");
    let run = "\"$1\" \"$2\" sample num_samples=100 random seed=1 output refresh=0";
    good(normals(&at, "sample num_samples=100 random seed=1 output file=plain.csv refresh=0"));
    let rows = |name: &str| StanCsv::from_file(at.join(name)).unwrap().draws().to_vec();
    good(shell(&at, &format!("mkfifo p; cat p > fifo.csv & {run} file=p; wait")));
    good(shell(&at, &format!("set -o pipefail; {run} file=/dev/stdout | cat > stdout.csv")));
    good(shell(&at, &format!("{run} file=>(cat > substituted.csv); wait $!; sleep 0.5")));
    good(shell(&at, &format!("echo '# before' > redirected.csv; {run} file=/dev/stdout >> redirected.csv")));
    for name in ["fifo.csv", "stdout.csv", "substituted.csv", "redirected.csv"] {
        assert_eq!(rows(name), rows("plain.csv"), "{name}");
        assert!(text(at.join(name)).trim_end().ends_with('#'), "nothing but the data is in {name}");
    }
    assert!(text(at.join("redirected.csv")).starts_with("# before\n# stan_version_major"));
}

#[test]
fn standard_output_that_fails_is_an_exit_code() {
    let at = folder("full");
    good(normals(&at, "sample num_samples=20 output file=x.csv refresh=0"));
    for what in ["summary x.csv", "help", "version"] {
        let (code, words) = bad(shell(&at, &format!("\"$1\" {what} > /dev/full")));
        assert_eq!(code, 66, "{what}");
        assert!(words.contains("standard output cannot be written"), "{what}: {words}");
        let gone = shell(&at, &format!("mkfifo p; sleep 9 < p & exec 3> p; kill $!; wait; rm p; \"$1\" {what} >&3"))
            .output()
            .unwrap();
        assert_eq!(told(&gone), (String::new(), Some(141)), "{what}");
    }
    let (code, _) = bad(shell(&at, "\"$1\" \"$2\" sample num_samples=20 output file=y.csv refresh=0 > /dev/full"));
    assert_eq!((code, StanCsv::from_file(at.join("y.csv")).unwrap().rows()), (66, 20));
    for what in ["summary x.csv", "help"] {
        let (code, words) = bad(shell(&at, &format!("\"$1\" {what} >&-")));
        assert_eq!(code, 66, "{what}");
        assert!(words.contains("was closed"), "{what}: {words}");
    }
    let (code, words) = bad(shell(&at, "\"$1\" \"$2\" sample output file=/dev/stdout refresh=0 >&-"));
    assert!(code == 66 && words.contains("was closed"), "{words}");
    let (code, words) = bad(shell(&at, "\"$1\" \"$2\" sample output file=/dev/full refresh=0"));
    assert_eq!(code, 70, "{words}");
    assert!(words.contains("/dev/full") && words.contains("No space left"), "{words}");
}

/// Sends a signal.
fn send(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_hangup_ignored_at_the_start_stays_ignored() {
    let at = folder("nohup");
    let run = |script: &str| {
        let script = format!("{script} exec \"$@\" sample num_samples=2000000000 thin=1000 output refresh=100000");
        let mut child = shell(&at, &script).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        lines.by_ref().find(|line| line.contains("Iteration")).expect("it runs");
        (child, lines)
    };
    let (mut child, mut lines) = run("trap '' HUP;");
    send(&child, "-HUP");
    for _ in 0..3 {
        lines.by_ref().find(|line| line.contains("Sampling")).expect("it goes on after SIGHUP");
    }
    send(&child, "-TERM");
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // Shells start programs in the background of scripts with SIGINT ignored.
    let (mut child, lines) = run("trap '' INT;");
    send(&child, "-INT");
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // These tests themselves may have been started with it ignored, which a shell cannot undo.
    let (mut child, lines) = run("set -- env --default-signal=HUP \"$@\";");
    send(&child, "-HUP");
    assert!(lines.last().unwrap().contains("interrupted"));
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let at = folder("second");
    std::fs::write(at.join("stuck.json"), "[\"stuck\"]").unwrap();
    let line = "sample num_warmup=0 data file=stuck.json output file=x.csv refresh=1 num_threads=1";
    let mut child = begun(normals(&at, line));
    // The model takes a minute for its next gradient, so only the second signal can end this sooner.
    let start = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        send(&child, "-INT");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(50), "a minute is what the gradient takes");
}

#[test]
fn refused_quantities_take_nothing_from_parameters() {
    let at = folder("refused");
    std::fs::write(at.join("refuse.json"), "[\"refuse\"]").unwrap();
    let output = normals(&at, "sample data file=refuse.json output file=x.csv refresh=0").output().unwrap();
    let (words, code) = told(&output);
    assert_eq!(code, Some(0), "{words}");
    let csv = StanCsv::from_file(at.join("x.csv")).unwrap();
    let columns = csv.names().len();
    let at_column = |name: &str| csv.names().iter().position(|n| n == name).unwrap();
    let (a, b, s) = (at_column("a"), at_column("b"), at_column("s"));
    let mut refused = 0;
    for row in csv.draws().chunks(columns) {
        assert!(row[a].is_finite() && row[b].is_finite());
        assert_eq!(row[s].is_nan(), row[a] > 0.0);
        refused += usize::from(row[s].is_nan());
    }
    assert!((300..700).contains(&refused), "{refused} of 1000");
    let lines: Vec<&str> = words.lines().filter(|line| line.contains("refused")).collect();
    assert_eq!(lines.len(), 2, "the first and the number: {words}");
    assert!(lines[0].contains("no sum here") && lines[1].contains(&refused.to_string()), "{words}");

    std::fs::write(at.join("none.json"), "[\"refuse_all\"]").unwrap();
    let again = "generate_quantities fitted_params=x.csv data file=none.json output file=q.csv refresh=0";
    let (words, code) = told(&normals(&at, again).output().unwrap());
    assert_eq!((code, words.lines().count()), (Some(0), 2), "{words}");
    assert!(words.contains("row 1 of the draws was refused; the model says: no sum here"), "{words}");
    assert!(words.contains("refused 1000 rows of the draws in all"), "{words}");
    assert_eq!(StanCsv::from_file(at.join("q.csv")).unwrap().rows(), 1000);
}

#[test]
fn a_full_disk_leaves_whole_rows() {
    let at = folder("disk");
    let run = "exec \"$1\" \"$2\" sample num_samples=100000 output file=x.csv refresh=0";
    // The limit is told by an error where its signal is ignored.
    let (code, words) = bad(shell(&at, &format!("trap '' XFSZ; ulimit -f 64; {run}")));
    assert_eq!(code, 70, "{words}");
    assert!(words.contains("x.csv") && words.contains("chain 1"), "{words}");
    let csv = StanCsv::from_file(at.join("x.csv")).unwrap();
    assert!(csv.rows() > 100 && text(at.join("x.csv")).ends_with('\n'));
}

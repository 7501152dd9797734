//! What the command line program refuses, in words that name it, and how it ends then.

use crate::cli::{self, bad, folder, mock, model, program};
use catena::io::StanCsv;
use std::path::Path;

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const SOFTWARE: i32 = 70;
const CONFIG: i32 = 78;

/// Every run must end with this code and this line.
#[track_caller]
fn refused(at: &Path, line: &str, code: i32, expected: &str) {
    let got = bad(model(at, line));
    assert_eq!(got, (code, format!("error: {expected}")), "for {line:?}");
}

#[test]
fn words_that_are_no_arguments() {
    let at = folder("words");
    let cases = [
        (
            "",
            "a method is missing: one of sample, generate_quantities, diagnose, log_prob, optimize, laplace, smc, pathfinder, variational",
        ),
        (
            "id=2",
            "a method is missing: one of sample, generate_quantities, diagnose, log_prob, optimize, laplace, smc, pathfinder, variational",
        ),
        ("sampel", "argument 'sampel': there is none of this name; did you mean 'method=sample'?"),
        (
            "method=sampel",
            "argument 'method': expected one of sample, generate_quantities, diagnose, log_prob, optimize, laplace, smc, pathfinder, variational, got 'sampel'; did you mean 'sample'?",
        ),
        (
            "sample num_sample=10",
            "argument 'num_sample=10': there is none of this name; did you mean 'sample num_samples=…'?",
        ),
        ("sample --thin=2", "argument '--thin=2': it does not belong here; did you mean 'sample thin=…'?"),
        ("sample seed=1", "argument 'seed=1': it does not belong here; did you mean 'random seed=…'?"),
        (
            "sample delta=0.9",
            "argument 'delta=0.9': it does not belong here; did you mean 'sample adapt delta=…' or 'smc delta=…'?",
        ),
        ("sample file=x", "argument 'file=x': it does not belong here; did you mean 'data file=…' or 'output file=…'?"),
        ("sample output profile_file=x", "argument 'profile_file=x': there is none of this name; see catena help"),
        ("sample xyzzy=3", "argument 'xyzzy=3': there is none of this name; see catena help"),
        (
            "sample int_time=2",
            "argument 'int_time=2': it does not belong here; did you mean 'sample hmc static int_time=…'?",
        ),
        (
            "sample max_depth=3 engine=static",
            "argument 'sample hmc nuts max_depth': it goes with 'sample hmc nuts', but 'sample hmc engine=static' is chosen",
        ),
        (
            "sample stepsize=0.1 algorithm=fixed_param",
            "argument 'sample hmc stepsize': it goes with 'sample hmc', but 'sample algorithm=fixed_param' is chosen",
        ),
        (
            "sample adapt save_metric=1 algorithm=fixed_param",
            "argument 'sample adapt save_metric': it goes with 'sample hmc', but 'sample algorithm=fixed_param' is chosen",
        ),
        (
            "sample algorithm=fixed_param check_gradient=1",
            "argument 'sample check_gradient': it goes with 'sample hmc', but 'sample algorithm=fixed_param' is chosen",
        ),
        (
            "optimize output diagnostic_file=d.csv",
            "argument 'output diagnostic_file': it goes with 'sample' or 'variational', but 'optimize' is chosen",
        ),
        ("smc resume=c.bin", "argument 'resume': it goes with 'sample', but 'smc' is chosen"),
        ("sample diagnose", "argument 'method': given twice, as 'sample' and 'diagnose'"),
        ("sample thin=2 thin=3", "argument 'sample thin': given twice, as '2' and '3'"),
        ("sample chains=2 num_chains=2", "argument 'sample num_chains': given twice, as '2' and '2'"),
        (
            "sample adapt=1",
            "argument 'adapt=1': 'sample adapt' takes no value, but arguments of its own: engaged, gamma, delta, kappa, t0, init_buffer, term_buffer, window, warmup, warmup_until, min_warmup, raise_delta, save_metric",
        ),
    ];
    cases.iter().for_each(|(line, expected)| refused(&at, line, USAGE, expected));
}

#[test]
fn values_out_of_range() {
    let at = folder("values");
    let whole = |least: &str, most: &str| format!("a whole number from {least} to {most}");
    let (count, positive) = (whole("0", "4294967295"), whole("1", "4294967295"));
    let real = "a finite number above 0".to_string();
    let (inside, from_0) = ("a number strictly between 0 and 1".to_string(), "a number from 0 to 1".to_string());
    let switch = "true (1) or false (0)".to_string();
    let cases = [
        ("sample", "sample num_samples", "-1", &count),
        ("sample", "sample num_warmup", "1e3", &count),
        ("sample", "sample thin", "0", &positive),
        ("sample", "sample num_chains", "0", &positive),
        ("sample", "sample save_warmup", "yes", &switch),
        ("sample adapt", "sample adapt engaged", "2", &switch),
        ("sample adapt", "sample adapt delta", "1", &inside),
        ("sample adapt", "sample adapt delta", "nan", &inside),
        ("sample adapt", "sample adapt gamma", "0", &real),
        ("sample adapt", "sample adapt kappa", "-1", &real),
        ("sample adapt", "sample adapt t0", "inf", &real),
        ("sample adapt", "sample adapt init_buffer", "-1", &count),
        ("sample adapt", "sample adapt term_buffer", "x", &count),
        ("sample adapt", "sample adapt window", "0.5", &count),
        ("sample", "sample hmc stepsize", "0", &real),
        ("sample", "sample hmc stepsize_jitter", "1.5", &from_0),
        ("sample", "sample hmc nuts max_depth", "21", &whole("1", "20")),
        ("sample hmc static", "sample hmc static int_time", "-1", &real),
        ("sample", "id", "0", &positive),
        ("sample random", "random seed", "4294967296", &whole("-1", "4294967295")),
        ("sample output", "output refresh", "-1", &count),
        ("sample output", "output sig_figs", "19", &whole("-1", "18")),
        ("sample output", "output file", "", &"a text".to_string()),
        ("diagnose test=gradient", "diagnose gradient epsilon", "0", &real),
        ("diagnose test=gradient", "diagnose gradient error", "small", &real),
        ("log_prob", "log_prob jacobian", "maybe", &switch),
    ];
    for (scope, argument, value, expected) in cases {
        let name = argument.rsplit(' ').next().unwrap();
        let line = format!("{scope} {name}={value}");
        refused(&at, &line, USAGE, &format!("argument '{argument}': expected {expected}, got '{value}'"));
    }
    refused(
        &at,
        "sample metric=dens_e",
        USAGE,
        "argument 'sample hmc metric': expected one of auto, diag_e, dense_e, unit_e, fisher_diag, fisher_dense, low_rank, got 'dens_e'; did you mean 'dense_e'?",
    );
    refused(
        &at,
        "sample num_samples",
        USAGE,
        "argument 'sample num_samples': expected a whole number from 0 to 4294967295, as in num_samples=1000, got no value",
    );
    let number = "a file or a finite number of at least 0";
    for method in ["generate_quantities fitted_params=x.csv", "log_prob unconstrained_params=p.json", "smc"] {
        let name = method.split(' ').next().unwrap();
        refused(
            &at,
            &format!("{method} init=1"),
            USAGE,
            &format!("argument 'init': '{name}' begins at no initial value"),
        );
    }
    std::fs::write(at.join("point.json"), "{}").unwrap();
    let point = "argument 'init': expected a number, for a point is given by 'laplace mode'; got 'point.json'";
    refused(&at, "laplace init=point.json", USAGE, point);
    std::fs::remove_file(at.join("point.json")).unwrap();
    refused(&at, "sample init=-1", USAGE, &format!("argument 'init': expected {number}, got '-1'"));
    refused(&at, "sample num_threads=0", USAGE, "argument 'num_threads': expected -1 or a number above 0, got '0'");
    assert_eq!(std::fs::read_dir(&at).unwrap().count(), 0, "nothing was written");
}

#[test]
fn the_number_of_threads_must_agree_with_the_environments() {
    let at = folder("threads");
    let run = |line: &str, threads: &str| {
        let mut command = model(&at, line);
        command.env("STAN_NUM_THREADS", threads);
        command
    };
    let line = "sample num_samples=1 num_warmup=1 output refresh=0";
    assert!(run(line, "2").output().unwrap().status.success());
    assert!(run(&format!("{line} num_threads=2"), "2").output().unwrap().status.success());
    let (code, text) = bad(run(&format!("{line} num_threads=1"), "2"));
    assert_eq!(code, USAGE);
    assert!(text.contains("'num_threads'") && text.contains("STAN_NUM_THREADS") && text.contains("1 and 2"), "{text}");
    let (code, text) = bad(run(line, "many"));
    assert_eq!((code, text.contains("STAN_NUM_THREADS: expected") && text.contains("'many'")), (USAGE, true), "{text}");
}

#[test]
fn models_that_cannot_be_loaded() {
    let at = folder("models");
    let (code, text) = bad(program(&at, ["nowhere.so", "sample"]));
    assert_eq!((code, text.contains("'nowhere.so'")), (NO_INPUT, true), "{text}");
    let (code, text) = bad(program(&at, ["sample", "num_samples=3"]));
    assert_eq!((code, text.contains("as first word, got 'sample'")), (NO_INPUT, true), "{text}");
    std::fs::write(at.join("text.so"), "no library").unwrap();
    let (code, text) = bad(program(&at, ["text.so", "sample"]));
    assert_eq!((code, text.contains("cannot load") && text.contains("text.so")), (NO_INPUT, true), "{text}");
    let (code, text) = bad(program(&at, ["summary"]));
    assert_eq!((code, text.contains("expected Stan CSV or Arrow files")), (USAGE, true), "{text}");
    let (code, text) = bad(program(&at, ["summary", "gone.csv"]));
    assert_eq!((code, text.contains("gone.csv")), (NO_INPUT, true), "{text}");
}

#[test]
fn files_that_are_missing_or_wrong() {
    let at = folder("files");
    let write = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
    write("bad.json", "{\"mu\": [1, 2],\n \"sigma\": }");
    write("bad.R", "mu <- c(1, 2\nsigma <- 1\n");
    write("list.json", "[1]");
    write("size.json", "{\"mu\": [1, 2, 3]}");
    write("negative.json", "{\"sigma\": -1}");
    write("own_1.json", "{}");
    write("short.json", "{\"inv_metric\": [1, 2]}");
    write("metric.json", &format!("{{\"inv_metric\": [{}]}}", ["-1"; 10].join(",")));
    write("draws.csv", "lp__,mu.1\n1,2\n");
    write("params.json", "{\"params_r\": [1, 2]}");
    write("some.json", "{\"mu\": [1, 2]}");
    let text = |line: &str, code: i32, parts: &[&str]| {
        let (got, text) = bad(model(&at, line));
        assert_eq!(got, code, "for {line:?}: {text}");
        parts.iter().for_each(|part| assert!(text.contains(part), "for {line:?}: {text}"));
    };
    text("sample data file=gone.json", NO_INPUT, &["'data file'", "'gone.json'"]);
    text("sample data file=bad.json", NO_INPUT, &["data file 'bad.json', line 2, column"]);
    text("sample data file=bad.R", NO_INPUT, &["'bad.R', line 2, column"]);
    text("sample data file=list.json", DATA, &["could not be made of its data"]);
    text("sample init=gone.json", NO_INPUT, &["'init'", "'gone_1.json'", "'gone.json'"]);
    text("sample init=own.json num_chains=2", USAGE, &["num_chains=2"]);
    text("sample num_chains=2 init=own.json", NO_INPUT, &["'own_1.json'", "'own_2.json'"]);
    text("sample num_chains=3 init=bad.R,bad.R", CONFIG, &["'init'", "or 3 separated by commas"]);
    text("sample init=bad.json", NO_INPUT, &["'bad.json', line 2, column 11"]);
    text("sample init=size.json", CONFIG, &["chain 1", "init 'mu'", "[2]", "[3]"]);
    text("sample init=negative.json", CONFIG, &["chain 1", "sigma"]);
    text("sample metric_file=gone.json", NO_INPUT, &["'metric_file'", "'gone.json'"]);
    text("sample metric_file=short.json", CONFIG, &["'short.json'", "10 numbers, got 2"]);
    text("sample metric_file=metric.json", CONFIG, &["chain 1", "'inv_metric[0]'", "got -1"]);
    write("output.csv", "kept");
    text("sample metric_file=metric.json", CONFIG, &["chain 1"]);
    assert_eq!(
        std::fs::read_to_string(at.join("output.csv")).unwrap(),
        "kept",
        "no file is emptied for a run that cannot be"
    );
    text("sample metric=unit_e metric_file=metric.json", USAGE, &["metric_file", "unit_e"]);
    text("sample output file=no/such/folder.csv", NO_INPUT, &["'output file'", "no/such/folder.csv"]);
    text("sample output file=a.csv diagnostic_file=a.csv", USAGE, &["'output diagnostic_file'", "'a.csv'"]);
    text("sample num_chains=2 output file=a.csv,a.csv", CONFIG, &["'a.csv' twice"]);
    text("generate_quantities", USAGE, &["'generate_quantities fitted_params'", "got none"]);
    text("generate_quantities fitted_params=gone.csv", NO_INPUT, &["'gone.csv'"]);
    text("generate_quantities fitted_params=draws.csv", CONFIG, &["'mu.2'", "a parameter of the model"]);
    text("generate_quantities fitted_params=draws.csv output file=draws.csv", USAGE, &["'draws.csv'", "fitted_params"]);
    text("log_prob", USAGE, &["unconstrained_params", "constrained_params", "got none"]);
    text("log_prob unconstrained_params=params.json", CONFIG, &["'params.json'", "'params_r' of 10 numbers", "[2]"]);
    text("log_prob unconstrained_params=some.json", CONFIG, &["'params_r'", "got none"]);
    text("log_prob constrained_params=some.json", CONFIG, &["got none of 'sigma'"]);
}

#[test]
fn chains_that_fail_leave_whole_files() {
    let at = folder("failing");
    // An R dump becomes JSON for the model; from its 501st evaluation on this one refuses every point.
    std::fs::write(at.join("data.R"), "fail <- 1\nlater <- 1L\n").unwrap();
    let line = "sample num_chains=2 num_samples=100000 num_warmup=0 stepsize=0.5 data file=data.R output refresh=0";
    let (code, text) = bad(model(&at, line));
    assert_eq!(code, SOFTWARE);
    assert!(text.contains("2 of 2 chains failed (ids 1, 2)") && text.contains("nothing can be evaluated"), "{text}");
    let files = [1, 2].map(|id| StanCsv::from_file(at.join(format!("output_{id}.csv"))));
    // The library counts the evaluations of both chains.
    assert!(files.into_iter().any(|file| file.unwrap().rows() > 0), "a chain drew before it failed");
    std::fs::write(at.join("data.json"), "{\"fail\": 1}").unwrap();
    let (code, text) = bad(model(&at, "sample data file=data.json output refresh=0"));
    assert_eq!(code, CONFIG);
    assert!(text.contains("chain 1") && text.contains("nothing can be evaluated"), "{text}");
    assert!(mock().exists());
}

/// A program of the shell, in `at`.
fn script(at: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    std::fs::write(at, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn compiling_says_what_it_needs_and_uses_what_it_finds() {
    let at = folder("compile");
    let compile = |words: &[&str]| {
        let mut command = program(&at, std::iter::once("compile").chain(words.iter().copied()));
        for name in ["CATENA_STAN", "CMDSTAN", "BRIDGESTAN"] {
            command.env_remove(name);
        }
        // No Python, so no httpstan.
        command.env("CXX", at.join("c++")).env("PATH", "/bin:/nowhere");
        command
    };
    std::fs::write(at.join("m.stan"), "parameters { real mu; }").unwrap();
    std::fs::write(at.join("m.so"), "of last week").unwrap();
    let last_week = || std::fs::read_to_string(at.join("m.so")).unwrap() == "of last week";
    let (code, words) = bad(compile(&["no.stan"]));
    assert!(code == NO_INPUT && words.contains("'no.stan'"), "{words}");
    let (code, words) = bad(compile(&[]));
    assert!(code == USAGE && words.contains("expected one Stan program, got 0"), "{words}");
    let (code, words) = bad(compile(&["m.stan", "stan=."]));
    assert!(code == NO_INPUT && words.contains("'stan': expected a folder of CmdStan"), "{words}");
    let mut named = compile(&["m.stan"]);
    named.env("CMDSTAN", "none");
    let (code, words) = bad(named);
    assert!(code == NO_INPUT && words.contains("'CMDSTAN': expected") && words.contains("got 'none'"), "{words}");

    // Tools that write down what they are asked, in the folders of CmdStan.
    let stan = at.join("cmdstan");
    let math = stan.join("stan/lib/stan_math/lib");
    for folder in ["eigen_3", "boost_1", "tbb_2020/include", "tbb", "sundials_6/include", "sundials_6/lib"] {
        std::fs::create_dir_all(math.join(folder)).unwrap();
    }
    std::fs::create_dir_all(stan.join("stan/lib/rapidjson_1")).unwrap();
    for library in ["cvodes", "idas", "kinsol", "nvecserial"] {
        std::fs::write(math.join(format!("sundials_6/lib/libsundials_{library}.a")), "").unwrap();
    }
    script(&stan.join("bin/stanc"), "out=${1#--o=}; cp \"$2\" \"$out\"");
    let compiler =
        "echo \"$@\" >> asked; while [ $# -gt 1 ]; do if [ \"$1\" = -o ]; then echo made > \"$2\"; fi; shift; done";
    script(&at.join("c++"), compiler);
    let said = cli::good(compile(&["m.stan", "--stan=cmdstan"]));
    assert!(said.contains("m.stan is compiled to m.so"), "{said}");
    assert_eq!(std::fs::read_to_string(at.join("m.so")).unwrap(), "made\n");
    let asked = std::fs::read_to_string(at.join("asked")).unwrap();
    for part in
        ["eigen_3", "boost_1", "rapidjson_1", "tbb_2020/include", "sundials_6/include", "-DSTAN_THREADS", "-ltbb"]
    {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert_eq!(asked.lines().count(), 3, "a program, its interface, a library: {asked}");

    // A program that is wrong leaves what was there, and stanc's words are the user's.
    std::fs::write(at.join("m.so"), "of last week").unwrap();
    script(&stan.join("bin/stanc"), "echo 'Syntax error in line 1' >&2; exit 1");
    let output = compile(&["m.stan", "stan=cmdstan"]).output().unwrap();
    let (words, code) = cli::told(&output);
    assert!(
        code == Some(SOFTWARE) && words.contains("stanc failed") && words.contains("Syntax error in line 1"),
        "{words}"
    );
    assert!(last_week());
}

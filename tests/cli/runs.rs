//! The command line program at work. What it refuses: errors.rs; methods other than `sample`: methods.rs; what other
//! readers make of its files: tests/ecosystem/csv_files.py.

use crate::cli::{self, folder, good, model, program, read, without_times};
use catena::diagnostics::{Statistic, Summary};
use catena::io::{CsvChains, StanCsv, significant};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Writes `name_ID.json` for four chains, each other than the others.
fn inputs(folder: &Path) {
    for id in 1..=4 {
        let init = format!("{{\"mu\": [{id}, -{id}.5], \"sigma\": 0.{id}, \"tau\": {id}}}");
        std::fs::write(folder.join(format!("init_{id}.json")), init).unwrap();
        let metric = format!("{{\"inv_metric\": [{}]}}", vec![format!("0.{id}"); 10].join(", "));
        std::fs::write(folder.join(format!("metric_{id}.json")), metric).unwrap();
    }
}

#[test]
fn one_run_of_four_chains_is_four_runs_of_one_byte_for_byte() {
    let cases = [
        ("nuts", "save_warmup=1 thin=2 metric_file=metric.json", 30),
        ("static", "engine=static int_time=1.5 metric=dense_e stepsize_jitter=0.3", 20),
        ("fixed", "algorithm=fixed_param", 20),
    ];
    for (name, arguments, rows) in cases {
        let (together, apart, halves) =
            (folder(&format!("{name}_together")), folder(&format!("{name}_apart")), folder(&format!("{name}_halves")));
        [&together, &apart, &halves].into_iter().for_each(|f| inputs(f));
        let line = |chains: usize, id: usize, output: &str| {
            format!(
                "sample num_samples=20 num_warmup=40 {arguments} num_chains={chains} init=init.json id={id} random \
                 seed=123 output file={output} diagnostic_file={} refresh=0",
                output.replace("draws", "diagnostics")
            )
        };
        good(model(&together, &line(4, 1, "draws.csv")));
        for id in 1..=4 {
            good(model(&apart, &line(1, id, &format!("draws_{id}.csv"))));
        }
        good(model(&halves, &line(2, 1, "draws.csv")));
        good(model(&halves, &line(2, 3, "draws.csv")));
        for id in 1..=4 {
            for kind in ["draws", "diagnostics"] {
                let file = format!("{kind}_{id}.csv");
                let one = without_times(&together.join(&file));
                assert!(one == without_times(&apart.join(&file)), "{name}: {file} of four runs differs");
                assert!(one == without_times(&halves.join(&file)), "{name}: {file} of two runs differs");
            }
            let csv = StanCsv::from_file(together.join(format!("draws_{id}.csv"))).unwrap();
            assert_eq!(csv.rows(), rows, "{name}");
            assert_eq!(csv.setting("id"), Some(id.to_string().as_str()));
            assert_eq!(csv.setting("num_chains"), Some("1"));
        }
        assert!(
            without_times(&together.join("draws_1.csv")) != without_times(&together.join("draws_2.csv")),
            "{name}: chains differ"
        );
    }
}

#[test]
fn all_arguments_of_one_line() {
    let at = folder("arguments");
    inputs(&at);
    std::fs::write(at.join("data.json"), "{\"N\": [1, NaN, -Infinity]}").unwrap();
    let line = "sample num_warmup=30 num_samples=20 save_warmup=1 thin=2 adapt engaged=1 gamma=0.06 delta=0.9 kappa=0.7 t0=9 \
                init_buffer=5 term_buffer=6 window=7 save_metric=0 algorithm=hmc engine=nuts metric=diag_e \
                metric_file=metric.json stepsize=0.5 stepsize_jitter=0.25 max_depth=8 chains=2 id=3 data \
                file=data.json init=init.json random seed=123 output file=o.csv diagnostic_file=d.csv refresh=5 sig_figs=9 \
                num_threads=2";
    good(model(&at, line));
    let csv = StanCsv::from_file(at.join("o_4.csv")).unwrap();
    let changed =
        [("num_chains", "1"), ("id", "4"), ("save_warmup", "true"), ("save_metric", "false"), ("engaged", "true")];
    for argument in line.split_whitespace().filter_map(|word| word.split_once('=')) {
        let (name, value) = match argument {
            // Two groups have a file, of which the reader gives the first.
            ("file", "o.csv") => continue,
            ("chains", _) => ("num_chains", "1"),
            ("diagnostic_file", _) => ("diagnostic_file", "d_4.csv"),
            (name, value) => changed.into_iter().find(|(n, _)| *n == name).unwrap_or((name, value)),
        };
        assert_eq!(csv.setting(name), Some(value), "{name}");
    }
    assert_eq!((csv.rows(), csv.warmup_rows()), (25, 15));
}

#[test]
fn initial_values_are_those_of_the_files() {
    let at = folder("inits");
    inputs(&at);
    std::fs::write(
        at.join("all.R"),
        "mu <- c(1.5, 2)\nsigma <- 2\nm <- structure(c(1, 2, 3, 4, 5, 6), .Dim = c(2, 3))\ntau <- 3\n",
    )
    .unwrap();
    let first = |arguments: &str, id: usize| {
        good(model(
            &at,
            &format!("sample algorithm=fixed_param num_samples=1 num_chains=4 {arguments} output sig_figs=0 refresh=0"),
        ));
        StanCsv::from_file(at.join(format!("output_{id}.csv"))).unwrap().draws().to_vec()
    };
    // After lp__ and accept_stat__: mu.1, mu.2, sigma, m by columns, tau.
    let close = |row: &[f64], expected: &[f64]| {
        assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{row:?} is not {expected:?}");
    };
    let row = first("init=init.json", 3);
    close(&row[2..5], &[3.0, -3.5, 0.3]);
    close(&row[11..12], &[3.0]);
    close(&first("init=all.R", 4)[2..12], &[1.5, 2.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 3.0]);
    close(&first("init=all.R,init_2.json,all.R,all.R", 2)[2..4], &[2.0, -2.5]);
    // All coordinates 0: log sigma and log(tau - sigma) are.
    close(&first("init=0", 1)[2..12], &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]);
}

#[test]
fn draws_are_of_the_posterior_and_the_summary_says_so() {
    for (name, arguments) in
        [("diag", "metric=diag_e max_depth=8"), ("dense", "metric=dense_e"), ("static", "engine=static int_time=1.5")]
    {
        let at = folder(&format!("posterior_{name}"));
        let said = good(model(&at, &format!("sample chains=4 {arguments} random seed=7 output refresh=0")));
        assert!(said.starts_with("4 chains of 1000 draws each\n") && said.contains("\nmu_sum "), "{said}");
        let files: Vec<PathBuf> = (1..=4).map(|id| at.join(format!("output_{id}.csv"))).collect();
        let chains = CsvChains::from_files(&files).unwrap();
        let summary = Summary::new(&chains.summary_input()).unwrap();
        // log sigma ~ normal(0, 0.5), whose exponential has mean exp(0.125); tau adds an exponential variable of mean 1.
        let sigma = libm::exp(0.125);
        for (name, mean) in
            [("mu.1", 1.0), ("mu.2", 2.0), ("sigma", sigma), ("m.2.3", 23.0), ("tau", sigma + 1.0), ("noise", 0.5)]
        {
            let row = summary.rows().iter().find(|r| r.name == name).unwrap();
            let error = (row.value(Statistic::Mean) - mean).abs() / row.value(Statistic::McseMean);
            assert!(error < 4.0, "{name} is {error} Monte Carlo standard errors off");
        }
    }
}

#[test]
fn adapted_metrics_are_written_and_read() {
    let at = folder("metrics");
    good(model(
        &at,
        "sample num_chains=2 num_warmup=300 num_samples=10 adapt save_metric=1 metric=diag_e output refresh=0",
    ));
    let csv = StanCsv::from_file(at.join("output_2.csv")).unwrap();
    let adapted = csv.adapted().unwrap();
    let line = format!(
        "sample num_chains=2 num_samples=5 adapt engaged=0 algorithm=hmc metric=diag_e metric_file=output_metric.json stepsize={} \
         output file=again.csv refresh=0",
        adapted.stepsize
    );
    good(model(&at, &line));
    let again = StanCsv::from_file(at.join("again_2.csv")).unwrap();
    assert_eq!(again.adapted().unwrap(), adapted);
    let numbers: Vec<String> = adapted.inv_metric.iter().map(|v| format!("{v:?}")).collect();
    std::fs::write(at.join("dump.R"), format!("inv_metric <- c({})\n", numbers.join(", "))).unwrap();
    good(model(&at, &line.replace("output_metric.json", "dump.R")));
    assert_eq!(StanCsv::from_file(at.join("again_2.csv")).unwrap().adapted().unwrap(), adapted);
    good(model(&at, "sample num_samples=5 adapt save_metric=1 metric=dense_e output file=one.csv refresh=0"));
    assert!(read(&at.join("one_metric.json")).contains("\"dense_e\", \"inv_metric\": [["));
    let auto = "sample num_chains=2 num_warmup=100 num_samples=5 adapt warmup=together save_metric=1 metric=auto \
                random seed=5 output file=auto.csv refresh=0";
    good(model(&at, auto));
    let metric = |id: u32| {
        let text = read(&at.join(format!("auto_metric_{id}.json")));
        text.split_once("metric_type").unwrap().1.to_string()
    };
    assert!(metric(1).contains("\"dense_e\", \"inv_metric\": [[") && metric(1) == metric(2));
    let last =
        "sample num_samples=5 metric=auto metric_file=auto_metric_1.json random seed=5 output file=last.csv refresh=0";
    good(model(&at, last));
    // Told as a matrix all the same, which the file's settings have said before.
    let text = read(&at.join("last.csv"));
    assert!(text.contains("metric=auto chose a diagonal one") && text.contains("Elements of inverse mass matrix"));
}

#[test]
fn numbers_have_the_digits_asked_for() {
    let at = folder("digits");
    let draws = |name: &str, arguments: &str| {
        let line =
            format!("sample num_samples=20 num_warmup=20 random seed=5 output file={name} refresh=0 {arguments}");
        good(model(&at, &line));
        let text = read(&at.join(name));
        let cells = text.lines().filter(|l| !l.starts_with(['#', 'l'])).flat_map(|l| l.split(','));
        cells.map(str::to_string).collect::<Vec<_>>()
    };
    let exact: Vec<f64> = draws("exact.csv", "sig_figs=0").iter().map(|c| c.parse().unwrap()).collect();
    for (name, arguments, digits) in [("default.csv", "", 6), ("three.csv", "sig_figs=3", 3)] {
        let expected: Vec<String> = exact.iter().map(|&x| significant(x, digits)).collect();
        assert_eq!(draws(name, arguments), expected);
    }
    assert_eq!(exact.len(), 20 * 19);
    let many = draws("threads.csv", "sig_figs=0 num_threads=3");
    assert_eq!(many.iter().map(|c| c.parse::<f64>().unwrap()).collect::<Vec<_>>(), exact, "threads change no bit");
}

#[test]
fn progress_comes_in_whole_lines() {
    let at = folder("progress");
    let output = model(&at, "sample num_chains=3 num_samples=200 num_warmup=100 output refresh=50").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let mut counts = [0; 3];
    for line in text.lines() {
        let rest = line.strip_prefix("[chain ").unwrap_or_else(|| panic!("{line}"));
        let (id, rest) = rest.split_once("] Iteration: ").unwrap_or_else(|| panic!("{line}"));
        assert!(rest.ends_with("(Warmup)") || rest.ends_with("(Sampling)"), "{line}");
        counts[id.parse::<usize>().unwrap() - 1] += 1;
    }
    assert_eq!(counts, [7; 3], "the first and each 50th");
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_a_run_with_whole_files() {
    let at = folder("interrupt");
    let line = "sample num_chains=2 num_samples=2000000000 num_warmup=50 thin=100 output refresh=10000";
    let mut child = model(&at, line).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let drawn = |line: &String| line.contains("Iteration:      10000 /");
    lines.by_ref().map(Result::unwrap).find(drawn).expect("chains go on until they are told to end");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(rest.last().unwrap(), "error: the run was interrupted");
    let files = [1, 2].map(|id| StanCsv::from_file(at.join(format!("output_{id}.csv"))).unwrap());
    // 50 of the iterations were of warm-up, each 100th after that is a row.
    assert!(files.iter().any(|csv| csv.rows() >= 99));
    assert!(files.iter().all(|csv| csv.elapsed().is_some()), "they end as files do");
}

/// Files for tests/ecosystem/csv_files.py, with the means that the reader of ours finds.
#[test]
fn files_for_other_readers() {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("csv_files");
    let _ = std::fs::remove_dir_all(&at);
    std::fs::create_dir_all(&at).unwrap();
    let runs = [
        ("nuts", "num_chains=4"),
        ("warmup", "num_chains=2 save_warmup=1 thin=2"),
        ("stan", "num_chains=2 preset=stan"),
        ("low_rank", "num_chains=2 metric=low_rank"),
        ("dense", "num_chains=2 metric=dense_e"),
        ("unit", "num_chains=2 metric=unit_e"),
        ("static", "num_chains=2 engine=static int_time=1"),
        ("fixed", "num_chains=2 algorithm=fixed_param"),
    ];
    let mut expected = std::fs::File::create(at.join("means.csv")).unwrap();
    for (name, arguments) in runs {
        let line =
            format!("sample num_samples=100 num_warmup=100 {arguments} random seed=3 output file={name}.csv refresh=0");
        good(model(&at, &line));
        let chains = (1..).map(|id| at.join(format!("{name}_{id}.csv"))).take_while(|path| path.exists());
        for (id, path) in (1..).zip(chains) {
            let csv = StanCsv::from_file(&path).unwrap();
            for (i, column) in csv.names().iter().enumerate() {
                let draws: Vec<f64> = csv.draws().chunks(csv.names().len()).map(|row| row[i]).collect();
                let mean = draws.iter().sum::<f64>() / draws.len() as f64;
                writeln!(expected, "{name},{id},{},{column},{mean:?}", draws.len()).unwrap();
            }
        }
    }
    good(model(&at, "generate_quantities num_chains=4 fitted_params=nuts.csv output file=gq.csv refresh=0"));
}

#[test]
fn a_library_may_export_its_model() {
    let library = cli::compiled("exported", "tests/c/exported/model.c");
    let at = folder("exported");
    std::fs::write(at.join("data.json"), "{\"mean\": 2.5}").unwrap();
    std::fs::write(at.join("init.json"), "{\"x\": [1, 2, 3]}").unwrap();
    let run = |arguments: &str| {
        let words = std::iter::once(library.to_str().unwrap()).chain(arguments.split_whitespace());
        program(&at, words).output().unwrap()
    };
    let sampled = run(
        "sample num_samples=400 num_chains=2 init=init.json data file=data.json random seed=4 output file=draws.csv sig_figs=0",
    );
    assert!(sampled.status.success(), "{}", String::from_utf8_lossy(&sampled.stderr));
    let chains = CsvChains::from_files(&[at.join("draws_1.csv"), at.join("draws_2.csv")]).unwrap();
    let summary = Summary::new(&chains.summary_input()).unwrap();
    for (name, mean) in [("x.1", 2.5), ("x.3", 2.5), ("noise", 0.0)] {
        let row = summary.rows().iter().find(|row| row.name == name).unwrap();
        assert!((row.value(Statistic::Mean) - mean).abs() < 4.5 * row.value(Statistic::McseMean), "{name}");
    }
    // The columns of the quantities that the model generates, by name.
    let again = run(
        "generate_quantities fitted_params=draws.csv num_chains=2 data file=data.json random seed=4 output file=again.csv sig_figs=0",
    );
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(StanCsv::from_file(at.join("again_2.csv")).unwrap().names(), ["noise"]);
    // The library's own message.
    let failed = run("sample data file=init.json");
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success() && said.contains("expected a mean in"), "{said}");
    let left_out = run("log_prob jacobian=0 unconstrained_params=init.json data file=data.json");
    let said = String::from_utf8_lossy(&left_out.stderr).into_owned();
    assert!(!left_out.status.success() && said.contains("catena_model"), "{said}");
}

#[test]
fn a_run_begins_where_the_files_of_another_end() {
    let at = folder("from");
    let first = "sample num_chains=2 num_samples=50 random seed=5 output file=first.csv sig_figs=0 checkpoint=first.bin refresh=0";
    good(model(&at, first));
    let read = |name: &str, id: u32| StanCsv::from_file(at.join(format!("{name}_{id}.csv"))).unwrap();
    let still = "sample num_chains=2 num_samples=1 num_warmup=0 max_depth=1 stepsize=1e-6";
    for (name, from) in [("csv", "first.csv"), ("bin", "first.bin")] {
        // The first draw is the last one before, for the step is short.
        good(model(&at, &format!("{still} from={from} random seed=6 output file={name}.csv sig_figs=0 refresh=0")));
        for id in [1, 2] {
            let (before, after) = (read("first", id), read(name, id));
            let columns = before.names().len();
            let last = &before.draws()[before.draws().len() - columns..];
            // Parameters, after the sampler's columns: mu, sigma.
            let near = last[7..10].iter().zip(&after.draws()[7..10]).all(|(a, b)| (a - b).abs() < 1e-3);
            assert!(near, "{name}: {last:?} {:?}", after.draws());
            assert_eq!(before.adapted().unwrap().inv_metric, after.adapted().unwrap().inv_metric, "{name}");
            assert_eq!(after.setting("from"), Some(from));
        }
        good(model(
            &at,
            &format!("sample num_chains=2 num_samples=5 from={from} output file=short_{name}.csv refresh=0"),
        ));
        let short = read(&format!("short_{name}"), 1);
        assert_eq!((short.setting("num_warmup"), short.setting("metric")), (Some("50"), Some("auto")));
        assert_eq!(short.adapted().unwrap().inv_metric, read("first", 1).adapted().unwrap().inv_metric);
    }
    // One file serves all chains; other files are told.
    good(model(&at, "sample num_chains=3 num_samples=5 from=first_1.csv output file=three.csv refresh=0"));
    std::fs::write(at.join("none.csv"), "lp__,x\n1,2\n").unwrap();
    for from in ["none.csv", "gone.csv"] {
        let output =
            model(&at, &format!("sample num_samples=5 from={from} output file=no.csv refresh=0")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains("'sample from'") && text.contains(from), "{text}");
    }
}

//! What is not a sampler: quantities, gradients, log densities, help.

use crate::cli::{bad, folder, good, mock, model, program, read, without_times};
use catena::io::StanCsv;

#[test]
fn quantities_are_drawn_anew_for_each_chains_draws() {
    let (at, apart) = (folder("quantities"), folder("quantities_apart"));
    good(model(
        &at,
        "sample num_chains=2 num_samples=30 num_warmup=30 save_warmup=1 id=5 output file=fit.csv refresh=0",
    ));
    good(model(&at, "generate_quantities num_chains=2 fitted_params=fit.csv id=5 random seed=9 output file=gq.csv"));
    for id in [5, 6] {
        let csv = StanCsv::from_file(at.join(format!("gq_{id}.csv"))).unwrap();
        assert_eq!((csv.names(), csv.rows()), (&["noise".to_string()][..], 30), "warm-up is left out");
        assert!(csv.values().iter().all(|v| (0.0..1.0).contains(v)));
        std::fs::copy(at.join(format!("fit_{id}.csv")), apart.join(format!("fit_{id}.csv"))).unwrap();
        let line = format!("generate_quantities fitted_params=fit.csv id={id} random seed=9 output file=gq_{id}.csv");
        good(model(&apart, &line));
        let file = format!("gq_{id}.csv");
        assert_eq!(without_times(&at.join(&file)), without_times(&apart.join(&file)));
    }
}

#[test]
fn gradients_are_diagnosed() {
    let at = folder("diagnose");
    let said = good(model(&at, "diagnose test=gradient epsilon=1e-5 init=0"));
    assert!(said.starts_with("TEST GRADIENT MODE\n\n Log probability=-"), "{said}");
    // Means 1 and 2 of deviation 2: derivatives at 0 are 1/4 and 1/2.
    let lines: Vec<Vec<&str>> = said.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines.iter().find(|l| l.first() == Some(&"0")).unwrap()[..3], ["0", "0", "0.25"]);
    assert_eq!(lines.iter().find(|l| l.first() == Some(&"1")).unwrap()[..3], ["1", "0", "0.5"]);
    assert!(read(&at.join("output.csv")).contains("#  Log probability=-"));
    let (code, line) = bad(model(&at, "diagnose error=1e-300"));
    assert_eq!(code, 70);
    assert!(line.contains("derivatives differ from finite differences"), "{line}");
}

#[test]
fn log_densities_at_given_points() {
    let at = folder("log_prob");
    std::fs::write(at.join("u.json"), "{\"params_r\": [[1,2,0,11,21,12,22,13,23,0], [1,4,0,11,21,12,22,13,23,1]]}")
        .unwrap();
    std::fs::write(at.join("c.json"), "{\"mu\":[1,2],\"sigma\":1,\"m\":[[11,12,13],[21,22,23]],\"tau\":2}").unwrap();
    good(model(&at, "log_prob unconstrained_params=u.json constrained_params=c.json output sig_figs=0"));
    let csv = StanCsv::from_file(at.join("output.csv")).unwrap();
    assert_eq!(csv.names()[..3], ["lp__", "g_mu.1", "g_mu.2"]);
    let rows: Vec<&[f64]> = csv.values().chunks(11).collect();
    // All at their means: what is left is u - exp(u) of tau's coordinate u.
    assert_eq!((rows[0][0], rows[0][10]), (-1.0, 0.0));
    assert!((rows[1][0] - (0.5 - libm::exp(1.0))).abs() < 1e-14 && rows[1][2] == -0.5, "{:?}", rows[1]);
    assert_eq!(rows[2], rows[0]);
    // Without the Jacobian of tau, u is left out.
    good(model(&at, "log_prob unconstrained_params=u.json jacobian=0 output sig_figs=0"));
    let csv = StanCsv::from_file(at.join("output.csv")).unwrap();
    let second = &csv.values()[11..];
    assert!((second[0] - (-0.5 - libm::exp(1.0))).abs() < 1e-14, "{second:?}");
}

#[test]
fn help_and_version() {
    let at = folder("help");
    for words in [&["help"][..], &["--help"], &[mock().to_str().unwrap(), "sample", "help"]] {
        let said = good(program(&at, words.iter().copied()));
        assert!(said.contains("catena MODEL METHOD") && said.contains("stepsize_jitter=0 "), "{said}");
    }
    assert_eq!(good(program(&at, ["version"])), concat!("catena ", env!("CARGO_PKG_VERSION"), "\n"));
}

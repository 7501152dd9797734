//! Where chains start: values that are given, drawn, refused or misspelt.

use super::*;

#[test]
fn starting_at_the_mode_works() {
    // The gradient there is exactly zero.
    let init = PositionInit::new(&[0.0, 0.0]).unwrap();
    let mut writers = vec![TableWriter::new()];
    let io = SampleIo { inits: vec![&init], sample_writers: borrow(&mut writers), ..Default::default() };
    let report =
        sample_nuts(&moody(|_, _: &[f64]| Ok(0.0)), &SampleOptions { num_chains: 1, ..options() }, io).unwrap();
    report.status().unwrap();
    assert_eq!(writers[0].rows(), 100);
}

#[test]
fn initial_values_given_are_kept_and_the_others_drawn() {
    let (a, b) = (PositionInit::new(&[0.25, f64::NAN]).unwrap(), PositionInit::new(&[f64::NAN, f64::NAN]).unwrap());
    let mut writers = vec![TableWriter::new(), TableWriter::new()];
    let io =
        SampleIo { inits: vec![&a as &dyn InitContext, &b], init_writers: borrow(&mut writers), ..Default::default() };
    let run_options = SampleOptions { num_chains: 2, init_radius: 0.5, ..options() };
    sample_nuts(&moody(|_, _: &[f64]| Ok(0.0)), &run_options, io).unwrap();
    assert_eq!(writers[0].column_names(), ["x.1", "x.2"]);
    assert_eq!((writers[0].rows(), writers[0].values()[0]), (1, 0.25));
    for value in writers.iter().flat_map(|w| w.values()) {
        assert!(value.abs() < 0.5 && *value != 0.0);
    }
    // All given and refused: one try, not a hundred.
    let outside = PositionInit::new(&[3.0, 0.0]).unwrap();
    let model = moody(|_, x: &[f64]| if x[0] > 1.0 { Err(Refusal::Reject) } else { Ok(0.0) });
    let io = SampleIo { inits: vec![&outside], ..Default::default() };
    let report = sample_nuts(&model, &SampleOptions { num_chains: 1, ..options() }, io).unwrap();
    assert!(failure(&report, 0).message().contains("after 1 try"), "{}", failure(&report, 0));
    // A radius of 0 puts all at the origin, with one try too.
    let (report, _) =
        run(&moody(|_, _: &[f64]| Err(Refusal::Reject)), &SampleOptions { init_radius: 0.0, ..options() });
    assert!(failure(&report, 0).message().contains("after 1 try"));
    assert_eq!(INIT_TRIES, 100);
}

#[test]
fn a_misspelt_initial_value_is_told_with_the_name_that_was_meant() {
    let lines = Lines::default();
    let init = Values::from_json(r#"{"x.11": 1, "zzz": 1}"#).unwrap();
    let options = SampleOptions { num_chains: 1, num_warmup: 5, num_samples: 5, ..options() };
    let io = SampleIo { inits: vec![&init], logger: &lines, ..Default::default() };
    sample_nuts(&Correlated { dim: 3, rho: 0.2 }, &options, io).unwrap().status().unwrap();
    let lines = lines.0.into_inner().unwrap();
    let told = |line: &str| line.contains("did not ask for: x.11 (did you mean 'x.1'?), zzz");
    assert!(
        lines.iter().any(|(level, id, line)| (*level, *id) == (Level::Warning, Some(1)) && told(line)),
        "{lines:?}"
    );
}

//! Models of tables of functions: what they log, Hessians, the density without the Jacobian, older tables.

use super::*;

#[test]
fn models_of_tables_log_and_say_their_threading() {
    let mut table = empty_table();
    table.dimension = 1;
    table.log_density_gradient = Some(talk);
    let model = Model::from_table(&table).unwrap();
    let lines = Lines::default();
    let io = SampleIo { logger: &lines, ..Default::default() };
    let options = SampleOptions { num_chains: 2, num_warmup: 0, num_samples: 1, ..options() };
    sample_nuts(model.get(), &options, io).unwrap().status().unwrap();
    let lines = lines.take();
    for id in 1..=2 {
        let own: Vec<_> = lines.iter().filter(|(_, chain, _)| *chain == Some(id)).collect();
        assert!(own.len() >= 3 && own.len().is_multiple_of(3));
        assert!(own.chunks(3).all(|l| l[0].0 == Level::Warning && l[0].2 == format!("I am chain {id}")));
        assert!(own.chunks(3).all(|l| l[1].2 == "so I am" && l[2].0 == Level::Error));
    }
    assert!(lines.iter().all(|(_, chain, line)| chain.is_some() && line != "nobody"));

    table.threading = 3;
    let (status, message) = Model::from_table(&table).err().unwrap();
    assert!(status == catena_status::CATENA_INVALID_ARGUMENT && message.contains("density.threading"), "{message}");
    table.threading = 2;
    let model = Model::from_table(&table).unwrap();
    assert_eq!(model.get().threading(), Threading::Caller);
}

#[test]
fn hessians_are_the_librarys_where_they_are_exact() {
    let _alone = alone();
    // Exact ones, those of a library that makes them of differences, none.
    for (name, flags, given) in [
        ("hessian", &["-DMOCK_HESSIAN=1"][..], true),
        ("differences", &["-DMOCK_HESSIAN=0"][..], false),
        ("threads", &[], false),
    ] {
        let library = library(name, flags);
        let model = Model::new(&library, "");
        assert_eq!(model.get().has_hessian(), given, "{name}");
        let newton = OptimizeOptions { algorithm: Algorithm::Newton, jacobian: true, ..Default::default() };
        let report = optimize(model.get(), &options(), &newton, SampleIo::default()).unwrap();
        let found = report.best_start().unwrap();
        assert!(
            found.is_converged()
                && counter(&library, "mock_hessians") == if given { found.iterations as i32 + 1 } else { 0 }
        );
        let mode = [1.0, 2.0, 0.0, 11.0, 21.0, 12.0, 22.0, 13.0, 23.0, 0.0];
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-8 * b.abs().max(1.0);
        assert!(found.position.iter().zip(&mode).all(near), "{name}: {:?}", found.position);
        let one = SampleOptions { num_chains: 1, ..options() };
        let fit = laplace(model.get(), &one, &LaplaceOptions::default(), SampleIo::default()).unwrap().fits.remove(0);
        let sd = [2.0, 2.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert!(fit.sd.iter().zip(&sd).all(near), "{name}: {:?}", fit.sd);
    }
    // Without the Jacobian a point has another Hessian's neighbours: tau has no mode there, and that is told.
    let model = Model::new(&library("hessian", &["-DMOCK_HESSIAN=1"]), "");
    let newton = OptimizeOptions { algorithm: Algorithm::Newton, max_iterations: 10, ..Default::default() };
    let report = optimize(model.get(), &options(), &newton, SampleIo::default()).unwrap();
    assert_eq!(report.status().unwrap_err().code(), Code::NotConverged);
    assert!((report.starts[0].position[2] + 0.25).abs() < 1e-8, "{:?}", report.starts[0]);
}

/// A normal of mean 2 for y = exp(x), without the Jacobian; nothing beyond y = 6.
unsafe extern "C" fn positive(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut catena_task,
    x: *const f64,
    value: *mut f64,
    gradient: *mut f64,
) -> c_int {
    // SAFETY: one coordinate, and places for the numbers; the gradient's is null where it is not wanted.
    unsafe {
        let y = (*x).exp();
        *value = -0.5 * (y - 2.0) * (y - 2.0);
        if let Some(gradient) = gradient.as_mut() {
            *gradient = -(y - 2.0) * y;
        }
        c_int::from(y > 6.0)
    }
}

/// Points of [`positive`] answered together.
static TOGETHER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

unsafe extern "C" fn positive_batch(
    user: *mut c_void,
    worker: *mut c_void,
    task: *mut catena_task,
    n: usize,
    positions: *const f64,
    log_densities: *mut f64,
    gradients: *mut f64,
    codes: *mut c_int,
) -> c_int {
    TOGETHER.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
    for i in 0..n {
        // SAFETY: as documented, n rows of one number each.
        unsafe {
            *codes.add(i) = positive(user, worker, task, positions.add(i), log_densities.add(i), gradients.add(i));
        }
    }
    0
}

unsafe extern "C" fn nothing(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut catena_task,
    _: usize,
    _: *const f64,
    _: *mut f64,
    _: *mut f64,
    _: *mut c_int,
) -> c_int {
    -1
}

#[test]
fn a_tables_batches_leave_the_jacobian_out() {
    let mut table = empty_table();
    table.dimension = 1;
    // Whoever asks with the Jacobian gets nothing: the mode is that of the other density.
    table.log_density_gradient = Some(talk);
    table.log_density_gradient_batch = Some(nothing);
    table.constrain = Some(half);
    table.output_count = 1;
    let names = [c"y".as_ptr()];
    table.output_names = names.as_ptr();
    table.log_density_without_jacobian = Some(positive);
    table.log_density_without_jacobian_batch = Some(positive_batch);
    let model = Model::from_table(&table).unwrap();
    let starts = |batch_size| {
        let ways = OptimizeOptions { num_starts: 6, ..Default::default() };
        let options = SampleOptions { batch_size, ..options() };
        let report = optimize(model.get(), &options, &ways, SampleIo::default()).unwrap();
        report.status().unwrap();
        report.starts
    };
    let alone = starts(0);
    assert_eq!(TOGETHER.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert!(alone.iter().all(|start| start.is_converged() && (start.position[0] - 2f64.ln()).abs() < 1e-8));
    let together = starts(4);
    let evaluations: u64 = together.iter().map(|start| start.evaluations).sum();
    assert_eq!(TOGETHER.load(std::sync::atomic::Ordering::Relaxed) as u64, evaluations);
    let bits = |starts: &[catena::services::OptimizeStart]| {
        starts.iter().map(|start| start.position[0].to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(bits(&alone), bits(&together));
}

/// The output is half the coordinate.
unsafe extern "C" fn half(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut catena_task,
    x: *const f64,
    outputs: *mut f64,
) -> c_int {
    // SAFETY: one coordinate, one output.
    unsafe { *outputs = 0.5 * *x };
    0
}

//! Filters over ranks.

use super::linear::Linear;
use super::run;
use catena::drive::InProcess;
use catena::io::{Never, Silent};
use catena::model::Communicator;
use catena::services::{FilterRun, particle_filter};
use std::thread;
use std::time::Duration;

/// Sets over ranks: the report of one process on all of them, also where a rank has none; what fails on one fails on all.
#[test]
fn ranks_have_the_bits_of_one_process() {
    let over = |size, model: &(dyn Fn(usize) -> Linear + Sync), options: &FilterRun| {
        thread::scope(|scope| {
            let ranks = InProcess::ranks(size, Duration::from_secs(60)).into_iter();
            let run = |rank: InProcess| {
                let model = model(rank.rank());
                move || particle_filter(&model, options, &Silent, &Never, None, Some(&rank))
            };
            let threads: Vec<_> = ranks.map(|rank| scope.spawn(run(rank))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let options = FilterRun {
        num_sets: 3,
        init_set_id: 4,
        num_particles: 300,
        num_times: 6,
        history: true,
        num_trajectories: 4,
        seed: 3,
        ..FilterRun::default()
    };
    let model = |_| Linear::new(2, 6);
    let expected = run(&model(0), &options);
    for size in 1..=4 {
        for report in over(size, &model, &options) {
            assert!(report.unwrap() == expected, "{size} ranks");
        }
    }
    let fails = |rank| if rank == 1 { Linear { fault: Some((2, Some(7), f64::NAN)), ..model(0) } } else { model(0) };
    for report in over(2, &fails, &options) {
        let words = report.unwrap_err().to_string();
        assert!(words.starts_with("set 6, particle 7: on rank 1: "), "{words}");
    }
    let others = |rank| if rank == 1 { Linear::new(1, 6) } else { model(0) };
    for report in over(2, &others, &options) {
        let words = report.unwrap_err().to_string();
        assert!(words.contains("'model.dimension': expected the same on all ranks, as 2 on rank 0"), "{words}");
    }
}

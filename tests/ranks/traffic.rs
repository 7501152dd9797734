//! What moves between ranks, and when: the formulas of `docs/cluster.md` against counters.

use crate::common::in_process::{Counted, TIME_OUT, on_ranks};
use crate::common::{self, Normal};
use catena::adapt::{FIRST_LOOK, next_look};
use catena::drive::share;
use catena::io::TableWriter;
use catena::model::Communicator;
use catena::services::{SampleIo, SampleOptions, Session};

/// Bytes with which a rank tells where it stands, and with which it tells how many come.
const PULSE: usize = 24;
const LENGTH: usize = 8;

#[test]
fn looks_move_what_the_formulas_say() {
    const CHAINS: usize = 8;
    const COLUMNS: usize = 2;
    const SAMPLES: usize = 400;
    let looks: Vec<usize> =
        std::iter::successors(Some(FIRST_LOOK), |n| Some(next_look(*n))).take_while(|n| *n < SAMPLES).collect();
    assert_eq!(looks, [100, 125, 157, 197, 247, 309, 387]);
    // More than can be had, so that all looks come.
    let until_columns = vec!["lp__".to_string(), "x.1".to_string()];
    let options = SampleOptions {
        num_chains: CHAINS,
        num_warmup: 100,
        num_samples: SAMPLES,
        num_threads: 1,
        refresh: 0,
        until_ess: 1e6,
        until_columns,
        ..SampleOptions::stan()
    };
    for size in [2, 4, 8] {
        on_ranks(size, TIME_OUT, |rank| {
            let (counted, counts) = Counted::new(rank);
            let own = share(CHAINS, counted.rank(), size).len();
            let density = Normal::new(1, |_, _| Ok(0.0));
            let mut writers: Vec<TableWriter> = Vec::new();
            let io = SampleIo {
                sample_writers: common::borrow(&mut writers),
                communicator: Some(&counted),
                ..Default::default()
            };
            let mut session = Session::new(&density, &options, io).unwrap();
            session.run(None, || false);
            session.into_report().status().unwrap();

            let moved = counts.gathers_v();
            // The options, the looks, the reports, and whether anybody wants draws.
            let [options, meetings @ .., reports, wants] = &moved[..] else { panic!("{moved:?}") };
            assert!((200..3000).contains(options), "{options} bytes of options");
            let expected: Vec<usize> = looks.iter().map(|n| own * (16 + 8 * n * COLUMNS)).collect();
            assert_eq!(meetings, expected, "{size} ranks");
            assert!((40 * own..100 * own + 8).contains(reports), "{reports} bytes of {own} reports");
            assert_eq!(*wants, 1);
            // Each of these is announced; all else are pulses, one at least for each meeting and for the end.
            assert!(counts.sends().is_empty(), "chains stay where they are");
            let gathers = counts.gathers();
            let of = |bytes: usize| gathers.iter().filter(|b| **b == bytes).count();
            assert_eq!(of(LENGTH), moved.len());
            assert_eq!(of(LENGTH) + of(PULSE), gathers.len());
            assert!(of(PULSE) > looks.len());
        });
    }
}

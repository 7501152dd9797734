use super::workbench::{Flaw, Workbench};

/// The worst of some columns, each of chains of equal length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// The smallest effective sample size, bulk or tail, and the place of its column; NaN where that of a column can't be
    /// had.
    pub ess: (f64, usize),
    /// The largest R-hat and the place of its column; NaN where that of a column can't be had.
    pub rhat: (f64, usize),
}

impl Worst {
    /// Of `columns` columns whose draws stand row after row, `draws` rows of each chain, chain after chain.
    ///
    /// A column that never changes counts where all chains move in others: it is constant by design. The effective sample
    /// size of a tail that a column of few values hasn't got doesn't count.
    pub fn of(rows: &[f64], columns: usize, draws: usize) -> Self {
        let mut bench = Workbench::default();
        let mut worst = Self { ess: (f64::INFINITY, 0), rhat: (f64::NEG_INFINITY, 0) };
        let chains = rows.len() / (columns * draws).max(1);
        let mut moving = vec![false; chains];
        let mut constant = None;
        // From the first NaN on no other number matters.
        let note = |place: &mut (f64, usize), value: f64, column: usize, is_worse: bool| {
            if !place.0.is_nan() && (value.is_nan() || is_worse) {
                *place = (value, column);
            }
        };
        for column in 0..columns {
            bench.load(rows.iter().skip(column).step_by(columns).copied(), draws);
            match bench.flaw() {
                Flaw::Constant => {
                    constant.get_or_insert(column);
                    continue;
                }
                Flaw::Stuck(stuck) => {
                    moving.iter_mut().enumerate().for_each(|(c, moves)| *moves |= !stuck.contains(&c));
                }
                Flaw::None => moving.fill(true),
                Flaw::NotFinite | Flaw::Few => {}
            }
            let (rhat, bulk) = bench.rhat_and_ess_bulk();
            let tail = bench.ess_tail();
            let ess = if tail < bulk { tail } else { bulk };
            let (is_less, is_more) = (ess < worst.ess.0, rhat > worst.rhat.0);
            note(&mut worst.ess, ess, column, is_less);
            note(&mut worst.rhat, rhat, column, is_more);
        }
        if let Some(column) = constant.filter(|_| !moving.iter().all(|moves| *moves)) {
            note(&mut worst.ess, f64::NAN, column, false);
            note(&mut worst.rhat, f64::NAN, column, false);
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::{Draws, ess_bulk, ess_tail, rhat};
    use crate::random::{Purpose, Stream};

    const DRAWS: usize = 400;

    fn rows(columns: usize, f: impl Fn(usize, usize, usize, f64) -> f64) -> Vec<f64> {
        let mut stream = Stream::new(8, 1, Purpose::Model);
        let size = 4 * DRAWS * columns;
        (0..size).map(|i| f(i % columns, i / columns / DRAWS, i / columns % DRAWS, stream.normal())).collect()
    }

    #[test]
    fn it_is_the_worst_of_the_columns() {
        let rows =
            rows(3, |k, c, d, z| z + k as f64 * 0.1 * c as f64 + if k == 1 { (d as f64 / 40.0).sin() } else { 0.0 });
        let worst = Worst::of(&rows, 3, DRAWS);
        let columns: Vec<Vec<f64>> = (0..3).map(|k| rows.iter().skip(k).step_by(3).copied().collect()).collect();
        let draws: Vec<Draws<'_>> = columns.iter().map(|c| Draws::new(c, 4, DRAWS, DRAWS, 1).unwrap()).collect();
        let ess = draws.iter().map(|d| ess_bulk(d).min(ess_tail(d))).fold(f64::INFINITY, f64::min);
        assert_eq!(worst.ess, (ess, 1));
        assert_eq!(worst.rhat.0, draws.iter().map(rhat).fold(0.0, f64::max));
    }

    #[test]
    fn what_can_not_be_had_is_the_worst() {
        let moves = |f: &dyn Fn(usize, usize, f64) -> f64| {
            Worst::of(&rows(2, |k, c, d, z| if k == 0 { z } else { f(c, d, z) }), 2, DRAWS)
        };
        assert!(moves(&|_, _, _| 1.0).ess.0 > 1000.0, "constant by design");
        assert!(moves(&|_, _, z| f64::from(u8::from(z > 0.0))).ess.0 > 1000.0, "a column of few values");
        for bad in [
            moves(&|c, _, z| if c == 1 { 0.5 } else { z }),
            moves(&|c, _, _| c as f64),
            moves(&|c, d, z| if (c, d) == (3, 17) { f64::NAN } else { z }),
        ] {
            assert!(bad.ess.0.is_nan() && bad.rhat.0.is_nan() && bad.ess.1 == 1, "{bad:?}");
        }
        let still = Worst::of(&rows(1, |_, _, _, _| 2.0), 1, DRAWS);
        assert!(still.ess.0.is_nan() && still.rhat.0.is_nan());
    }
}

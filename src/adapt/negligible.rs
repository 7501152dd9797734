//! Chains that linger where next to nothing of the posterior is, while others have found it, and the draws from which they
//! set out anew.

use super::Brought;
use super::apart::{highest, is_far_below, mean_and_sd};
use super::sample::moves;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Fewer draws since half a chain's way say too little: these are of 60 iterations or more.
const DRAWS: usize = 30;
/// A chain still rises where the log densities of the newer half of its draws are above the older half's by so many standard deviations
/// of the highest chain's, on average. The halves of a chain that has settled differ by less than one.
const RISES: f64 = 2.0;
/// The logarithm of how many times more of the posterior is to be where the highest chain is.
const MASS: f64 = 10.0;
/// And what is added for each coordinate, since variances are of few draws that depend on one another.
const NOISE: f64 = 0.5;

/// A draw of another chain, from which one that lingers sets out anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Log density there.
    pub log_density: f64,
    /// The draw, `dim` numbers.
    pub position: Vec<f64>,
    /// Gradient of the log density there.
    pub gradient: Vec<f64>,
}

/// What happened to a chain that lingered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SetOutAnew {
    /// Iterations that it had behind it.
    pub iterations: usize,
    /// Log density where it was.
    pub left: f64,
    /// Log density of the draw from which it set out anew.
    pub taken: f64,
}

impl fmt::Display for SetOutAnew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "after {} iterations of warm-up this chain lingered where next to nothing of the posterior is (log density {:.1}): \
             it set out anew from another chain's draw (log density {:.1})",
            self.iterations, self.left, self.taken
        )
    }
}

impl Place {
    /// A chain's newest draw.
    fn newest(chain: &Brought<'_>) -> Self {
        let (position, gradient) = chain.newest();
        Self { log_density: chain.heights.newest, position: position.to_vec(), gradient: gradient.to_vec() }
    }

    /// Appends what [`Place::read`] reads.
    pub(super) fn write(&self, out: &mut Vec<f64>) {
        out.push(self.log_density);
        out.extend_from_slice(&self.position);
        out.extend_from_slice(&self.gradient);
    }

    /// Reads a place of `dim` coordinates from the beginning of `numbers`, and returns what follows it.
    pub(super) fn read(dim: usize, numbers: &[f64]) -> (Self, &[f64]) {
        let (place, rest) = numbers.split_at(1 + 2 * dim);
        let (position, gradient) = place[1..].split_at(dim);
        (Self { log_density: place[0], position: position.to_vec(), gradient: gradient.to_vec() }, rest)
    }
}

/// For each chain that lingers where next to nothing of the posterior is the place from which it sets out anew: the newest draws of
/// those that are not `apart`, in turn.
pub(super) fn anew(chains: &[Brought<'_>], apart: &[bool]) -> Vec<Option<Place>> {
    let Some(highest) = highest(chains) else { return vec![None; chains.len()] };
    let together = chains.iter().zip(apart).filter(|(_, apart)| !**apart);
    let mut others = together.map(|(chain, _)| chain).cycle();
    let mut place = |chain, apart| {
        let lingers = apart && lingers(chain, highest);
        if lingers { others.next().map(Place::newest) } else { None }
    };
    chains.iter().zip(apart).map(|(chain, apart)| place(chain, *apart)).collect()
}

/// Whether a chain is settled far below the `highest` one, where there is next to nothing of the posterior.
///
/// One that still rises, or stands still most of the time, has not seen the place where it is; that may be a mode of its own, which
/// a new start would hide.
fn lingers(chain: &Brought<'_>, highest: &Brought<'_>) -> bool {
    let dim = chain.present.len();
    let is_settled =
        chain.heights.rise <= RISES * highest.heights.sd && 2 * moves(chain.positions, dim) > chain.draws();
    chain.draws().min(highest.draws()) >= DRAWS
        && is_settled
        && is_far_below(chain, highest)
        && log_mass_ratio(highest, chain) > MASS + NOISE * dim as f64
}

/// A lower bound of the logarithm of how much more of the posterior is where `high` is than where `low` is.
///
/// With q the normalised density of a place, its mass is exp(E log p + H(q)), p the density as the model has it. The entropy H is at
/// most that of a normal of the same covariance, and no less than that of one whose covariance is the inverse of the
/// gradients' (Dembo, Cover and Thomas 1991, the information inequality N(X) |J(X)|^(1/d) >= 1); and neither determinant is larger than
/// the product of its diagonal (Hadamard).
fn log_mass_ratio(high: &Brought<'_>, low: &Brought<'_>) -> f64 {
    let dim = high.present.len();
    let volumes: f64 =
        (0..dim).map(|i| libm::log(mean_and_sd(low.positions, i, dim).1 * mean_and_sd(high.gradients, i, dim).1)).sum();
    high.heights.mean - low.heights.mean - volumes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapt::Heights;
    use crate::adapt::target::Counted;
    use crate::random::{Purpose, Stream};

    /// A chain's draws of a normal, in two coordinates of standard deviation `sd`, and their log densities.
    struct Normal {
        positions: Vec<f64>,
        gradients: Vec<f64>,
        heights: Vec<f64>,
    }

    impl Normal {
        /// `draws` about `centre`, where the log density is `peak`.
        fn new(id: u64, draws: usize, (centre, sd, peak): (f64, f64, f64)) -> Self {
            let mut random = Stream::new(3, id, Purpose::Model);
            let z: Vec<f64> = (0..2 * draws).map(|_| random.normal()).collect();
            Self {
                positions: z.iter().map(|z| centre + sd * z).collect(),
                gradients: z.iter().map(|z| -z / sd).collect(),
                heights: z.chunks(2).map(|z| peak - 0.5 * (z[0] * z[0] + z[1] * z[1])).collect(),
            }
        }

        fn brought(&self) -> Brought<'_> {
            Brought {
                log_step: 0.0,
                is_ready: false,
                counted: Counted::default(),
                present: &[1.0; 2],
                positions: &self.positions,
                gradients: &self.gradients,
                heights: Heights::of(&self.heights),
            }
        }
    }

    /// The high mode: its mass is 2 pi.
    const HIGH: (f64, f64, f64) = (0.0, 1.0, 0.0);

    /// From which of the others the last chain sets out anew, among three in the high mode.
    fn taken(last: Normal) -> Option<usize> {
        let mut all: Vec<Normal> = (1..=3).map(|id| Normal::new(id, 40, HIGH)).collect();
        all.push(last);
        let chains: Vec<Brought<'_>> = all.iter().map(Normal::brought).collect();
        let mut places = anew(&chains, &[false, false, false, true]);
        let place = places.pop().unwrap();
        assert_eq!(places, vec![None; 3]);
        place.map(|place| chains.iter().position(|c| Place::newest(c) == place).unwrap())
    }

    #[test]
    fn the_masses_of_two_places_are_bounded() {
        let high = Normal::new(1, 400, HIGH);
        for (sd, peak) in [(1.0, -30.0), (1e5, -30.0), (1e-3, -30.0), (1.0, 20.0)] {
            let other = Normal::new(2, 400, (50.0, sd, peak));
            let ratio = log_mass_ratio(&high.brought(), &other.brought());
            let exact = -peak - 2.0 * libm::log(sd);
            // Of normals both bounds are exact; each of the four variances is off by a fourteenth or so.
            assert!((ratio - exact).abs() < 0.3, "{ratio} for {exact}");
        }
    }

    #[test]
    fn who_lingers_where_nothing_is_sets_out_anew() {
        assert_eq!(taken(Normal::new(4, 40, (50.0, 1.0, -30.0))), Some(0));
        assert_eq!(taken(Normal::new(4, 40, (50.0, 1e3, -30.0))), Some(0));
    }

    #[test]
    fn a_broad_mode_stays_however_low_it_is() {
        // Masses are a third and three times of the high mode's.
        for sd in [1.9e6, 5.7e6] {
            assert_eq!(taken(Normal::new(4, 40, (50.0, sd, -30.0))), None);
        }
    }

    #[test]
    fn what_has_not_seen_its_place_stays() {
        let low = |draws| Normal::new(4, draws, (50.0, 1.0, -30.0));
        assert_eq!(taken(low(DRAWS - 1)), None);
        assert_eq!(taken(low(0)), None);
        let mut rising = low(40);
        rising.heights.iter_mut().zip(0..).for_each(|(height, i)| *height += 0.2 * f64::from(i));
        assert_eq!(taken(rising), None);
        // Three of four draws are the one before.
        let mut still = low(40);
        for row in still.positions.chunks_mut(8) {
            let first = [row[0], row[1]];
            row.chunks_mut(2).for_each(|x| x.copy_from_slice(&first));
        }
        assert_eq!(taken(still), None);
    }

    #[test]
    fn places_are_taken_in_turn() {
        let all: Vec<Normal> =
            (1..=5).map(|id| Normal::new(id, 40, if id < 3 { HIGH } else { (9.0, 0.1, -50.0) })).collect();
        let chains: Vec<Brought<'_>> = all.iter().map(Normal::brought).collect();
        let places = anew(&chains, &[false, false, true, true, true]);
        let newest = |c: usize| Some(Place::newest(&chains[c]));
        assert_eq!(places, [None, None, newest(0), newest(1), newest(0)]);
        // Nobody is together with anyone.
        assert_eq!(anew(&chains, &[true; 5]), vec![None; 5]);
        assert!(anew(&[], &[]).is_empty());
    }
}

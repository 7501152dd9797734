//! Weighted particles of independent sets, and what they say of each variable.

use super::quantiles::quantiles;
use crate::error::Error;

/// The column of log weights, those of other names that end alike are no variables.
pub(super) const LOG_WEIGHT: &str = "log_weight__";
const OWN: &str = "__";
/// Sets whose weights are worth fewer sets of equal weight than this tell no error: nearly all is of one.
const FEWEST_SETS: f64 = 1.5;

/// The particles of one set.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticleSet {
    /// The set's id.
    pub id: u64,
    /// The numbers of each variable.
    pub columns: Vec<Vec<f64>>,
    /// Weights, not below 0, on a scale that all sets share.
    pub weights: Vec<f64>,
}

/// Weighted particles of independent sets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Particles {
    /// Names of the variables.
    pub names: Vec<String>,
    /// The sets.
    pub sets: Vec<ParticleSet>,
}

/// Rows of one set, as a writer got them.
#[derive(Debug, Clone, Copy)]
pub struct SetRows<'a> {
    /// The set's id.
    pub id: u64,
    /// Row after row.
    pub values: &'a [f64],
}

impl Particles {
    /// No set yet.
    pub fn new(names: Vec<String>) -> Self {
        Self { names, sets: Vec::new() }
    }

    /// Of rows whose columns are named; `log_weight__` among them weighs them (without it all weigh the same), and other names
    /// that end in two underscores are of no variable. Rows without a finite weight are left out.
    ///
    /// # Errors
    /// A set whose numbers are no whole number of rows.
    pub fn of_rows(columns: &[String], sets: &[SetRows<'_>]) -> Result<Self, Error> {
        let weight = columns.iter().position(|name| name == LOG_WEIGHT);
        let places: Vec<usize> = (0..columns.len()).filter(|&i| !columns[i].ends_with(OWN)).collect();
        let width = columns.len().max(1);
        let log_weight = |row: &[f64]| weight.map_or(0.0, |at| row[at]);
        let rows = |set: &SetRows<'_>| set.values.chunks_exact(width).map(log_weight).collect::<Vec<f64>>();
        let logs: Vec<Vec<f64>> = sets.iter().map(rows).collect();
        let largest = logs.iter().flatten().copied().filter(|w| w.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        let mut particles = Self::new(places.iter().map(|&i| columns[i].clone()).collect());
        for (set, logs) in sets.iter().zip(logs) {
            if set.values.len() % width != 0 {
                let (expected, got) = (format!("rows of {width} numbers"), format!("{} numbers", set.values.len()));
                return Err(Error::argument("values", expected, got).in_set(set.id));
            }
            let kept: Vec<usize> = (0..logs.len()).filter(|&i| logs[i].is_finite()).collect();
            particles.sets.push(ParticleSet {
                id: set.id,
                columns: places.iter().map(|&c| kept.iter().map(|&i| set.values[i * width + c]).collect()).collect(),
                weights: kept.iter().map(|&i| (logs[i] - largest).exp()).collect(),
            });
        }
        Ok(particles)
    }

    pub(super) fn variable(&self, at: usize) -> Variable {
        Variable::of(at, &self.sets)
    }

    /// The set, by its id, that has so much of all weight that the sets tell no error, and its share; `None` where none has.
    pub(super) fn sole(&self) -> Option<(u64, f64)> {
        let weights: Vec<f64> = self.sets.iter().map(|set| set.weights.iter().sum()).collect();
        let heaviest = (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b]))?;
        let share = weights[heaviest] / weights.iter().sum::<f64>();
        (worth(&weights) < FEWEST_SETS && weights.len() > 1).then_some((self.sets[heaviest].id, share))
    }
}

/// How many sets of equal weight these are worth (Kish's effective number); NaN where all weights are 0.
fn worth(weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    total * total / weights.iter().map(|w| w * w).sum::<f64>()
}

/// What the sets say of one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    pub mean: f64,
    /// Standard error of the mean across the sets; NaN of one, or where one outweighs all others.
    pub error: f64,
    pub sd: f64,
    /// At 5, 50 and 95 %.
    pub quantiles: Vec<f64>,
    /// Each set's own mean; NaN of a set without weight.
    pub means: Vec<f64>,
}

impl Variable {
    fn of(at: usize, sets: &[ParticleSet]) -> Self {
        let sums = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let of = |set: &ParticleSet| set.columns[at].iter().zip(&set.weights).map(|(x, w)| w * f(*x)).sum();
            sets.iter().map(of).collect()
        };
        let (weights, firsts) = (sums(&|_| 1.0), sums(&|x| x));
        let total: f64 = weights.iter().sum();
        let mean = firsts.iter().sum::<f64>() / total;
        let sd = (sums(&|x| (x - mean) * (x - mean)).iter().sum::<f64>() / total).sqrt();
        // The delta method for a ratio of means over independent sets, with as many degrees of freedom as their weights are
        // worth sets, less one.
        let away: f64 = firsts.iter().zip(&weights).map(|(x, w)| (x - w * mean) * (x - w * mean)).sum();
        let n = worth(&weights);
        let error = if n >= FEWEST_SETS { (away * n / (n - 1.0)).sqrt() / total } else { f64::NAN };
        let (all, all_weights): (Vec<f64>, Vec<f64>) =
            sets.iter().flat_map(|set| set.columns[at].iter().copied().zip(set.weights.iter().copied())).unzip();
        let means = firsts.iter().zip(&weights).map(|(x, w)| x / w).collect();
        Self { mean, error, sd, quantiles: quantiles(&all, &all_weights, &[0.05, 0.5, 0.95]), means }
    }

    /// How many independent draws would know the mean as well; NaN of one set.
    pub fn ess(&self) -> f64 {
        (self.sd / self.error) * (self.sd / self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_count_with_their_evidence_and_tell_the_error() {
        let columns = ["lp__", "log_weight__", "x"].map(String::from);
        let row = |w: f64, x: f64| [0.0, w.ln(), x];
        let one: Vec<f64> = [row(1.0, 1.0), row(1.0, 3.0)].concat();
        let two: Vec<f64> = [row(2.0, 4.0), row(2.0, 6.0), [f64::NAN; 3]].concat();
        let sets = [SetRows { id: 3, values: &one }, SetRows { id: 4, values: &two }];
        let particles = Particles::of_rows(&columns, &sets).unwrap();
        assert_eq!((particles.names.as_slice(), particles.sets[1].weights.len()), (&columns[2..], 2));
        let x = particles.variable(0);
        // (1 + 3 + 2 (4 + 6)) / 6 = 4, and the sets' own means 2 and 5.
        assert!((x.mean - 4.0).abs() < 1e-12 && x.means == [2.0, 5.0], "{x:?}");
        // Deviations of the sums: 4 - 2 * 4 = -4 and 20 - 4 * 4 = 4; weights of 2 and 4 are worth 1.8 sets.
        assert!((x.error - (32.0f64 * 1.8 / 0.8).sqrt() / 6.0).abs() < 1e-12, "{x:?}");
        assert_eq!(particles.sole(), None);
        assert!((x.sd - ((9.0 + 1.0 + 2.0 * (0.0 + 4.0)) / 6.0f64).sqrt()).abs() < 1e-12);
        assert_eq!(x.quantiles, [1.0, 4.0, 6.0]);
        assert!(Particles::of_rows(&columns, &[SetRows { id: 1, values: &one[..4] }]).is_err());
        // A set that outweighs all others agrees with itself.
        let heavy: Vec<f64> = [row(50.0, 4.0), row(50.0, 6.0)].concat();
        let sets =
            [SetRows { id: 3, values: &one }, SetRows { id: 4, values: &heavy }, SetRows { id: 5, values: &one }];
        let particles = Particles::of_rows(&columns, &sets).unwrap();
        assert!(
            particles.variable(0).error.is_nan() && particles.sole().is_some_and(|(id, share)| id == 4 && share > 0.95)
        );
        assert_eq!(Particles::of_rows(&columns, &sets[..1]).unwrap().sole(), None);
    }
}

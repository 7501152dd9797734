/// A generalised Pareto distribution on excesses from 0 on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GeneralisedPareto {
    /// Positive: a heavy tail, with fewer than 1 / shape moments. Negative: a bounded one.
    pub shape: f64,
    scale: f64,
}

/// Weight, in draws, of the prior on the shape, and its mean (Vehtari et al. 2024, appendix C).
const PRIOR_DRAWS: f64 = 10.0;
const PRIOR_SHAPE: f64 = 0.5;
/// Scale of Zhang and Stephens' prior, in quartiles of the excesses, and the fewest points of their grid.
const PRIOR_QUARTILES: f64 = 3.0;
const FEWEST_POINTS: usize = 30;

impl GeneralisedPareto {
    /// Fitted to `excesses` in rising order, all positive, by the empirical Bayes estimate of Zhang and Stephens (2009, "A
    /// new and efficient estimation method for the generalized Pareto distribution"), the shape drawn a little to
    /// one half. `None` where the excesses are too much alike or too far apart for finite numbers.
    pub fn fit(excesses: &[f64]) -> Option<Self> {
        let count = excesses.len() as f64;
        let quartile = excesses[((count / 4.0 + 0.5).floor() as usize).max(1) - 1];
        let largest = excesses[excesses.len() - 1];
        let points = FEWEST_POINTS + count.sqrt() as usize;
        let point = |j: usize| {
            let spread = 1.0 - (points as f64 / (j as f64 + 0.5)).sqrt();
            1.0 / largest + spread / (PRIOR_QUARTILES * quartile)
        };
        let shape_at = |theta: f64| excesses.iter().map(|x| libm::log1p(-theta * x)).sum::<f64>() / count;
        let thetas: Vec<f64> = (0..points).map(point).collect();
        let log_likelihoods: Vec<f64> = thetas
            .iter()
            .map(|theta| {
                let shape = shape_at(*theta);
                count * (libm::log(-theta / shape) - shape - 1.0)
            })
            .collect();
        let best = log_likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = log_likelihoods.iter().map(|l| libm::exp(l - best)).collect();
        let theta = thetas.iter().zip(&weights).map(|(t, w)| t * w).sum::<f64>() / weights.iter().sum::<f64>();
        let shape = shape_at(theta);
        let scale = -shape / theta;
        let shape = (count * shape + PRIOR_DRAWS * PRIOR_SHAPE) / (count + PRIOR_DRAWS);
        (shape.is_finite() && scale.is_finite()).then_some(Self { shape, scale })
    }

    /// The quantile at `p`, between 0 and 1.
    pub fn quantile(&self, p: f64) -> f64 {
        let survives = -libm::log1p(-p);
        match self.shape == 0.0 {
            true => self.scale * survives,
            false => self.scale * libm::expm1(self.shape * survives) / self.shape,
        }
    }
}

//! Chains of two coordinates driven by hand, every evaluation of a transition noted.

use catena::adapt::{LowRank, MetricKind};
use catena::hmc::{Chain, ChainSettings, Engine, Metric, Reply, Request, Start, Transition};

/// A point, a momentum or a gradient.
pub type Pair = [f64; 2];

/// Log density at a point, its gradient into the second argument; `None` refuses.
pub type Target = fn(&Pair, &mut Pair) -> Option<f64>;

/// x = log G with G ~ Gamma(1/2), and y normal around 0.7 x.
pub fn skewed(x: &Pair, g: &mut Pair) -> Option<f64> {
    let rest = x[1] - 0.7 * x[0];
    *g = [0.5 - x[0].exp() + 0.7 * rest, -rest];
    Some(0.5 * x[0] - x[0].exp() - 0.5 * rest * rest)
}

/// Independent Student t of 2 and of 3 degrees of freedom.
pub fn heavy(x: &Pair, g: &mut Pair) -> Option<f64> {
    let mut sum = 0.0;
    for (i, dof) in [2.0, 3.0].into_iter().enumerate() {
        g[i] = -(dof + 1.0) * x[i] / (dof + x[i] * x[i]);
        sum -= 0.5 * (dof + 1.0) * (1.0 + x[i] * x[i] / dof).ln();
    }
    Some(sum)
}

/// A normal of standard deviations 1 and 3.
pub fn normal(x: &Pair, g: &mut Pair) -> Option<f64> {
    *g = [-x[0], -x[1] / 9.0];
    Some(-0.5 * x[0] * x[0] - x[1] * x[1] / 18.0)
}

/// The inverse metrics every kind of which is tried, row by row.
pub const METRICS: [[f64; 4]; 4] =
    [[1.0, 0.0, 0.0, 1.0], [2.5, 0.0, 0.0, 0.4], [1.7, 0.6, 0.6, 0.9], [3.44, 0.96, 0.96, 1.14]];

/// The metric of one of [`METRICS`]: unit, diagonal, dense or low rank.
pub fn metric(inverse: &[f64; 4]) -> Metric {
    if *inverse == METRICS[0] {
        Metric::unit()
    } else if inverse[1] == 0.0 {
        Metric::diag(&[inverse[0], inverse[3]]).unwrap()
    } else if *inverse == METRICS[3] {
        // S² = (2, 0.5), one direction of variance 3.
        let (variances, values, vectors) = (vec![2.0, 0.5], vec![3.0], vec![0.6, 0.8]);
        Metric::low_rank(2, &LowRank { variances, values, vectors }).unwrap()
    } else {
        Metric::dense(2, inverse).unwrap()
    }
}

/// Settings of a chain that neither warms up nor adapts.
pub fn settings(chain_id: u64, inverse: &[f64; 4], stepsize: f64, num_samples: usize) -> ChainSettings {
    ChainSettings {
        metric_kind: MetricKind::Unit,
        metric_from_gradient: false,
        seed: 20_261,
        chain_id,
        dim: 2,
        num_warmup: 0,
        num_samples,
        metric: metric(inverse),
        stepsize,
        stepsize_jitter: 0.0,
        max_depth: 10,
        max_energy_error: 1000.0,
        adaptation: None,
        init_radius: 2.0,
        keep_momentum: true,
    }
}

/// A chain with the density that answers it.
pub struct ByHand {
    chain: Chain,
    target: Target,
    request: Request,
    /// Where the last transition evaluated, in order.
    pub evaluated: Vec<Pair>,
}

impl ByHand {
    pub fn new(settings: ChainSettings, engine: Engine, start: Pair, target: Target) -> Self {
        let mut chain = Chain::with_engine(settings, engine, Start(start.to_vec()));
        let request = chain.resume(Reply::Continue);
        let mut new = Self { chain, target, request, evaluated: Vec::new() };
        while new.request != Request::WarmupDone {
            new.answer();
        }
        new
    }

    fn answer(&mut self) {
        let reply = match &self.request {
            Request::Evaluate => {
                let (position, gradient, _) = self.chain.evaluation();
                let (x, mut g) = ([position[0], position[1]], [0.0; 2]);
                self.evaluated.push(x);
                let value = (self.target)(&x, &mut g);
                gradient.copy_from_slice(&g);
                value.map_or(Reply::Rejected, Reply::LogDensity)
            }
            Request::Failed(failure) => panic!("{failure}"),
            _ => Reply::Continue,
        };
        self.request = self.chain.resume(reply);
    }

    /// Moves once.
    pub fn transition(&mut self) -> Transition {
        self.evaluated.clear();
        self.answer();
        while self.request != Request::Draw {
            assert_ne!(self.request, Request::Done, "more samples were asked for");
            self.answer();
        }
        *self.chain.transition()
    }

    pub fn position(&self) -> Pair {
        let x = self.chain.position();
        [x[0], x[1]]
    }

    pub fn momentum(&self) -> Pair {
        let mut p = [0.0; 2];
        assert!(self.chain.momentum(&mut p));
        p
    }
}

/// A sum of values less their exact means, over the standard deviation that the exact variances give it.
#[derive(Default, Clone, Copy)]
pub struct Score {
    sum: f64,
    variance: f64,
}

impl Score {
    pub fn add(&mut self, value: f64, mean: f64, variance: f64) {
        self.sum += value - mean;
        self.variance += variance;
    }

    /// At most 4 standard errors from 0; where `fewest` is above 0, with a variance of at least that.
    pub fn check(&self, what: &str, fewest: f64) {
        assert!(self.variance >= fewest, "{what}: too few to tell ({})", self.variance);
        // Where hardly any value can differ from its mean the sum is far from normal.
        if self.variance < 5.0 {
            return;
        }
        let z = self.sum / self.variance.sqrt();
        assert!(z.abs() < 4.0, "{what}: {z:.1} standard errors off");
    }
}

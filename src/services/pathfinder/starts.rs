//! Where chains begin that Pathfinder sends on their way.

use super::{PathfinderOptions, follow};
use crate::adapt::LowRank;
use crate::diagnostics::Psis;
use crate::error::Error;
use crate::hmc::MetricKind;
use crate::io::Level;
use crate::model::Density;
use crate::pathfinder::PathNormal;
use crate::random::{Purpose, Stream};
use crate::services::{SampleIo, SampleOptions, spread};

/// Draws of each path that a start is taken from.
const DRAWS: usize = 100;
/// Added to the seed for paths, so that a chain's own streams stay what they are.
const OTHER_SEED: u64 = 0x7061_7468_6669_6e64;

/// What a chain begins with.
pub(in crate::services) struct Begun {
    /// Its position: a draw of its path, taken by its weight. Empty where the path failed.
    pub position: Vec<f64>,
    /// The inverse metric of the chain's shape; empty where the path failed, or the shape has none.
    pub inv_metric: Vec<f64>,
    /// Gradients that its path took.
    pub gradients: u64,
}

impl Begun {
    /// A chain that begins at this position; empty: where it would otherwise.
    pub fn at(position: Vec<f64>) -> Self {
        Self { position, inv_metric: Vec::new(), gradients: 0 }
    }
}

/// A path for each chain of this process, with the chain's id and init context, so that what a chain begins with depends on no other. A
/// chain whose path fails begins as it would without.
///
/// # Errors
/// As [`super::pathfinder`].
pub(in crate::services) fn starts<D: Density>(
    density: &D,
    options: &SampleOptions,
    io: &SampleIo<'_>,
) -> Result<Vec<Begun>, Error> {
    let own = spread::own(io.communicator, options.num_chains);
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let paths = PathfinderOptions { num_paths: own.len(), num_draws: DRAWS, ..PathfinderOptions::default() };
    let seed = options.seed.wrapping_add(OTHER_SEED);
    let init_chain_id = options.init_chain_id + own.start as u64;
    let run = SampleOptions { seed, refresh: 0, num_chains: own.len(), init_chain_id, ..options.clone() };
    let path_io = SampleIo {
        inits: io.inits.iter().skip(own.start).take(own.len()).copied().collect(),
        logger: io.logger,
        interrupt: io.interrupt,
        pool: io.pool.clone(),
        ..SampleIo::default()
    };
    io.logger.log(Level::Info, None, "Pathfinder finds where the chains begin");
    let followed = follow(density, &run, &paths, path_io)?;
    let begun = |(place, trail): (usize, &super::paths::Trail)| {
        let gradients = trail.evaluations()[0];
        let nothing = || Begun { position: Vec::new(), inv_metric: Vec::new(), gradients };
        let (Some(found), Some(psis)) = (&trail.found, Psis::new(&trail.ratios)) else { return nothing() };
        let mut stream = Stream::new(run.seed, run.init_chain_id + place as u64, Purpose::Start);
        let dim = density.dim();
        let at = super::pool::pick(&mut stream, &psis.log_weights);
        Begun {
            position: trail.positions[at * dim..(at + 1) * dim].to_vec(),
            inv_metric: metric(options.metric.shape(dim), &found.normal),
            gradients,
        }
    };
    Ok(followed.trails.iter().enumerate().map(begun).collect())
}

/// The normal's covariance in a metric's shape.
fn metric(shape: MetricKind, normal: &PathNormal) -> Vec<f64> {
    match shape {
        MetricKind::Unit => Vec::new(),
        MetricKind::Diag => normal.variances(),
        MetricKind::Dense => normal.covariance(),
        _ => LowRank { variances: normal.variances(), values: Vec::new(), vectors: Vec::new() }.to_numbers(),
    }
}

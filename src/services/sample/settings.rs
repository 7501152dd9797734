//! What each chain of a run is made from.

use crate::adapt::{LowRank, MOST_DIRECTIONS};
use crate::error::Error;
use crate::hmc::{ChainSettings, Engine, Metric, MetricKind};
use crate::io::metric_name;
use crate::room;
use crate::services::warm_start::{self, WarmStart};
use crate::services::{InitKind, SampleOptions};
use std::ops::Range;

/// The options as `engine` understands them: fixed parameters need neither warm-up nor metric.
pub(super) fn suited(engine: Engine, options: &SampleOptions) -> SampleOptions {
    match engine {
        Engine::Nuts | Engine::Static { .. } => options.clone(),
        Engine::FixedParam => SampleOptions {
            num_warmup: 0,
            adaptation: None,
            metric: MetricKind::Unit,
            init_from: InitKind::Given,
            ..options.clone()
        },
    }
}

/// Bytes of a chain besides its vectors.
const CHAIN_BYTES: usize = 4096;
/// Vectors of a chain for each doubling of a trajectory, and besides these.
const VECTORS_PER_DOUBLING: usize = 3;
const OTHER_VECTORS: usize = 12;
/// Matrices of a chain with a dense metric: the inverse metric, its factor, and the sums that it is estimated from.
const MATRICES: usize = 3;

/// Whether there is memory for the chains, by what each takes at least.
pub(super) fn check_memory(dim: usize, num_chains: usize, options: &SampleOptions) -> Result<(), Error> {
    const NUMBER: usize = size_of::<f64>();
    room::check("num_chains", &[num_chains, CHAIN_BYTES], num_chains)?;
    if options.metric.shape(dim) == MetricKind::Dense {
        let got = format!("{} with {dim} coordinates", metric_name(options.metric));
        room::check("metric", &[num_chains, MATRICES, dim, dim, NUMBER], got)?;
    }
    let directions = if options.metric.shape(dim) == MetricKind::LowRank { 2 * MOST_DIRECTIONS } else { 0 };
    let vectors = VECTORS_PER_DOUBLING * options.max_depth as usize + OTHER_VECTORS + directions;
    let got = format!("{num_chains} of {dim} coordinates");
    room::check("num_chains", &[num_chains, vectors, dim, NUMBER], got)
}

/// What was given beside the ends of another run's chains, and wins.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub position: bool,
    pub metric: bool,
}

/// Has chains begin where those of another run ended, which they take in turn: changes their settings and returns their
/// positions, none where they begin anew.
pub(super) fn begin_from(
    settings: &mut [ChainSettings],
    own: Range<usize>,
    options: &SampleOptions,
    from: &[Option<WarmStart>],
    given: Given,
) -> Result<Vec<Vec<f64>>, Error> {
    if from.is_empty() {
        return Ok(Vec::new());
    }
    let default = SampleOptions::default().stepsize;
    let begin = |chain: &mut ChainSettings, from: &WarmStart| {
        if !given.metric {
            chain.metric = from.metric(options.metric, chain.dim)?;
            chain.metric_from_gradient = false;
            chain.adaptation = warm_start::adaptation(chain.adaptation, chain.num_warmup);
        }
        chain.stepsize = from.stepsize(chain.stepsize, default)?;
        if given.position { Ok(Vec::new()) } else { from.position(chain.dim).map(<[f64]>::to_vec) }
    };
    let pairs = own.map(|place| &from[place % from.len()]).zip(settings);
    pairs
        .map(|(from, chain)| {
            let id = chain.chain_id;
            from.as_ref().map_or(Ok(Vec::new()), |from| begin(chain, from)).map_err(|e: Error| e.in_chain(id))
        })
        .collect()
}

/// The settings of the chains at the places `own` of the run; a bad inverse metric is reported with the id of its chain before any chain runs.
pub(super) fn chain_settings(
    dim: usize,
    own: Range<usize>,
    options: &SampleOptions,
    inv_metrics: &[&[f64]],
    keep_momentum: bool,
) -> Result<Vec<ChainSettings>, Error> {
    let metric = |given: Option<&&[f64]>| match (options.metric.shape(dim), given) {
        (shape, None) => Metric::identity(shape, dim),
        (MetricKind::Unit, Some(given)) => Err(Error::argument(
            "inv_metrics",
            "no inverse metric with the unit metric",
            format!("{} numbers", given.len()),
        )),
        (MetricKind::Diag, Some(given)) if given.len() != dim => {
            Err(Error::argument("inv_metrics", format!("{dim} numbers"), given.len()))
        }
        (MetricKind::Diag, Some(given)) => Metric::diag(given),
        // Which shape this one has need not be known to whoever has variances.
        (_, Some(given)) if options.metric == MetricKind::Auto && dim > 1 && given.len() == dim => Metric::diag(given),
        (MetricKind::Dense, Some(given)) => Metric::dense(dim, given),
        (_, Some(given)) => LowRank::from_padded(dim, given).and_then(|low_rank| Metric::low_rank(dim, &low_rank)),
    };
    own.map(|i| {
        let chain_id = options.init_chain_id + i as u64;
        Ok(ChainSettings {
            seed: options.seed,
            chain_id,
            dim,
            num_warmup: options.num_warmup,
            num_samples: options.num_samples,
            metric: metric(inv_metrics.get(i)).map_err(|e| e.in_chain(chain_id))?.of_kind(options.metric),
            metric_kind: options.metric,
            metric_from_gradient: inv_metrics.is_empty(),
            stepsize: options.stepsize,
            stepsize_jitter: options.stepsize_jitter,
            max_depth: options.max_depth,
            max_energy_error: options.max_energy_error,
            adaptation: options.adaptation,
            init_radius: options.init_radius,
            keep_momentum,
        })
    })
    .collect()
}

//! The verdict in words, and what to do.

use crate::diagnostics::{Row, Statistic, Summary, Verdict};
use serde::Serialize;

/// From here on chains have not mixed (Vehtari et al. 2021, section 4).
const HIGHEST_RHAT: f64 = 1.01;
/// Effective draws per chain that quantiles and R-hat are good from (the same).
const ENOUGH: f64 = 100.0;
/// Chains that change their energy more slowly than this explore tails badly (Betancourt 2016).
const LOWEST_EBFMI: f64 = 0.3;

/// What stands at the head of the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// `good`, `doubtful` or `unknown`.
    pub kind: &'static str,
    pub headline: &'static str,
    /// What the verdict stands on, in a sentence.
    pub basis: String,
    pub findings: Vec<String>,
    /// What to do about them, the most helpful first.
    pub steps: Vec<String>,
}

impl Advice {
    /// On these draws.
    pub fn on(summary: &Summary, chains: usize, draws: usize) -> Self {
        let (kind, headline) = match summary.verdict() {
            Verdict::Good => ("good", "Nothing speaks against these draws."),
            Verdict::Doubtful => ("doubtful", "Do not rely on these draws yet."),
            Verdict::Unknown => ("unknown", "Whether these draws are good is unknown."),
        };
        let (findings, basis) = (summary.warnings(), basis(summary));
        Self { kind, headline, basis, steps: steps(summary, chains, draws, findings.is_empty()), findings }
    }
}

/// The row whose statistic is the worst, by `worse`, and its value.
fn extreme(summary: &Summary, statistic: Statistic, worse: fn(f64, f64) -> bool) -> Option<(&Row, f64)> {
    let known = summary.rows().iter().map(|row| (row, row.value(statistic))).filter(|(_, value)| value.is_finite());
    known.reduce(|a, b| if worse(b.1, a.1) { b } else { a })
}

fn most_rhat(summary: &Summary) -> Option<(&Row, f64)> {
    extreme(summary, Statistic::Rhat, |a, b| a > b)
}

/// The variable with the smallest of both effective sample sizes.
fn least_ess(summary: &Summary) -> Option<(&Row, f64)> {
    let of = |statistic| extreme(summary, statistic, |a, b| a < b);
    [of(Statistic::EssBulk), of(Statistic::EssTail)].into_iter().flatten().reduce(|a, b| if b.1 < a.1 { b } else { a })
}

fn basis(summary: &Summary) -> String {
    let mut parts = Vec::new();
    if let Some((row, rhat)) = most_rhat(summary) {
        parts.push(format!("The largest R-hat is {rhat:.3}, of {}.", row.name));
    }
    if let Some((row, size)) = least_ess(summary) {
        parts.push(format!("The smallest effective sample size is {size:.0}, of {}.", row.name));
    }
    if let Some(n) = summary.divergences() {
        parts.push(match n {
            0 => "No transition diverged.".into(),
            1 => "One transition diverged.".into(),
            n => format!("{n} transitions diverged."),
        });
    }
    parts.join(" ")
}

fn steps(summary: &Summary, chains: usize, draws: usize, all_is_well: bool) -> Vec<String> {
    let mut steps = Vec::new();
    let mut advise = |when: bool, what: &str| {
        if when {
            steps.push(what.to_string());
        }
    };
    let diverged = summary.divergences().is_some_and(|n| n > 0);
    advise(
        diverged,
        "Look at the pairs below: where divergent draws crowd together, the posterior is narrower than a step. Run again \
         with a larger delta (0.95, then 0.99); if that does not end them, reparameterize (a hierarchy's non-centred form).",
    );
    let unmixed = most_rhat(summary).is_some_and(|(_, rhat)| rhat > HIGHEST_RHAT);
    advise(
        unmixed,
        "Look at the traces of the worst variables. Chains that stay apart have found different modes: check the model for \
         labels or signs that can be exchanged, and the starts. Chains that drift need a longer warm-up and more draws.",
    );
    let sluggish = summary.ebfmi().iter().any(|e| *e < LOWEST_EBFMI);
    advise(
        sluggish,
        "Heavy tails: give scales a prior that is lighter, or reparameterize, so that the energy changes less over the posterior.",
    );
    let enough = ENOUGH * chains as f64;
    let least = least_ess(summary).map_or(f64::INFINITY, |(_, size)| size);
    if least < enough && !unmixed {
        let factor = libm::ceil(enough / least.max(1.0));
        let wanted = factor * draws as f64;
        advise(true, &format!("Draw {factor:.0} times as many: about {wanted:.0} draws per chain should be enough."));
    }
    advise(
        summary.saturated().is_some_and(|n| n > 0),
        "Trajectories were cut at the largest tree depth: a longer warm-up or a metric that knows correlations (metric=auto) \
         makes them shorter; a larger max_depth lets them end.",
    );
    advise(
        summary.verdict() == Verdict::Unknown && steps_missing(summary),
        "At least four draws per chain, all of them finite, are needed before anything can be said.",
    );
    if steps.is_empty() && !all_is_well {
        steps.push("Look at the variables that are named, in the pictures below.".into());
    }
    steps
}

/// Whether no variable has diagnostics.
fn steps_missing(summary: &Summary) -> bool {
    most_rhat(summary).is_none()
}

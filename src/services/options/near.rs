//! Which name was meant by one that there is nothing of.

/// Names at least this similar (Jaro–Winkler) to what was written are suggested.
const SIMILAR: f64 = 0.85;

/// How similar two names are, at most 1; `None` where none would take one for the other.
pub fn similarity(a: &str, b: &str) -> Option<f64> {
    Some(strsim::jaro_winkler(a, b)).filter(|score| *score >= SIMILAR)
}

/// The candidate that `name` was most likely meant to be, the first of several as good; `None` when none is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        if let Some(score) = similarity(candidate, name)
            && best.is_none_or(|(least, _)| score > least)
        {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

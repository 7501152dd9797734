//! What the sets' steps and particles come to: evidence, extremes, who agrees.

use super::course::{Course, CourseStep, SetCourse};
use super::particles::Variable;
use crate::particles::{Evidence, pooled};

/// A number with where it was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    pub value: f64,
    /// Of how many particles; NaN: not known.
    pub size: f64,
    pub set: u64,
    /// Number of the step: [`Course::number`].
    pub step: usize,
}

/// The evidence of all sets where each of them stands at the end; `None` where it is not known of all.
pub fn evidence(course: &Course) -> Option<Evidence> {
    let last: Option<Vec<f64>> = course.sets.iter().map(|set| Some(set.steps.last()?.log_evidence)).collect();
    let last = last.filter(|all| !all.is_empty() && all.iter().all(|x| !x.is_nan()))?;
    Some(pooled(&last))
}

/// The smallest number of all steps of all sets.
pub fn least(course: &Course, of: impl Fn(&CourseStep) -> f64) -> Option<Found> {
    let all = course.sets.iter().flat_map(|set| set.steps.iter().enumerate().map(move |(i, step)| (set.id, step, i)));
    all.map(|(set, step, i)| Found { value: of(step), size: step.size, set, step: course.number(i, step) })
        .filter(|found| !found.value.is_nan())
        .reduce(|a, b| if b.value < a.value { b } else { a })
}

/// Sets without any evidence left, by their ids.
pub fn lost(course: &Course) -> Vec<u64> {
    let is_lost = |set: &&SetCourse| set.steps.last().is_some_and(|step| step.log_evidence == f64::NEG_INFINITY);
    course.sets.iter().filter(is_lost).map(|set| set.id).collect()
}

/// Most places of the evidence's course.
const PLACES: usize = 200;

/// The evidence of all sets so far, over the way that they have in common: way, log of the mean evidence, its error.
pub fn evidence_so_far(course: &Course) -> Vec<(f64, Evidence)> {
    let known = |set: &SetCourse| {
        let points = set.steps.iter().filter(|s| s.log_evidence.is_finite() && s.way.is_finite());
        points.map(|s| (s.way, s.log_evidence)).collect::<Vec<_>>()
    };
    let paths: Vec<Vec<(f64, f64)>> = course.sets.iter().map(known).filter(|path| !path.is_empty()).collect();
    let Some(end) = paths.iter().filter_map(|path| Some(path.last()?.0)).reduce(f64::min) else { return Vec::new() };
    let mut ways: Vec<f64> = paths.iter().flatten().map(|(way, _)| *way).filter(|way| *way <= end).collect();
    ways.sort_by(f64::total_cmp);
    ways.dedup();
    let kept = ways.len().min(PLACES);
    // The last among them.
    let ways = (0..kept).map(|k| ways[(k + 1) * ways.len() / kept - 1]);
    ways.map(|way| (way, pooled(&paths.iter().map(|path| between(path, way)).collect::<Vec<_>>()))).collect()
}

/// On the line through the points, and from 0 at the beginning of the way to the first.
fn between(path: &[(f64, f64)], way: f64) -> f64 {
    let next = path.partition_point(|(at, _)| *at < way).min(path.len() - 1);
    let (before, after) = (if next == 0 { (0.0, 0.0) } else { path[next - 1] }, path[next]);
    let share = if after.0 > before.0 { ((way - before.0) / (after.0 - before.0)).clamp(0.0, 1.0) } else { 1.0 };
    before.1 + share * (after.1 - before.1)
}

/// The variables' places, those whose means are known worst first.
pub fn worst_first(variables: &[Variable]) -> Vec<usize> {
    let key = |variable: &Variable| {
        let size = variable.ess();
        if size.is_nan() { f64::INFINITY } else { size }
    };
    let mut places: Vec<usize> = (0..variables.len()).collect();
    places.sort_by(|&a, &b| key(&variables[a]).total_cmp(&key(&variables[b])));
    places
}

#[cfg(test)]
mod tests {
    use super::super::course::Noun;
    use super::*;

    #[test]
    fn sets_that_go_in_other_steps_have_a_common_course() {
        let mut course = Course::new(Noun::Stage);
        let mut add = |id, way, log_evidence, ess| {
            course.add(id, CourseStep { log_evidence, ess, size: 100.0, ..CourseStep::at(way) });
        };
        add(1, 0.5, -1.0, 60.0);
        add(1, 1.0, -2.0, 50.0);
        add(2, 0.25, -0.5, 40.0);
        add(2, 1.0, -2.0, f64::NAN);
        let so_far = evidence_so_far(&course);
        assert_eq!(so_far.iter().map(|(way, _)| *way).collect::<Vec<_>>(), [0.25, 0.5, 1.0]);
        assert!((so_far[0].1.log_estimate + 0.5).abs() < 1e-12 && (so_far[1].1.log_estimate + 1.0).abs() < 1e-3);
        assert_eq!(evidence(&course).map(|e| (e.log_estimate, e.standard_error)), Some((-2.0, 0.0)));
        assert_eq!(least(&course, |s| s.ess), Some(Found { value: 40.0, size: 100.0, set: 2, step: 1 }));
        assert_eq!(lost(&course), [0u64; 0]);
        course.add(2, CourseStep { log_evidence: f64::NEG_INFINITY, ..CourseStep::at(2.0) });
        assert_eq!(lost(&course), [2]);
        assert!(evidence_so_far(&Course::default()).is_empty() && evidence(&Course::default()).is_none());
    }
}

//! Pages about sets of particles: what they say, and that all there is to see is there.

#[path = "../learn/models.rs"]
#[allow(dead_code, reason = "a likelihood of other tests")]
mod models;

use super::{Uniforms, leave};
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Experiments, Likelihood};
use catena::particles::blocks::Serial;
use catena::report::{Course, CourseStep, Noun, Particles, SetRows, SetsInput, report_sets};
use models::{Precession, learner};

const COLUMNS: [&str; 6] = ["lp__", "log_weight__", "set__", "ancestor__", "mu", "tau"];

fn page(title: &str, course: &Course, truth: &[f64]) -> String {
    report_sets(&SetsInput { title, course, truth, settings: &[], notes: &[] }, &Serial).unwrap()
}

/// Stages as sequential Monte Carlo has them, and particles at their end; set `s` lies `apart[s]` away.
fn population(apart: &[f64], spread: f64) -> Course {
    let (mut u, mut course) = (Uniforms(11), Course::new(Noun::Stage));
    let mut values = Vec::new();
    for (id, away) in (3..).zip(apart) {
        let log_evidence = -12.0 + spread * u.normal();
        let stages = 6 + id as usize % 3;
        for k in 1..=stages {
            let way = (k as f64 / stages as f64).powi(2);
            let moved = CourseStep {
                size: 500.0,
                ess: 250.0 + 20.0 * u.next(),
                ancestors: 170.0 + 30.0 * u.next(),
                log_evidence: log_evidence * way.sqrt(),
                acceptance: 0.8,
                stepsize: 0.4 + 0.1 * u.next(),
                ..CourseStep::at(way)
            };
            course.add(id, moved);
        }
        let mut rows = Vec::new();
        for _ in 0..500 {
            let (mu, tau) = (away + u.normal(), (0.5 * u.normal()).exp());
            rows.extend([-0.5 * mu * mu, log_evidence, id as f64, 0.0, mu, tau]);
        }
        values.push((id, rows));
    }
    let sets: Vec<SetRows<'_>> = values.iter().map(|(id, values)| SetRows { id: *id, values }).collect();
    course.end_with(Particles::of_rows(&COLUMNS.map(String::from), &sets).unwrap());
    course
}

#[test]
fn sets_that_agree_are_called_good() {
    let page = page("Population", &population(&[0.0; 8], 0.05), &[]);
    for part in [
        "Nothing speaks against these particles.",
        "8 sets, 8 stages, 4000 particles, 2 variables",
        "across 8 sets",
        "of 500 particles, of set",
        "id=\"ancestors\"",
        "id=\"pairs\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("id=\"followed\"") && page.len() < 1_000_000, "{} bytes", page.len());
    leave("population", &page);
}

#[test]
fn sets_that_disagree_are_doubted() {
    let mut course = population(&[0.0, 0.0, 0.0, 3.0, 0.0], 2.5);
    course.add(5, CourseStep { log_evidence: f64::NEG_INFINITY, ess: 0.0, size: 500.0, ..CourseStep::at(1.0) });
    let page = page("Sets that </title> disagree", &course, &[]);
    for part in [
        "Do not rely on these particles yet.",
        "All particles of set 5 have lost their weight",
        "he sets disagree on the evidence",
        "too few to stand for a distribution",
        "More particles in each set",
    ] {
        assert!(page.contains(part), "{part}");
    }
    leave("disagreeing", &page);
    // They agree on the evidence, and one of them lies elsewhere.
    let apart = self::page("Apart", &population(&[0.0, 0.0, 0.0, 3.0, 0.0], 0.05), &[]);
    assert!(apart.contains("he sets differ in mu") && !apart.contains("disagree on the evidence"));
    // One outweighs all others: it agrees with itself, which says nothing.
    let sole = self::page("Sole", &population(&[0.0, 3.0, 0.0], 30.0), &[]);
    assert!(sole.contains("% of all weight, so that the error of the means is not known"));
    assert!(!sole.contains("The sets know means"));
}

/// A frequency is learned, and each datum is noted.
#[test]
fn learning_shows_the_posterior_as_data_come() {
    let options = UpdaterOptions { num_sets: 4, num_models: 800, seed: 5, ..UpdaterOptions::default() };
    let mut learner = learner(Precession::default(), options, Prior::uniform(0.0, 1.0));
    let (mut u, mut course, model) = (Uniforms(12), Course::default(), Precession::default());
    let note = |learner: &catena::services::Learner<Precession>, course: &mut Course| {
        let updater = learner.updater();
        course.note_models(updater.names(), updater.sets(), updater.records().len()).unwrap();
    };
    note(&learner, &mut course);
    for k in 0..60 {
        let t = 1.12f64.powi(k);
        let experiment = Experiments::new(model.fields(), 1, vec![t]).unwrap();
        let outcome = f64::from(u.next() > model.probability(0.0, 0.63, t));
        learner.update(&[outcome], &experiment, 0).unwrap();
        note(&learner, &mut course);
    }
    let set = &course.sets()[0];
    let [mean, low, high] = *set.estimates.last().unwrap();
    assert_eq!((set.steps.len(), set.estimates.len()), (61, 61));
    assert!(low < 0.63 && 0.63 < high && high - low < 0.12 && low < mean && mean < high, "{low} {mean} {high}");
    let [_, first_low, first_high] = set.estimates[0];
    assert!((first_low - 0.025).abs() < 0.03 && (first_high - 0.975).abs() < 0.03);
    let page = page("Frequency", &course, &[0.63]);
    for part in ["4 sets, 60 data", "id=\"followed\"", "3200 models", "\"truth\":0.63", "omega"] {
        assert!(page.contains(part), "{part}");
    }
    leave("learning", &page);
    let error = course.note_models(&["other".into()], learner.updater().sets(), 60).unwrap_err();
    assert!(error.to_string().contains("omega"), "{error}");
}

#[test]
fn nothing_has_no_page() {
    let empty = Course::default();
    let error = report_sets(&SetsInput { title: "", course: &empty, truth: &[], settings: &[], notes: &[] }, &Serial)
        .unwrap_err();
    assert!(error.to_string().contains("steps or particles"), "{error}");
    // One set tells no error.
    let mut one = Course::new(Noun::Time);
    (0..5).for_each(|t| one.add(1, CourseStep { ess: 400.0, size: 500.0, ..CourseStep::at(f64::from(t)) }));
    let page = page("One set", &one, &[]);
    assert!(page.contains("Whether these particles are good is unknown.") && !page.contains("id=\"rows\""));
    leave("one_set", &page);
}

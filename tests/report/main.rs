//! Pages about draws: what they say, how large they are. `tests/report/browser.py` opens those that these tests leave in
//! `target/tmp/report` in a browser.

mod fit;
mod sets;

use catena::diagnostics::{Layout, SummaryInput};
use catena::drive::{Hands, Pool};
use catena::io::{Adapted, ChainRun};
use catena::model::Threading;
use catena::particles::blocks::Serial;
use catena::report::{ReportInput, report};
use std::path::PathBuf;

/// A fixed sequence of uniform numbers.
struct Uniforms(u64);

impl Uniforms {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Draws, column after column.
struct Example {
    names: Vec<String>,
    chains: usize,
    draws: usize,
    values: Vec<f64>,
    runs: Vec<ChainRun>,
}

impl Example {
    fn new(names: &[&str], chains: usize, draws: usize, mut row: impl FnMut(usize, usize, &mut [f64])) -> Self {
        let (size, columns) = (chains * draws, names.len());
        let (mut values, mut one) = (vec![0.0; size * columns], vec![0.0; columns]);
        for i in 0..size {
            row(i / draws, i % draws, &mut one);
            one.iter().enumerate().for_each(|(k, x)| values[k * size + i] = *x);
        }
        let run = |c: usize| ChainRun {
            adapted: Some(Adapted {
                stepsize: 0.3 + 0.05 * c as f64,
                inv_metric: vec![1.0, 0.5 + c as f64],
                metric_rows: 1,
                directions: None,
            }),
            elapsed: Some([0.5, 1.5 + c as f64]),
            warmup_step_sizes: (1..=50).map(|i| 1.0 / f64::from(i)).collect(),
            stages: Vec::new(),
        };
        let names = names.iter().map(|n| n.to_string()).collect();
        Self { names, chains, draws, values, runs: (0..chains).map(run).collect() }
    }

    fn input<'a>(&'a self, title: &'a str, settings: &'a [(String, String)]) -> ReportInput<'a> {
        let Self { names, chains, draws, values, runs } = self;
        let draws = SummaryInput {
            values,
            chains: *chains,
            draws: *draws,
            columns: names.len(),
            layout: Layout::Columns,
            names,
            max_depth: Some(10),
        };
        ReportInput { runs, settings, ..ReportInput::new(title, draws) }
    }

    fn page(&self, title: &str) -> String {
        report(&self.input(title, &[]), &Serial).unwrap()
    }
}

/// Leaves the page for the browser.
fn leave(name: &str, page: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name).with_extension("html"), page).unwrap();
}

const SAMPLER: [&str; 3] = ["lp__", "divergent__", "energy__"];

/// As many columns and draws as eight schools in its non-centred form.
fn eight_schools() -> Example {
    let thetas: Vec<String> = (1..=8).flat_map(|i| [format!("theta_trans.{i}"), format!("theta.{i}")]).collect();
    let names: Vec<&str> = SAMPLER.into_iter().chain(["mu", "tau"]).chain(thetas.iter().map(String::as_str)).collect();
    let mut u = Uniforms(1);
    Example::new(&names, 4, 1000, |_, _, row| {
        row.iter_mut().for_each(|x| *x = u.normal());
        row[1] = 0.0;
        row[2] = 5.0 - row[0];
    })
}

/// A funnel whose neck diverges.
fn funnel() -> Example {
    let (mut u, mut v) = (Uniforms(2), 0.0);
    Example::new(&[&SAMPLER[..], &["tau", "v", "theta.1", "theta.2"]].concat(), 4, 800, |_, _, row| {
        v = 0.9 * v + 1.3 * u.normal();
        let tau = libm::exp(v / 2.0);
        (row[3], row[4], row[5], row[6]) = (tau, v, tau * u.normal(), tau * u.normal());
        (row[0], row[1]) = (-v * v / 18.0, f64::from(v < -2.5 && u.next() < 0.5));
        row[2] = u.normal() - row[0];
    })
}

/// A chain in another mode than the others, and one that stands still in a variable.
fn stuck() -> Example {
    let mut u = Uniforms(3);
    Example::new(&["lp__", "mu", "</script><b>\"sigma\" & more"], 4, 500, |chain, _, row| {
        row[0] = u.normal();
        row[1] = u.normal() + if chain == 3 { 6.0 } else { 0.0 };
        row[2] = if chain == 1 { 1.0 } else { u.normal() };
    })
}

#[test]
fn good_draws_are_called_good_and_take_little_room() {
    let page = eight_schools().page("Eight schools");
    assert!(page.contains("Nothing speaks against these draws.") && page.contains("No transition diverged."));
    assert!(!page.contains("What to do"));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    leave("eight_schools", &page);
}

#[test]
fn a_funnel_gets_advice() {
    let page = funnel().page("Funnel");
    for part in ["Do not rely on these draws yet.", "diverged: the sampler may have missed", "a larger delta (0.95"] {
        assert!(page.contains(part), "{part}");
    }
    leave("funnel", &page);
}

#[test]
fn chains_in_different_modes_are_named() {
    let example = stuck();
    let settings = [("<method>".to_string(), "sample & \"more\"".to_string())];
    let page = report(&example.input("Stuck </title>", &settings), &Serial).unwrap();
    for part in [
        "unknown",
        "chain 4 lie apart",
        "Chain 2 never moves",
        "&lt;method&gt;",
        "<title>Stuck &lt;&#x2f;title&gt;</title>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // A name ends no script and begins no element.
    assert!(!page.contains("<b>\"sigma\""));
    assert_eq!(page.matches("</script>").count(), 2);
    leave("stuck", &page);
}

/// 4 x 2000 draws of 5000 variables take at most 5 MB; here with fewer draws, which the size does not depend on.
#[test]
fn thousands_of_variables_fit() {
    let names: Vec<String> = (1..=5000).map(|i| format!("x.{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut u = Uniforms(4);
    let example = Example::new(&names, 4, 100, |_, _, row| row.iter_mut().for_each(|x| *x = u.next() + u.next()));
    let page = example.page("Many variables");
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    leave("many", &page);
}

#[test]
fn what_is_short_constant_or_no_number_has_a_page() {
    let one = Example::new(&["x"], 1, 1, |_, _, row| row[0] = 1.0);
    let page = one.page("One draw");
    assert!(page.contains("Whether these draws are good is unknown."), "{page}");
    leave("one", &page);
    let mut u = Uniforms(5);
    let odd = Example::new(&["x", "constant", "huge", "vast"], 2, 60, |_, draw, row| {
        row[3] = if draw == 9 { f64::INFINITY } else { 1e300 };
        row[0] = if draw == 7 { f64::NAN } else { u.normal() };
        (row[1], row[2]) = (2.5, if u.next() < 0.5 { -f64::MAX } else { f64::MAX });
    });
    let page = odd.page("Odd");
    assert!(page.contains("Some draws of x") && page.contains("vast are not finite numbers"), "{page}");
    leave("odd", &page);
}

/// What is not known of a chain is not shown as a number, nor passed over.
#[test]
fn energies_that_never_change_are_no_good_sign() {
    let mut u = Uniforms(6);
    let frozen = Example::new(&["lp__", "energy__", "x", "y"], 3, 400, |chain, _, row| {
        row.iter_mut().for_each(|x| *x = u.normal());
        row[1] = if chain == 1 { 0.1 } else { row[1] };
    });
    let page = frozen.page("Frozen energies");
    let at = page.find("\"ebfmi\":[").unwrap();
    let told: Vec<&str> = page[at + 9..].split(']').next().unwrap().split(',').collect();
    assert!(told.len() == 3 && told[1] == "null" && told[0] != "null" && told[2] != "null", "{told:?}");
    assert!(page.contains("energies of chain 2 never change") && page.contains("unknown"));
    leave("frozen", &page);
}

#[test]
fn threads_change_nothing() {
    let example = funnel();
    let input = example.input("Funnel", &[]);
    let one = report(&input, &Serial).unwrap();
    for threads in [2, 4] {
        let pool = Pool::new(threads).unwrap();
        assert!(report(&input, &Hands::new(&pool, Threading::Any, || false)).unwrap() == one, "{threads} threads");
    }
}

/// The page is whole by itself: nothing is fetched.
#[test]
fn nothing_is_fetched() {
    let page = eight_schools().page("Eight schools");
    let addresses: Vec<&str> =
        page.match_indices("//").map(|(i, _)| &page[i.saturating_sub(6)..(i + 20).min(page.len())]).collect();
    let fetched: Vec<&&str> = addresses.iter().filter(|a| a.contains("http") && !a.contains("www.w3.org")).collect();
    assert!(fetched.is_empty(), "{fetched:?}");
    assert!(!page.contains("src=") && !page.contains("@import") && !page.contains("<link"));
}

//! Optimisers beside SciPy's, on standard functions and five posteriors: the same optima, and on the geometric mean no more
//! evaluations. Without SciPy (CATENA_PYTHON names a Python that has it) there is nothing to compare, which is said.

use crate::models;
use crate::standard;
use crate::surface;
use catena::model::{Density, SerialReducer, Task};
use catena::optimize::{Algorithm, Tolerances};
use catena::random::{Purpose, Stream};
use catena::services::{OptimizeOptions, SampleIo, SampleOptions, optimize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// An objective to be made small, with its gradient.
type Objective<'a> = Box<dyn Fn(&[f64], &mut [f64]) -> f64 + Sync + 'a>;

/// SciPy, in a process of its own.
struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// `None` where there is no SciPy.
    fn start() -> Option<Self> {
        let python = std::env::var("CATENA_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/optimize/peer.py");
        let mut child = Command::new(python)
            .arg(script)
            .env("OPENBLAS_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (to, from) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut peer = Self { child, to, from };
        let first = peer.line();
        println!("{first}");
        first.starts_with("scipy").then_some(peer)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("a line of the peer's");
        line.trim_end().to_string()
    }

    /// Evaluations and the optimum's value.
    fn minimize(&mut self, method: &str, start: &[f64], objective: &Objective<'_>) -> (f64, f64) {
        let numbers = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
        writeln!(self.to, "{method} {}", numbers(start)).unwrap();
        let mut gradient = vec![0.0; start.len()];
        loop {
            let line = self.line();
            let (verb, rest) = line.split_once(' ').unwrap_or_else(|| panic!("the peer says '{line}'"));
            let values: Vec<f64> = rest.split(' ').map(|word| word.parse().unwrap()).collect();
            if verb == "end" {
                return (values[0], values[1]);
            }
            let value = objective(&values, &mut gradient);
            writeln!(self.to, "{value} {}", numbers(&gradient)).unwrap();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A posterior's negative log density.
fn negated(model: &models::Model) -> Objective<'_> {
    Box::new(move |x, g| {
        let (mut stream, mut message) = (Stream::of_run(0, Purpose::Model), String::new());
        let reducer = SerialReducer(|| ());
        let mut task = Task::new(0, &mut stream, &mut message, &reducer);
        let value = model.log_density_gradient(&mut (), &mut task, x, g);
        g.iter_mut().for_each(|g| *g = -*g);
        value.map_or(f64::INFINITY, |value| -value)
    })
}

#[test]
fn evaluations_beside_scipys() {
    let Some(mut peer) = Peer::start() else {
        println!("SKIPPED: no Python with SciPy (pip install scipy); CATENA_PYTHON names one");
        return;
    };
    let posteriors = models::all();
    let functions = standard::all();
    let standard = functions.iter().map(|f| (f.name, f.start.clone(), Box::new(f.value) as Objective<'_>));
    let five = posteriors.iter().map(|model| (model.name, vec![0.1; model.dim()], negated(model)));
    let all: Vec<_> = standard.chain(five).collect();
    // The gradient alone, as SciPy was told; posteriors are as large as their data, and rounding as large as that.
    let tolerances =
        Tolerances { objective: 0.0, relative_objective: 0.0, gradient: 1e-10, relative_gradient: 0.0, parameter: 0.0 };
    let mut mean_logs = [0.0; 2];
    println!(
        "{:28}{:>10}{:>8}{:>7}{:>10}{:>8}{:>7}",
        "evaluations", "L-BFGS", "SciPy", "ratio", "BFGS", "SciPy", "ratio"
    );
    for (name, start, objective) in &all {
        let mut line = format!("{name:28}");
        for (k, (algorithm, method)) in
            [(Algorithm::Lbfgs, "L-BFGS-B"), (Algorithm::Bfgs, "BFGS")].into_iter().enumerate()
        {
            let (scipy, value) = peer.minimize(method, start, objective);
            let density = surface::Surface::new(start.len(), |x: &[f64], g: &mut [f64]| {
                let value = objective(x, g);
                g.iter_mut().for_each(|g| *g = -*g);
                Some(-value)
            });
            let init = catena::io::PositionInit::new(start).unwrap();
            let io = SampleIo { inits: vec![&init], ..Default::default() };
            let ways = OptimizeOptions { algorithm, history_size: 10, tolerances, ..Default::default() };
            let report =
                optimize(&density, &SampleOptions { num_threads: 1, ..Default::default() }, &ways, io).unwrap();
            let start = report.best_start().unwrap();
            let (ours, found) = (start.evaluations as f64, -start.log_density);
            // As low as SciPy's, and where it is the same optimum, the same to 1e-8.
            let same = (found - value).abs() <= 1e-8 * value.abs().max(1.0);
            assert!(same || found < value || *name == "Box, 3", "{name}, {method}: {found} and {value}");
            mean_logs[k] += (ours / scipy).ln() / all.len() as f64;
            line += &format!("{ours:10}{scipy:8}{:7.2}", ours / scipy);
        }
        println!("{line}");
    }
    let means = mean_logs.map(f64::exp);
    println!("geometric means of the ratios: L-BFGS {:.3}, BFGS {:.3}", means[0], means[1]);
    assert!(means.iter().all(|mean| *mean <= 1.0), "{means:?}");
}

//! What a user sees of a run: bars on a terminal, plain whole lines otherwise.

use catena::io::{Level, LineLogger, Logger};
use catena::services::Control;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// With more chains than that one bar stands for all.
const MOST_BARS: usize = 16;
/// Time between two looks at the chains.
const PERIOD: Duration = Duration::from_millis(100);

/// Writes above the bars.
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(text)).map(|()| text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Where log lines go.
pub struct Screen {
    bars: Option<MultiProgress>,
    lines: Lines,
}

enum Lines {
    Plain(LineLogger<io::Stderr>),
    Above(LineLogger<AboveBars>),
}

impl Logger for Screen {
    fn log(&self, level: Level, chain: Option<u64>, line: &str) {
        match &self.lines {
            Lines::Plain(lines) => lines.log(level, chain, line),
            Lines::Above(lines) => lines.log(level, chain, line),
        }
    }
}

impl Screen {
    /// Bars where standard error is a terminal and progress is wanted.
    pub fn new(refresh: usize) -> Self {
        if refresh == 0 || !io::stderr().is_terminal() {
            return Self::plain();
        }
        let bars = MultiProgress::new();
        let lines = LineLogger::new(AboveBars(bars.clone()));
        Self { bars: Some(bars), lines: Lines::Above(lines) }
    }

    /// Lines only.
    pub fn plain() -> Self {
        Self { bars: None, lines: Lines::Plain(LineLogger::stderr()) }
    }

    /// Whether bars take the place of lines.
    pub fn has_bars(&self) -> bool {
        self.bars.is_some()
    }

    /// The bars of a run whose chains do `iterations` each.
    pub fn bars(&self, control: &Control, first_id: u64, iterations: u64) -> Bars {
        let chains = control.num_chains();
        let Some(multi) = &self.bars else { return Bars { bars: Vec::new(), looked: Instant::now() } };
        let style = ProgressStyle::with_template("{prefix:>12} [{bar:40}] {pos:>7} / {len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar =
            |length: u64, name: String| multi.add(ProgressBar::new(length)).with_style(style.clone()).with_prefix(name);
        let bars = if chains > MOST_BARS {
            vec![bar(iterations * chains as u64, format!("{chains} chains"))]
        } else {
            (0..chains as u64).map(|i| bar(iterations, format!("chain {}", first_id + i))).collect()
        };
        Bars { bars, looked: Instant::now() }
    }
}

/// The bars of a run; none where lines are written.
pub struct Bars {
    bars: Vec<ProgressBar>,
    looked: Instant,
}

impl Bars {
    /// Moves the bars where it is time to.
    pub fn look(&mut self, control: &Control) {
        if !self.bars.is_empty() && self.looked.elapsed() >= PERIOD {
            self.looked = Instant::now();
            self.show(control);
        }
    }

    /// Leaves the bars as they stand.
    pub fn end(self, control: &Control) {
        self.show(control);
        self.bars.iter().for_each(ProgressBar::abandon);
    }

    fn show(&self, control: &Control) {
        let chains: Vec<_> = (0..control.num_chains()).filter_map(|i| control.progress(i)).collect();
        if let [bar] = &self.bars[..]
            && chains.len() > 1
        {
            bar.set_position(chains.iter().map(|c| c.iteration as u64).sum());
            bar.set_message(divergent(chains.iter().map(|c| c.divergences).sum()));
            return;
        }
        for (bar, chain) in self.bars.iter().zip(&chains) {
            bar.set_position(chain.iteration as u64);
            let phase = if chain.in_warmup { "warm-up" } else { "sampling" };
            bar.set_message(format!("{phase}{}", divergent(chain.divergences)));
        }
    }
}

fn divergent(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => ", 1 divergence".into(),
        n => format!(", {n} divergences"),
    }
}

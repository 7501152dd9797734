//! A walk that does everything a machine may, with its model, its fold and its service.

use crate::error::Error;
use crate::model::{
    Ask, Block, Density, Evaluation, Fold, Machine, Member, Refusal, Reply, Task, Threading, WorkerError,
};
use crate::random::{Purpose, Stream};
use crate::services::ChainReport;
use crate::services::service::{After, End, Here, Service};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

pub(super) const DIM: usize = 3;
pub(super) const ROWS: usize = 5;
pub(super) const ROUNDS: u64 = 4;

/// Log density -x²/2 without, -x²/2 + x_1 with the Jacobian; refuses where x_1 > 1, stops where x_1 = STOP.
pub(super) struct Normal {
    threading: Threading,
    batch: bool,
    pub(super) batches: AtomicUsize,
}

pub(super) const STOP: f64 = 1e9;

impl Normal {
    pub(super) fn new(threading: Threading, batch: bool) -> Self {
        Self { threading, batch, batches: AtomicUsize::new(0) }
    }

    pub(super) fn value(x: &[f64], g: Option<&mut [f64]>, jacobian: bool) -> Result<f64, Refusal> {
        match x[0] {
            STOP => return Err(Refusal::Stop),
            x if x > 1.0 => return Err(Refusal::Reject),
            _ => {}
        }
        let first = if jacobian { 1.0 } else { 0.0 };
        if let Some(g) = g {
            g.iter_mut().zip(x).for_each(|(g, x)| *g = -x);
            g[0] += first;
        }
        Ok(first * x[0] - 0.5 * x.iter().map(|x| x * x).sum::<f64>())
    }
}

impl Density for Normal {
    type Worker = ();

    fn dim(&self) -> usize {
        DIM
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, (): &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        Self::value(x, Some(g), true)
    }

    fn log_density(&self, (): &mut (), _: &mut Task<'_>, x: &[f64]) -> Result<f64, Refusal> {
        Self::value(x, None, true)
    }

    fn log_density_without_jacobian(
        &self,
        (): &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        g: Option<&mut [f64]>,
    ) -> Result<f64, Refusal> {
        Self::value(x, g, false)
    }

    fn has_batch(&self) -> bool {
        self.batch
    }

    fn log_density_gradient_batch(
        &self,
        (): &mut (),
        _: &mut Task<'_>,
        positions: &[f64],
        values: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        let rows = positions.chunks(DIM).zip(gradients.chunks_mut(DIM));
        for ((x, g), (value, outcome)) in rows.zip(values.iter_mut().zip(outcomes)) {
            *outcome = Self::value(x, Some(g), true).map(|v| *value = v);
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Step {
    Fresh,
    Block,
    Single,
    Meeting,
    Telling,
    Over,
}

/// A walk: each round evaluates a block around the present place, then one point by itself, then meets the others and
/// goes where the meeting says.
#[derive(Serialize, Deserialize)]
pub(super) struct Walk {
    id: u64,
    step: Step,
    round: u64,
    block: Block,
    jacobian: bool,
    place: Vec<f64>,
    noise: Stream,
    model: Stream,
    sum: f64,
    /// The round in which the model stops.
    stops_in: u64,
    /// The round in which it panics over a single point's log density.
    panics_in: u64,
    /// What it takes to take in a single point's log density.
    thinks: Duration,
    /// Where that last happened.
    #[serde(skip)]
    thread: Option<ThreadId>,
}

impl Walk {
    fn ask_block(&mut self) -> Ask<bool> {
        for (k, x) in self.block.positions_mut().iter_mut().enumerate() {
            *x = self.place[k % DIM] + self.noise.normal();
        }
        if self.round == self.stops_in {
            self.block.positions_mut()[DIM] = STOP;
        }
        self.block.ask();
        self.step = Step::Block;
        Ask::EvaluateBlock
    }
}

impl Machine for Walk {
    /// Whether it is done.
    type Event = bool;

    fn id(&self) -> u64 {
        self.id
    }

    fn resume(&mut self, reply: Reply) -> Ask<bool> {
        match self.step {
            Step::Fresh => return self.ask_block(),
            Step::Block => {
                assert_eq!(reply, Reply::Continue);
                for row in 0..self.block.rows() {
                    // What stands for the gradient at a refused position means nothing.
                    let (value, slope) = match self.block.log_density(row) {
                        Some(value) => (value, self.block.gradient(row).iter().sum()),
                        None => (-1.0, 0.0),
                    };
                    self.sum += value + slope;
                }
                self.step = Step::Single;
            }
            Step::Single => {
                assert!(self.round != self.panics_in, "a planted panic");
                thread::sleep(self.thinks);
                self.thread = Some(thread::current().id());
                match reply {
                    Reply::LogDensity(value) => self.sum += value,
                    reply => assert_eq!(reply, Reply::Rejected),
                }
                self.step = Step::Meeting;
            }
            Step::Meeting => self.step = Step::Telling,
            Step::Telling => {
                self.round += 1;
                if self.round < ROUNDS {
                    return self.ask_block();
                }
                self.step = Step::Over;
            }
            Step::Over => {}
        }
        self.asked().unwrap()
    }

    fn asked(&self) -> Option<Ask<bool>> {
        match self.step {
            Step::Fresh => None,
            Step::Block => Some(Ask::EvaluateBlock),
            Step::Single => Some(Ask::Evaluate),
            Step::Meeting => Some(Ask::Meet(self.round)),
            Step::Telling => Some(Ask::Event(false)),
            Step::Over => Some(Ask::Event(true)),
        }
    }

    fn progress(&self) -> f64 {
        self.round as f64 / ROUNDS as f64
    }

    fn evaluation(&mut self) -> Evaluation<'_> {
        Evaluation {
            position: &self.place,
            gradient: None,
            hessian: None,
            jacobian: self.jacobian,
            stream: &mut self.model,
        }
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        (&mut self.block, &mut self.model)
    }

    fn bring(&self, out: &mut Vec<f64>) {
        out.push(self.sum);
        out.extend(&self.place);
    }

    fn take(&mut self, answer: &[f64]) {
        self.place.copy_from_slice(answer);
    }
}

/// Everybody goes to the mean place, moved by the mean sum and by the number of members.
pub(super) struct Mean;

impl Fold for Mean {
    fn fold(&self, meeting: u64, members: &[Member]) -> Vec<Vec<f64>> {
        assert!(members.is_sorted_by_key(|m| m.id), "the order of the run");
        let n = members.len() as f64;
        let mean = |k: usize| members.iter().map(|m| m.brings[k]).sum::<f64>() / n;
        let place: Vec<f64> = (1..=DIM).map(|k| mean(k) + 1e-3 * mean(0) / n + meeting as f64 * 1e-6).collect();
        vec![place; members.len()]
    }
}

/// Ids of walks with what was noted of them.
pub(super) type Notes = Mutex<Vec<(u64, Vec<f64>)>>;

/// Notes the walk's sum after each round.
pub(super) struct Noting {
    pub(super) jacobian: bool,
    pub(super) stops_in: u64,
    pub(super) panics_in: u64,
    pub(super) thinks: Duration,
    pub(super) hands_over: bool,
    pub(super) notes: Vec<f64>,
    pub(super) out: Arc<Notes>,
    /// Set after the first round of the first walk.
    pub(super) cancel: Option<Arc<AtomicBool>>,
}

impl<D: Density> Service<D> for Noting {
    type Machine = Walk;
    type Record = Vec<f64>;

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Walk, Error> {
        let id = here.id();
        let stream = |purpose| Stream::new(7, id, purpose);
        Ok(Walk {
            id,
            step: Step::Fresh,
            round: 0,
            block: Block::new(ROWS, DIM, id.is_multiple_of(2), self.jacobian),
            jacobian: self.jacobian,
            place: vec![0.0; DIM],
            noise: stream(Purpose::Sampler),
            model: stream(Purpose::Model),
            sum: 0.0,
            stops_in: self.stops_in,
            panics_in: self.panics_in,
            thinks: self.thinks,
            thread: None,
        })
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, walk: &mut Walk, done: bool, _: &mut Here<'_, D>) -> Result<After, Error> {
        if done {
            return Ok(After::Done);
        }
        assert!(!self.hands_over || walk.thread != Some(thread::current().id()), "the pool does the arithmetic");
        self.notes.push(walk.sum);
        if let Some(cancel) = &self.cancel {
            cancel.store(true, Ordering::Relaxed);
        }
        Ok(After::GoOn)
    }

    fn close(&mut self, _: &dyn Fn(&str)) -> Result<(), Error> {
        Ok(())
    }

    fn record(&self) -> Option<&Vec<f64>> {
        Some(&self.notes)
    }

    fn reopen(&mut self, _: &mut Walk, record: Vec<f64>) -> Result<(), Error> {
        self.notes = record;
        Ok(())
    }

    fn report(self, walk: Option<&Walk>, end: End) -> ChainReport {
        self.out.lock().unwrap().push((end.chain_id, self.notes));
        ChainReport { iterations: walk.map_or(0, |w| w.round as usize), ..ChainReport::of(end) }
    }
}

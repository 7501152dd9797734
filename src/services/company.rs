//! What seats do together: evaluations of many machines in one call of the model's batch function, and meetings.

use super::Outcome;
use super::rows::Rows;
use super::run::Run;
use super::seat::Seat;
use super::service::{Service, model_stopped, no_worker};
use crate::drive::{Around, Bench, Council, Evaluations, Job, Next, PoolReducer, Seated, Standing, Together, evaluate};
use crate::model::{Ask, Density, Evaluation, Fold, Machine, Member, NO_CHAIN, Refusal, Reply, Task, is_unwritten};
use crate::random::{Purpose, Stream};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The run as its seats meet in it.
pub struct Company<'a, D: Density> {
    run: Arc<Run<'a, D>>,
    /// What meetings make of what machines bring; `None` where machines never meet.
    fold: Option<Arc<dyn Fold + Send>>,
    /// Arrays not in use; as many as there were batches at once.
    free: Mutex<Vec<Arrays>>,
    /// An evaluation's own random numbers would depend on the company it comes in: batches have these, the same each time.
    stream: Stream,
}

/// One batch's arrays, as long as the largest batch that was in them.
#[derive(Default)]
struct Arrays {
    positions: Vec<f64>,
    log_densities: Vec<f64>,
    gradients: Vec<f64>,
    outcomes: Vec<Result<(), Refusal>>,
}

impl Arrays {
    /// Makes room for `rows` positions.
    fn grow(&mut self, rows: usize, dim: usize) {
        if rows > self.outcomes.len() {
            self.positions.resize(rows * dim, 0.0);
            self.log_densities.resize(rows, 0.0);
            self.gradients.resize(rows * dim, 0.0);
            self.outcomes.resize(rows, Ok(()));
        }
    }
}

impl<'a, D: Density> Company<'a, D> {
    pub fn new(run: Arc<Run<'a, D>>, fold: Option<Arc<dyn Fold + Send>>) -> Self {
        let stream = Stream::of_run(run.options.seed, Purpose::Model);
        Self { run, fold, free: Mutex::new(Vec::new()), stream }
    }

    /// Answers the first `n` rows, with the Jacobian of the transforms or without.
    fn call(&self, bench: &mut Bench<D::Worker>, arrays: &mut Arrays, n: usize, jacobian: bool) {
        let density = self.run.density;
        let dim = density.dim();
        let reducer = PoolReducer::new(&self.run.pool, &self.run.workers);
        let mut stream = self.stream.clone();
        bench.message.clear();
        let mut task = Task::new(NO_CHAIN, &mut stream, &mut bench.message, &reducer).with_logger(self.run.logger);
        arrays.outcomes[..n].fill(Ok(()));
        let (worker, positions) = (&mut bench.worker, &arrays.positions[..n * dim]);
        let (values, gradients) = (&mut arrays.log_densities[..n], &mut arrays.gradients[..n * dim]);
        let outcomes = &mut arrays.outcomes[..n];
        let all = match jacobian {
            true => density.log_density_gradient_batch(worker, &mut task, positions, values, gradients, outcomes),
            false => {
                density.log_density_without_jacobian_batch(worker, &mut task, positions, values, gradients, outcomes)
            }
        };
        if all.is_err() {
            arrays.outcomes[..n].fill(all);
        }
    }

    /// Hands back to a machine what `rows` of the batch were answered; `None` where the model stopped.
    fn hand_back<M: Machine>(&self, machine: &mut M, arrays: &Arrays, rows: Range<usize>) -> Option<Reply> {
        let dim = self.run.density.dim();
        let gradient = |row: usize| &arrays.gradients[row * dim..(row + 1) * dim];
        if let Some(Ask::EvaluateBlock) = machine.asked() {
            let (block, stream) = machine.block();
            for row in rows {
                let evaluation = block.evaluation(stream).expect("it stood in the batch");
                let answer = match arrays.outcomes[row] {
                    Ok(()) => Some(arrays.log_densities[row]),
                    Err(Refusal::Reject) => None,
                    Err(Refusal::Stop) => return None,
                };
                if let Some(to) = evaluation.gradient {
                    to.copy_from_slice(gradient(row));
                }
                block.answer(answer);
            }
            return Some(Reply::Continue);
        }
        match arrays.outcomes[rows.start] {
            Ok(()) => {
                if let Some(to) = machine.evaluation().gradient {
                    to.copy_from_slice(gradient(rows.start));
                }
                Some(Reply::LogDensity(arrays.log_densities[rows.start]))
            }
            Err(Refusal::Reject) => Some(Reply::Rejected),
            Err(Refusal::Stop) => None,
        }
    }

    /// What a batch function cannot answer: the next evaluation of a machine by itself.
    fn answer_alone<M: Machine>(&self, machine: &mut M, bench: &mut Bench<D::Worker>) -> Option<Reply> {
        let run = &self.run;
        let reducer = PoolReducer::new(&run.pool, &run.workers);
        let around = Around { reducer: &reducer, logger: run.logger, evaluations: Evaluations::Inline };
        let id = machine.id();
        if let Some(Ask::EvaluateBlock) = machine.asked() {
            let (block, stream) = machine.block();
            let evaluation = block.evaluation(stream).expect("it asks for a row that is left");
            let answer = match evaluate(run.density, bench, around, id, evaluation) {
                Ok(log_density) => Some(log_density),
                Err(Refusal::Reject) => None,
                Err(Refusal::Stop) => return None,
            };
            block.answer(answer);
            return Some(Reply::Continue);
        }
        match evaluate(run.density, bench, around, id, machine.evaluation()) {
            Ok(log_density) => Some(Reply::LogDensity(log_density)),
            Err(Refusal::Reject) => Some(Reply::Rejected),
            Err(Refusal::Stop) => None,
        }
    }
}

/// Whether what a machine waits for includes the Jacobian of the transforms.
fn with_jacobian<M: Machine>(machine: &mut M) -> bool {
    if let Some(Ask::EvaluateBlock) = machine.asked() {
        let (block, stream) = machine.block();
        return block.evaluation(stream).is_none_or(|evaluation| evaluation.jacobian);
    }
    machine.evaluation().jacobian
}

/// Writes the positions that a machine waits for into `positions`, as many as fit; returns how many the batch function with the
/// Jacobian, or the one without, can answer. Where a machine marks its gradient as not written yet, so are `gradients`.
fn fill<M: Machine>(
    machine: &mut M,
    dim: usize,
    jacobian: bool,
    positions: &mut [f64],
    gradients: &mut [f64],
) -> usize {
    let mut rows = positions.chunks_exact_mut(dim).zip(gradients.chunks_exact_mut(dim));
    let mut put = |evaluation: Evaluation<'_>| match rows.next() {
        Some((position, gradient)) if evaluation.jacobian == jacobian && evaluation.hessian.is_none() => {
            position.copy_from_slice(evaluation.position);
            if let Some(own) = evaluation.gradient.filter(|own| is_unwritten(own[0])) {
                gradient.copy_from_slice(own);
            }
            true
        }
        _ => false,
    };
    if let Some(Ask::EvaluateBlock) = machine.asked() {
        let (block, stream) = machine.block();
        let mut count = 0;
        while block.evaluation_ahead(count, stream).is_some_and(&mut put) {
            count += 1;
        }
        return count;
    }
    usize::from(put(machine.evaluation()))
}

impl<'a, D: Density, S: Service<D>> Together<Seat<'a, D, S>> for Company<'a, D> {
    fn size(&self) -> usize {
        self.run.options.batch_size
    }

    fn wait(&self) -> Duration {
        self.run.options.batch_wait
    }

    fn answer(&self, jobs: &mut [Seated<Seat<'a, D, S>>]) {
        let start = Instant::now();
        let dim = self.run.density.dim();
        let mut bench = match self.run.workers.check_out() {
            Ok(bench) => bench,
            Err(error) => {
                let failed = Outcome::Failed(no_worker(&error));
                return jobs.iter_mut().for_each(|seated| seated.job.end_with(failed.clone()));
            }
        };
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut arrays = free.unwrap_or_default();
        let most = jobs.iter_mut().map(|seated| seated.job.rows()).sum::<usize>().min(self.run.options.batch_size);
        arrays.grow(most, dim);
        let mut rows = Vec::with_capacity(jobs.len());
        let mut filled = 0;
        // One call answers rows of one kind, the first machine's; where the others' differ, they are answered one by one.
        let left_out = !jobs.first_mut().is_none_or(|seated| with_jacobian(seated.job.machine()));
        let jacobian = !(left_out && self.run.density.has_batch_without_jacobian());
        for seated in jobs.iter_mut() {
            let free = filled * dim..most * dim;
            let (positions, gradients) = (&mut arrays.positions[free.clone()], &mut arrays.gradients[free]);
            let count = fill(seated.job.machine(), dim, jacobian, positions, gradients);
            rows.push(filled..filled + count);
            filled += count;
        }
        if filled > 0 {
            self.call(&mut bench, &mut arrays, filled, jacobian);
        }
        let words = std::mem::take(&mut bench.message);
        let share = start.elapsed() / jobs.len() as u32;
        for (seated, rows) in jobs.iter_mut().zip(rows) {
            let machine = seated.job.machine();
            let count = rows.len();
            // Words about the rows of others are none of this machine's.
            let is_meant = arrays.outcomes[rows.clone()].iter().any(Result::is_err);
            let (reply, words) = match rows.is_empty() {
                true => (self.answer_alone(machine, &mut bench), &*bench.message),
                false => (self.hand_back(machine, &arrays, rows), if is_meant { &*words } else { "" }),
            };
            seated.job.told(words);
            match reply {
                // What is left of a block is asked for again.
                Some(Reply::Continue) => seated.job.answered(count, share),
                Some(reply) => seated.job.reply(reply, share),
                None => seated.job.end_with(Outcome::Failed(model_stopped(words))),
            }
        }
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(arrays);
    }

    fn hold(&self, number: u64, jobs: &mut [Seated<Seat<'a, D, S>>]) {
        let council = self.run.council.as_ref().filter(|_| self.run.meets_abroad);
        // One that was told to stop may have left already; held without it the meeting would be another one. Of several processes
        // none asks but for what all have told each other.
        let stops = council.is_none() && self.run.control.stop.load(Ordering::Relaxed);
        if stops || self.run.adjourned.load(Ordering::Relaxed) {
            return jobs.iter_mut().for_each(|seated| seated.job.end_with(Outcome::Stopped));
        }
        let fold = self.fold.as_ref().expect("a run whose machines meet has a fold");
        let member = |seated: &mut Seated<Seat<'a, D, S>>| {
            let mut brings = Vec::new();
            let machine = seated.job.machine();
            machine.bring(&mut brings);
            Member { id: machine.id(), brings }
        };
        let members: Vec<Member> = jobs.iter_mut().map(member).collect();
        let own = members.len();
        let gathered = match council {
            None => Ok((members, vec![own])),
            Some(council) => council.meet(&members),
        };
        // Without a lost rank the meeting would be another one too.
        let stop = |jobs: &mut [Seated<Seat<'a, D, S>>]| {
            jobs.iter_mut().for_each(|seated| seated.job.end_with(Outcome::Stopped));
        };
        let Ok((members, counts)) = gathered else { return stop(jobs) };
        if members.is_empty() {
            return;
        }
        let mut answers = fold.fold(number, &members);
        assert_eq!(answers.len(), members.len(), "a meeting has an answer for each of its members");
        let wants = fold.wants(&members, &answers);
        let here = council.map_or(0, Council::rank);
        let first: usize = counts[..here].iter().sum();
        let answers = &mut answers[first..first + own];
        if !wants.is_empty() {
            let carries: Vec<usize> = members.iter().map(|member| fold.carries(member)).collect();
            let rows = Rows::new(&carries, &wants, &counts, here);
            let row = |place: usize, i: usize, out: &mut Vec<f64>| jobs[place].job.machine().row(i, out);
            if rows.hand_out(council, row, answers).is_err() {
                return stop(jobs);
            }
        }
        jobs.iter_mut().zip(&*answers).for_each(|(seated, answer)| seated.job.met(answer));
    }

    fn is_spread(&self) -> bool {
        self.run.council.is_some()
    }

    fn meets_abroad(&self) -> bool {
        self.run.council.is_some() && self.run.meets_abroad
    }

    fn convene(&self, standing: Standing) -> Next {
        self.run.council.as_ref().map_or(Next::End, |council| self.run.convene(council, standing))
    }
}

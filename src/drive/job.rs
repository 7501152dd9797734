use std::sync::atomic::AtomicBool;

/// What a slice of work ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// There is more to do.
    More,
    /// The job is over.
    Over,
    /// The job has come to the meeting of this number.
    Meet(u64),
    /// The job has arithmetic to do, in [`Job::compute`]. Only asked for by the drivers of a desk.
    Compute,
    /// The job waits for evaluations together with others. Only asked for by the drivers of a desk.
    Ask,
}

/// A piece of work that is done in slices.
pub trait Job: Send {
    /// The share done, from 0 to 1.
    fn progress(&self) -> f64;
    /// Works for about a millisecond, or until `stop` is set; then it must return [`Slice::Over`] soon.
    fn slice(&mut self, stop: &AtomicBool) -> Slice;
    /// Has each of `jobs` work for a slice, one after the other, and appends how it ended: where slices are short, what all of them
    /// need is fetched once. A panic is that of the first one without an end.
    fn slices(jobs: &mut [Seated<Self>], stop: &AtomicBool, ends: &mut Vec<Slice>)
    where
        Self: Sized,
    {
        jobs.iter_mut().for_each(|seated| ends.push(seated.job.slice(stop)));
    }
    /// The arithmetic that [`Slice::Compute`] announced; calls nothing of the host's.
    fn compute(&mut self);
    /// After [`Slice::Ask`]: how many evaluations it waits for, at least 1.
    fn rows(&mut self) -> usize;
    /// What should have answered this job panicked with this message; the next slice ends it.
    fn broken(&mut self, message: String);
    /// [`Job::slice`] panicked with this message; the job is over.
    fn panicked(&mut self, message: String);
}

/// A job with its place in the list that a driver was given.
pub struct Seated<J> {
    pub(super) index: usize,
    /// The job.
    pub job: Box<J>,
}

impl<J> Seated<J> {
    /// All of `jobs`, in their order.
    pub(super) fn all(jobs: Vec<J>) -> impl Iterator<Item = Self> {
        jobs.into_iter().enumerate().map(|(index, job)| Self { index, job: Box::new(job) })
    }

    /// The jobs in their order.
    pub(super) fn into_jobs(mut all: Vec<Self>) -> Vec<J> {
        all.sort_by_key(|seated| seated.index);
        all.into_iter().map(|seated| *seated.job).collect()
    }
}

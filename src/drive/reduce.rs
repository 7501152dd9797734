use super::{Pool, Workers, quiet};
use crate::model::{Density, Piece, Reducer, Refusal, Threading};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Sums inside a model, on the pool's idle threads.
///
/// The caller works on pieces too and then waits for those that others have begun; it never takes up other work while it
/// waits (as a waiting rayon job would, which could put a whole slice of another chain inside this evaluation).
pub struct PoolReducer<'a, 'd, D: Density> {
    pool: &'a Pool,
    workers: &'a Workers<'d, D>,
}

impl<'a, 'd, D: Density> PoolReducer<'a, 'd, D> {
    /// A reducer over `pool` whose pieces use benches of `workers`.
    pub fn new(pool: &'a Pool, workers: &'a Workers<'d, D>) -> Self {
        Self { pool, workers }
    }
}

/// Most pieces whose sums wait for their turn at once; a number that no sum worth the name comes near.
const ROUND: usize = 1 << 16;

/// A sum cut into pieces of equal length.
#[derive(Clone, Copy)]
struct Cut {
    terms: usize,
    grain: usize,
    width: usize,
}

impl Cut {
    fn pieces(&self) -> usize {
        self.terms.div_ceil(self.grain)
    }

    fn range(&self, piece: usize) -> Range<usize> {
        piece * self.grain..self.terms.min((piece + 1) * self.grain)
    }
}

impl<D: Density> Reducer for PoolReducer<'_, '_, D> {
    fn reduce(&self, terms: usize, grain: usize, piece: &Piece<'_>, sums: &mut [f64]) -> Result<(), Refusal> {
        let cut = Cut { terms, grain: grain.max(1), width: sums.len() };
        // A model that one thread at a time may call is called by this one only.
        let idle = if self.workers.threading() == Threading::Any { self.pool.idle() } else { 0 };
        let helpers = idle.min(cut.pieces().saturating_sub(1));
        sums.fill(0.0);
        if helpers == 0 { self.serial(cut, piece, sums) } else { self.parallel(cut, piece, sums, helpers) }
    }
}

impl<D: Density> PoolReducer<'_, '_, D> {
    fn serial(&self, cut: Cut, piece: &Piece<'_>, sums: &mut [f64]) -> Result<(), Refusal> {
        let mut bench = self.workers.check_out().map_err(|_| Refusal::Stop)?;
        let mut partial = vec![0.0; cut.width];
        for i in 0..cut.pieces() {
            // As a helper finds it: a piece that adds must not depend on who runs it.
            partial.fill(0.0);
            piece(&mut bench.worker, cut.range(i), &mut partial)?;
            add(sums, &partial);
        }
        Ok(())
    }

    fn parallel(&self, cut: Cut, piece: &Piece<'_>, sums: &mut [f64], helpers: usize) -> Result<(), Refusal> {
        let run = |i: usize| -> Result<Vec<f64>, Refusal> {
            let mut bench = self.workers.check_out().map_err(|_| Refusal::Stop)?;
            let mut partial = vec![0.0; cut.width];
            piece(&mut bench.worker, cut.range(i), &mut partial).map(|()| partial)
        };
        let pieces = cut.pieces();
        let mut rounds = (0..pieces).step_by(ROUND).map(|first| first..pieces.min(first + ROUND));
        rounds.try_for_each(|round| self.round(round, &run, sums, helpers))
    }

    /// The pieces of `round` on this thread and helpers; their sums are added in order.
    fn round<F: Fn(usize) -> Partial + Sync>(
        &self,
        round: Range<usize>,
        run: &F,
        sums: &mut [f64],
        helpers: usize,
    ) -> Result<(), Refusal> {
        let board = Arc::new(Board {
            run: Erased::new(run),
            next: AtomicUsize::new(round.start),
            end: round.end,
            first: round.start,
            results: Mutex::new(Results { left: round.len(), partials: round.map(|_| None).collect() }),
            all_done: Condvar::new(),
        });
        for _ in 0..helpers {
            let board = Arc::clone(&board);
            self.pool.rayon().spawn(move || board.work());
        }
        board.work();
        // All pieces are claimed; wait for those still with helpers.
        let mut results = board.results.lock().unwrap_or_else(PoisonError::into_inner);
        while results.left > 0 {
            results = board.all_done.wait(results).unwrap_or_else(PoisonError::into_inner);
        }
        for partial in results.partials.drain(..) {
            match partial.expect("every piece has reported") {
                Ok(partial) => add(sums, &partial?),
                // As if the piece had panicked here; the message has been kept from stderr.
                Err(panic) => std::panic::resume_unwind(Box::new(panic)),
            }
        }
        Ok(())
    }
}

fn add(sums: &mut [f64], partial: &[f64]) {
    for (sum, part) in sums.iter_mut().zip(partial) {
        *sum += part;
    }
}

type Partial = Result<Vec<f64>, Refusal>;

/// What the caller of a sum and its helpers share. It outlives the call (a helper may come late), the closure does not.
struct Board {
    run: Erased,
    next: AtomicUsize,
    /// The pieces of the round.
    first: usize,
    end: usize,
    results: Mutex<Results>,
    all_done: Condvar,
}

struct Results {
    left: usize,
    /// `Err` holds the message of a panic.
    partials: Vec<Option<Result<Partial, String>>>,
}

impl Board {
    fn work(&self) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= self.end {
                return;
            }
            // SAFETY: piece i was claimed here and is not reported yet, so the call that owns the closure still waits.
            let partial = quiet::catch(|| unsafe { self.run.call(i) });
            let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
            results.partials[i - self.first] = Some(partial);
            results.left -= 1;
            if results.left == 0 {
                self.all_done.notify_all();
            }
        }
    }
}

/// A borrowed closure without its lifetime.
struct Erased {
    data: *const (),
    call: unsafe fn(*const (), usize) -> Partial,
}

// SAFETY: the closure is only called through `Erased::new`'s bound `Sync`, by shared reference.
unsafe impl Send for Erased {}
// SAFETY: as above.
unsafe impl Sync for Erased {}

impl Erased {
    fn new<F: Fn(usize) -> Partial + Sync>(f: &F) -> Self {
        unsafe fn call<F: Fn(usize) -> Partial>(data: *const (), i: usize) -> Partial {
            // SAFETY: `data` was made from `&F` in `new`, and the caller of `Erased::call` vouches that it is alive.
            unsafe { (*data.cast::<F>())(i) }
        }
        Self { data: std::ptr::from_ref(f).cast(), call: call::<F> }
    }

    /// # Safety
    /// The closure given to [`Erased::new`] must still be alive.
    unsafe fn call(&self, i: usize) -> Partial {
        // SAFETY: passed on to the caller.
        unsafe { (self.call)(self.data, i) }
    }
}

//! What Stan programs print. BridgeStan's print callback is one per library and has no user pointer, so the text is
//! gathered per thread while a call into the library runs, and logged when the call returns: whole lines, with the
//! chain's id. Logging after the call keeps the host's logger out of the library's stack and locks.

use super::super::boundary::ask;
use crate::model::{Level, Task};
use std::cell::{Cell, RefCell};
use std::ffi::c_char;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Most lines of unknown chains that wait for a task to log them; the first ones are kept.
const MOST_UNCLAIMED: usize = 10_000;

/// What one thread has printed.
struct Printed {
    /// The thread is inside a call that logs what was printed.
    inside: Cell<bool>,
    /// Something is in `text`.
    any: Cell<bool>,
    text: RefCell<Vec<u8>>,
}

thread_local! {
    static PRINTED: Printed = const {
        Printed { inside: Cell::new(false), any: Cell::new(false), text: RefCell::new(Vec::new()) }
    };
}

/// Whole lines printed on threads that no chain is known to run on: a library's own threads, and while a model was made.
static UNCLAIMED: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Something is in [`UNCLAIMED`]; looked at after every call into a library.
static ANY_UNCLAIMED: AtomicBool = AtomicBool::new(false);

/// The print callback of every library.
///
/// # Safety
/// `text` is null or points to `size` bytes.
pub(super) unsafe extern "C" fn print(text: *const c_char, size: usize) {
    if text.is_null() || size == 0 {
        return;
    }
    // SAFETY: not null; BridgeStan vouches for the size.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), size) };
    ask((), || {
        // A thread that is ending has nowhere left to gather.
        let _ = PRINTED.try_with(|printed| printed.add(text));
    });
}

impl Printed {
    fn add(&self, text: &[u8]) {
        let mut gathered = self.text.borrow_mut();
        gathered.extend_from_slice(text);
        if self.inside.get() {
            self.any.set(true);
        } else if let Some(end) = gathered.iter().rposition(|&b| b == b'\n') {
            unclaimed(&String::from_utf8_lossy(&gathered[..end]));
            gathered.drain(..=end);
        }
    }

    /// Takes the text; a last line without an end counts as one, since the next call may be for another chain.
    fn take(&self) -> String {
        self.any.set(false);
        let mut gathered = self.text.borrow_mut();
        let text = String::from_utf8_lossy(&gathered).into_owned();
        gathered.clear();
        text
    }
}

fn unclaimed(text: &str) {
    let mut lines = UNCLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    let room = MOST_UNCLAIMED.saturating_sub(lines.len());
    lines.extend(text.lines().take(room).map(str::to_string));
    ANY_UNCLAIMED.store(true, Ordering::Relaxed);
}

/// Runs `call`, which enters a library on this thread; then logs what was printed meanwhile.
#[inline]
pub(super) fn logging<R>(task: Option<&Task<'_>>, call: impl FnOnce() -> R) -> R {
    PRINTED.with(|printed| {
        printed.inside.set(true);
        let result = call();
        printed.inside.set(false);
        if printed.any.get() || ANY_UNCLAIMED.load(Ordering::Relaxed) {
            ask((), || log(printed, task));
        }
        result
    })
}

#[cold]
fn log(printed: &Printed, task: Option<&Task<'_>>) {
    let text = printed.take();
    let logger = task.and_then(|task| Some((task, task.logger()?)));
    let Some((task, logger)) = logger else {
        // Outside a run nobody listens: kept for the next one.
        if !text.is_empty() {
            unclaimed(&text);
        }
        return;
    };
    if ANY_UNCLAIMED.swap(false, Ordering::Relaxed) {
        let lines = std::mem::take(&mut *UNCLAIMED.lock().unwrap_or_else(PoisonError::into_inner));
        lines.iter().for_each(|line| logger.log(Level::Info, None, line));
    }
    task.log(Level::Info, &text);
}

//! Panics that are caught without a word on stderr, which some hosts (R) forbid.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// How many calls of [`catch`] this thread is inside of.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Where the last panic inside of them happened.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `f`; a panic becomes its message with its place. Nothing goes to stderr: while a thread is inside, the panic hook
/// only remembers the place. Panics of other threads go to the hook that was there before.
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A thread that is ending has no thread-local values left, and is not inside.
            if DEPTH.try_with(Cell::get).unwrap_or(0) > 0 { remember(info) } else { before(info) }
        }));
    });
    let _inside = Inside::enter();
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .map(|s| s.to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".into());
        // A panic passed on from another thread has its place in its message already.
        match PLACE.take() {
            Some(place) => format!("{message} ({place})"),
            None => message,
        }
    })
}

fn remember(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|l| format!("{}:{}", l.file(), l.line()));
    let _ = PLACE.try_with(|p| p.replace(place));
}

/// Counts a call of [`catch`], also while it unwinds.
struct Inside;

impl Inside {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_place() {
        assert_eq!(catch(|| 7), Ok(7));
        let message = catch(|| panic!("number {}", 3)).unwrap_err();
        assert!(message.starts_with("number 3 (") && message.contains("quiet.rs:"), "{message}");
        let outer = catch(|| {
            let inner = catch(|| panic!("inner")).unwrap_err();
            assert!(inner.starts_with("inner"));
            panic!("outer")
        })
        .unwrap_err();
        assert!(outer.starts_with("outer ("), "{outer}");
        let other = catch(|| panic::panic_any(5)).unwrap_err();
        assert!(other.starts_with("a panic without a message"));
    }
}

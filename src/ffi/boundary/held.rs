//! Handles whose own callbacks may ask for them again.

use super::pointers::{free, null};
use crate::error::Error;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a handle stands for: in the hands of one call that changes it, or of several that look at it. A call that comes meanwhile, from
/// inside a callback or from another thread, gets an error; a handle that is freed meanwhile goes when the last of them returns.
pub(in crate::ffi) struct Held<T> {
    /// The flags below, and [`LOOK`] for each call that looks.
    state: AtomicUsize,
    kept: UnsafeCell<T>,
}

const CHANGED: usize = 1;
const FREED: usize = 2;
const LOOK: usize = 4;

impl<T> Held<T> {
    pub fn new(kept: T) -> Self {
        Self { state: AtomicUsize::new(0), kept: UnsafeCell::new(kept) }
    }

    /// Adds `own` to the state, where calls at work may be those of `beside`.
    fn enter(&self, own: usize, beside: impl Fn(usize) -> bool) -> Result<(), &'static str> {
        let begun = |state| (state & FREED == 0 && beside(state)).then_some(state + own);
        match self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, begun) {
            Ok(_) => Ok(()),
            Err(state) if state & FREED != 0 => Err("one that was freed by a callback of a call that goes on"),
            Err(_) => Err("one in use: this call comes from its callback, or from another thread"),
        }
    }
}

/// A handle's type.
pub(in crate::ffi) trait Handle {
    /// What it stands for.
    type Kept;
    /// The argument's name, and what it is, for messages.
    const NAME: &'static str;
    const WHAT: &'static str;

    fn held(&self) -> &Held<Self::Kept>;
}

fn refused<H: Handle>(got: &str) -> Error {
    Error::argument(H::NAME, format_args!("{} that no other call is at work on", H::WHAT), got)
}

/// Leaves what [`Held::enter`] entered. The last one to leave a handle that was freed has it go.
///
/// # Safety
/// `handle` is live and was entered with `own`.
unsafe fn leave<H: Handle>(handle: *mut H, own: usize) {
    // SAFETY: alive, since one that is entered is not freed.
    let before = unsafe { &*handle }.held().state.fetch_sub(own, Ordering::AcqRel);
    if before - own == FREED {
        // SAFETY: freed by the host, and nobody has entered it any more.
        unsafe { free(handle) }
    }
}

/// A handle in the hands of one call that changes what it stands for.
pub(in crate::ffi) struct Changing<H: Handle>(*mut H);

/// A handle in the hands of a call that looks at it.
pub(in crate::ffi) struct Looking<H: Handle>(*mut H);

// SAFETY: the state is atomic, and what is kept goes along with the only one who has it in hand.
unsafe impl<H: Handle> Send for Changing<H> where H::Kept: Send {}
// SAFETY: the state is atomic, and what is kept may be looked at from several threads.
unsafe impl<H: Handle> Send for Looking<H> where H::Kept: Sync {}

impl<H: Handle> Changing<H> {
    /// What is kept, for as long as this lives, wherever it moves to.
    ///
    /// # Safety
    /// What is returned is not used after this was dropped, nor beside another reference.
    pub unsafe fn lend<'a>(&mut self) -> &'a mut H::Kept {
        // SAFETY: entered, thus alive and in nobody else's hands; the rest is passed on to the caller.
        unsafe { &mut *(*self.0).held().kept.get() }
    }
}

impl<H: Handle> Looking<H> {
    /// The handle, for as long as this lives.
    ///
    /// # Safety
    /// What is returned is not used after this was dropped.
    pub unsafe fn handle<'a>(&self) -> &'a H {
        // SAFETY: entered, thus alive; the rest is passed on to the caller.
        unsafe { &*self.0 }
    }
}

/// The handle, to be changed.
///
/// # Safety
/// `handle` is null or live.
pub(in crate::ffi) unsafe fn change<H: Handle>(handle: *mut H) -> Result<Changing<H>, Error> {
    // SAFETY: passed on to the caller.
    let held = unsafe { handle.as_ref() }.ok_or_else(|| null(H::NAME, H::WHAT))?.held();
    held.enter(CHANGED, |state| state == 0).map_err(refused::<H>)?;
    Ok(Changing(handle))
}

/// The handle, to look at.
///
/// # Safety
/// `handle` is null or live.
pub(in crate::ffi) unsafe fn look<H: Handle>(handle: *const H) -> Result<Looking<H>, Error> {
    // SAFETY: passed on to the caller.
    let held = unsafe { handle.as_ref() }.ok_or_else(|| null(H::NAME, H::WHAT))?.held();
    held.enter(LOOK, |state| state & CHANGED == 0).map_err(refused::<H>)?;
    Ok(Looking(handle.cast_mut()))
}

/// Frees a handle, at once or when the calls at work on it return; null is fine.
///
/// # Safety
/// `handle` is null or live and is not used again, but for its being freed once more while it is at work.
pub(in crate::ffi) unsafe fn let_go<H: Handle>(handle: *mut H) {
    // SAFETY: passed on to the caller.
    let Some(handed) = (unsafe { handle.as_ref() }) else { return };
    if handed.held().state.fetch_or(FREED, Ordering::AcqRel) == 0 {
        // SAFETY: as above; no call is at work on it, and none begins any more.
        unsafe { free(handle) }
    }
}

impl<H: Handle> Deref for Changing<H> {
    type Target = H::Kept;

    fn deref(&self) -> &H::Kept {
        // SAFETY: entered, thus alive and in nobody else's hands.
        unsafe { &*(*self.0).held().kept.get() }
    }
}

impl<H: Handle> DerefMut for Changing<H> {
    fn deref_mut(&mut self) -> &mut H::Kept {
        // SAFETY: entered, thus alive and in nobody else's hands.
        unsafe { &mut *(*self.0).held().kept.get() }
    }
}

impl<H: Handle> Deref for Looking<H> {
    type Target = H::Kept;

    fn deref(&self) -> &H::Kept {
        // SAFETY: entered, thus alive, and nobody changes it.
        unsafe { &*(*self.0).held().kept.get() }
    }
}

impl<H: Handle> Drop for Changing<H> {
    fn drop(&mut self) {
        // SAFETY: entered so by `change`.
        unsafe { leave(self.0, CHANGED) }
    }
}

impl<H: Handle> Drop for Looking<H> {
    fn drop(&mut self) {
        // SAFETY: entered so by `look`.
        unsafe { leave(self.0, LOOK) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    struct Number {
        held: Held<Rc<u8>>,
    }

    impl Handle for Number {
        type Kept = Rc<u8>;
        const NAME: &'static str = "number";
        const WHAT: &'static str = "a number";

        fn held(&self) -> &Held<Rc<u8>> {
            &self.held
        }
    }

    #[test]
    fn one_call_changes_or_several_look_and_what_is_freed_goes_with_the_last() {
        let kept = Rc::new(7);
        let handle = || Box::into_raw(Box::new(Number { held: Held::new(kept.clone()) }));
        // SAFETY: handles of boxes, each freed while alive.
        unsafe {
            let number = handle();
            let (first, second) = (look(number).unwrap(), look(number).unwrap());
            let error = change(number).err().unwrap().to_string();
            assert!(error.contains("'number'") && error.contains("in use"), "{error}");
            assert_eq!((**first, **second), (7, 7));
            drop((first, second));
            let changing = change(number).unwrap();
            assert!(look(number).is_err() && change(number).is_err());
            let_go(number);
            let_go(number);
            assert!(look(number).err().unwrap().to_string().contains("freed"));
            assert_eq!((**changing, Rc::strong_count(&kept)), (7, 2), "it lives as long as the call");
            drop(changing);
            assert_eq!(Rc::strong_count(&kept), 1);
            let number = handle();
            let_go(number);
            assert_eq!(Rc::strong_count(&kept), 1);
            let_go(std::ptr::null_mut::<Number>());
            assert!(look(std::ptr::null::<Number>()).is_err());
        }
    }
}

//! What a program finds open when it is started.

use std::sync::atomic::{AtomicBool, Ordering};

/// Standard output was closed when the program was loaded. Rust opens /dev/null in its place before `main`, so that nothing
/// written later can tell.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether this process was started with its standard output closed (`>&-`): what is written there reaches nobody. Known on Linux.
pub fn is_output_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Runs when the program, or the library in a host, is loaded.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds functions that the loader calls; this one uses nothing that has to be set up before.
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = look;

#[cfg(target_os = "linux")]
extern "C" fn look() {
    // SAFETY: asks after the descriptor's flags, and changes nothing.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    CLOSED.store(flags == -1, Ordering::Relaxed);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_tests_have_an_output() {
        AT_LOAD();
        assert!(!is_output_closed());
    }
}

//! Signals that ask a program to end.

use std::ffi::c_int;

/// Whether this process ignores a signal, as one started by `nohup` does SIGHUP: then it should go on doing so.
pub fn is_ignored(signal: c_int) -> bool {
    // SAFETY: zeros are a valid sigaction; with NULL for the new action the call only reads the old one into a place of ours.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_told() {
        // Nothing in the tests sends SIGUSR2.
        assert!(!is_ignored(libc::SIGUSR2));
        // SAFETY: ignoring a signal runs no code.
        unsafe { libc::signal(libc::SIGUSR2, libc::SIG_IGN) };
        assert!(is_ignored(libc::SIGUSR2));
        assert!(!is_ignored(-1), "no signal at all");
    }
}

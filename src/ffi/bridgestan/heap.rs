//! Freed memory stays with the process.
//!
//! Stan's reverse pass allocates and frees at each gradient. By its defaults glibc gives free memory at the end of a heap
//! back to the system beyond 128 KiB, so that chains of one process have their pages faulted in again and again, each time
//! under a lock of the kernel that all threads share.

/// glibc adapts these two by itself, up to these values, until one of them is set. Heaps of threads other than the
/// main one are as large as the first at most, and so are never cut.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_THRESHOLD: i32 = 64 << 20;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MMAP_THRESHOLD: i32 = 32 << 20;

/// Variables by which a user sets the same himself.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_CHOICE: [&str; 3] = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"];

/// Tells glibc to keep freed memory, unless the environment tells it something. Elsewhere it does nothing.
pub(super) fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if OWN_CHOICE.iter().all(|name| std::env::var_os(name).is_none()) {
        // SAFETY: mallopt takes any values, from any thread.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
            libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
        }
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Pages this thread had to be given.
    fn faults() -> i64 {
        // SAFETY: zeros are valid numbers, and getrusage fills them.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
            usage.ru_minflt
        }
    }

    #[test]
    fn pages_are_faulted_in_once() {
        const ROUNDS: usize = 50;
        const PIECES: usize = 500;
        const PAGE: usize = 4096;
        keep_freed_memory();
        // A thread of its own has a heap of its own.
        std::thread::spawn(|| {
            let round = || drop((0..PIECES).map(|i| vec![i as u8 | 1; 2 * PAGE]).collect::<Vec<_>>());
            round();
            let before = faults();
            (0..ROUNDS).for_each(|_| round());
            let rounds = faults() - before;
            assert!(rounds < PIECES as i64, "{rounds} faults, where all pages of one round are {}", 2 * PIECES);
        })
        .join()
        .unwrap();
    }
}

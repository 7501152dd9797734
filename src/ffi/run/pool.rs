//! Pools that several runs share.

use crate::drive::Pool;
use crate::ffi::boundary::{free, make};
use crate::ffi::error::{catena_error, catena_status};
use std::sync::Arc;

/// Threads that several runs share. Immutable: may be used by several runs at once.
pub struct catena_pool {
    pool: Arc<Pool>,
}

impl catena_pool {
    pub(in crate::ffi) fn share(&self) -> Arc<Pool> {
        Arc::clone(&self.pool)
    }
}

/// A pool of `threads` threads; 0: the cores available to the process, cgroup limits included.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pool_new(
    threads: usize,
    out: *mut *mut catena_pool,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for `out`.
    unsafe { make(out, error, || Ok(catena_pool { pool: Arc::new(Pool::new(threads)?) })) }
}

/// Number of the pool's threads; 0 for NULL.
///
/// # Safety
/// `pool` is NULL or a live pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pool_threads(pool: *const catena_pool) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { pool.as_ref() }.map_or(0, |p| p.pool.threads())
}

/// Frees the handle. Options and runs that use the pool keep its threads until they are freed too. NULL is fine.
///
/// # Safety
/// `pool` is NULL or came from catena_pool_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pool_free(pool: *mut catena_pool) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(pool) }
}

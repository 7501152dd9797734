//! Init contexts: where a chain's initial values come from.

use super::UserData;
use super::boundary::{Handle, Held, Table, let_go, make, slice, table_with, text};
use super::error::{c_text, catena_error, catena_status};
use crate::error::{Code, Error};
use crate::io::{PositionInit, Values};
use crate::model::{InitContext, Variable};
use crate::room;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};

/// An init context of the host's own. Set `struct_size` to sizeof(catena_init_table).
///
/// Threads: called from pool threads, concurrently when several chains share the context.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_init_table {
    /// sizeof(catena_init_table) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the context is freed; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Writes the rank of variable `name` to `rank` and its dimensions to `shape` (room for `max_rank`; a scalar has rank
    /// 0). Returns 1 when the context gives this variable, 0 when not, below 0 when it failed.
    pub shape: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            name: *const c_char,
            max_rank: usize,
            shape: *mut usize,
            rank: *mut usize,
        ) -> c_int,
    >,
    /// Writes the `count` elements of variable `name`, first index fastest (column-major). Returns 0, or another number
    /// when it failed.
    pub values:
        Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char, values: *mut f64, count: usize) -> c_int>,
    /// Called for each chain, once the model has asked for all that it wants; may be NULL. A number other than 0 fails the
    /// chain: a context that knows its names can refuse one that the model did not ask for, which may be misspelt.
    pub finish: Option<unsafe extern "C" fn(user: *mut c_void) -> c_int>,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_init_table {
    const NAME: &'static str = "catena_init_table";
    const REQUIRED: usize = std::mem::offset_of!(catena_init_table, finish);
}

/// Most dimensions a variable of an init context may have.
const MAX_RANK: usize = 16;

struct HostInit {
    table: catena_init_table,
    data: UserData,
}

// SAFETY: the header says that the callbacks may be called from any thread, concurrently.
unsafe impl Send for HostInit {}
// SAFETY: as above.
unsafe impl Sync for HostInit {}

impl InitContext for HostInit {
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        let (Some(shape_of), Some(values_of)) = (self.table.shape, self.table.values) else { return Ok(None) };
        let failed = |what: &str, code: c_int| {
            Error::new(Code::Initialization, format!("the init context's {what} of '{name}' failed with code {code}"))
        };
        let c_name = c_text(name);
        let (mut shape, mut rank) = ([0; MAX_RANK], 0);
        // SAFETY: the host's function with the host's data; `shape` has room for MAX_RANK numbers.
        let code = unsafe { shape_of(self.data.user, c_name.as_ptr(), MAX_RANK, shape.as_mut_ptr(), &mut rank) };
        match code {
            0 => return Ok(None),
            1 if rank <= MAX_RANK => {}
            code => return Err(failed("shape", code)),
        }
        let shape = shape[..rank].to_vec();
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize / 8);
        let Some(count) = count else { return Err(failed("shape", code)) };
        let mut values = room::vector("inits", count, format_args!("'{name}' of {count} elements"))?;
        values.resize(count, f64::NAN);
        // SAFETY: as above; `values` has room for `count` numbers.
        let code = unsafe { values_of(self.data.user, c_name.as_ptr(), values.as_mut_ptr(), count) };
        if code == 0 { Ok(Some(Variable { shape, values })) } else { Err(failed("values", code)) }
    }

    fn finish(&self) -> Result<(), Error> {
        let Some(finish) = self.table.finish else { return Ok(()) };
        // SAFETY: the host's function with the host's data.
        match unsafe { finish(self.data.user) } {
            0 => Ok(()),
            code => {
                let words = format!("the init context refused what the model asked for, with code {code}");
                Err(Error::new(Code::Initialization, words))
            }
        }
    }
}

/// Where a chain's initial values come from. Immutable: may serve several chains and runs.
pub struct catena_init {
    /// The runs that use it.
    uses: Held<()>,
    source: Source,
    /// Why a value asked for by the model could not be given.
    complaint: Mutex<Option<String>>,
}

enum Source {
    Own(Box<dyn InitContext + Send + Sync>),
    /// Valid only during the callback it was lent to.
    Lent(*const dyn InitContext),
}

// SAFETY: `Own` is Send and Sync; `Lent` is used on one thread, in one callback.
unsafe impl Send for catena_init {}
// SAFETY: as above.
unsafe impl Sync for catena_init {}

impl Handle for catena_init {
    type Kept = ();
    const NAME: &'static str = "init";
    const WHAT: &'static str = "a catena_init";

    fn held(&self) -> &Held<()> {
        &self.uses
    }
}

impl catena_init {
    fn of(source: Source) -> Self {
        Self { uses: Held::new(()), source, complaint: Mutex::default() }
    }

    fn own(context: impl InitContext + Send + 'static) -> Self {
        Self::of(Source::Own(Box::new(context)))
    }

    /// The context a model's callback gets; it must not outlive `context`.
    pub(super) fn lend(context: &dyn InitContext) -> Self {
        // SAFETY: only the lifetime changes, and the caller drops the result before `context` ends.
        let context: &'static dyn InitContext = unsafe { std::mem::transmute(context) };
        Self::of(Source::Lent(context))
    }

    pub(super) fn context(&self) -> &dyn InitContext {
        match &self.source {
            Source::Own(context) => &**context,
            // SAFETY: alive during the callback it was lent to.
            Source::Lent(context) => unsafe { &**context },
        }
    }

    pub(super) fn complaint(&self) -> Option<String> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn complain(&self, reason: String) -> c_int {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        FAILED
    }
}

/// What catena_init_shape and catena_init_values return.
const GIVEN: c_int = 1;
const NOT_GIVEN: c_int = 0;
const FAILED: c_int = -1;

/// An init context from the host's table, which is copied. It owns `user`, which is released when the context is freed, or,
/// where this function fails, at once.
///
/// # Safety
/// `table` is NULL or points to a table as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_new(
    table: *const catena_init_table,
    out: *mut *mut catena_init,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the table.
    let given = unsafe { table_with(table, "table", |t| UserData::new(t.user, t.release)) };
    let new = || {
        let (t, data) = given?;
        for (name, missing) in [("table.shape", t.shape.is_none()), ("table.values", t.values.is_none())] {
            if missing {
                return Err(Error::argument(name, "a function", "NULL"));
            }
        }
        Ok(catena_init::own(HostInit { table: t, data }))
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// An init context from a JSON text of `length` bytes in Stan's conventions: an object of named numbers and nested arrays,
/// on the constrained scale; NaN, Inf and -Inf as words or strings. Errors name line and column.
///
/// # Safety
/// `text` is NULL or points to `length` bytes; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_json_new(
    text: *const c_char,
    length: usize,
    out: *mut *mut catena_init,
    error: *mut *mut catena_error,
) -> catena_status {
    let new = || {
        // SAFETY: the caller vouches for the text.
        let bytes = unsafe { slice(text.cast::<u8>(), length, "text")? };
        let text = std::str::from_utf8(bytes).map_err(|e| Error::argument("text", "text in UTF-8", e))?;
        Values::from_json(text).map(catena_init::own)
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// As catena_init_json_new, from the file at `path`.
///
/// # Safety
/// `path` is NULL or NUL-terminated; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_json_file_new(
    path: *const c_char,
    out: *mut *mut catena_init,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the path.
    let new = || Values::from_json_file(unsafe { text(path, "path")? }).map(catena_init::own);
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// An init context from an unconstrained position of `dimension` numbers (copied); NaN entries are drawn.
///
/// # Safety
/// `position` points to `dimension` numbers; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_position_new(
    position: *const f64,
    dimension: usize,
    out: *mut *mut catena_init,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the position.
    let new = || PositionInit::new(unsafe { slice(position, dimension, "position")? }).map(catena_init::own);
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// Frees an init context and releases its user data. NULL is fine.
///
/// # Safety
/// `init` is NULL or came from a catena_init_..._new function and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_free(init: *mut catena_init) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { let_go(init) }
}

/// Asks `init` for `name` and hands what it gives to `take`.
///
/// # Safety
/// `init` is null or a live context; `name` is null or NUL-terminated.
unsafe fn look_up(
    init: *const catena_init,
    name: *const c_char,
    take: impl FnOnce(&str, Variable) -> Result<(), String>,
) -> c_int {
    // SAFETY: passed on to the caller.
    let Some(init) = (unsafe { init.as_ref() }) else { return FAILED };
    let answer = crate::drive::quiet::catch(|| {
        // SAFETY: passed on to the caller.
        let name = unsafe { text(name, "name") }.map_err(|e| e.to_string())?;
        match init.context().variable(name).map_err(|e| e.to_string())? {
            None => Ok(NOT_GIVEN),
            Some(variable) => take(name, variable).map(|()| GIVEN),
        }
    });
    match answer.unwrap_or_else(Err) {
        Ok(code) => code,
        Err(reason) => init.complain(reason),
    }
}

/// For models, inside `initialize`: writes the rank of variable `name` to `rank` and its dimensions to `shape` (room for
/// `max_rank`; may be NULL when that is 0). Returns 1 when the variable is given, 0 when not, below 0 when it could not be
/// read or has more dimensions; return below 0 from `initialize` then, the reason is reported for you.
///
/// # Safety
/// `init` is the context of the callback that is running; the other pointers are as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_shape(
    init: *const catena_init,
    name: *const c_char,
    max_rank: usize,
    shape: *mut usize,
    rank: *mut usize,
) -> c_int {
    let take = |name: &str, variable: Variable| {
        let found = variable.shape.len();
        if found > max_rank || rank.is_null() || (shape.is_null() && found > 0) {
            return Err(format!("init '{name}': expected at most {max_rank} dimensions, got {found}"));
        }
        // SAFETY: the caller vouches for room for `max_rank` dimensions and one rank.
        unsafe {
            *rank = found;
            for (i, length) in variable.shape.into_iter().enumerate() {
                *shape.add(i) = length;
            }
        }
        Ok(())
    };
    // SAFETY: the caller vouches for the pointers.
    unsafe { look_up(init, name, take) }
}

/// For models, inside `initialize`: copies the `count` elements of variable `name`, first index fastest. Returns 1 when
/// they were copied, 0 when the variable is not given, below 0 when it could not be read or has another number of
/// elements; return below 0 from `initialize` then, the reason is reported for you.
///
/// # Safety
/// `init` is the context of the callback that is running; `values` has room for `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_init_values(
    init: *const catena_init,
    name: *const c_char,
    values: *mut f64,
    count: usize,
) -> c_int {
    let take = |name: &str, variable: Variable| {
        let found = variable.values.len();
        if found != count || (values.is_null() && count > 0) {
            return Err(format!("init '{name}': expected {count} values, got {found}"));
        }
        for (i, value) in variable.values.into_iter().enumerate() {
            // SAFETY: the caller vouches for room for `count` numbers.
            unsafe { *values.add(i) = value };
        }
        Ok(())
    };
    // SAFETY: the caller vouches for the pointers.
    unsafe { look_up(init, name, take) }
}

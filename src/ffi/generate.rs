//! Generated quantities over draws that were made before.

use super::boundary::{Table, guard, object, slice, table, text};
use super::error::{catena_error, catena_status};
use super::io::{Host, catena_io};
use super::model::{catena_model, name_at};
use super::options::catena_options;
use super::result::catena_result;
use crate::error::Error;
use crate::services::{GivenDraws, generate_quantities};
use std::ffi::c_char;

/// Draws made before, borrowed for the call. Set `struct_size` to sizeof(catena_draws).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_draws {
    /// sizeof(catena_draws) of the header the program was compiled with.
    pub struct_size: usize,
    /// Names of the columns, as in a Stan CSV (mu, theta.1, theta.2): `columns` NUL-terminated texts.
    pub names: *const *const c_char,
    /// Number of columns.
    pub columns: usize,
    /// One table per chain: its draws, row after row.
    pub values: *const *const f64,
    /// Number of rows of each chain's table.
    pub rows: *const usize,
    /// Number of entries of `values` and `rows`: the number of chains.
    pub num_chains: usize,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_draws {
    const NAME: &'static str = "catena_draws";
    const REQUIRED: usize = size_of::<catena_draws>();
}

/// Reads a host's table.
///
/// # Safety
/// `draws` is null or points to a table as documented.
unsafe fn given<'a>(draws: *const catena_draws, num_chains: usize) -> Result<GivenDraws<'a>, Error> {
    // SAFETY: passed on to the caller.
    unsafe {
        let t = table(draws, "draws")?;
        if t.num_chains != num_chains {
            let expected = format!("{num_chains}, one table per chain");
            return Err(Error::argument("draws.num_chains", expected, t.num_chains));
        }
        let mut names = Vec::with_capacity(t.columns);
        for (i, &name) in slice(t.names, t.columns, "draws.names")?.iter().enumerate() {
            names.push(text(name, &format!("draws.names[{i}]"))?.to_string());
        }
        let tables = slice(t.values, num_chains, "draws.values")?;
        let rows = slice(t.rows, num_chains, "draws.rows")?;
        let mut chains = Vec::with_capacity(num_chains);
        for (i, (&values, &rows)) in tables.iter().zip(rows).enumerate() {
            let size = rows.checked_mul(t.columns).ok_or_else(|| {
                Error::argument(format!("draws.rows[{i}]"), "a table that fits into memory", format!("{rows} rows"))
            })?;
            chains.push(slice(values, size, &format!("draws.values[{i}]"))?);
        }
        Ok(GivenDraws { names, chains })
    }
}

/// Computes the outputs anew for draws made before, chain by chain, in parallel, and gives the generated quantities
/// (catena_quantity_column) of each row to the chain's sample writer.
///
/// The draws' columns are looked up by name: the model's parameters (the first `parameter_outputs` outputs), from which
/// its `initialize` makes the position as from an init context that gives theta with its dimensions for theta.1,
/// theta.2, ...; or, where these are missing, the model's coordinates, which are the position. Other columns are ignored.
/// A model that does not say how many parameters it has is offered all columns whose names don't end with __, and all its
/// outputs are written.
///
/// A row that the model refuses becomes a row of NaN, and a warning that names it (counted from 1) with its chain. Random
/// numbers depend on seed and chain id alone. Of the options the number of chains, init_chain_id, seed, threads or pool,
/// refresh and on_failure count; `io` (may be NULL) lists sample writers, logger and interrupt, and nothing else.
///
/// Status and `out` as for catena_sample_nuts; catena_result_iterations counts rows. A missing column is
/// CATENA_INVALID_ARGUMENT and named.
///
/// # Safety
/// The pointers are NULL or as documented; what they list lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_generate_quantities(
    model: *const catena_model,
    options: *const catena_options,
    draws: *const catena_draws,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
        unsafe {
            let mut host = Host::new(io)?;
            catena_result::expect_place(out)?;
            let model = host.model(model)?;
            let (options, pool) = object(options, "options", "catena_options")?.run();
            let draws = given(draws, options.num_chains)?;
            let mut run_io = host.lend(options.num_chains, pool)?;
            run_io.interrupt = &host.interrupt;
            catena_result::give(generate_quantities(model, &options, &draws, run_io)?, &[], out)
        }
    })
}

/// Number of columns a sample writer of catena_generate_quantities gets: the outputs after the parameters and transformed
/// parameters. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_quantity_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.quantities().len())
}

/// Name of column `index` of a sample writer of catena_generate_quantities, from 0, borrowed from the model; NULL past the
/// last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_quantity_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| m.quantities()), index)
}

//! Runs that go on where earlier ones ended.

use super::boundary::{guard, object};
use super::error::{catena_error, catena_status};
use super::io::{Host, catena_io};
use super::model::catena_model;
use super::options::catena_options;
use super::result::catena_result;
use crate::error::{Code, Error};
use crate::io::Interrupt;
use crate::services::{Engine, SampleIo, SampleOptions};

/// Goes on with the chains of `before`, each for `more` iterations after warm-up beyond those that it was asked for, and
/// returns when all have ended. A chain that was stopped first does what is left of the others; with `more` = 0 that is all.
/// Its draws are, bit for bit, those that follow the draws of `before` in a run that was asked for all of them at once.
///
/// Model, engine and options are those of the run before; the options' num_samples is ignored, and what the draws don't
/// depend on (threads, refresh, limits) may be others. `io` may be NULL and is as for catena_sample_nuts, with
/// the initial inverse metrics of the run before, diagnostic writers where it had some, and no checkpoints. Writers get the
/// rows that follow: those of the file of a CSV writer made with `resume`. `before` is only read, and may be of a run that
/// went on itself. Status and `out` as for catena_sample_nuts; CATENA_CHECKPOINT where a chain cannot go on, because it failed
/// or was stopped before it began, or where something is not as it was.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_continue(
    model: *const catena_model,
    options: *const catena_options,
    before: *const catena_result,
    more: usize,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns; the session
        // ends before that.
        unsafe {
            let mut host = Host::new(io)?;
            catena_result::expect_place(out)?;
            let before: &'static catena_result = object(before, "before", "a catena_result")?;
            let mut session = host.prepared(model, options, |options, io| go_on(before, more, options, io))?;
            session.run(None, || host.interrupt.requested());
            catena_result::give(session.into_report(), &host.settings, out)
        }
    })
}

/// Has the run of `options` and `io` go on with the chains of `before`; their engine.
fn go_on(
    before: &'static catena_result,
    more: usize,
    options: &mut SampleOptions,
    io: &mut SampleIo<'static>,
) -> Result<Engine, Error> {
    let reports = before.reports();
    if reports.len() != options.num_chains {
        let expected = format!("the result of {} chains, as the options have", options.num_chains);
        return Err(Error::argument("before", expected, format!("one of {}", reports.len())));
    }
    if !io.checkpoints.is_empty() {
        return Err(Error::argument("io.checkpoints", "none beside a result", io.checkpoints.len()));
    }
    let mut asked = None;
    for report in reports {
        let Some(engine) = report.engine else {
            return Err(Error::argument("before", "the result of chains that sample", "another"));
        };
        let none = || Error::new(Code::Checkpoint, "the chain has no checkpoint").in_chain(report.chain_id);
        io.checkpoints.push(report.checkpoint.as_deref().ok_or_else(none)?);
        asked = Some((engine, report.num_samples));
    }
    let (engine, num_samples) = asked.ok_or_else(|| Error::argument("before", "a result with chains", "none"))?;
    let most = || Error::argument("more", format!("at most {}", usize::MAX - num_samples), more);
    options.num_samples = num_samples.checked_add(more).ok_or_else(most)?;
    Ok(engine)
}

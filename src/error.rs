//! One error type: which chain, which argument, what was expected and what came.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of failure an [`Error`] reports. The numbers are those of `catena_status` in the C header and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum Code {
    /// An argument is null, of the wrong size, out of range or inconsistent with another.
    InvalidArgument = 1,
    /// No initial point with a finite log density and gradient was found, or no usable first step size.
    Initialization = 2,
    /// The model asked for the run to stop, or panicked.
    Model = 3,
    /// A writer refused a row or failed to write it.
    Writer = 4,
    /// A file could not be opened, read or parsed.
    Io = 5,
    /// Bytes are not a checkpoint of this version, or are damaged, or belong to another run.
    Checkpoint = 6,
    /// The interrupt asked for the run to end; what was written is intact.
    Interrupted = 7,
    /// At least one chain failed while others went on; each chain's own error tells more.
    ChainFailed = 8,
    /// A bug in Catena: a panic was caught at the boundary.
    Internal = 9,
    /// All weights of a set of particles are zero; the particles can still be read.
    AllLost = 10,
    /// The library was built without what is asked for.
    Unsupported = 11,
    /// No start of an optimiser has converged, or a point is no mode; what was found can still be read.
    NotConverged = 12,
    /// Another process of the run did not answer in time, or the communicator failed.
    Communicator = 13,
}

/// Which member of a set an [`Error`] is about, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Member {
    Trace(usize),
    Particle(usize),
}

/// A failure with its place. Shown as `chain 3: argument 'delta': expected …, got …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct Error {
    code: Code,
    chain: Option<u64>,
    set: Option<u64>,
    member: Option<Member>,
    argument: Option<String>,
    message: String,
}

impl Error {
    /// An error with a free message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, chain: None, set: None, member: None, argument: None, message: message.into() }
    }

    /// A bad argument: its name, what was expected and what came.
    pub fn argument(name: impl Into<String>, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self::unknown(name, format!("expected {expected}, got {got}"))
    }

    /// A name that there is nothing of; `message` says so, and what was perhaps meant.
    pub fn unknown(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { argument: Some(name.into()), ..Self::new(Code::InvalidArgument, message) }
    }

    /// The same error, said to belong to chain `id`; an id that is already there stays.
    pub fn in_chain(mut self, id: u64) -> Self {
        self.chain.get_or_insert(id);
        self
    }

    /// The same error, said to belong to the set of id `id`; an id that is already there stays.
    pub fn in_set(mut self, id: u64) -> Self {
        self.set.get_or_insert(id);
        self
    }

    /// The same error, said to be about a trace of its set, counted from 0.
    pub fn of_trace(mut self, index: usize) -> Self {
        self.member.get_or_insert(Member::Trace(index));
        self
    }

    /// The same error, said to be about a particle of its set, counted from 0.
    pub fn of_particle(mut self, index: usize) -> Self {
        self.member.get_or_insert(Member::Particle(index));
        self
    }

    /// The same error, its message after the name of a `place`.
    pub fn within(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// What kind of failure it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The id of the chain it belongs to, if it belongs to one.
    pub fn chain(&self) -> Option<u64> {
        self.chain
    }

    /// The id of the set it belongs to, if it belongs to one.
    pub fn set(&self) -> Option<u64> {
        self.set
    }

    /// The trace or particle of its set that it is about, counted from 0.
    pub fn particle(&self) -> Option<usize> {
        self.member.map(|(Member::Trace(index) | Member::Particle(index))| index)
    }

    /// The name of the offending argument, if it is about one.
    pub fn argument_name(&self) -> Option<&str> {
        self.argument.as_deref()
    }

    /// The message without chain and argument.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = self.chain {
            write!(f, "chain {id}: ")?;
        }
        match (self.set, self.member) {
            (Some(id), Some(Member::Trace(i))) => write!(f, "set {id}, trace {i}: ")?,
            (Some(id), Some(Member::Particle(i))) => write!(f, "set {id}, particle {i}: ")?,
            (Some(id), None) => write!(f, "set {id}: ")?,
            (None, Some(Member::Trace(i))) => write!(f, "trace {i}: ")?,
            (None, Some(Member::Particle(i))) => write!(f, "particle {i}: ")?,
            (None, None) => {}
        }
        if let Some(name) = &self.argument {
            write!(f, "argument '{name}': ")?;
        }
        f.write_str(&self.message)
    }
}

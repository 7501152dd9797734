//! Engines in shared libraries, loaded when a program asks for one.

use super::host::HostCommunicator;
use super::table::catena_communicator;
use crate::error::{Code, Error};
use crate::model::Communicator;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::ffi::{CStr, c_char, c_int};
use std::path::Path;
use std::time::Duration;

/// The name of the engine that ships, whose library the user's `mpicc` makes (`bindings/mpi`).
pub const MPI: &str = "mpi";

/// File names of the library of [`MPI`].
#[cfg(target_os = "macos")]
const MPI_LIBRARY: &str = "libcatena-mpi.dylib";
#[cfg(not(target_os = "macos"))]
const MPI_LIBRARY: &str = "libcatena-mpi.so";

/// What such a library exports: fills the table and returns 0, or another number with words in `message`. `release` of the
/// table ends the engine.
type Open = unsafe extern "C" fn(f64, *mut catena_communicator, *mut c_char, usize) -> c_int;
const OPEN: &CStr = c"catena_communicator_open";

/// Room for an engine's words.
const MESSAGE: usize = 1024;

/// The ranks of an engine in a shared library that exports `catena_communicator_open` (`bindings/mpi/catena_mpi.h` declares it).
pub struct EngineLibrary {
    communicator: HostCommunicator,
    // Dropped after what is in it.
    _library: Library,
}

impl EngineLibrary {
    /// The engine of this name: [`MPI`], whose library is looked for beside the running program, in `../lib` from there, and
    /// where the system looks; else the path of a library. Its operations wait up to `time_out` for other ranks.
    ///
    /// # Errors
    /// [`Code::Io`]: there is no such library, or it is none of an engine; [`Code::Communicator`]: the engine does not start.
    pub fn open(name: &str, time_out: Duration) -> Result<Self, Error> {
        let library = if name == MPI { mpi() } else { load(Path::new(name)) }?;
        // SAFETY: a library that exports this name promises this type.
        let open = unsafe { library.get::<Open>(OPEN.to_bytes_with_nul()) };
        let open = open.map_err(|e| Error::new(Code::Io, format!("the library '{name}' is none of an engine: {e}")))?;
        let (mut table, mut message) = (std::mem::MaybeUninit::<catena_communicator>::zeroed(), vec![0u8; MESSAGE]);
        // SAFETY: as above; the places are as the function wants them, and an unfilled table is zeros.
        let (code, table) = unsafe {
            let code = open(time_out.as_secs_f64(), table.as_mut_ptr(), message.as_mut_ptr().cast(), MESSAGE);
            (code, table.assume_init())
        };
        if code != 0 {
            let words = CStr::from_bytes_until_nul(&message).map_or("".into(), CStr::to_string_lossy);
            let colon = if words.is_empty() { "" } else { ": " };
            let words = format!("the engine '{name}' does not start (code {code}){colon}{words}");
            return Err(Error::new(Code::Communicator, words));
        }
        // SAFETY: filled by the engine.
        let communicator = unsafe { HostCommunicator::new(&raw const table) }?;
        Ok(Self { communicator: communicator.expect("not NULL"), _library: library })
    }

    /// Its ranks.
    pub fn communicator(&self) -> &dyn Communicator {
        &self.communicator
    }
}

fn mpi() -> Result<Library, Error> {
    let program = std::env::current_exe().ok();
    let folder = program.as_deref().and_then(Path::parent);
    let beside = folder.map(|f| f.join(MPI_LIBRARY)).into_iter();
    let installed = folder.and_then(Path::parent).map(|f| f.join("lib").join(MPI_LIBRARY)).into_iter();
    match beside.chain(installed).find(|path| path.is_file()) {
        Some(path) => load(&path),
        None => load(Path::new(MPI_LIBRARY)),
    }
}

fn load(path: &Path) -> Result<Library, Error> {
    // SAFETY: the library is one that the user has named, or the adapter. Its symbols are seen by what it loads itself: some MPIs
    // have plugins that don't name the library they need.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|e| Error::new(Code::Io, format!("the library of the engine cannot be loaded: {e}")))
}

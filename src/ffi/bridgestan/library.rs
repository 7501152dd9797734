//! The functions of BridgeStan's C ABI, version 2 (Roualdes et al. 2023, JOSS 8(87), 5236), from a shared library.

use crate::error::{Code, Error};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;

/// The ABI's major version that this room speaks.
const MAJOR_VERSION: c_int = 2;

/// BridgeStan's `bs_model`; opaque.
pub(super) type Model = c_void;
/// BridgeStan's `bs_rng`; opaque.
pub(super) type Rng = c_void;
/// A place for the text of an error, to be freed with `free_error_msg`.
pub(super) type ErrorText = *mut *mut c_char;
/// What the library prints, not NUL-terminated.
pub(super) type PrintCallback = unsafe extern "C" fn(text: *const c_char, size: usize);

/// Makes a struct with one member for each function, filled from a library.
macro_rules! functions {
    ($($symbol:ident as $member:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of one library; each is `bs_` and the member's name.
        pub(super) struct Functions {
            $(pub $member: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            /// # Safety
            /// The library's symbols of these names are functions of these types.
            unsafe fn find(library: &libloading::Library) -> Result<Self, Error> {
                $(
                    // SAFETY: passed on to the caller.
                    let $member = unsafe {
                        library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(stringify!($symbol))
                    };
                    let $member = *$member.map_err(|_| missing(stringify!($symbol)))?;
                )*
                Ok(Self { $($member),* })
            }
        }
    };
}

functions! {
    bs_model_construct as model_construct: fn(*const c_char, c_uint, ErrorText) -> *mut Model;
    bs_model_destruct as model_destruct: fn(*mut Model);
    bs_free_error_msg as free_error_msg: fn(*mut c_char);
    bs_model_info as model_info: fn(*const Model) -> *const c_char;
    bs_param_names as param_names: fn(*const Model, bool, bool) -> *const c_char;
    bs_param_unc_names as param_unc_names: fn(*const Model) -> *const c_char;
    bs_param_num as param_num: fn(*const Model, bool, bool) -> c_int;
    bs_param_unc_num as param_unc_num: fn(*const Model) -> c_int;
    bs_param_constrain as param_constrain:
        fn(*const Model, bool, bool, *const f64, *mut f64, *mut Rng, ErrorText) -> c_int;
    bs_param_unconstrain_json as param_unconstrain_json:
        fn(*const Model, *const c_char, *mut f64, ErrorText) -> c_int;
    bs_log_density as log_density: fn(*const Model, bool, bool, *const f64, *mut f64, ErrorText) -> c_int;
    bs_log_density_gradient as log_density_gradient:
        fn(*const Model, bool, bool, *const f64, *mut f64, *mut f64, ErrorText) -> c_int;
    bs_rng_construct as rng_construct: fn(c_uint, ErrorText) -> *mut Rng;
    bs_rng_destruct as rng_destruct: fn(*mut Rng);
    bs_set_print_callback as set_print_callback: fn(Option<PrintCallback>, ErrorText) -> c_int;
}

/// `bs_log_density_hessian`, which older libraries lack.
pub(super) type Hessian =
    unsafe extern "C" fn(*const Model, bool, bool, *const f64, *mut f64, *mut f64, *mut f64, ErrorText) -> c_int;

fn missing(symbol: &str) -> Error {
    Error::argument(
        "library",
        "a shared library with BridgeStan's C ABI",
        format_args!("one without the symbol '{symbol}'"),
    )
}

/// Loads the library at `path`.
///
/// # Safety
/// The library's initialisers run.
pub(in crate::ffi) unsafe fn open(path: &Path) -> Result<libloading::Library, Error> {
    let cannot = |why: &dyn std::fmt::Display| {
        Error::new(Code::Io, format!("cannot load the model library '{}': {why}", path.display()))
    };
    if path.as_os_str().is_empty() {
        return Err(Error::argument("library", "the path of a shared library", "an empty text"));
    }
    // An absolute path: dlopen looks for a bare name in the system's folders.
    let file = path.canonicalize().map_err(|e| cannot(&e))?;
    // SAFETY: passed on to the caller.
    unsafe { libloading::Library::new(file) }.map_err(|e| {
        let source = std::error::Error::source(&e).map(ToString::to_string);
        cannot(&source.unwrap_or_else(|| e.to_string()))
    })
}

/// A library that stays loaded to the end of the process: threads of its own (Intel's TBB) and functions it left for the
/// end of other threads may still run its code after the last model is gone.
pub(super) struct Library {
    pub functions: Functions,
    /// Whether it is exact depends on how the library was built.
    pub hessian: Option<Hessian>,
    _library: ManuallyDrop<libloading::Library>,
}

impl Library {
    /// Loads the library at `path`, whose version must be one we speak.
    ///
    /// # Safety
    /// If the library has BridgeStan's symbols, they are what BridgeStan's header declares.
    pub unsafe fn load(path: &Path) -> Result<Self, Error> {
        // SAFETY: passed on to the caller.
        let library = unsafe { open(path)? };
        let library = ManuallyDrop::new(library);
        let version = |symbol: &str| {
            // SAFETY: BridgeStan declares these symbols as global ints.
            match unsafe { library.get::<*const c_int>(symbol) } {
                // SAFETY: as above; the address of a global of a loaded library.
                Ok(number) => Ok(unsafe { **number }),
                Err(_) => Err(missing(symbol)),
            }
        };
        let versions = (version("bs_major_version")?, version("bs_minor_version")?, version("bs_patch_version")?);
        if versions.0 != MAJOR_VERSION {
            return Err(Error::argument(
                "library",
                format_args!("a library with version {MAJOR_VERSION} of BridgeStan's C ABI (bs_major_version)"),
                format_args!("version {}.{}.{}", versions.0, versions.1, versions.2),
            ));
        }
        // SAFETY: passed on to the caller.
        let functions = unsafe { Functions::find(&library)? };
        // SAFETY: passed on to the caller.
        let hessian = unsafe { library.get::<Hessian>("bs_log_density_hessian") }.ok().map(|symbol| *symbol);
        Ok(Self { functions, hessian, _library: library })
    }

    /// Takes the text of an error, which may be missing, and frees it.
    ///
    /// # Safety
    /// `text` is null or was set by a function of this library and not freed yet.
    pub unsafe fn take_error(&self, text: *mut c_char) -> String {
        if text.is_null() {
            return "an error without a message".into();
        }
        // SAFETY: a NUL-terminated text by BridgeStan's header, freed once, here.
        unsafe {
            let message = CStr::from_ptr(text).to_string_lossy().trim_end().to_string();
            (self.functions.free_error_msg)(text);
            message
        }
    }
}

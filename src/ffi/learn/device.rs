//! Likelihoods on devices, and which devices there are.
//!
//! The functions are the same in every build: one without the feature `opencl` knows no device and says so.

use super::host::Host;
use crate::drive::Pool;
use crate::drive::device::OnDevice;
use crate::error::Error;
use crate::ffi::boundary::{Table, free, make, table, text};
use crate::ffi::error::{catena_error, catena_status};
use crate::model::{Likelihood, Threading};
use std::ffi::{CString, c_char};

/// A host's likelihood, computed by whom the options say.
pub(super) type Asked = OnDevice<Host>;

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_device_kind {
    /// Any: GPUs first, then accelerators, then processors.
    CATENA_DEVICE_ANY = 0,
    /// The processor.
    CATENA_DEVICE_CPU = 1,
    /// A graphics processor.
    CATENA_DEVICE_GPU = 2,
    /// Anything else that computes.
    CATENA_DEVICE_ACCELERATOR = 3,
}

/// Numbers on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_precision {
    /// 64 bits; refused where the device has none.
    CATENA_PRECISION_DOUBLE = 0,
    /// 32 bits.
    CATENA_PRECISION_SINGLE = 1,
}

/// When a device computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_device_use {
    /// Always: the table's `likelihood` may be NULL.
    CATENA_DEVICE_ALWAYS = 0,
    /// Where it is quicker than the host's function: the first calls of each size are computed by both and timed, and the choice
    /// and its reason go to the logger. Bits may differ between runs, as rounding does. A device that fails is left.
    CATENA_DEVICE_AUTO = 1,
}

/// An OpenCL device that computes a likelihood. Set `struct_size` to sizeof(catena_device) and everything you don't provide to
/// zero.
///
/// `source` is OpenCL C with one function, for one cell of the product:
///
///   real likelihood(const real *outcome, const real *model, const real *experiment);
///
/// `real` is double or float, as `precision` says; OUTCOME, PARAMETERS and FIELDS are the lengths of the arrays. It returns
/// what the table's `likelihood` would write: the logarithm where `is_log` says so. The kernel around it has one work item per
/// cell, whose global id is ((e * n_o) + o) * n_m + m.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_device {
    /// sizeof(catena_device) of the header the program was compiled with.
    pub struct_size: usize,
    /// OpenCL C. Required.
    pub source: *const c_char,
    /// Part of the device's name, in any case; NULL: any.
    pub name: *const c_char,
    /// A catena_device_kind (0: any).
    pub kind: i32,
    /// A catena_precision (0: double).
    pub precision: i32,
    /// A catena_device_use (0: always).
    pub when: i32,
    /// Zero.
    pub reserved: i32,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_device {
    const NAME: &'static str = "catena_device";
    const REQUIRED: usize = size_of::<catena_device>();
}

/// The host's likelihood, on the device that is asked for.
///
/// # Safety
/// `device` is null or points to a table as documented.
pub(super) unsafe fn decorated(host: Host, device: *const catena_device, pool: &Pool) -> Result<Asked, Error> {
    if device.is_null() {
        host.check_likelihood()?;
        return Ok(OnDevice::none(host));
    }
    // SAFETY: passed on to the caller.
    let (asked, source, name) = unsafe {
        let asked = table(device, "device")?;
        let name = if asked.name.is_null() { None } else { Some(text(asked.name, "device.name")?.to_owned()) };
        (asked, text(asked.source, "device.source")?, name)
    };
    if asked.reserved != 0 {
        return Err(Error::argument("device.reserved", 0, asked.reserved));
    }
    let auto = match asked.when {
        n if n == catena_device_use::CATENA_DEVICE_ALWAYS as i32 => false,
        n if n == catena_device_use::CATENA_DEVICE_AUTO as i32 => true,
        n => return Err(Error::argument("device.when", "a catena_device_use (0 or 1)", n)),
    };
    if auto {
        host.check_likelihood()?;
    }
    let program = built::program(OnDevice::shape(&host), source, name, asked.kind, asked.precision)?;
    let threads = if host.threading() == Threading::Any { pool.threads() } else { 1 };
    Ok(if auto { OnDevice::auto(host, program, threads) } else { OnDevice::new(host, program) })
}

/// Devices there are.
pub struct catena_devices {
    all: Vec<(CString, catena_device_kind)>,
}

/// All devices that can be used. CATENA_UNSUPPORTED where the library was built without OpenCL (the feature `opencl` of the crate,
/// which is on unless it was built with --no-default-features or CMake's CATENA_OPENCL=OFF); CATENA_IO, with words, where no
/// OpenCL library, platform or device is found on this machine.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_devices_new(
    out: *mut *mut catena_devices,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, || Ok(catena_devices { all: built::devices()? })) }
}

/// Number of devices; 0 for NULL.
///
/// # Safety
/// `devices` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_devices_count(devices: *const catena_devices) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { devices.as_ref() }.map_or(0, |devices| devices.all.len())
}

/// The name of device `index`, from 0, as it says it; NULL past the last. Valid until the handle is freed.
///
/// # Safety
/// `devices` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_devices_name(devices: *const catena_devices, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    let found = unsafe { devices.as_ref() }.and_then(|devices| devices.all.get(index));
    found.map_or(std::ptr::null(), |(name, _)| name.as_ptr())
}

/// The kind of device `index`, a catena_device_kind; CATENA_DEVICE_ANY for what is none of them or past the last.
///
/// # Safety
/// `devices` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_devices_kind(devices: *const catena_devices, index: usize) -> i32 {
    // SAFETY: the caller vouches for the pointer.
    let found = unsafe { devices.as_ref() }.and_then(|devices| devices.all.get(index));
    found.map_or(catena_device_kind::CATENA_DEVICE_ANY, |(_, kind)| *kind) as i32
}

/// Frees a list of devices. NULL is fine.
///
/// # Safety
/// `devices` is NULL or came from catena_devices_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_devices_free(devices: *mut catena_devices) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(devices) }
}

#[cfg(feature = "opencl")]
mod built {
    use super::{catena_device_kind, catena_precision};
    use crate::drive::device::{CellShape, Precision};
    use crate::drive::opencl::{self, DeviceChoice, DeviceKind, DeviceProgram};
    use crate::error::Error;
    use std::ffi::CString;

    const KINDS: [(catena_device_kind, Option<DeviceKind>); 4] = [
        (catena_device_kind::CATENA_DEVICE_ANY, None),
        (catena_device_kind::CATENA_DEVICE_CPU, Some(DeviceKind::Cpu)),
        (catena_device_kind::CATENA_DEVICE_GPU, Some(DeviceKind::Gpu)),
        (catena_device_kind::CATENA_DEVICE_ACCELERATOR, Some(DeviceKind::Accelerator)),
    ];

    pub fn program(
        shape: CellShape,
        source: &str,
        name: Option<String>,
        kind: i32,
        precision: i32,
    ) -> Result<DeviceProgram, Error> {
        let known = KINDS.iter().find(|(own, _)| *own as i32 == kind);
        let (_, kind) = known.ok_or_else(|| Error::argument("device.kind", "a catena_device_kind (0 to 3)", kind))?;
        let precision = match precision {
            n if n == catena_precision::CATENA_PRECISION_DOUBLE as i32 => Precision::Double,
            n if n == catena_precision::CATENA_PRECISION_SINGLE as i32 => Precision::Single,
            n => return Err(Error::argument("device.precision", "a catena_precision (0 or 1)", n)),
        };
        DeviceProgram::new(source, shape, precision, &DeviceChoice { kind: *kind, name })
    }

    pub fn devices() -> Result<Vec<(CString, catena_device_kind)>, Error> {
        let one = |(name, kind): (String, Option<DeviceKind>)| {
            let known = KINDS.iter().find(|(_, own)| *own == kind);
            let kind = known.map_or(catena_device_kind::CATENA_DEVICE_ANY, |(own, _)| *own);
            (CString::new(name.replace('\0', " ")).unwrap_or_default(), kind)
        };
        Ok(opencl::devices()?.into_iter().map(one).collect())
    }
}

#[cfg(not(feature = "opencl"))]
mod built {
    use super::catena_device_kind;
    use crate::drive::device::{CellShape, Device, Product};
    use crate::error::{Code, Error};
    use std::ffi::CString;

    fn unsupported() -> Error {
        let words = "this library was built without OpenCL: the crate's feature 'opencl', CMake's option CATENA_OPENCL";
        Error::new(Code::Unsupported, words)
    }

    /// There is none.
    pub enum Never {}

    impl Device for Never {
        fn name(&self) -> &str {
            match *self {}
        }

        fn compute(&self, _: &Product<'_>, _: &mut [f64]) -> Result<(), Error> {
            match *self {}
        }
    }

    pub fn program(_: CellShape, _: &str, _: Option<String>, _: i32, _: i32) -> Result<Never, Error> {
        Err(unsupported())
    }

    pub fn devices() -> Result<Vec<(CString, catena_device_kind)>, Error> {
        Err(unsupported())
    }
}

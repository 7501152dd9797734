//! Which device.

use crate::drive::quiet;
use crate::error::{Code, Error};
use opencl3::device::{CL_DEVICE_TYPE_ACCELERATOR, CL_DEVICE_TYPE_ALL, CL_DEVICE_TYPE_CPU, CL_DEVICE_TYPE_GPU, Device};
use opencl3::platform::get_platforms;
use std::sync::{Mutex, PoisonError};

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics processor.
    Gpu,
    /// Anything else that computes.
    Accelerator,
}

/// How a device is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A GPU where one is, then an accelerator, then a processor.
    #[default]
    Any,
    /// The first of this kind.
    Kind(DeviceKind),
    /// The first whose name has this in it, in any case.
    Name(String),
}

/// A device's name and kind, as it says them.
fn described(device: &Device) -> (String, Option<DeviceKind>) {
    let kind = match device.dev_type().unwrap_or(0) {
        t if t & CL_DEVICE_TYPE_GPU != 0 => Some(DeviceKind::Gpu),
        t if t & CL_DEVICE_TYPE_CPU != 0 => Some(DeviceKind::Cpu),
        t if t & CL_DEVICE_TYPE_ACCELERATOR != 0 => Some(DeviceKind::Accelerator),
        _ => None,
    };
    (device.name().unwrap_or_else(|e| format!("a device without a name ({e})")), kind)
}

/// Held while platforms are looked up and programs compiled: some platforms (PoCL 3) crash when several threads do.
pub(super) static ALONE: Mutex<()> = Mutex::new(());

/// All devices of all platforms, in their order.
fn all() -> Result<Vec<Device>, Error> {
    let failed = |why: String| Error::new(Code::Io, format!("no OpenCL platform can be used: {why}"));
    // A loader that is broken must not take the process with it.
    let platforms = quiet::catch(get_platforms)
        .map_err(failed)?
        .map_err(|e| failed(format!("{e} (is an OpenCL library installed?)")))?;
    let ids = platforms.iter().flat_map(|p| p.get_devices(CL_DEVICE_TYPE_ALL).unwrap_or_default());
    let devices: Vec<Device> = ids.map(Device::new).collect();
    if devices.is_empty() {
        return Err(failed(format!("none of {} platforms has a device", platforms.len())));
    }
    Ok(devices)
}

/// Names and kinds of all devices there are.
///
/// # Errors
/// No OpenCL library, no platform, or no device.
pub fn devices() -> Result<Vec<(String, Option<DeviceKind>)>, Error> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(all()?.iter().map(described).collect())
}

/// The device chosen.
pub(super) fn choose(choice: &DeviceChoice) -> Result<(Device, String), Error> {
    let mut devices: Vec<_> = all()?.into_iter().map(|device| (described(&device), device)).collect();
    let rank = |kind: Option<DeviceKind>| match kind {
        Some(DeviceKind::Gpu) => 0,
        Some(DeviceKind::Accelerator) => 1,
        Some(DeviceKind::Cpu) => 2,
        None => 3,
    };
    let place = match choice {
        DeviceChoice::Any => {
            devices.sort_by_key(|((_, kind), _)| rank(*kind));
            Some(0)
        }
        DeviceChoice::Kind(wanted) => devices.iter().position(|((_, kind), _)| *kind == Some(*wanted)),
        DeviceChoice::Name(part) => {
            let part = part.to_lowercase();
            devices.iter().position(|((name, _), _)| name.to_lowercase().contains(&part))
        }
    };
    let names = || devices.iter().map(|((name, _), _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(place) = place else {
        let got = match choice {
            DeviceChoice::Name(part) => format!("'{part}'"),
            other => format!("{other:?}"),
        };
        return Err(Error::argument("device", format!("one of {}", names()), got));
    };
    let ((name, _), device) = devices.swap_remove(place);
    Ok((device, name))
}

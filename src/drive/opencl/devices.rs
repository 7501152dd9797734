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

/// How a device is chosen: the first that is of the kind and has the name, where they are given; GPUs come first, then
/// accelerators, then processors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceChoice {
    /// Of this kind.
    pub kind: Option<DeviceKind>,
    /// With this in its name, in any case.
    pub name: Option<String>,
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
    devices.sort_by_key(|((_, kind), _)| rank(*kind));
    let DeviceChoice { kind: wanted, name: part } = choice;
    let part = part.as_ref().map(|part| part.to_lowercase());
    let fits = |name: &str, kind: Option<DeviceKind>| {
        (wanted.is_none() || kind == *wanted) && part.as_ref().is_none_or(|part| name.to_lowercase().contains(part))
    };
    let place = devices.iter().position(|((name, kind), _)| fits(name, *kind));
    let names = || devices.iter().map(|((name, _), _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(place) = place else {
        let kind = wanted.map_or("any".into(), |kind| format!("{kind:?}"));
        let got = format!("kind {kind}, name '{}'", choice.name.as_deref().unwrap_or(""));
        return Err(Error::argument("device", format!("one of {}", names()), got));
    };
    let ((name, _), device) = devices.swap_remove(place);
    Ok((device, name))
}

//! What a device computes: the host's function for one cell, compiled.

use super::devices::{ALONE, DeviceChoice, choose};
use super::launch::Launch;
use crate::drive::device::{CellShape, Device, Precision, Product};
use crate::error::{Code, Error};
use opencl3::context::Context;
use opencl3::program::Program;
use std::sync::{Mutex, PoisonError};

/// The function of one cell for the device's compiler:
///
/// ```c
/// real likelihood(const real *outcome, const real *model, const real *experiment);
/// ```
///
/// `real` is `double` or `float`, and `OUTCOME`, `PARAMETERS`, `FIELDS` are the lengths of the three arrays. The kernel around
/// it has one work item per cell of the product; its global id is ((e n_o) + o) n_m + m. Models are matrices of `block` rows one
/// after the other, the last one shorter.
const AROUND: &str = r"
__kernel void catena_product(const ulong first, const ulong cells, const ulong n_o, const ulong n_m, const ulong n_e,
                             const ulong block, __global const real *outcomes, __global const real *models,
                             __global const real *experiments, __global real *out) {
  const ulong id = get_global_id(0);
  if (id >= cells) return;
  const ulong cell = first + id;
  const ulong m = cell % n_m, o = (cell / n_m) % n_o, e = cell / (n_m * n_o);
  const ulong begin = m - m % block, left = n_m - begin, rows = left < block ? left : block;
  real outcome[OUTCOME], model[PARAMETERS], experiment[FIELDS + 1];
  for (int k = 0; k < OUTCOME; ++k) outcome[k] = outcomes[k * n_o + o];
  for (int j = 0; j < PARAMETERS; ++j) model[j] = models[begin * PARAMETERS + j * rows + (m - begin)];
  for (int f = 0; f < FIELDS; ++f) experiment[f] = experiments[f * n_e + e];
  out[id] = likelihood(outcome, model, experiment);
}
";

/// The version of OpenCL C that every device has.
const STANDARD: &str = "-cl-std=CL1.2";

/// A program on a device. Used by one call at a time.
pub struct DeviceProgram {
    name: String,
    precision: Precision,
    launch: Mutex<Launch>,
}

impl DeviceProgram {
    /// Compiles `source`, OpenCL C with the function `likelihood` of one cell, for the device that `choice` says.
    ///
    /// # Errors
    /// No device; one without numbers of 64 bits where these are asked for; source that does not compile, with the
    /// compiler's log.
    pub fn new(source: &str, shape: CellShape, precision: Precision, choice: &DeviceChoice) -> Result<Self, Error> {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (device, name) = choose(choice)?;
        let failed =
            |what: &str, e: opencl3::error_codes::ClError| Error::new(Code::Io, format!("{name}: {what}: {e}"));
        let (real, pragma) = match precision {
            Precision::Single => ("float", ""),
            Precision::Double if device.double_fp_config().unwrap_or(0) == 0 => {
                let expected = format!("single, for {name} has no numbers of 64 bits");
                return Err(Error::argument("precision", expected, "double"));
            }
            Precision::Double => ("double", "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n"),
        };
        let context = Context::from_device(&device).map_err(|e| failed("no context", e))?;
        let CellShape { outcome, parameters, fields } = shape;
        let head = format!(
            "{pragma}#define real {real}\n#define OUTCOME {outcome}\n#define PARAMETERS {parameters}\n#define FIELDS {fields}\n#line 1\n"
        );
        // In one text: the crate hands on a list of several wrongly.
        let text = format!("{head}{source}\n{AROUND}");
        let program = Program::create_and_build_from_source(&context, &text, STANDARD).map_err(|log| {
            Error::argument("source", format!("OpenCL C that compiles for {name}"), format!("\n{log}"))
        })?;
        let launch = Launch::new(&device, context, program, precision).map_err(|e| failed("no kernel", e))?;
        Ok(Self { name, precision, launch: Mutex::new(launch) })
    }

    /// Of the numbers on the device.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// How often models were sent to the device.
    pub fn uploads(&self) -> u64 {
        self.launch.lock().unwrap_or_else(PoisonError::into_inner).uploads
    }

    /// Computes chunks of at most so many cells from here on, for tests of the cut.
    #[doc(hidden)]
    pub fn limit_chunks(&self, cells: usize) {
        self.launch.lock().unwrap_or_else(PoisonError::into_inner).largest_chunk = cells.max(1);
    }
}

impl Device for DeviceProgram {
    fn name(&self) -> &str {
        &self.name
    }

    /// In chunks that the device's memory holds, reading one back while the next is computed. Models that are those of the
    /// owner's call before stay on the device.
    fn compute(&self, product: &Product<'_>, out: &mut [f64]) -> Result<(), Error> {
        let mut launch = self.launch.lock().unwrap_or_else(PoisonError::into_inner);
        launch
            .compute(product, out)
            .map_err(|e| Error::new(Code::Model, format!("the device {} failed: {e}", self.name)))
    }
}

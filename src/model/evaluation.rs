use crate::random::Stream;

/// One evaluation: where, what of it, and the stream for what the model draws.
pub struct Evaluation<'a> {
    /// The position, `dim` numbers.
    pub position: &'a [f64],
    /// Where the gradient goes, `dim` numbers; `None`: the log density alone is wanted.
    pub gradient: Option<&'a mut [f64]>,
    /// Where the Hessian goes, `dim`² numbers; `None`: it is not wanted. With it the gradient is.
    pub hessian: Option<&'a mut [f64]>,
    /// Whether the log density includes the Jacobian of the transforms to the unconstrained scale.
    pub jacobian: bool,
    /// What the model draws comes from here.
    pub stream: &'a mut Stream,
}

/// A NaN that no arithmetic makes.
const UNWRITTEN: u64 = 0x7ff8_ca7e_4a00_0bad;

/// What stands where a model is to write for the first time, so that what it forgets is told from what it writes.
pub fn unwritten() -> f64 {
    f64::from_bits(UNWRITTEN)
}

/// Whether nobody wrote there.
pub fn is_unwritten(value: f64) -> bool {
    value.to_bits() == UNWRITTEN
}

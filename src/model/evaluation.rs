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

/// Why an evaluation gave no value. A message can be left with [`Task::set_message`](super::Task::set_message).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// This point is outside the support or numerically out of reach: a divergence, or a rejected initial value.
    Reject,
    /// The model cannot go on at all: the chain (or the run, as the user chose) ends.
    Stop,
}

//! Chains that warm up together: what their meetings make of what they bring.

use crate::adapt::{Brought, MetricKind, pool};
use crate::model::{Fold, Member};

/// The fold of a run's meetings.
pub(super) struct Together {
    pub kind: MetricKind,
    pub dim: usize,
}

impl Fold for Together {
    fn fold(&self, _: u64, members: &[Member]) -> Vec<Vec<f64>> {
        let chains: Vec<Brought<'_>> = members.iter().map(|m| Brought::read(self.dim, &m.brings)).collect();
        let pooled = pool(self.kind, &chains);
        (0..members.len()).map(|i| pooled.write(i)).collect()
    }
}

//! Points of a trajectory with their gradients, kept in a handful of slots that change roles instead of being copied.

use super::metric::{Coordinates, Metric};
use super::rows::Rows;
use pulp::Arch;
use serde::{Deserialize, Serialize};

/// Both ends of the trajectory, the draw, the proposal of the subtree, the point just evaluated and the one to be
/// evaluated next may all be different points.
pub(super) const SLOTS: usize = 6;

/// Index of a slot.
pub(super) type Slot = usize;

/// Points: position, gradient, log density, total energy.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Slots {
    /// In the sampler's coordinates.
    position: Rows,
    gradient: Rows,
    /// In the model's coordinates, where these differ (dense metric).
    model: Option<(Rows, Rows)>,
    pub log_density: [f64; SLOTS],
    pub energy: [f64; SLOTS],
}

impl Slots {
    pub fn new(dim: usize, coordinates: Coordinates) -> Self {
        let rows = |dim| Rows::new(SLOTS, dim);
        let own = coordinates.count(dim);
        Self {
            position: rows(own),
            gradient: rows(own),
            model: (coordinates != Coordinates::Model).then(|| (rows(dim), rows(dim))),
            log_density: [0.0; SLOTS],
            energy: [0.0; SLOTS],
        }
    }

    /// Position and gradient as the model sees them, without padding.
    #[inline]
    pub fn evaluation(&mut self, slot: Slot) -> (&[f64], &mut [f64]) {
        let (position, gradient) = match &mut self.model {
            None => (&mut self.position, &mut self.gradient),
            Some((position, gradient)) => (position, gradient),
        };
        (position.values(slot), gradient.values_mut(slot))
    }

    /// Position in the model's coordinates.
    pub fn model_position(&self, slot: Slot) -> &[f64] {
        self.model.as_ref().map_or(&self.position, |m| &m.0).values(slot)
    }

    /// Position in the model's coordinates, to be set; [`Slots::settle`] must follow.
    pub fn model_position_mut(&mut self, slot: Slot) -> &mut [f64] {
        self.model.as_mut().map_or(&mut self.position, |m| &mut m.0).values_mut(slot)
    }

    /// Position, to be set, and gradient in the model's coordinates; [`Slots::settle`] must follow.
    pub fn start(&mut self, slot: Slot) -> (&mut [f64], &mut [f64]) {
        let (position, gradient) = match &mut self.model {
            None => (&mut self.position, &mut self.gradient),
            Some((position, gradient)) => (position, gradient),
        };
        (position.values_mut(slot), gradient.values_mut(slot))
    }

    /// Gradient in the model's coordinates.
    pub fn model_gradient(&self, slot: Slot) -> &[f64] {
        self.model.as_ref().map_or(&self.gradient, |m| &m.1).values(slot)
    }

    /// Gradient in the sampler's coordinates, with padding.
    #[inline]
    pub fn gradient(&self, slot: Slot) -> &[f64] {
        self.gradient.row(slot)
    }

    /// Positions to read and to write, and the gradient at the first.
    #[inline]
    pub fn drift(&mut self, read: Slot, write: Slot) -> (&[f64], &mut [f64], &[f64]) {
        let (position, next) = self.position.pair(read, write);
        (position, next, self.gradient.row(read))
    }

    /// Maps a new position of the sampler to the model's coordinates.
    #[inline]
    pub fn map_to_model(&mut self, slot: Slot, metric: &Metric, arch: Arch) {
        if let Some((position, _)) = &mut self.model {
            metric.to_model(arch, self.position.row(slot), position.row_mut(slot));
        }
    }

    /// Maps the model's gradient to the sampler's coordinates.
    #[inline]
    pub fn map_from_model(&mut self, slot: Slot, metric: &Metric, arch: Arch) {
        if let Some((_, gradient)) = &self.model {
            metric.pull_gradient(arch, gradient.row(slot), self.gradient.row_mut(slot));
        }
    }

    /// Computes the sampler's coordinates of a point known in the model's, at the start or after the metric changed.
    pub fn settle(&mut self, slot: Slot, metric: &Metric, arch: Arch) {
        if let Some((position, gradient)) = &self.model {
            metric.to_sampler(position.row(slot), self.position.row_mut(slot));
            metric.pull_gradient(arch, gradient.row(slot), self.gradient.row_mut(slot));
        }
    }

    /// Numbers of rows and of coordinates, those of the model after the sampler's where there are any.
    pub fn shape(&self) -> [Option<(usize, usize)>; 4] {
        let model = self.model.as_ref();
        let of_model = [model.map(|m| m.0.shape()), model.map(|m| m.1.shape())];
        [Some(self.position.shape()), Some(self.gradient.shape()), of_model[0], of_model[1]]
    }

    pub fn bytes(&self) -> usize {
        let model = self.model.as_ref().map_or(0, |m| m.0.bytes() + m.1.bytes());
        self.position.bytes() + self.gradient.bytes() + model
    }
}

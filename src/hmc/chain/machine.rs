//! The chain among other machines: what drivers ask of it, and its meetings.

use super::{Chain, Request};
use crate::adapt::{Place, Pooled, SetOutAnew};
use crate::model::{Ask, Evaluation, Machine, Reply};

impl Chain {
    /// For [`Request::Meet`]: appends what the others may see, [`crate::adapt::Brought`].
    pub fn bring(&self, out: &mut Vec<f64>) {
        self.warmup.bring(out);
    }

    /// For [`Request::Meet`]: takes what the meeting has for this chain, [`Pooled::read`].
    pub fn take(&mut self, pooled: &Pooled) {
        self.apart = pooled.apart[0] && pooled.anew[0].is_none();
        if let Some(place) = &pooled.anew[0] {
            self.set_out_from(place);
        }
        let change = self.warmup.take(pooled);
        self.stepsize = change.stepsize.unwrap_or(self.stepsize);
        self.new_metric = change.metric.map(|metric| (metric, change.searches));
    }

    /// Makes another chain's draw the current one.
    fn set_out_from(&mut self, place: &Place) {
        let left = self.trajectory.slots.log_density[self.trajectory.draw()];
        let slot = self.trajectory.free_pending();
        let (position, gradient) = self.trajectory.slots.start(slot);
        position.copy_from_slice(&place.position);
        gradient.copy_from_slice(&place.gradient);
        self.trajectory.slots.log_density[slot] = place.log_density;
        self.trajectory.set_draw(slot);
        self.trajectory.settle(&self.metric);
        self.anew = Some(SetOutAnew { iterations: self.iteration, left, taken: place.log_density });
    }

    /// Whether the chain was apart from the others when they last met.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// How the chain last set out anew from another one's draw, if it lingered where next to nothing is.
    pub fn set_out_anew(&self) -> Option<SetOutAnew> {
        self.anew
    }
}

impl Machine for Chain {
    /// Never [`Request::Evaluate`] or [`Request::Meet`], which are asks.
    type Event = Request;

    fn id(&self) -> u64 {
        self.settings.chain_id
    }

    #[inline]
    fn resume(&mut self, reply: Reply) -> Ask<Request> {
        ask(Chain::resume(self, reply))
    }

    fn asked(&self) -> Option<Ask<Request>> {
        self.request().map(ask)
    }

    fn bring(&self, out: &mut Vec<f64>) {
        Chain::bring(self, out);
    }

    fn take(&mut self, answer: &[f64]) {
        Chain::take(self, &Pooled::read(self.settings.metric_kind, self.settings.dim, answer));
    }

    fn progress(&self) -> f64 {
        let total = self.settings.num_warmup.saturating_add(self.settings.num_samples).max(1);
        self.iteration as f64 / total as f64
    }

    #[inline]
    fn evaluation(&mut self) -> Evaluation<'_> {
        let (position, gradient, stream) = Chain::evaluation(self);
        Evaluation { position, gradient: Some(gradient), hessian: None, jacobian: true, stream }
    }
}

#[inline]
fn ask(request: Request) -> Ask<Request> {
    match request {
        Request::Evaluate => Ask::Evaluate,
        Request::Meet(number) => Ask::Meet(number),
        event => Ask::Event(event),
    }
}

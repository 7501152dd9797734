//! The chain among other machines: what drivers ask of it, and its meetings.

use super::{Chain, Request};
use crate::adapt::Pooled;
use crate::model::{Ask, Evaluation, Machine, Reply};

impl Chain {
    /// For [`Request::Meet`]: appends what the others may see, [`crate::adapt::Brought`].
    pub fn bring(&self, out: &mut Vec<f64>) {
        self.warmup.bring(out);
    }

    /// For [`Request::Meet`]: takes what the meeting has for this chain, and whether it is `apart` from the others.
    pub fn take(&mut self, pooled: &Pooled, apart: bool) {
        self.apart = apart;
        let change = self.warmup.take(pooled, apart);
        self.stepsize = change.stepsize.unwrap_or(self.stepsize);
        self.new_metric = change.metric.map(|metric| (metric, change.searches));
    }

    /// Whether the chain was apart from the others when they last met.
    pub fn is_apart(&self) -> bool {
        self.apart
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
        let (pooled, apart) = Pooled::read(self.settings.metric_kind, self.settings.dim, answer);
        Chain::take(self, &pooled, apart);
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

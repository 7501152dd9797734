//! The mover as a machine: asks, meetings, what it tells.

use super::{Mover, Phase, Waits};
use crate::model::{Ask, Block, Evaluation, Machine, Reply};
use crate::particles::course::{Action, Course, Order, Purpose, Tally};
use crate::random::{ParticlePurpose, ParticleStreams, Stream};
use serde::{Deserialize, Serialize};

/// What a block of particles tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    /// Its particles are to be drawn: [`Mover::draw`].
    Draw,
    /// It is past a meeting. All of a run go past it one after the other; what follows they do side by side.
    Met,
    /// A stage of the set is over. Told by the set's first block.
    Stage(StageRecord),
    /// So many particles of the set have no weight from the beginning, because the model refused them. Told by the set's
    /// first block.
    Refused(f64),
    /// A particle, counted from 0 in the set, at which the path has no numbers. The block is over.
    Invalid {
        /// The particle; the one that it stems from, where it was resampled.
        particle: usize,
        /// Log density where the segment begins.
        base: f64,
        /// What the segment adds.
        increment: f64,
    },
    /// The set is over.
    End {
        /// How: finished, lost, stalled, or broken.
        action: Action,
        /// Where it has come to.
        course: Course,
        /// Refused points in all.
        refused: f64,
    },
}

/// A stage of a set: a stretch of the path and the moves after it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its number, from 1.
    pub stage: usize,
    /// The way behind it, in segments: the temperature where there is but one.
    pub way: f64,
    /// Effective sample size before resampling.
    pub ess: f64,
    /// Log evidence so far.
    pub log_evidence: f64,
    /// Whether particles were resampled (and moved).
    pub resampled: bool,
    /// Mean acceptance of its moves; NaN of none.
    pub acceptance: f64,
    /// Step size after them, in units of the particles' spread.
    pub stepsize: f64,
    /// Points of its moves that the model refused, or where no finite value was.
    pub refused: f64,
    /// How many different particles the resampled ones stem from; NaN where none were.
    pub ancestors: f64,
}

impl Mover {
    /// The streams for drawing particles: one for each particle of the block, in their order, with its place.
    pub fn draw(&mut self) -> impl Iterator<Item = (Stream, &mut [f64])> {
        let first = self.plan.rows(self.index).start * self.plan.keep;
        let (streams, id) = (ParticleStreams::new(self.plan.seed), self.id);
        let stream = move |i: usize| streams.at(id, (first + i) as u64, 0, ParticlePurpose::Work);
        let rows = self.store.points.x.chunks_exact_mut(self.plan.dim);
        rows.enumerate().map(move |(i, x)| (stream(i), x))
    }

    /// The block's number in its set.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Number of the block's first particle in the set.
    pub fn first(&self) -> usize {
        self.plan.rows(self.index).start * self.plan.keep
    }

    /// Number of particles of the block.
    pub fn len(&self) -> usize {
        self.store.points.len()
    }

    /// Whether it has none; never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Particle `i` of the block: position, log density at the end of the path, log weight, and the particle that it
    /// stems from.
    pub fn particle(&self, i: usize) -> (&[f64], f64, f64, usize) {
        let points = &self.store.points;
        (points.at(i), points.value(i, 1.0), self.store.log_weights[i], points.family[i] as usize)
    }

    /// The stream for the outputs of particle `i` of the block.
    pub fn output_stream(&self, i: usize) -> Stream {
        let particle = (self.first() + i) as u64;
        ParticleStreams::new(self.plan.seed).at(self.id, particle, 0, ParticlePurpose::Report)
    }

    /// Where the set has come to.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// What the first block has to tell after a meeting of stages.
    fn gather_news(&mut self, order: &Order, first_time: bool) {
        if self.index > 0 {
            return;
        }
        if let Some(record) = self.record.take() {
            let (acceptance, refused) = (order.acceptance, order.refused);
            let stepsize = libm::exp(order.course.log_step);
            self.news.push(Happening::Stage(StageRecord { acceptance, refused, stepsize, ..record }));
        } else if first_time && order.refused > 0.0 {
            self.news.push(Happening::Refused(order.refused));
        }
        let Course { stage, log_evidence, log_step, .. } = order.course;
        if stage > self.course.stage {
            let record = StageRecord {
                stage,
                way: order.course.way(),
                ess: order.ess,
                log_evidence,
                resampled: order.action == Action::Move,
                acceptance: f64::NAN,
                stepsize: libm::exp(log_step),
                refused: 0.0,
                ancestors: order.ancestors,
            };
            // Without moves there is nothing to wait for.
            if order.action == Action::Finish {
                self.news.push(Happening::Stage(record));
            } else {
                self.record = Some(record);
            }
        }
    }
}

impl Machine for Mover {
    type Event = Happening;

    fn id(&self) -> u64 {
        self.id
    }

    fn resume(&mut self, reply: Reply) -> Ask<Happening> {
        self.waits = match self.phase {
            Phase::Fresh => {
                self.phase = Phase::Drawing;
                Waits::Event(Happening::Draw)
            }
            Phase::Drawing => self.weigh(0),
            Phase::Weighing(state) => self.weighed(state),
            Phase::Meeting => {
                self.phase = Phase::Ordered;
                Waits::Event(Happening::Met)
            }
            Phase::Ordered => match self.news.is_empty() {
                true => self.follow(),
                false => Waits::Event(self.news.remove(0)),
            },
            Phase::Refreshing => self.refreshed(),
            Phase::Moving => self.moving(reply),
            Phase::Over => unreachable!("it has told its end"),
        };
        self.asked().expect("just asked")
    }

    fn asked(&self) -> Option<Ask<Happening>> {
        match &self.waits {
            Waits::Nothing => None,
            Waits::Block => Some(Ask::EvaluateBlock),
            Waits::Evaluation => Some(Ask::Evaluate),
            Waits::Meeting => Some(Ask::Meet(self.meeting)),
            Waits::Event(event) => Some(Ask::Event(event.clone())),
        }
    }

    fn progress(&self) -> f64 {
        self.course.way() / self.plan.segments as f64
    }

    fn evaluation(&mut self) -> Evaluation<'_> {
        let nuts = self.nuts.as_mut().expect("NUTS alone evaluates point by point");
        let (position, gradient) = (&nuts.position[..], Some(&mut nuts.gradient[..]));
        Evaluation { position, gradient, hessian: None, jacobian: true, stream: &mut self.model_stream }
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        (&mut self.block, &mut self.model_stream)
    }

    fn bring(&self, out: &mut Vec<f64>) {
        let head = self.head();
        head.write(out);
        match head.purpose {
            Purpose::Tuning => {}
            Purpose::Stage => self.store.points.bring(&self.store.log_weights, out),
            Purpose::Scaling => out.extend_from_slice(&self.moments),
        }
    }

    fn row(&self, i: usize, out: &mut Vec<f64>) {
        self.store.points.row(i, out);
    }

    fn take(&mut self, answer: &[f64]) {
        let order = Order::read(answer);
        self.taken.clear();
        self.taken.extend_from_slice(&answer[Order::LEN..]);
        let was_of_stages = self.head().purpose == Purpose::Stage;
        self.moments.clear();
        (self.tally.accepted, self.tally.moves) = (0.0, 0.0);
        if was_of_stages {
            self.gather_news(&order, self.meeting == 1);
            self.all_refused += order.refused;
            self.tally = Tally::default();
        }
        // A meeting between those of stages leaves the rest as it was.
        let at_end = if was_of_stages { order.at_end } else { self.order.at_end };
        (self.course, self.order) = (order.course, Order { at_end, ..order });
    }
}

//! What a meeting of a set's blocks decides: how far to follow the path, who goes on, how to move.

use super::course::{Action, BROUGHT, Course, Head, Order, Purpose, Tally};
use super::plan::{Kernel, Plan};
use super::resample::{Scheme, ancestors};
use super::spread::Moments;
use super::temper::{self, Dead};
use super::weights;
use crate::model::{Fold, Member};
use crate::random::{ParticlePurpose, ParticleStreams};

/// Acceptance that a random walk is tuned to (Roberts, Gelman and Gilks 1997).
const WALK_ACCEPTANCE: f64 = 0.234;
/// How fast the log of the step size follows the acceptance: about a Newton step where acceptance falls by a half when
/// the step doubles.
const GAIN: f64 = 1.5;

/// The fold of a run's sets: members of one id are a set.
pub struct Stages {
    /// What the blocks know too.
    pub plan: Plan,
    /// The effective sample size to keep, as a share of the number of particles.
    pub threshold: f64,
    /// How particles are resampled.
    pub scheme: Scheme,
    /// Most stages of a set.
    pub max_stages: usize,
    /// Acceptance that moves with gradients are tuned to.
    pub acceptance: f64,
}

impl Fold for Stages {
    fn fold(&self, _: u64, members: &[Member]) -> Vec<Vec<f64>> {
        members.chunk_by(|a, b| a.id == b.id).flat_map(|blocks| self.set(blocks)).collect()
    }

    fn carries(&self, member: &Member) -> usize {
        match Head::read(&member.brings).purpose {
            Purpose::Stage => (member.brings.len() - Head::LEN) / BROUGHT,
            Purpose::Tuning | Purpose::Scaling => 0,
        }
    }

    /// The ancestors that a block is told of, each with its row.
    fn wants(&self, members: &[Member], answers: &[Vec<f64>]) -> Vec<Vec<usize>> {
        if answers.iter().all(|answer| Order::read(answer).action != Action::Move) {
            return Vec::new();
        }
        let (mut first, mut end) = (0, 0);
        let mut wanted = Vec::with_capacity(members.len());
        for (i, (member, answer)) in members.iter().zip(answers).enumerate() {
            if i == 0 || members[i - 1].id != member.id {
                first = end;
            }
            let carries = self.carries(member);
            end += carries;
            let ancestors = match Order::read(answer).action {
                Action::Move => &answer[Order::LEN + carries..],
                _ => &[],
            };
            wanted.push(ancestors.iter().map(|ancestor| first + *ancestor as usize).collect());
        }
        wanted
    }
}

impl Stages {
    /// One answer for each block of a set.
    fn set(&self, blocks: &[Member]) -> Vec<Vec<f64>> {
        let head = Head::read(&blocks[0].brings);
        let mut tally = Tally::default();
        blocks.iter().for_each(|block| tally.add(&Head::read(&block.brings).tally));
        let mut order = Order {
            action: Action::Again,
            course: head.course,
            at_end: false,
            ess: f64::NAN,
            acceptance: tally.stage_accepted / tally.stage_moves,
            refused: tally.refused,
            ancestors: f64::NAN,
        };
        order.course.log_step = self.tuned(head.course.log_step, &tally);
        if blocks.len() < self.plan.blocks() {
            order.action = Action::Broken;
            return alike(order, blocks.len());
        }
        match head.purpose {
            Purpose::Tuning => return alike(order, blocks.len()),
            Purpose::Scaling => {
                order.action = Action::Scale;
                let (mean, scale) = Moments::fitted(&self.plan, blocks.iter().map(|block| &block.brings[Head::LEN..]));
                let mut answers = alike(order, blocks.len());
                for answer in &mut answers {
                    answer.extend_from_slice(&mean);
                    answer.extend_from_slice(scale.numbers());
                }
                return answers;
            }
            Purpose::Stage => {}
        }
        Stage { stages: self, id: blocks[0].id, blocks, head, order }.held()
    }

    /// The step size after moves with these acceptances.
    fn tuned(&self, log_step: f64, tally: &Tally) -> f64 {
        let target = match self.plan.kernel {
            Kernel::RandomWalk => WALK_ACCEPTANCE,
            Kernel::Independent => return log_step,
            Kernel::Hmc | Kernel::Nuts => self.acceptance,
        };
        if tally.moves > 0.0 { log_step + GAIN * (tally.accepted / tally.moves - target) } else { log_step }
    }
}

/// The same order for each of `n` blocks, with nothing to follow.
fn alike(order: Order, n: usize) -> Vec<Vec<f64>> {
    let mut numbers = Vec::with_capacity(Order::LEN);
    order.write(&mut numbers);
    vec![numbers; n]
}

/// One set at a meeting of stages.
struct Stage<'a> {
    stages: &'a Stages,
    id: u64,
    blocks: &'a [Member],
    head: Head,
    order: Order,
}

impl<'a> Stage<'a> {
    /// What was brought of all particles, in their order.
    fn particles(&self) -> impl Iterator<Item = &'a [f64; BROUGHT]> + Clone + use<'a> {
        self.blocks.iter().flat_map(|block| block.brings[Head::LEN..].as_chunks().0)
    }

    fn held(mut self) -> Vec<Vec<f64>> {
        let plan = &self.stages.plan;
        let log_weights: Vec<f64> = self.particles().map(|p| p[1]).collect();
        if self.head.moved_at_end {
            self.order.ess = weights::ess(&log_weights);
            return self.finished(&log_weights);
        }
        let increments: Vec<f64> = self.particles().map(|p| p[0]).collect();
        let share = self.head.course.share;
        let mut space = Vec::new();
        let stretch = match temper::next(&log_weights, &increments, share, self.stages.threshold, &mut space) {
            Err(Dead::Lost) => {
                self.order.course.log_evidence = f64::NEG_INFINITY;
                return self.ended(Action::Lost);
            }
            Err(Dead::Stalled) => return self.ended(Action::Stalled),
            Ok(_) if self.head.course.stage >= self.stages.max_stages => return self.ended(Action::Stalled),
            Ok(stretch) => stretch,
        };
        temper::reweighted(&log_weights, &increments, share, stretch.share, &mut space);
        let mut normalised = vec![0.0; space.len()];
        weights::normalize(&space, &mut normalised);
        self.order.ess = stretch.ess;
        let at_end = stretch.share == 1.0 && self.head.course.segment + 1 == plan.segments;
        self.order.at_end = at_end;
        let variance = self.head.course.settled + self.variance(&normalised);
        let course = &mut self.order.course;
        course.log_evidence += stretch.log_ratio;
        course.stage += 1;
        course.share = stretch.share;
        course.variance = variance;
        if course.share == 1.0 && !at_end {
            (course.segment, course.share) = (course.segment + 1, 0.0);
        }
        match (stretch.at_target, at_end) {
            (false, false) => self.extended(&space),
            (_, true) if plan.moves == 0 => self.finished(&space),
            _ => self.moved(&normalised),
        }
    }

    /// The variance that the stretch since the last resampling adds to the log evidence, from the scatter of families:
    /// particles of one ancestor, or of one chain, are taken to depend on each other and on no others. For chains that
    /// forget where they began this is the variance of Dau and Chopin (2022, section 2.4).
    fn variance(&self, normalised: &[f64]) -> f64 {
        let plan = &self.stages.plan;
        let level = 1.0 / normalised.len() as f64;
        let mut families = vec![0.0; plan.particles()];
        for (particle, weight) in self.particles().zip(normalised) {
            families[particle[2] as usize] += weight - level;
        }
        families.iter().map(|sum| sum * sum).sum()
    }

    fn ended(mut self, action: Action) -> Vec<Vec<f64>> {
        self.order.action = action;
        alike(self.order, self.blocks.len())
    }

    /// Hands out log weights, plus `offset`.
    fn weights(mut self, action: Action, log_weights: &[f64], offset: f64) -> Vec<Vec<f64>> {
        let plan = &self.stages.plan;
        self.order.action = action;
        let answer = |index| {
            let rows = plan.rows(index);
            let mut numbers = Vec::with_capacity(Order::LEN + rows.len() * plan.keep);
            self.order.write(&mut numbers);
            numbers.extend(log_weights[rows.start * plan.keep..rows.end * plan.keep].iter().map(|w| w + offset));
            numbers
        };
        (0..self.blocks.len()).map(answer).collect()
    }

    /// The weights go on as they are; only their level is set, so that it stays in range.
    fn extended(self, log_weights: &[f64]) -> Vec<Vec<f64>> {
        let largest = weights::sums(log_weights).largest;
        self.weights(Action::Extend, log_weights, -largest)
    }

    /// The mean of the weights becomes the evidence.
    fn finished(self, log_weights: &[f64]) -> Vec<Vec<f64>> {
        let sums = weights::sums(log_weights);
        let level = sums.largest + libm::log(sums.sum / log_weights.len() as f64);
        let offset = self.order.course.log_evidence - level;
        self.weights(Action::Finish, log_weights, offset)
    }

    /// Chooses who goes on.
    fn moved(mut self, normalised: &[f64]) -> Vec<Vec<f64>> {
        let plan = &self.stages.plan;
        self.order.action = Action::Move;
        let course = &mut self.order.course;
        course.settled = course.variance;
        let mut chosen: Vec<u32> = (0..plan.movers as u32).collect();
        let is_level = normalised.iter().all(|w| *w == normalised[0]);
        if !(is_level && plan.keep == 1) {
            let stage = course.stage as u64;
            let mut stream = ParticleStreams::new(plan.seed).at(self.id, 0, stage, ParticlePurpose::Choice);
            ancestors(self.stages.scheme, normalised, &mut stream, &mut chosen).expect("weights that sum to one");
        }
        let mut different = chosen.clone();
        different.sort_unstable();
        different.dedup();
        self.order.ancestors = different.len() as f64;
        let answer = |index| {
            let rows = plan.rows(index);
            let mut numbers = Vec::new();
            self.order.write(&mut numbers);
            numbers.extend_from_slice(&normalised[rows.start * plan.keep..rows.end * plan.keep]);
            numbers.extend(chosen[rows].iter().map(|ancestor| f64::from(*ancestor)));
            numbers
        };
        (0..self.blocks.len()).map(answer).collect()
    }
}

/// A set's course before its first stage.
pub fn start(plan: &Plan) -> Course {
    Course::start(plan.log_step)
}

//! A chain that a run may end early: it has its kept draws looked at together with those of others, and counts gradients.

use crate::adapt::next_look;
use crate::hmc::{Chain, Request};
use crate::model::{Ask, Evaluation, Machine, Reply};
use serde::{Deserialize, Serialize};

/// Looks are meetings from this number on. A chain's own meetings come before them.
pub(super) const FIRST_LOOK_MEETING: u64 = 1 << 32;

/// Why a chain ends before its last iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Early {
    /// The run has what it was to reach.
    Enough(Look),
    /// It has used so many gradients.
    Gradients(u64),
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Kept draws of each chain.
    pub draws: usize,
    /// The smallest effective sample size and the place of its column among those looked at.
    pub ess: (f64, usize),
    /// The largest R-hat and the place of its column.
    pub rhat: (f64, usize),
}

/// The kept draws of one chain in the columns that are looked at.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    /// The columns, as places in a row of output.
    columns: Vec<usize>,
    values: Vec<f64>,
    next: usize,
    looks: u64,
}

impl Kept {
    /// Nothing yet, of these columns.
    pub fn new(columns: Vec<usize>) -> Self {
        Self { columns, values: Vec::new(), next: next_look(0), looks: 0 }
    }

    fn draws(&self) -> usize {
        self.values.len() / self.columns.len().max(1)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum At {
    /// The chain's last ask is the machine's.
    Chain,
    Meeting,
    Ended(Early),
    /// It was asked for no more draws than it has; the transition that it was stopped in waits for a run that asks for more.
    Drawn,
}

/// See the module's words.
#[derive(Clone, Serialize, Deserialize)]
pub struct Watched {
    pub chain: Chain,
    kept: Option<Kept>,
    /// 0: no limit.
    max_gradients: u64,
    at: At,
    /// The chain's last ask is a draw, after which something else may come.
    has_drawn: bool,
    /// What the last meeting found, and whether it is enough.
    answer: Option<(bool, Look)>,
}

impl Watched {
    /// `chain`, to be looked at where `kept` is given, and to end after so many gradients; 0: whatever they are.
    pub fn new(chain: Chain, kept: Option<Kept>, max_gradients: u64) -> Self {
        Self { chain, kept, max_gradients, at: At::Chain, has_drawn: false, answer: None }
    }

    /// Why it ended before its last iteration.
    pub fn ended(&self) -> Option<&Early> {
        if let At::Ended(early) = &self.at { Some(early) } else { None }
    }

    /// Whether its kept draws are looked at.
    pub fn is_looked_at(&self) -> bool {
        self.kept.is_some()
    }

    /// The column, as a place in a row of output, at this place among those looked at.
    pub fn column(&self, place: usize) -> Option<usize> {
        self.kept.as_ref().and_then(|kept| kept.columns.get(place).copied())
    }

    /// A row of output after warm-up, which is kept.
    pub fn keep(&mut self, row: &[f64]) {
        if let Some(kept) = &mut self.kept {
            kept.values.extend(kept.columns.iter().map(|&c| row[c]));
        }
    }

    /// Goes on in a run that looks at the columns of `kept`, or at none, with this limit of gradients. `Err` where the draws
    /// until now weren't kept: the columns then and now.
    pub fn reopen(&mut self, kept: Option<Kept>, max_gradients: u64) -> Result<(), [String; 2]> {
        self.kept = match (self.kept.take(), kept) {
            (Some(old), Some(new)) if old.columns == new.columns => Some(old),
            (_, None) => None,
            (old, Some(new)) if self.chain.warmup_length().is_some() || old.is_some() => {
                let text = |kept: Option<&Kept>| kept.map_or("none".into(), |k| format!("those at {:?}", k.columns));
                return Err([text(old.as_ref()), text(Some(&new))]);
            }
            (None, new) => new,
            (Some(_), Some(_)) => unreachable!("seen to above"),
        };
        self.max_gradients = max_gradients;
        // Whether it is enough is asked anew.
        if let At::Ended(_) | At::Drawn = self.at {
            self.has_drawn &= self.at != At::Drawn;
            self.at = At::Chain;
        }
        if self.at == At::Chain && self.chain.asked() == Some(Ask::Evaluate) && self.has_all() {
            // Nothing goes to the chain, as after its last draw.
            (self.at, self.has_drawn) = (At::Drawn, true);
        }
        Ok(())
    }

    /// Whether the chain has done all iterations.
    fn has_all(&self) -> bool {
        let samples = self.chain.settings().num_samples;
        self.chain.warmup_length().is_some_and(|length| self.chain.iterations() >= length.saturating_add(samples))
    }

    /// What comes after a draw, before the chain goes on.
    fn after_draw(&mut self) -> Option<At> {
        let (warmup, sampling) = self.chain.evaluations();
        if self.max_gradients > 0 && warmup + sampling >= self.max_gradients {
            return Some(At::Ended(Early::Gradients(warmup + sampling)));
        }
        self.chain.warmup_length()?;
        let kept = self.kept.as_ref()?;
        // After the last draw nothing is left to be saved.
        (kept.draws() == kept.next && !self.has_all()).then_some(At::Meeting)
    }

    fn next(&mut self) -> Ask<Request> {
        match &self.at {
            At::Chain => {
                let ask = Machine::resume(&mut self.chain, Reply::Continue);
                self.has_drawn = ask == Ask::Event(Request::Draw);
                ask
            }
            At::Meeting => Ask::Meet(self.meeting()),
            At::Ended(_) | At::Drawn => Ask::Event(Request::Done),
        }
    }

    fn meeting(&self) -> u64 {
        FIRST_LOOK_MEETING + self.kept.as_ref().map_or(0, |kept| kept.looks)
    }
}

impl Machine for Watched {
    type Event = Request;

    fn id(&self) -> u64 {
        Machine::id(&self.chain)
    }

    #[inline]
    fn resume(&mut self, reply: Reply) -> Ask<Request> {
        if !self.has_drawn {
            let ask = Machine::resume(&mut self.chain, reply);
            self.has_drawn = matches!(ask, Ask::Event(Request::Draw));
            return ask;
        }
        assert_eq!(reply, Reply::Continue, "the last ask was not an evaluation");
        match self.at {
            At::Chain => self.at = self.after_draw().unwrap_or(At::Chain),
            At::Meeting => {
                let (is_enough, look) = self.answer.take().expect("the meeting has answered");
                let kept = self.kept.as_mut().expect("looked at");
                (kept.next, kept.looks) = (next_look(kept.next), kept.looks + 1);
                self.at = if is_enough { At::Ended(Early::Enough(look)) } else { At::Chain };
            }
            At::Ended(_) | At::Drawn => {}
        }
        self.next()
    }

    fn asked(&self) -> Option<Ask<Request>> {
        match self.at {
            At::Chain => Machine::asked(&self.chain),
            At::Meeting => Some(Ask::Meet(self.meeting())),
            At::Ended(_) | At::Drawn => Some(Ask::Event(Request::Done)),
        }
    }

    fn progress(&self) -> f64 {
        Machine::progress(&self.chain)
    }

    #[inline]
    fn evaluation(&mut self) -> Evaluation<'_> {
        Machine::evaluation(&mut self.chain)
    }

    fn bring(&self, out: &mut Vec<f64>) {
        match self.at {
            At::Meeting => out.extend_from_slice(&self.kept.as_ref().expect("looked at").values),
            _ => Machine::bring(&self.chain, out),
        }
    }

    fn take(&mut self, answer: &[f64]) {
        if self.at != At::Meeting {
            return Machine::take(&mut self.chain, answer);
        }
        let &[is_enough, draws, ess, ess_of, rhat, rhat_of] = answer else {
            unreachable!("a look has six numbers");
        };
        let look = Look { draws: draws as usize, ess: (ess, ess_of as usize), rhat: (rhat, rhat_of as usize) };
        self.answer = Some((is_enough != 0.0, look));
    }
}

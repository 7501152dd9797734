//! The loop of adaptive learning: design, measure, update.

use super::Learner;
use crate::error::{Code, Error};
use crate::learn::design::{Minimum, NelderMead, minimize, particle_guess, sparse_time};
use crate::model::{Experiments, Likelihood};
use std::sync::Arc;

/// By what candidates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// The largest expected information gain, per cost.
    Gain,
    /// The least Bayes risk; costs do not count.
    Risk,
}

/// How the next experiment is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Design {
    /// The particle guess heuristic: field `time` is one over the distance of two models (times `scale`, at most `most`), and
    /// each field of `guesses` is the parameter of the first one that it names. Fields not named are as in `template`. The
    /// sets take turns.
    Guess {
        /// The field of the time.
        time: usize,
        /// Pairs of a field and the parameter whose guess it gets.
        guesses: Vec<(usize, usize)>,
        /// Factor of the time.
        scale: f64,
        /// The longest time.
        most: f64,
        /// Values of all fields.
        template: Vec<f64>,
    },
    /// Field `time` is `scale` times (9/8)^k in the k-th experiment of the loop, from 0.
    Sparse {
        /// The field of the time.
        time: usize,
        /// The first time.
        scale: f64,
        /// Values of all fields.
        template: Vec<f64>,
    },
    /// The best of these.
    Best {
        /// The candidates.
        candidates: Experiments,
        /// By what they are compared.
        criterion: Criterion,
        /// Outcomes to simulate for each, where they cannot be listed.
        samples: usize,
    },
}

impl<M: Likelihood> Learner<M> {
    /// The next experiment, a table of one row; `k` counts the experiments of a loop, from 0.
    ///
    /// # Errors
    /// Fields or parameters that are not there; a scale or a longest time that is not above 0; a set that has shrunk to one
    /// model; those of [`Learner::worth`].
    pub fn design(&mut self, design: &Design, k: u32) -> Result<Experiments, Error> {
        let fields = self.tools.model.fields();
        let check = |name: &str, field: usize, template: &[f64]| {
            if template.len() != fields.len() {
                return Err(Error::argument(
                    "template",
                    format_args!("{} numbers, one per field", fields.len()),
                    template.len(),
                ));
            }
            if field >= fields.len() {
                return Err(Error::argument(name, format_args!("a field from 0 to {}", fields.len() - 1), field));
            }
            Ok(())
        };
        let above_zero = |name: &str, value: f64, most: f64| match value {
            value if value > 0.0 && value <= most => Ok(()),
            value => Err(Error::argument(name, "a number above 0", value)),
        };
        match design {
            Design::Guess { time, guesses, scale, most, template } => {
                check("time", *time, template)?;
                above_zero("scale", *scale, f64::MAX)?;
                above_zero("most", *most, f64::INFINITY)?;
                for (field, parameter) in guesses {
                    check("guesses", *field, template)?;
                    let dim = self.updater.names().len();
                    if *parameter >= dim {
                        let expected = format!("a parameter from 0 to {}", dim - 1);
                        return Err(Error::argument("guesses", expected, parameter));
                    }
                }
                let mut stream = self.stream();
                let sets = self.updater.sets();
                let (guess, own) = particle_guess(&sets[k as usize % sets.len()], &[], &mut stream)?;
                let mut values = template.clone();
                guesses.iter().for_each(|(field, parameter)| values[*field] = guess[*parameter]);
                values[*time] = (own * scale).min(*most);
                Experiments::new(fields, 1, values)
            }
            Design::Sparse { time, scale, template } => {
                check("time", *time, template)?;
                above_zero("scale", *scale, f64::MAX)?;
                let mut values = template.clone();
                values[*time] = sparse_time(k, *scale);
                Experiments::new(fields, 1, values)
            }
            Design::Best { candidates, criterion, samples } => {
                let best = self.best(candidates, *criterion, *samples)?;
                Ok(candidates.rows(&[best]))
            }
        }
    }

    /// The number of the best candidate; the first of equal ones.
    ///
    /// # Errors
    /// No candidates; those of [`Learner::worth`]; a cost that is not positive.
    pub fn best(&mut self, candidates: &Experiments, criterion: Criterion, samples: usize) -> Result<usize, Error> {
        let worth = self.worth(candidates, &[], samples)?;
        let costs = match criterion {
            Criterion::Gain => self.costs(candidates)?,
            Criterion::Risk => vec![1.0; worth.len()],
        };
        if let Some(e) = costs.iter().position(|cost| cost.is_nan() || *cost <= 0.0) {
            let name = format!("experiment_cost of experiment {e}");
            return Err(Error::argument(name, "a number above 0", costs[e]));
        }
        let value = |e: usize| match criterion {
            Criterion::Gain => worth[e].information_gain / costs[e],
            Criterion::Risk => -worth[e].risk,
        };
        let better = |best: Option<usize>, e: usize| match best {
            Some(best) if value(e) > value(best) => Some(e),
            best => best.or(Some(e)),
        };
        (0..worth.len()).fold(None, better).ok_or_else(|| Error::argument("candidates", "at least one", 0))
    }

    /// The experiment of the best value near `start` (a row): the fields numbered `free` are moved, first by `scales`, between
    /// `low` and `high` (empty: no bounds), by the method of Nelder and Mead. `Minimum::value` is the risk, or minus the gain
    /// per cost.
    ///
    /// # Errors
    /// Sizes that do not fit; those of [`Learner::worth`].
    #[allow(clippy::too_many_arguments, reason = "a search's start, size, bounds and aim")]
    pub fn optimize(
        &mut self,
        start: &Experiments,
        free: &[usize],
        scales: &[f64],
        bounds: (&[f64], &[f64]),
        criterion: Criterion,
        samples: usize,
        how: NelderMead,
    ) -> Result<(Experiments, Minimum), Error> {
        let fields = self.tools.model.fields();
        if start.len() != 1 {
            return Err(Error::argument("start", "one experiment", start.len()));
        }
        if let Some(field) = free.iter().find(|field| **field >= fields.len()) {
            return Err(Error::argument("free", format_args!("fields from 0 to {}", fields.len() - 1), field));
        }
        let at = |x: &[f64]| -> Result<Experiments, Error> {
            let mut values = start.values().to_vec();
            free.iter().zip(x).for_each(|(field, x)| values[*field] = *x);
            Experiments::new(Arc::clone(&fields), 1, values)
        };
        let first: Vec<f64> = free.iter().map(|field| start.get(*field, 0)).collect();
        // The same simulated outcomes at every place, so that places can be compared.
        let questions = self.updater.questions();
        let found = minimize(&first, scales, bounds, how, |x| {
            let one = at(x)?;
            self.updater.set_questions(questions);
            let worth = self.worth(&one, &[], samples)?[0];
            Ok(match criterion {
                Criterion::Gain => -worth.information_gain / self.costs(&one)?[0],
                Criterion::Risk => worth.risk,
            })
        })?;
        self.updater.set_questions(questions + 1);
        Ok((at(&found.at)?, found))
    }

    /// `steps` times: chooses an experiment, has `measure` carry it out (it gets the experiment, a table of one row, and its
    /// number in the loop, and gives the outcome), and takes the outcome in. Ends early, without failure, when `measure` gives
    /// `None`. Returns how many were taken in.
    ///
    /// # Errors
    /// What fails ends the loop, named by its step; the data before it are taken in.
    pub fn learn(
        &mut self,
        steps: u32,
        design: &Design,
        mut measure: impl FnMut(&Experiments, u32) -> Result<Option<Vec<f64>>, Error>,
    ) -> Result<u32, Error> {
        for k in 0..steps {
            let at = |e: Error| e.within(&format!("step {k}"));
            let experiment = self.design(design, k).map_err(at)?;
            let Some(outcome) = measure(&experiment, k).map_err(at)? else { return Ok(k) };
            self.update(&outcome, &experiment, 0).map_err(|e| match e.code() {
                Code::Interrupted => e,
                _ => at(e),
            })?;
        }
        Ok(steps)
    }
}

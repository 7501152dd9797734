//! What is to be said of the draws: warnings, and where nothing can be said.

use super::Summary;
use super::apart::{Apart, HIGHEST_RHAT};
use super::digits::significant;
use super::row::{Row, Statistic};
use crate::diagnostics::workbench::Flaw;
use std::fmt::Write;

/// Effective sample sizes below this per chain and E-BFMI below [`LOWEST_EBFMI`] are warned of (Vehtari et al. 2021, section
/// 4; Betancourt 2016), as is an R-hat above [`HIGHEST_RHAT`].
const FEWEST_EFFECTIVE: f64 = 100.0;
const LOWEST_EBFMI: f64 = 0.3;

/// What the diagnostics say of the draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Verdict {
    /// Nothing to warn of.
    Good = 0,
    /// There are warnings.
    Doubtful = 1,
    /// Some diagnostics can't be had, so that nobody knows.
    Unknown = 2,
}

impl Summary {
    /// What [`Summary::warnings`] come to.
    pub fn verdict(&self) -> Verdict {
        match (self.unknowns().is_empty(), self.doubts().is_empty()) {
            (false, _) => Verdict::Unknown,
            (true, false) => Verdict::Doubtful,
            (true, true) => Verdict::Good,
        }
    }

    /// What a user should look at, one sentence each; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        [self.doubts(), self.unknowns()].concat()
    }

    fn doubts(&self) -> Vec<String> {
        let mut out = self.of_transitions();
        let worst = |statistic: Statistic, bad: &dyn Fn(f64) -> bool| {
            self.rows.iter().filter(|r| bad(r.value(statistic))).map(|r| r.name.as_str()).collect::<Vec<_>>()
        };
        let mixing = worst(Statistic::Rhat, &|r| r > HIGHEST_RHAT);
        if !mixing.is_empty() {
            out.push(format!("R-hat is above {HIGHEST_RHAT} for {}: the chains have not mixed", listed(&mixing)));
        }
        out.extend(self.modes());
        let fewest = FEWEST_EFFECTIVE * self.chains as f64;
        for (statistic, what) in [(Statistic::EssBulk, "bulk"), (Statistic::EssTail, "tail")] {
            let few = worst(statistic, &|n| n < fewest);
            if !few.is_empty() {
                out.push(format!(
                    "the {what} effective sample size is below {fewest} ({FEWEST_EFFECTIVE} per chain) for {}: run longer chains",
                    listed(&few)
                ));
            }
        }
        out
    }

    /// About divergences, depths and energies.
    fn of_transitions(&self) -> Vec<String> {
        let total = (self.chains * self.draws) as f64;
        let percent = |n: u64| format!("{n} of {total} transitions ({:.1} %)", 100.0 * n as f64 / total);
        let mut out = Vec::new();
        if let Some(n) = self.divergences.filter(|&n| n > 0) {
            out.push(format!(
                "{} diverged: the sampler may have missed parts of the posterior; a larger delta or another parameterization may help",
                percent(n)
            ));
        }
        if let Some(n) = self.saturated.filter(|&n| n > 0) {
            out.push(format!("{} reached the largest tree depth: sampling is slow but not wrong", percent(n)));
        }
        let low: Vec<String> = (1..)
            .zip(&self.ebfmi)
            .filter(|(_, e)| **e < LOWEST_EBFMI)
            .map(|(chain, e)| format!("{chain} ({e:.2})"))
            .collect();
        if !low.is_empty() {
            out.push(format!(
                "E-BFMI is below {LOWEST_EBFMI} in chains {} of the run: heavy tails may be explored badly; another parameterization may help",
                low.join(", ")
            ));
        }
        out
    }

    /// Which chains lie apart, and in what: one sentence for each way in which they do.
    fn modes(&self) -> Vec<String> {
        let mut ways: Vec<(Vec<Vec<usize>>, Vec<String>)> = Vec::new();
        let mut note = |way: Vec<Vec<usize>>, what: String| match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, all)) => all.push(what),
            None => ways.push((way, vec![what])),
        };
        for row in &self.rows {
            match &row.apart {
                Some(Apart::Groups(groups)) => {
                    let medians: Vec<String> = groups.iter().map(|(_, m)| significant(*m, DIGITS)).collect();
                    let ids = groups.iter().map(|(ids, _)| ids.clone()).collect();
                    note(ids, format!("{} (medians {})", row.name, medians.join(", ")));
                }
                Some(Apart::Narrow(ids)) => note(vec![ids.clone()], row.name.clone()),
                None => {}
            }
        }
        ways.sort_by_key(|(_, what)| std::cmp::Reverse(what.len()));
        let rest = ways.len().saturating_sub(WAYS);
        let mut out: Vec<String> = ways.iter().take(WAYS).map(|(way, what)| sentence(way, what)).collect();
        if rest > 0 {
            out.push(format!("the chains differ in {rest} more ways"));
        }
        out
    }

    /// What can't be known.
    fn unknowns(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut tell = |names: Vec<&str>, words: &dyn Fn(&str) -> String| {
            if !names.is_empty() {
                out.push(words(&listed(&names)));
            }
        };
        let of = |wanted: &dyn Fn(&Row) -> bool| -> Vec<&str> {
            self.rows.iter().filter(|r| wanted(r)).map(|r| r.name.as_str()).collect()
        };
        tell(of(&|r| r.flaw == Flaw::NotFinite), &|names| {
            format!("some draws of {names} are not finite numbers: whether it is good is unknown")
        });
        let short = |r: &Row| matches!(r.flaw, Flaw::None | Flaw::Few) && r.value(Statistic::EssBulk).is_nan();
        tell(of(&short), &|names| {
            format!(
                "{} draws per chain are too few for R-hat and effective sample sizes: whether {names} is good is unknown",
                self.draws
            )
        });
        let all_move = self.moving.iter().all(|moves| *moves);
        tell(of(&|r| r.flaw == Flaw::Constant && !all_move), &|names| {
            format!("{names} never changes: whether it is good is unknown")
        });
        let mut stuck: Vec<(&[usize], Vec<&str>)> = Vec::new();
        for row in &self.rows {
            let Flaw::Stuck(chains) = &row.flaw else { continue };
            let by_chance = row.has_few_values && chains.len() < self.chains && chains.iter().all(|&c| self.moving[c]);
            match stuck.iter_mut().find(|(known, _)| known == chains) {
                _ if by_chance => {}
                Some((_, names)) => names.push(&row.name),
                None => stuck.push((chains, vec![&row.name])),
            }
        }
        for (chains, names) in stuck.into_iter().take(WAYS) {
            let (verb, ids) = (if chains.len() == 1 { "never moves" } else { "never move" }, numbered(chains));
            tell(names, &|names| format!("{ids} {verb} in {names}: whether it is good is unknown"));
        }
        // Few draws are told of above.
        let frozen: Vec<usize> = (0..self.ebfmi.len()).filter(|&c| self.draws > 2 && self.ebfmi[c].is_nan()).collect();
        if !frozen.is_empty() {
            let ids = numbered(&frozen);
            out.push(format!("the energies of {ids} never change or are not finite: E-BFMI is unknown"));
        }
        if let Some(longest) = self.lengths.iter().max().filter(|longest| **longest > self.draws) {
            let left: usize = self.lengths.iter().map(|n| n - self.draws.min(*n)).sum();
            out.push(format!(
                "the chains differ in length, from {} to {longest} draws: {left} draws after the {}th were left out, and whether the rest is good is unknown",
                self.draws, self.draws
            ));
        }
        out
    }
}

/// Significant digits of the medians in a sentence.
const DIGITS: u32 = 3;
/// Most sentences about ways in which chains differ.
const WAYS: usize = 3;

fn sentence(way: &[Vec<usize>], what: &[String]) -> String {
    let what = listed(&what.iter().map(String::as_str).collect::<Vec<_>>());
    match way {
        [narrow] => {
            let verb = if narrow.len() == 1 { "stays" } else { "stay" };
            format!("{} {verb} in a small part of what the others explore, in {what}", numbered(narrow))
        }
        groups => {
            let groups: Vec<String> = groups.iter().map(|g| numbered(g)).collect();
            let (last, first) = groups.split_last().expect("several groups");
            format!("{} and {last} lie apart, stuck in different modes, in {what}", first.join(", "))
        }
    }
}

/// `chain 2`, or `chains 1, 3`, of chains counted from 0.
fn numbered(chains: &[usize]) -> String {
    let ids: Vec<String> = chains.iter().map(|c| (c + 1).to_string()).collect();
    let ids = listed(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    if chains.len() == 1 { format!("chain {ids}") } else { format!("chains {ids}") }
}

/// Some names and how many more there are.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let mut text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        write!(text, " and {} more", names.len() - SHOWN).expect("a string takes all");
    }
    text
}

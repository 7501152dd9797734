//! The values of all arguments, and their text as CmdStan writes it at the head of a file.

use crate::tree::{Argument, Kind, METHODS, TOP};
use crate::words;
use catena::services::OptionSet;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// One argument's value.
#[derive(Clone)]
struct Value {
    /// In the one way it is written: `true`, `0.8`, `nuts`.
    text: String,
    default: String,
    /// The user gave it.
    given: bool,
}

/// The values of all arguments. An argument is called by the groups and chosen names that lead to it:
/// `sample hmc nuts max_depth` (not `method sample algorithm hmc engine nuts max_depth`), `output file`.
#[derive(Clone)]
pub struct Settings(BTreeMap<String, Value>);

/// `prefix name`.
pub fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_string() } else { format!("{prefix} {name}") }
}

impl Settings {
    /// All at their defaults.
    pub fn new() -> Self {
        let mut settings = Self(BTreeMap::new());
        visit("", TOP, &mut |path, argument| {
            if matches!(argument.kind, Kind::Group(_)) {
                return;
            }
            let default = argument.default();
            settings.0.insert(path.to_string(), Value { text: default.clone(), default, given: false });
        });
        settings
    }

    fn value(&self, path: &str) -> &Value {
        self.0.get(path).unwrap_or_else(|| panic!("an argument '{path}'"))
    }

    pub fn text(&self, path: &str) -> &str {
        &self.value(path).text
    }

    /// The name of a file, or several with commas, that is the value.
    pub fn file(&self, path: &str) -> OsString {
        words::name(self.text(path))
    }

    pub fn is_given(&self, path: &str) -> bool {
        self.value(path).given
    }

    /// Paths of what the user gave.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| value.given).map(|(path, _)| path.as_str())
    }

    /// The arguments of the method chosen and those of all methods, with their values.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let method = self.text("method");
        let of_other =
            move |path: &str| METHODS.iter().any(|m| m.name != method && path.split(' ').next() == Some(m.name));
        self.0.iter().map(|(path, value)| (path.as_str(), value.text.as_str())).filter(move |(path, _)| !of_other(path))
    }

    /// Sets what the user gave; values are checked where they come in.
    pub fn give(&mut self, path: &str, text: String) {
        self.set(path, text);
        if let Some(value) = self.0.get_mut(path) {
            value.given = true;
        }
    }

    /// Sets a value without the user's doing.
    pub fn set(&mut self, path: &str, text: String) {
        if let Some(value) = self.0.get_mut(path) {
            value.text = text;
        }
    }

    /// Gives an argument its default again.
    pub fn reset(&mut self, path: &str) {
        if let Some(value) = self.0.get_mut(path) {
            value.text.clone_from(&value.default);
        }
    }

    /// Gives the method's arguments that a preset has values for those values as defaults.
    pub fn settle(&mut self, set: &OptionSet) {
        let mut settled = Vec::new();
        visit("", TOP, &mut |path, argument| {
            if let Some(row) = argument.row()
                && OptionSet::is_preset(row.name)
                && path.starts_with("sample ")
            {
                settled.push((path.to_string(), row.kind.text(row.get(set))));
            }
        });
        for (path, text) in settled {
            if let Some(value) = self.0.get_mut(&path) {
                value.default.clone_from(&text);
                if !value.given {
                    value.text = text;
                }
            }
        }
    }

    pub fn switch(&self, path: &str) -> bool {
        self.text(path) == "true"
    }

    pub fn whole(&self, path: &str) -> i64 {
        self.text(path).parse().expect("checked where it came in")
    }

    pub fn real(&self, path: &str) -> f64 {
        self.text(path).parse().expect("checked where it came in")
    }

    /// The options that have arguments on the chosen branches, each with its argument's value and whether that was given.
    pub fn options(&self) -> Vec<(&'static str, &str, bool)> {
        let mut options = Vec::new();
        self.collect("", TOP, &mut options);
        options
    }

    fn collect<'a>(
        &'a self,
        prefix: &str,
        arguments: &'static [Argument],
        options: &mut Vec<(&'static str, &'a str, bool)>,
    ) {
        for argument in arguments {
            let path = join(prefix, argument.name);
            if let Some(row) = argument.row() {
                options.push((row.name, self.text(&path), self.is_given(&path)));
            }
            match argument.kind {
                Kind::Group(members) => self.collect(&path, members, options),
                Kind::Choice(of) => {
                    let chosen = of.iter().find(|a| a.name == self.text(&path));
                    chosen.into_iter().for_each(|a| self.collect(&join(prefix, a.name), a.members(), options));
                }
                _ => {}
            }
        }
    }

    /// The lines at the head of a file, on the chosen branches.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.write("", TOP, 0, &mut lines);
        lines
    }

    fn write(&self, prefix: &str, arguments: &[Argument], depth: usize, lines: &mut Vec<String>) {
        const INDENT: usize = 2;
        let pad = |depth: usize| " ".repeat(depth * INDENT);
        for argument in arguments {
            let path = join(prefix, argument.name);
            if let Kind::Group(members) = argument.kind {
                lines.push(format!("{}{}", pad(depth), argument.name));
                self.write(&path, members, depth + 1, lines);
                continue;
            }
            let Value { text, default, .. } = self.value(&path);
            if argument.is_ours && text == default {
                continue;
            }
            let mark = if text == default { " (Default)" } else { "" };
            lines.push(format!("{}{} = {text}{mark}", pad(depth), argument.name));
            if let Kind::Choice(of) = argument.kind
                && let Some(chosen) = of.iter().find(|a| a.name == text)
                && !chosen.members().is_empty()
            {
                lines.push(format!("{}{}", pad(depth + 1), chosen.name));
                self.write(&join(prefix, chosen.name), chosen.members(), depth + 2, lines);
            }
        }
    }
}

/// Calls `f` with the path of every argument of every branch.
pub fn visit(prefix: &str, arguments: &'static [Argument], f: &mut dyn FnMut(&str, &'static Argument)) {
    for argument in arguments {
        let path = join(prefix, argument.name);
        f(&path, argument);
        match argument.kind {
            Kind::Group(members) => visit(&path, members, f),
            Kind::Choice(of) => of.iter().for_each(|a| visit(&join(prefix, a.name), a.members(), f)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catena::services::Given;

    #[test]
    fn every_argument_has_a_path_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        visit("", TOP, &mut |path, _| assert!(seen.insert(path.to_string()), "{path} twice"));
        assert!(seen.contains("sample hmc nuts max_depth") && seen.contains("diagnose gradient epsilon"));
    }

    #[test]
    fn options_are_those_of_the_method() {
        let mut settings = Settings::new();
        settings.give("sample num_chains", "3".into());
        let chains = |settings: &Settings| {
            let found = settings.options().into_iter().filter(|(option, ..)| *option == "num_chains");
            found.map(|(_, text, _)| text.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(chains(&settings), ["3"]);
        settings.give("method", "generate_quantities".into());
        assert_eq!(chains(&settings), ["1"]);
        settings.set("method", "diagnose".into());
        assert!(chains(&settings).is_empty());
    }

    #[test]
    fn what_cmdstan_has_not_is_in_the_head_where_it_was_given() {
        let mut settings = Settings::new();
        assert!(!settings.lines().iter().any(|line| line.contains("max_energy_error")));
        settings.give("sample hmc max_energy_error", "50".into());
        assert!(settings.lines().iter().any(|line| line.trim() == "max_energy_error = 50"));
    }

    #[test]
    fn the_head_is_cmdstans() {
        let mut settings = Settings::new();
        for (path, text) in [
            ("sample preset", "stan"),
            ("sample num_samples", "10"),
            ("sample num_warmup", "4"),
            ("sample save_warmup", "true"),
            ("data file", "bernoulli.data.json"),
            ("random seed", "123"),
            ("output file", "bernoulli_1.csv"),
        ] {
            settings.give(path, text.into());
        }
        let file = include_str!("../../../tests/data/cmdstan/bernoulli_1.csv");
        // Ours has no profiles and no config files, more threads, and seeds of its own.
        let not_ours = ["profile_file", "save_cmdstan_config"];
        let theirs: Vec<&str> = file
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .skip_while(|line| !line.starts_with("method"))
            .take_while(|line| !line.starts_with("num_threads"))
            .filter(|line| !not_ours.iter().any(|n| line.trim_start().starts_with(n)))
            .map(str::trim_end)
            .collect();
        let mut set = OptionSet::default();
        set.set("preset", Given::Text("stan")).unwrap();
        settings.settle(&set);
        let ours = settings.lines();
        let ours: Vec<&str> =
            ours.iter().map(|line| line.trim_end()).take_while(|line| !line.starts_with("num_threads")).collect();
        assert!(ours.contains(&"    preset = stan"), "what CmdStan has not is told: {ours:?}");
        let ours: Vec<&str> = ours.into_iter().filter(|line| !line.contains("preset")).collect();
        assert_eq!(ours, theirs);
    }
}

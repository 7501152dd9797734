//! From the words of the command line to settings.

use crate::settings::{Settings, join, visit};
use crate::tree::{Argument, Kind, TOP};
use catena::io::shortest;
use catena::services::{Given, nearest, similarity};

/// Other names of arguments.
const ALIASES: [(&str, &str); 1] = [("chains", "num_chains")];

/// Arguments that may come next, by the path that leads to them.
struct Scope {
    path: String,
    arguments: &'static [Argument],
}

struct Parser {
    settings: Settings,
    /// From the outermost to the one of the last group.
    scopes: Vec<Scope>,
    method: bool,
}

/// Reads the words after the model.
///
/// # Errors
/// A sentence that names the word and what is wrong with it.
pub fn parse(words: &[String]) -> Result<Settings, String> {
    let top = Scope { path: String::new(), arguments: TOP };
    let mut parser = Parser { settings: Settings::new(), scopes: vec![top], method: false };
    for word in words {
        parser.word(word)?;
    }
    if !parser.method {
        return Err(format!("a method is missing: one of {}", methods()));
    }
    parser.check_branches()?;
    Ok(parser.settings)
}

/// The names of the methods.
pub fn methods() -> String {
    TOP.iter().find_map(|a| if let Kind::Choice(of) = a.kind { Some(listed(of)) } else { None }).unwrap_or_default()
}

fn listed(of: &[Argument]) -> String {
    of.iter().map(|a| a.name).collect::<Vec<_>>().join(", ")
}

/// The argument of this name, or the choice that has it among its own, with that choice's name.
fn find(arguments: &'static [Argument], name: &str, bare: bool) -> Option<(&'static Argument, Option<&'static str>)> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    if let Some(found) = arguments.iter().find(|a| a.name == name) {
        return Some((found, None));
    }
    let chosen = |a: &'static Argument| match a.kind {
        Kind::Choice(of) if bare => of.iter().find(|c| c.name == name).map(|c| (a, Some(c.name))),
        _ => None,
    };
    arguments.iter().find_map(chosen)
}

impl Parser {
    fn word(&mut self, word: &str) -> Result<(), String> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        for depth in (0..self.scopes.len()).rev() {
            if let Some((argument, chosen)) = find(self.scopes[depth].arguments, name, value.is_none()) {
                self.scopes.truncate(depth + 1);
                return self.take(word, argument, chosen.or(value));
            }
            // The choices of a method may be made in any order: `metric=diag_e max_depth=8` is about the engine.
            if depth > 0 && self.open_chosen(depth, name, value.is_none()) {
                return self.word(word);
            }
        }
        Err(self.unknown(word, name))
    }

    /// Opens the scope that has `name`, if it is one below scope `depth` on branches chosen.
    fn open_chosen(&mut self, depth: usize, name: &str, bare: bool) -> bool {
        let Scope { path, arguments } = &self.scopes[depth];
        let Some(found) = self.below(path, arguments, name, bare) else { return false };
        self.scopes.truncate(depth + 1);
        self.scopes.extend(found);
        true
    }

    fn below(&self, prefix: &str, arguments: &'static [Argument], name: &str, bare: bool) -> Option<Vec<Scope>> {
        arguments.iter().find_map(|argument| {
            let Kind::Choice(of) = argument.kind else { return None };
            let chosen = self.settings.text(&join(prefix, argument.name));
            let chosen = of.iter().find(|a| a.name == chosen)?;
            let (path, arguments) = (join(prefix, chosen.name), chosen.members());
            let mut found = match find(arguments, name, bare) {
                Some(_) => Vec::new(),
                None => self.below(&path, arguments, name, bare)?,
            };
            found.insert(0, Scope { path, arguments });
            Some(found)
        })
    }

    /// Takes an argument of the innermost scope.
    fn take(&mut self, word: &str, argument: &'static Argument, value: Option<&str>) -> Result<(), String> {
        let prefix = self.scopes.last().map_or(String::new(), |s| s.path.clone());
        let path = join(&prefix, argument.name);
        if let Kind::Group(arguments) = argument.kind {
            if value.is_some() {
                let members = listed(arguments);
                return Err(format!("argument '{word}': '{path}' takes no value, but arguments of its own: {members}"));
            }
            self.scopes.push(Scope { path, arguments });
            return Ok(());
        }
        let Some(value) = value else {
            return Err(format!(
                "argument '{path}': expected {}, as in {word}={}, got no value",
                expected(argument),
                example(argument)
            ));
        };
        if self.settings.is_given(&path) {
            let before = self.settings.text(&path);
            return Err(format!("argument '{path}': given twice, as '{before}' and '{value}'"));
        }
        let text = checked(argument, value).ok_or_else(|| {
            format!("argument '{path}': expected {}, got '{value}'{}", expected(argument), near(argument, value))
        })?;
        if let Kind::Choice(of) = argument.kind
            && let Some(chosen) = of.iter().find(|a| a.name == text)
        {
            self.method |= prefix.is_empty();
            self.scopes.push(Scope { path: join(&prefix, chosen.name), arguments: chosen.members() });
        }
        self.settings.give(&path, text);
        Ok(())
    }

    fn unknown(&self, word: &str, name: &str) -> String {
        let mut exact = Vec::new();
        let mut best: Option<(f64, String)> = None;
        let bare = name.trim_start_matches('-');
        let mut offer = |candidate: &str, way: String| {
            if candidate == bare {
                exact.push(way);
            } else if let Some(score) = similarity(candidate, bare)
                && best.as_ref().is_none_or(|(least, _)| score > *least)
            {
                best = Some((score, way));
            }
        };
        visit("", TOP, &mut |path, argument| {
            let way = match argument.kind {
                Kind::Group(_) => path.to_string(),
                _ => format!("{path}=…"),
            };
            offer(argument.name, way);
            if let Kind::Choice(of) = argument.kind {
                of.iter().for_each(|a| offer(a.name, format!("{path}={}", a.name)));
            }
        });
        for (alias, name) in ALIASES {
            offer(alias, format!("{name}=…"));
        }
        match (exact.as_slice(), best) {
            ([], None) => format!("argument '{word}': there is none of this name; see catena help"),
            ([], Some((_, way))) => format!("argument '{word}': there is none of this name; did you mean '{way}'?"),
            (ways, _) => {
                let ways: Vec<String> = ways.iter().map(|way| format!("'{way}'")).collect();
                format!("argument '{word}': it does not belong here; did you mean {}?", ways.join(" or "))
            }
        }
    }

    /// What was given must lie on branches chosen.
    fn check_branches(&self) -> Result<(), String> {
        let chosen = self.on_branches("", TOP);
        match self.settings.given().find(|path| !chosen.iter().any(|c| c == path)) {
            None => Ok(()),
            Some(path) => {
                let (branch, _) = path.rsplit_once(' ').unwrap_or((path, ""));
                let other = self.chosen_instead(branch);
                Err(format!("argument '{path}': it goes with '{branch}'{other}"))
            }
        }
    }

    fn on_branches(&self, prefix: &str, arguments: &[Argument]) -> Vec<String> {
        let mut paths = Vec::new();
        for argument in arguments {
            let path = join(prefix, argument.name);
            match argument.kind {
                Kind::Group(members) => paths.extend(self.on_branches(&path, members)),
                Kind::Choice(of) => {
                    let chosen = of.iter().find(|a| a.name == self.settings.text(&path));
                    paths.extend(chosen.iter().flat_map(|a| self.on_branches(&join(prefix, a.name), a.members())));
                    paths.push(path);
                }
                _ => paths.push(path),
            }
        }
        paths
    }

    /// Where `branch` leaves what was chosen.
    fn chosen_instead(&self, branch: &str) -> String {
        let mut instead = String::new();
        visit("", TOP, &mut |path, argument| {
            let Kind::Choice(of) = argument.kind else { return };
            let prefix = path.rsplit_once(' ').map_or("", |(prefix, _)| prefix);
            let chosen = self.settings.text(path);
            let is_left = of.iter().any(|a| {
                let way = join(prefix, a.name);
                a.name != chosen && (branch == way || branch.starts_with(&format!("{way} ")))
            });
            if is_left {
                instead = format!(", but '{path}={chosen}' is chosen");
            }
        });
        instead
    }
}

/// The value as it is written, if the argument takes it.
fn checked(argument: &Argument, value: &str) -> Option<String> {
    match argument.kind {
        Kind::Group(_) => None,
        Kind::Choice(of) => of.iter().find(|a| a.name == value).map(|a| a.name.to_string()),
        Kind::Switch(_) => match value {
            "1" | "true" => Some("true".into()),
            "0" | "false" => Some("false".into()),
            _ => None,
        },
        Kind::Whole(_, least, most) => {
            value.parse::<i64>().ok().filter(|n| (least..=most).contains(n)).map(|n| n.to_string())
        }
        Kind::Real(_, range) => value.parse::<f64>().ok().filter(|x| range.holds(*x)).map(shortest),
        Kind::Option(_) => {
            let values = argument.values();
            values.read(Given::Text(value)).ok().filter(|v| values.holds(v.clone())).map(|v| values.text(v))
        }
        Kind::Text(_) => (!value.is_empty()).then(|| value.to_string()),
    }
}

fn expected(argument: &Argument) -> String {
    match argument.kind {
        Kind::Group(_) => "nothing".into(),
        Kind::Choice(of) => format!("one of {}", listed(of)),
        Kind::Switch(_) => "true (1) or false (0)".into(),
        Kind::Whole(_, least, most) => format!("a whole number from {least} to {most}"),
        Kind::Real(_, range) => range.to_string(),
        Kind::Option(_) => argument.values().noun(),
        Kind::Text(_) => "a text".into(),
    }
}

/// A value to show.
fn example(argument: &Argument) -> String {
    let default = argument.default();
    if default.is_empty() { "FILE".into() } else { default }
}

fn near(argument: &Argument, value: &str) -> String {
    let best = match argument.kind {
        Kind::Choice(of) => nearest(value, of.iter().map(|a| a.name)),
        Kind::Option(_) => argument.values().near(Given::Text(value)),
        _ => None,
    };
    best.map_or(String::new(), |name| format!("; did you mean '{name}'?"))
}

/// All arguments with what they take, their defaults and what they are for.
pub fn help() -> String {
    let mut out = String::new();
    describe(TOP, 1, &mut out);
    out
}

fn describe(arguments: &'static [Argument], depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    for argument in arguments {
        let name = argument.name;
        let line = match argument.kind {
            Kind::Group(_) => name.to_string(),
            Kind::Choice(of) => format!("{name}={}", of.iter().map(|a| a.name).collect::<Vec<_>>().join("|")),
            Kind::Option(_) if !argument.values().choices().is_empty() => {
                let choices = argument.values().choices().iter();
                format!("{name}={}", choices.map(|c| c.name).collect::<Vec<_>>().join("|"))
            }
            _ => format!("{name}={}", example(argument)),
        };
        out.push_str(&format!("{pad}{line:<26} {}\n", argument.help()));
        match argument.kind {
            Kind::Group(members) => describe(members, depth + 1, out),
            Kind::Choice(of) => describe(of, depth + 1, out),
            _ => {}
        }
    }
}

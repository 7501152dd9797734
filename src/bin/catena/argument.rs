//! What an argument of the command line is.

use catena::io::shortest;
use catena::services::{Kind as Values, OPTIONS, OptionRow, Range};

/// Largest whole number that an argument takes.
pub const MOST: u64 = u32::MAX as u64;

/// What an argument takes.
pub enum Kind {
    /// Nothing: the arguments that follow are those of the group.
    Group(&'static [Argument]),
    /// One of several names, each with arguments of its own; the first is the default.
    Choice(&'static [Argument]),
    /// true (1) or false (0).
    Switch(bool),
    /// A whole number with its default, least and largest value.
    Whole(i64, i64, i64),
    Real(f64, Range),
    /// A text with its default; empty: that of the option it sets, if it sets one.
    Text(&'static str),
    /// What the option takes; with CmdStan's default where that is another.
    Option(&'static str),
}

pub struct Argument {
    pub name: &'static str,
    /// Empty: the option's.
    help: &'static str,
    pub kind: Kind,
    /// Name of the option that it sets; empty: none.
    option: &'static str,
    /// CmdStan has no such argument, and a file's head tells it only where it was given.
    pub is_ours: bool,
}

impl Argument {
    /// The arguments of a group.
    pub fn members(&self) -> &'static [Argument] {
        match self.kind {
            Kind::Group(members) => members,
            _ => &[],
        }
    }

    /// What it is for.
    pub fn help(&self) -> &'static str {
        match self.help {
            "" => self.row().map_or("", |row| row.help),
            help => help,
        }
    }

    /// The option that it sets.
    pub fn row(&self) -> Option<&'static OptionRow> {
        let row = OPTIONS.iter().find(|row| row.name == self.option);
        assert!(row.is_some() || self.option.is_empty(), "an option '{}'", self.option);
        row
    }

    /// The values of a [`Kind::Option`].
    pub fn values(&self) -> Values {
        match self.row().expect("the argument names an option").kind {
            Values::Whole(least, most) => Values::Whole(least, most.min(MOST)),
            kind => kind,
        }
    }

    /// Its value where none is given.
    pub fn default(&self) -> String {
        match self.kind {
            Kind::Group(_) => String::new(),
            Kind::Choice(of) => of[0].name.into(),
            Kind::Switch(on) => on.to_string(),
            Kind::Whole(default, ..) => default.to_string(),
            Kind::Real(default, _) => shortest(default),
            Kind::Option("") | Kind::Text("") => self.row().map_or(String::new(), OptionRow::default_text),
            Kind::Option(default) | Kind::Text(default) => default.into(),
        }
    }

    pub const fn sets(self, option: &'static str) -> Self {
        Self { option, ..self }
    }

    pub const fn of_ours(self) -> Self {
        Self { is_ours: true, ..self }
    }
}

pub const fn argument(name: &'static str, help: &'static str, kind: Kind) -> Argument {
    Argument { name, help, kind, option: "", is_ours: false }
}

/// An argument that is an option, with the option's values, default and help.
pub const fn option(name: &'static str, option: &'static str) -> Argument {
    argument(name, "", Kind::Option("")).sets(option)
}

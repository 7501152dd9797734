//! The table of options, for hosts that ask what there is.

use crate::ffi::boundary::ask;
use crate::ffi::error::c_text;
use crate::services::{Kind, OPTIONS, OptionRow};
use std::ffi::c_char;
use std::ptr::null;
use std::sync::OnceLock;

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_option_kind {
    /// A whole number, at least 0.
    CATENA_OPTION_WHOLE = 0,
    /// A finite number.
    CATENA_OPTION_REAL = 1,
    /// "true" (1) or "false" (0).
    CATENA_OPTION_SWITCH = 2,
    /// One of `choices`, by its name or its number.
    CATENA_OPTION_CHOICE = 3,
    /// Names separated by commas.
    CATENA_OPTION_NAMES = 4,
}

/// One option. It is the library's, lives as long as that is loaded, and never changes; a later version may add members at
/// the end.
#[repr(C)]
pub struct catena_option {
    /// Name, for catena_options_set.
    pub name: *const c_char,
    /// What it is, in one line.
    pub help: *const c_char,
    /// What values it takes.
    pub kind: catena_option_kind,
    /// Its value when it is not set, for catena_options_set.
    pub default_value: *const c_char,
    /// The values it takes, in words: "at least 1", "a finite number above 0".
    pub range: *const c_char,
    /// No value is below this number.
    pub least: f64,
    /// No value is above this number; infinity where there is none.
    pub greatest: f64,
    /// Names of the choices, then NULL; NULL unless it is a choice.
    pub choices: *const *const c_char,
    /// The choices' numbers; NULL unless it is a choice.
    pub choice_numbers: *const i32,
    /// The services that take it ("nuts", "static", "fixed_param", "generate_quantities", "diagnose"), then NULL. Others
    /// leave it alone.
    pub services: *const *const c_char,
}

/// The descriptions; what they point to is never freed.
struct Table(Vec<catena_option>);

// SAFETY: all pointers lead to memory that nobody writes or frees.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

fn leak(text: &str) -> *const c_char {
    c_text(text).into_raw()
}

fn leak_list(texts: impl Iterator<Item = &'static str>) -> *const *const c_char {
    let list: Vec<*const c_char> = texts.map(leak).chain([null()]).collect();
    list.leak().as_ptr()
}

fn describe(row: &OptionRow) -> catena_option {
    let (least, greatest) = row.kind.bounds();
    let choices = row.kind.choices();
    catena_option {
        name: leak(row.name),
        help: leak(row.help),
        kind: match row.kind {
            Kind::Whole(..) => catena_option_kind::CATENA_OPTION_WHOLE,
            Kind::Real(_) => catena_option_kind::CATENA_OPTION_REAL,
            Kind::Switch => catena_option_kind::CATENA_OPTION_SWITCH,
            Kind::Choice(_) => catena_option_kind::CATENA_OPTION_CHOICE,
            Kind::Names => catena_option_kind::CATENA_OPTION_NAMES,
        },
        default_value: leak(&row.default_text()),
        range: leak(&row.kind.range()),
        least,
        greatest,
        choices: if choices.is_empty() { null() } else { leak_list(choices.iter().map(|c| c.name)) },
        choice_numbers: match choices {
            [] => null(),
            some => some.iter().map(|c| c.number).collect::<Vec<i32>>().leak().as_ptr(),
        },
        services: leak_list(row.services.iter().map(|s| s.name())),
    }
}

/// Number of options.
#[unsafe(no_mangle)]
pub extern "C" fn catena_options_count() -> usize {
    OPTIONS.len()
}

/// Option `index`, from 0; NULL past the last. A program that offers options need not know them:
///
///   for (size_t i = 0; i < catena_options_count(); ++i) {
///     const catena_option *option = catena_options_at(i);
///     printf("%s (%s, default %s): %s\n", option->name, option->range, option->default_value, option->help);
///   }
#[unsafe(no_mangle)]
pub extern "C" fn catena_options_at(index: usize) -> *const catena_option {
    static TABLE: OnceLock<Table> = OnceLock::new();
    ask(null(), || {
        let table = TABLE.get_or_init(|| Table(OPTIONS.iter().map(describe).collect()));
        table.0.get(index).map_or(null(), std::ptr::from_ref)
    })
}

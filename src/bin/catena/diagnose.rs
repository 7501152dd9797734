//! `catena MODEL diagnose`.

use crate::common::{Inits, load_model, options_of_one};
use crate::failure::Failure;
use crate::output::{Head, check_distinct, say_beside};
use crate::progress::Screen;
use crate::settings::Settings;
use catena::ffi::bridgestan::Jacobian;
use catena::io::Writer;
use catena::services::{GradientOptions, diagnose_gradient};
use std::path::PathBuf;

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let options = options_of_one(settings)?;
    let inits = Inits::read(settings, options.init_chain_id, 1)?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let screen = Screen::plain();
    let head = Head { settings, library, chain_id: options.init_chain_id };
    let outputs = [PathBuf::from(settings.file("output file"))];
    check_distinct(library, settings, (options.init_chain_id, 1), &[("output file", &outputs)])?;
    let mut csv = head.create(&outputs[0], &[])?;
    let check = diagnose_gradient(
        &model,
        &GradientOptions {
            epsilon: settings.real("diagnose gradient epsilon"),
            threshold: settings.real("diagnose gradient error"),
            seed: options.seed,
            chain_id: options.init_chain_id,
            init_radius: options.init_radius,
            init: inits.contexts().first().copied(),
            logger: &screen,
        },
    )?;
    let text = format!("TEST GRADIENT MODE\n\n{check}");
    csv.comment(text.trim_end())?;
    csv.finish()?;
    say_beside(&outputs, &text)?;
    match check.failures {
        0 => Ok(()),
        n => {
            let all = check.coordinates.len();
            Err(Failure::software(format!("{n} of {all} derivatives differ from finite differences")))
        }
    }
}

//! `catena MODEL diagnose`.

use crate::common::{Inits, load_model, options_of_one, say};
use crate::failure::Failure;
use crate::output::Head;
use crate::progress::Screen;
use crate::settings::Settings;
use catena::ffi::bridgestan::Jacobian;
use catena::io::Writer;
use catena::services::{GradientOptions, diagnose_gradient};
use std::path::Path;

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let options = options_of_one(settings)?;
    let inits = Inits::read(settings, options.init_chain_id, 1)?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let screen = Screen::plain();
    let head = Head { settings, library, chain_id: options.init_chain_id };
    let mut csv = head.create(Path::new(settings.text("output file")), &[])?;
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
    say(&text);
    csv.comment(text.trim_end())?;
    csv.finish()?;
    match check.failures {
        0 => Ok(()),
        n => {
            let all = check.coordinates.len();
            Err(Failure::software(format!("{n} of {all} derivatives differ from finite differences")))
        }
    }
}

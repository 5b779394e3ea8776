//! Mesh formats: read as a whole by `rr-formats`, then handed over like what the kernel finds, as one step.

use crate::args::Args;
use crate::output::Output;
use rr_formats::{Document, Format, Limits};
use rr_load::cad::wire::{self, Message};
use rr_occt::{OcctError, Sink};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Reads the file and writes what is in it.
pub fn load(format: Format, args: &Args, output: &mut Output) -> Result<(), OcctError> {
    output.progress(rr_occt::Stage::Reading, None);
    let settings = args.settings();
    let max_placements = usize::try_from(settings.max_placements).unwrap_or(usize::MAX);
    let limits = Limits { max_triangles: settings.max_triangles, max_placements };
    // The readers use libraries that panic on some files. What they allocated dies with this process.
    let read = catch_unwind(AssertUnwindSafe(|| rr_formats::read(format, &args.file, &limits)));
    match read {
        Ok(Ok(document)) => {
            hand_over(document, output);
            Ok(())
        }
        Ok(Err(error)) => Err(OcctError::Unreadable(error.to_string())),
        Err(_) => Err(OcctError::Unreadable("the reader gave up on what it found in the file".to_owned())),
    }
}

fn hand_over(document: Document, output: &mut Output) {
    let Document { model, unit, warnings, beside } = document;
    output.send(&Message::Header(wire::Header {
        unit_flag: if unit.is_some() { 0 } else { wire::NO_UNIT },
        unit_name: unit.map(|u| u.name().to_owned()).unwrap_or_default(),
        mm_per_unit: unit.map_or(1.0, |u| u.metres() * 1e3),
        system: String::new(),
        entities: u32::try_from(model.parts.len()).unwrap_or(u32::MAX),
        steps: 1,
    }));
    for warning in warnings {
        output.send(&Message::Warning(warning));
    }
    for name in beside {
        output.send(&Message::Beside(name));
    }
    output.send(&Message::StepBegins(0, "the file".to_owned()));
    for part in model.parts {
        output.send(&Message::Part(part));
    }
    for instance in model.instances {
        let m = instance.model_from_part.matrix3.transpose().to_cols_array();
        let t = instance.model_from_part.translation;
        let matrix = [m[0], m[1], m[2], t.x, m[3], m[4], m[5], t.y, m[6], m[7], m[8], t.z].map(f64::from);
        let (part, name, colour) = (instance.part, instance.name, instance.colour);
        output.send(&Message::Placement(wire::Placement { part, name, matrix, colour }));
    }
    output.send(&Message::StepDone(0));
}

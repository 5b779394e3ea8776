//! Which files there are, and whether a folder holds them as they should be.

use crate::iges::{self, IgesUnit};
use crate::kit::Catalogue;
use crate::models::{
    belt_conveyor, floor_layout, inspection_station, machining_cell, pallet, robot_arm, roller_conveyor, safety_fence,
};
use crate::{line, stl};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Path of the sample workspace under the samples folder.
pub const WORKSPACE: &str = "production-line.rrws.json";

/// How a model is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// IGES 5.3 in that unit.
    Iges(IgesUnit),
    /// Binary STL with VisCAM colours.
    StlBinary,
    /// ASCII STL.
    StlAscii,
}

/// A model and its file.
#[derive(Debug)]
pub struct Sample {
    /// Name of the file without its ending.
    pub name: &'static str,
    /// How it is written.
    pub format: Format,
    /// One line about it.
    pub about: &'static str,
    /// The model.
    pub model: Catalogue,
}

impl Sample {
    /// Path under the samples folder.
    pub fn path(&self) -> String {
        let ending = if matches!(self.format, Format::Iges(_)) { "igs" } else { "stl" };
        format!("models/{}.{ending}", self.name)
    }

    /// Contents of the file.
    pub fn bytes(&self) -> Vec<u8> {
        match self.format {
            Format::Iges(unit) => iges(self.name, self.about, &self.model, unit),
            Format::StlBinary => stl::binary(&format!("Remote Render sample: {}", self.name), &self.model),
            Format::StlAscii => stl::ascii(&self.model).into_bytes(),
        }
    }
}

fn iges(name: &str, about: &str, model: &Catalogue, unit: IgesUnit) -> Vec<u8> {
    let notes = [about, "Made by rr-samples, the generator of Remote Render's own equipment models.", "Z is up."];
    iges::write(name, &notes, model, unit).into_bytes()
}

/// Every model of the sample line.
pub fn samples() -> Vec<Sample> {
    use Format::{Iges, StlAscii, StlBinary};
    let mm = Iges(IgesUnit::Millimetre);
    let sample = |name, format, about, model| Sample { name, format, about, model };
    vec![
        sample("belt-conveyor", Iges(IgesUnit::Inch), "Belt conveyor, 2.4 m, in inches.", belt_conveyor::build()),
        sample("floor-layout", mm, "Floor layout of the sample line, curves only.", floor_layout::build()),
        sample("inspection-station", StlBinary, "Optical inspection station.", inspection_station::build()),
        sample("machining-cell", mm, "Vertical machining centre in its housing.", machining_cell::build()),
        sample("pallet", StlAscii, "Wooden pallet 1200 x 800 x 144.", pallet::empty()),
        sample("pallet-loaded", StlBinary, "The same pallet with 16 cartons.", pallet::loaded()),
        sample("robot-arm", mm, "Six-axis robot on a pedestal.", robot_arm::build(robot_arm::WORKING)),
        sample("roller-conveyor", mm, "Driven roller conveyor, 3 m.", roller_conveyor::build(24)),
        sample("safety-fence", mm, "One panel of a safety fence, 2 m.", safety_fence::build()),
    ]
}

/// Every file: path under the samples folder, and contents.
pub fn files() -> Result<Vec<(String, Vec<u8>)>> {
    let mut files: Vec<_> = samples().iter().map(|s| (s.path(), s.bytes())).collect();
    files.push((WORKSPACE.to_owned(), rr_scene::file::to_json(&line::workspace()?)));
    Ok(files)
}

/// Writes every file under a folder, which may not exist yet.
pub fn write(dir: &Path) -> Result<()> {
    let models = dir.join("models");
    fs::create_dir_all(&models).with_context(|| format!("cannot make {}", models.display()))?;
    for sample in samples() {
        put(&dir.join(sample.path()), &sample.bytes())?;
    }
    rr_scene::file::save(&dir.join(WORKSPACE), &line::workspace()?)?;
    Ok(())
}

/// A roller conveyor of any length, for load tests. With `shared` each roller is an instance of one definition, else
/// all geometry is written out.
pub fn write_conveyor(dir: &Path, rollers: usize, shared: bool) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut model = roller_conveyor::build(rollers);
    if !shared {
        model = model.unshared();
    }
    let name = format!("roller-conveyor-{rollers}");
    let bytes = iges(&name, "Driven roller conveyor for load tests.", &model, IgesUnit::Millimetre);
    put(&dir.join(format!("{name}.igs")), &bytes)
}

/// What differs between a folder and what would be written there: one line for each file, none when all is well.
pub fn check(dir: &Path) -> Result<Vec<String>> {
    let files = files()?;
    let mut wrong = Vec::new();
    for (path, expected) in &files {
        match fs::read(dir.join(path)) {
            Ok(found) if found == *expected => {}
            Ok(_) => wrong.push(format!("{path} differs from what the generator makes")),
            Err(e) => wrong.push(format!("{path} cannot be read: {e}")),
        }
    }
    let models = dir.join("models");
    if let Ok(entries) = fs::read_dir(&models) {
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", models.display()))?;
            let path = format!("models/{}", entry.file_name().to_string_lossy());
            if !files.iter().any(|(p, _)| *p == path) {
                wrong.push(format!("{path} is not made by the generator"));
            }
        }
    }
    Ok(wrong)
}

pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

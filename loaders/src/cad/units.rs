//! From the helper's result to an [`Import`]: which unit the numbers are in.

use super::{
    assembly::Assembly,
    wire::{Header, NO_UNIT},
};
use crate::Import;
use glam::{Affine3A, Vec3};
use rr_scene::Unit;

/// The finished import.
pub fn import(mut assembly: Assembly) -> Import {
    // A format without units: nothing is declared, and nothing is missing.
    if assembly.header().is_some_and(|header| header.unit_flag == NO_UNIT) {
        let beside = std::mem::take(&mut assembly.beside).into_iter().collect();
        let (model, warnings) = assembly.finish();
        return Import { model, warnings, beside, ..Import::default() };
    }
    let unit = assembly.header().map_or(Ok(Unit::Mm), unit_of);
    if let Err((name, mm)) = &unit {
        assembly.warn(format!("the unit \"{name}\" of the file is not known; taken as {mm} mm"));
    }
    let beside = std::mem::take(&mut assembly.beside).into_iter().collect();
    let (mut model, warnings) = assembly.finish();
    let declared_unit = unit.as_ref().ok().copied();
    if let Err((_, mm)) = unit {
        #[expect(clippy::cast_possible_truncation, reason = "a scale needs no more than f32")]
        let scale = Affine3A::from_scale(Vec3::splat(mm as f32));
        model.instances.iter_mut().for_each(|i| i.model_from_part = scale * i.model_from_part);
    }
    let coordinates = declared_unit.unwrap_or(Unit::Mm);
    Import { model, coordinates, declared_unit, variant: String::new(), warnings, beside }
}

/// The unit that the file declares, or its name and its millimetres when we have no such unit.
fn unit_of(header: &Header) -> Result<Unit, (String, f64)> {
    // IGES 5.3, 2.2.4.3.14 and 15: the flag, and for flag 3 the name.
    let by_flag = match header.unit_flag {
        1 => Some(Unit::Inch),
        2 => Some(Unit::Mm),
        4 => Some(Unit::Foot),
        5 => Some(Unit::Mile),
        6 => Some(Unit::M),
        7 => Some(Unit::Km),
        8 => Some(Unit::Mil),
        9 => Some(Unit::Micron),
        10 => Some(Unit::Cm),
        11 => Some(Unit::Microinch),
        _ => None,
    };
    let same_size = |unit: &Unit| (unit.metres() * 1e3 / header.mm_per_unit - 1.0).abs() < 1e-6;
    by_flag
        .filter(same_size)
        .or_else(|| header.unit_name.parse().ok().filter(same_size))
        .ok_or_else(|| (header.unit_name.clone(), header.mm_per_unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(unit_flag: i32, unit_name: &str, mm_per_unit: f64) -> Header {
        Header { unit_flag, unit_name: unit_name.into(), mm_per_unit, system: String::new(), entities: 0, steps: 0 }
    }

    #[test]
    fn the_flag_or_else_the_name_tells_the_unit() {
        assert_eq!(unit_of(&header(1, "", 25.4)), Ok(Unit::Inch));
        assert_eq!(unit_of(&header(3, "M", 1000.0)), Ok(Unit::M));
        assert_eq!(unit_of(&header(3, "PARSEC", 1.0)), Err(("PARSEC".into(), 1.0)));
        assert_eq!(unit_of(&header(1, "INCH", 1.0)), Err(("INCH".into(), 1.0)), "the numbers were not scaled so");
    }
}

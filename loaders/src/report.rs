//! What was found in a file: the numbers that `rrhost inspect` prints and the import dialog shows.

use crate::Import;
use glam::{Affine3A, Vec3};
use rayon::prelude::*;
use rr_scene::{Aabb, Assembly, Rgba8, Unit};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::PathBuf, time::Duration};

/// Summary of one load.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// The file that was read.
    pub file: PathBuf,
    /// Short name of the format: `stl`, `iges`, ...
    pub format: &'static str,
    /// Flavour of the format, such as `binary` or `ASCII`; may be empty.
    pub variant: String,
    /// Prototype meshes.
    pub parts: usize,
    /// Placements of them.
    pub instances: usize,
    /// Triangles of all instances.
    pub triangles: usize,
    /// Line segments of all instances that are geometry of their own.
    pub lines: usize,
    /// Box in the axes of the file, in metres.
    pub bounds_m: BoundsM,
    /// Unit that the coordinates were taken in.
    pub unit: Unit,
    /// True when the file says that unit itself; false when the user or the default did.
    pub unit_declared: bool,
    /// Number of distinct colours that the file gives to faces and parts.
    pub colours: usize,
    /// What was wrong, and what was done about it.
    pub warnings: Vec<String>,
    /// Wall-clock time of the load.
    pub elapsed: Duration,
    /// True when the geometry came from the cache.
    pub from_cache: bool,
}

/// A box in metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoundsM {
    /// Smallest coordinates.
    pub min: [f64; 3],
    /// Largest coordinates.
    pub max: [f64; 3],
}

impl LoadReport {
    /// The object that `rrhost inspect --json` prints.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": self.file.to_string_lossy(),
            "format": self.format,
            "variant": self.variant,
            "parts": self.parts,
            "instances": self.instances,
            "triangles": self.triangles,
            "lines": self.lines,
            "bounds_m": self.bounds_m,
            "unit": self.unit.name(),
            "unit_declared": self.unit_declared,
            "colours": self.colours,
            "warnings": self.warnings,
            "elapsed_ms": round_to(self.elapsed.as_secs_f64() * 1e3, 1e3),
            "from_cache": self.from_cache,
        })
    }

    /// `scale_m` is metres per unit of the file's coordinates.
    pub(crate) fn new(found: &Findings, format: &'static str, unit: Unit, unit_declared: bool, scale_m: f64) -> Self {
        let metres = |v: [f32; 3]| v.map(|c| f64::from(c) * scale_m);
        Self {
            file: PathBuf::new(),
            format,
            variant: found.variant.clone(),
            parts: found.parts,
            instances: found.instances,
            triangles: found.triangles,
            lines: found.lines,
            bounds_m: BoundsM { min: metres(found.min), max: metres(found.max) },
            unit,
            unit_declared,
            colours: found.colours,
            warnings: found.warnings.clone(),
            elapsed: Duration::ZERO,
            from_cache: false,
        }
    }
}

/// What of a report depends on the file alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    variant: String,
    parts: usize,
    instances: usize,
    triangles: usize,
    lines: usize,
    colours: usize,
    /// Corners of the box in the coordinates of the file; zeroes when it is empty.
    min: [f32; 3],
    max: [f32; 3],
    warnings: Vec<String>,
}

impl Findings {
    /// Counts what `import` holds.
    pub(crate) fn of(import: &Import) -> Self {
        let bounds = tight_bounds(&import.model);
        let corner = |v: Vec3| if bounds.is_empty() { [0.0; 3] } else { v.to_array() };
        Self {
            variant: import.variant.clone(),
            parts: import.model.parts.len(),
            instances: import.model.instances.len(),
            triangles: import.model.triangle_count(),
            lines: import.model.line_count(),
            colours: distinct_colours(&import.model),
            min: corner(bounds.min),
            max: corner(bounds.max),
            warnings: import.warnings.clone(),
        }
    }
}

fn round_to(v: f64, per_unit: f64) -> f64 {
    (v * per_unit).round() / per_unit
}

fn distinct_colours(model: &Assembly) -> usize {
    let faces = model.parts.iter().flat_map(|p| p.mesh.colours.iter().map(|c| c.colour));
    let instances = model.instances.iter().filter_map(|i| i.colour);
    faces.chain(instances).collect::<BTreeSet<Rgba8>>().len()
}

/// The box of what is drawn. A turned instance needs its points: the corners of its own box would overstate it.
fn tight_bounds(model: &Assembly) -> Aabb {
    let boxes: Vec<Aabb> = model.parts.par_iter().map(|p| bounds_of(&p.mesh, None)).collect();
    model
        .instances
        .par_iter()
        .filter_map(|i| {
            let (part, bounds) = (model.parts.get(i.part as usize)?, boxes.get(i.part as usize)?);
            Some(if keeps_axes(&i.model_from_part) {
                bounds.transformed(&i.model_from_part)
            } else {
                bounds_of(&part.mesh, Some(i.model_from_part))
            })
        })
        .reduce(|| Aabb::EMPTY, Aabb::union)
}

fn bounds_of(mesh: &rr_scene::Mesh, transform: Option<Affine3A>) -> Aabb {
    let of = |points: &[[f32; 3]]| {
        points
            .par_chunks(1 << 16)
            .map(|chunk| match transform {
                None => Aabb::of_points(chunk.iter().copied()),
                Some(m) => Aabb::of_points(chunk.iter().map(|p| m.transform_point3(Vec3::from(*p)).to_array())),
            })
            .reduce(|| Aabb::EMPTY, Aabb::union)
    };
    of(&mesh.positions).union(of(&mesh.lines))
}

/// True when boxes along the axes stay boxes along the axes.
fn keeps_axes(m: &Affine3A) -> bool {
    let columns = [m.matrix3.x_axis, m.matrix3.y_axis, m.matrix3.z_axis];
    columns.iter().all(|c| c.to_array().iter().filter(|v| **v != 0.0).count() <= 1)
}

//! What loaders produce: meshes, parts and their instances.
//!
//! A [`Mesh`] stays in the coordinates of its file. The [`Instance`]s of an [`Assembly`] carry it into
//! the space of the device: metres and Y up. A changed unit or up axis therefore changes matrices only.
//! What is drawn and picked is made from it: [`crate::Model`] and [`crate::Shape`].

use glam::{Affine3A, Mat3A, Vec3, Vec3A};
use serde::{Deserialize, Serialize};

/// An sRGB colour with alpha, 0 to 255 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rgba8(pub [u8; 4]);

/// Length unit that a file declares or the user says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// 0.001 m, also what an STL file is taken to mean when nobody says otherwise.
    #[default]
    Mm,
    /// 0.01 m
    Cm,
    /// 1 m
    M,
    /// 1000 m
    Km,
    /// 0.0254 m
    Inch,
    /// 0.3048 m
    Foot,
    /// 1609.344 m
    Mile,
    /// 0.0000254 m (a thousandth of an inch)
    Mil,
    /// 0.000001 m
    Micron,
    /// 0.0000000254 m (a millionth of an inch)
    Microinch,
}

impl Unit {
    /// Every unit, for menus and help texts.
    pub const ALL: [Self; 10] = [
        Self::Mm,
        Self::Cm,
        Self::M,
        Self::Km,
        Self::Inch,
        Self::Foot,
        Self::Mile,
        Self::Mil,
        Self::Micron,
        Self::Microinch,
    ];

    /// Metres in one of this unit.
    pub fn metres(self) -> f64 {
        match self {
            Self::Mm => 1e-3,
            Self::Cm => 1e-2,
            Self::M => 1.0,
            Self::Km => 1e3,
            Self::Inch => 0.0254,
            Self::Foot => 0.3048,
            Self::Mile => 1609.344,
            Self::Mil => 2.54e-5,
            Self::Micron => 1e-6,
            Self::Microinch => 2.54e-8,
        }
    }

    /// The short name used in files, flags and JSON: `mm`, `inch`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::Mm => "mm",
            Self::Cm => "cm",
            Self::M => "m",
            Self::Km => "km",
            Self::Inch => "inch",
            Self::Foot => "foot",
            Self::Mile => "mile",
            Self::Mil => "mil",
            Self::Micron => "micron",
            Self::Microinch => "microinch",
        }
    }
}

impl std::str::FromStr for Unit {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let s = s.trim().to_ascii_lowercase();
        let alias = match s.as_str() {
            "in" => "inch",
            "ft" => "foot",
            "um" => "micron",
            other => other,
        };
        Self::ALL.into_iter().find(|u| u.name() == alias).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|u| u.name()).collect();
            format!("unknown unit \"{s}\"; use one of {}", names.join(", "))
        })
    }
}

/// Which axis of the file points up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum UpAxis {
    /// The usual axis in CAD.
    #[default]
    Z,
    /// The axis of our own space.
    Y,
}

impl UpAxis {
    /// Rotation from the file's axes to Y up. For [`UpAxis::Z`]: x stays, z becomes y, y becomes -z.
    pub fn rotation(self) -> Mat3A {
        match self {
            Self::Y => Mat3A::IDENTITY,
            Self::Z => Mat3A::from_cols(Vec3A::X, Vec3A::NEG_Z, Vec3A::Y),
        }
    }
}

impl std::str::FromStr for UpAxis {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s.trim().to_ascii_lowercase().as_str() {
            "z" => Ok(Self::Z),
            "y" => Ok(Self::Y),
            other => Err(format!("unknown up axis \"{other}\"; use z or y")),
        }
    }
}

/// Axis-aligned box. [`Aabb::EMPTY`] holds no point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Aabb {
    /// Smallest coordinates.
    pub min: Vec3,
    /// Largest coordinates.
    pub max: Vec3,
}

impl Default for Aabb {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Aabb {
    /// The box of nothing: its union with any box is that box.
    pub const EMPTY: Self = Self { min: Vec3::INFINITY, max: Vec3::NEG_INFINITY };

    /// Smallest box around the points.
    pub fn of_points(points: impl IntoIterator<Item = [f32; 3]>) -> Self {
        points.into_iter().fold(Self::EMPTY, |b, p| b.with_point(Vec3::from(p)))
    }

    /// This box grown to hold `p`.
    #[must_use]
    pub fn with_point(self, p: Vec3) -> Self {
        Self { min: self.min.min(p), max: self.max.max(p) }
    }

    /// Smallest box around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// True when the box holds no point.
    pub fn is_empty(&self) -> bool {
        !(self.min.x <= self.max.x && self.min.y <= self.max.y && self.min.z <= self.max.z)
    }

    /// Middle of the box; the origin when empty.
    pub fn centre(&self) -> Vec3 {
        if self.is_empty() { Vec3::ZERO } else { (self.min + self.max) * 0.5 }
    }

    /// Edge lengths; zero when empty.
    pub fn size(&self) -> Vec3 {
        if self.is_empty() { Vec3::ZERO } else { self.max - self.min }
    }

    /// Radius of the sphere around the box.
    pub fn radius(&self) -> f32 {
        self.size().length() * 0.5
    }

    /// The eight corners.
    pub fn corners(&self) -> [Vec3; 8] {
        std::array::from_fn(|i| {
            Vec3::new(
                if i & 1 == 0 { self.min.x } else { self.max.x },
                if i & 2 == 0 { self.min.y } else { self.max.y },
                if i & 4 == 0 { self.min.z } else { self.max.z },
            )
        })
    }

    /// Box around this one after `m`; empty stays empty.
    #[must_use]
    pub fn transformed(&self, m: &Affine3A) -> Self {
        if self.is_empty() {
            return Self::EMPTY;
        }
        self.corners().into_iter().fold(Self::EMPTY, |b, c| b.with_point(m.transform_point3(c)))
    }
}

/// A run of triangles in one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColourRange {
    /// First triangle of the run.
    pub first_triangle: u32,
    /// Number of triangles.
    pub triangle_count: u32,
    /// Colour of the run.
    pub colour: Rgba8,
}

/// Triangles and lines in the coordinates of their file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mesh {
    /// Vertex positions, finite.
    pub positions: Vec<[f32; 3]>,
    /// One unit normal per position.
    pub normals: Vec<[f32; 3]>,
    /// Three indices into `positions` per triangle, counter-clockwise seen from outside.
    pub indices: Vec<u32>,
    /// Colours of runs of triangles, in order and not overlapping; triangles in no run take the instance's or the
    /// device's colour.
    pub colours: Vec<ColourRange>,
    /// Feature edges as pairs of points: drawn a shade darker than the faces.
    pub edges: Vec<[f32; 3]>,
    /// Curves of wireframe models as pairs of points: geometry in its own right, drawn at full contrast.
    pub lines: Vec<[f32; 3]>,
}

impl Mesh {
    /// Number of triangles.
    pub fn triangle_count(&self) -> usize {
        self.indices.len() / 3
    }

    /// Number of line segments that are geometry (feature edges do not count).
    pub fn line_count(&self) -> usize {
        self.lines.len() / 2
    }

    /// Box around triangles and lines in file coordinates.
    pub fn bounds(&self) -> Aabb {
        Aabb::of_points(self.positions.iter().chain(&self.lines).copied())
    }

    /// The transparent triangles apart from all the rest, so that each can be drawn its own way; `None` when all are
    /// of one kind. Edges and lines stay with the opaque ones.
    pub fn split_transparent(&self) -> Option<[Self; 2]> {
        let is_glass = |c: &&ColourRange| c.colour.0[3] < 255;
        let count = |c: &ColourRange| c.triangle_count as usize;
        let transparent: usize = self.colours.iter().filter(is_glass).map(count).sum();
        if transparent == 0 || transparent >= self.triangle_count() {
            return None;
        }
        let bare = || Self { positions: self.positions.clone(), normals: self.normals.clone(), ..Self::default() };
        let (mut solid, mut glass) = (bare(), bare());
        (solid.edges, solid.lines) = (self.edges.clone(), self.lines.clone());
        let mut done = 0;
        for run in &self.colours {
            let first = run.first_triangle as usize;
            solid.indices.extend_from_slice(&self.indices[done * 3..first * 3]);
            done = first + count(run);
            let to = if is_glass(&run) { &mut glass } else { &mut solid };
            let first_triangle = u32::try_from(to.indices.len() / 3).unwrap_or(u32::MAX);
            to.indices.extend_from_slice(&self.indices[first * 3..done * 3]);
            to.colours.push(ColourRange { first_triangle, ..*run });
        }
        solid.indices.extend_from_slice(&self.indices[done * 3..]);
        Some([solid, glass].map(Self::without_unused))
    }

    /// Drops corners that no triangle has.
    fn without_unused(mut self) -> Self {
        let mut number = vec![u32::MAX; self.positions.len()];
        let (mut positions, mut normals) = (Vec::new(), Vec::new());
        for index in &mut self.indices {
            let old = *index as usize;
            if number[old] == u32::MAX {
                number[old] = u32::try_from(positions.len()).unwrap_or(u32::MAX);
                positions.push(self.positions[old]);
                normals.push(self.normals[old]);
            }
            *index = number[old];
        }
        Self { positions, normals, ..self }
    }

    /// Says what is wrong with the arrays, if anything: the contract every loader keeps.
    pub fn check(&self) -> Result<(), String> {
        if self.normals.len() != self.positions.len() {
            return Err(format!("{} normals for {} positions", self.normals.len(), self.positions.len()));
        }
        if !self.indices.len().is_multiple_of(3) {
            return Err(format!("{} indices are not whole triangles", self.indices.len()));
        }
        if let Some(i) = self.indices.iter().find(|&&i| i as usize >= self.positions.len()) {
            return Err(format!("index {i} is past the {} positions", self.positions.len()));
        }
        if !self.edges.len().is_multiple_of(2) || !self.lines.len().is_multiple_of(2) {
            return Err("an edge or line lacks its second point".into());
        }
        let all = self.positions.iter().chain(&self.normals).chain(&self.edges).chain(&self.lines);
        if all.flatten().any(|v| !v.is_finite()) {
            return Err("a coordinate is not finite".into());
        }
        let mut end = 0u64;
        for c in &self.colours {
            if u64::from(c.first_triangle) < end {
                return Err("colour runs overlap".into());
            }
            end = u64::from(c.first_triangle) + u64::from(c.triangle_count);
        }
        if end > self.triangle_count() as u64 {
            return Err("a colour run ends past the triangles".into());
        }
        Ok(())
    }
}

/// One prototype mesh with the name its file gives it (may be empty).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// Name in the file, or empty.
    pub name: String,
    /// Geometry in file coordinates.
    pub mesh: Mesh,
}

/// One placement of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Index into [`Assembly::parts`].
    pub part: u32,
    /// Name or path in the assembly, or empty.
    pub name: String,
    /// From file coordinates of the part to the model: metres, Y up.
    pub model_from_part: Affine3A,
    /// Colour where the mesh has none.
    pub colour: Option<Rgba8>,
}

/// A file as it was read: parts and where they stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assembly {
    /// Prototype meshes.
    pub parts: Vec<Part>,
    /// Placements, at least one per visible part.
    pub instances: Vec<Instance>,
}

impl Assembly {
    /// Box around all instances, in the space that they lead to.
    pub fn bounds(&self) -> Aabb {
        let boxes: Vec<Aabb> = self.parts.iter().map(|p| p.mesh.bounds()).collect();
        self.instances
            .iter()
            .filter_map(|i| boxes.get(i.part as usize).map(|b| b.transformed(&i.model_from_part)))
            .fold(Aabb::EMPTY, Aabb::union)
    }

    /// Triangles as drawn: those of every instance.
    pub fn triangle_count(&self) -> usize {
        self.per_instance(Mesh::triangle_count)
    }

    /// Line segments as drawn: those of every instance.
    pub fn line_count(&self) -> usize {
        self.per_instance(Mesh::line_count)
    }

    fn per_instance(&self, count: impl Fn(&Mesh) -> usize) -> usize {
        self.instances.iter().filter_map(|i| self.parts.get(i.part as usize)).map(|p| count(&p.mesh)).sum()
    }

    /// Checks every mesh and every reference between instances and parts.
    pub fn check(&self) -> Result<(), String> {
        for (i, part) in self.parts.iter().enumerate() {
            part.mesh.check().map_err(|e| format!("part {i} \"{}\": {e}", part.name))?;
        }
        for (i, inst) in self.instances.iter().enumerate() {
            if inst.part as usize >= self.parts.len() {
                return Err(format!("instance {i} names part {}, there are {}", inst.part, self.parts.len()));
            }
            if !inst.model_from_part.is_finite() {
                return Err(format!("instance {i} has a transform that is not finite"));
            }
        }
        Ok(())
    }
}

/// The matrix that carries file coordinates to a model: scales by the unit and turns the up axis.
pub fn model_from_file(unit: Unit, up: UpAxis) -> Affine3A {
    #[expect(clippy::cast_possible_truncation, reason = "a scale needs no more than f32 here")]
    let scale = unit.metres() as f32;
    Affine3A { matrix3: up.rotation() * Mat3A::from_diagonal(Vec3::splat(scale)), translation: Vec3A::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_triangles_come_apart_with_their_corners_and_colours() {
        let run =
            |first_triangle, alpha| ColourRange { first_triangle, triangle_count: 1, colour: Rgba8([9, 9, 9, alpha]) };
        let mesh = Mesh {
            positions: (0..6u8).map(|i| [f32::from(i); 3]).collect(),
            normals: vec![[0.0, 1.0, 0.0]; 6],
            indices: vec![0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5],
            colours: vec![run(1, 255), run(2, 40)],
            edges: vec![[0.0; 3], [1.0; 3]],
            ..Mesh::default()
        };
        let [solid, glass] = mesh.split_transparent().unwrap();
        solid.check().unwrap();
        glass.check().unwrap();
        let corners = |m: &Mesh| m.indices.iter().map(|i| m.positions[*i as usize][0]).collect::<Vec<_>>();
        assert_eq!(corners(&solid), [0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 3.0, 4.0, 5.0]);
        assert_eq!(corners(&glass), [2.0, 3.0, 4.0]);
        assert_eq!((solid.colours, glass.colours), (vec![run(1, 255)], vec![run(0, 40)]));
        assert_eq!((solid.edges.len(), glass.edges.len(), glass.positions.len()), (2, 0, 3));
        let only = |colours| Mesh { colours, ..mesh.clone() }.split_transparent();
        assert_eq!(only(vec![run(0, 255)]), None);
        let all = ColourRange { triangle_count: 4, ..run(0, 40) };
        assert_eq!(only(vec![all]), None);
    }
}

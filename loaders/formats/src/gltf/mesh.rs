//! From the primitives of a mesh to surfaces.

use super::accessor::{Data, Fault};
use crate::surface::{Faults, Surface};
use gltf::json::{
    self,
    material::AlphaMode,
    mesh::{Mode, Semantic},
    validation::Checked,
};
use rr_scene::Rgba8;

/// One surface with all triangles of the mesh, and one for the lines of each colour.
pub fn surfaces(
    root: &json::Root,
    mesh: &json::Mesh,
    data: &mut Data<'_>,
    faults: &mut Faults,
) -> Vec<(Surface, Option<Rgba8>)> {
    let mut faces = Surface::default();
    let mut lines: Vec<(Surface, Option<Rgba8>)> = Vec::new();
    for primitive in &mesh.primitives {
        let material = primitive.material.and_then(|m| root.materials.get(m.value()));
        match Shape::read(primitive, data) {
            Err(reason) => faults.add(&format!("primitives are left out: {reason}"), 1),
            Ok(shape) if shape.is_cloud => faults.add("clouds of points are not shown", 1),
            Ok(shape) => {
                let colour = material.map(base_colour).map(to_srgb);
                if !shape.lines.is_empty() {
                    let points = shape.lines.iter().filter_map(|&i| shape.positions.get(i as usize)).copied();
                    match lines.iter_mut().find(|(_, known)| *known == colour) {
                        Some((surface, _)) => surface.lines.extend(points),
                        None => lines.push((Surface { lines: points.collect(), ..Surface::default() }, colour)),
                    }
                }
                append(&mut faces, shape, material);
            }
        }
        faults.add("meshes change their shape, which is not followed", usize::from(primitive.targets.is_some()));
    }
    let mut all = lines;
    if !faces.triangles.is_empty() {
        all.insert(0, (faces, None));
    }
    all
}

/// A primitive with its numbers.
struct Shape {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    colours: Vec<[f32; 4]>,
    triangles: Vec<[u32; 3]>,
    /// Pairs of vertices.
    lines: Vec<u32>,
    is_cloud: bool,
}

impl Shape {
    fn read(primitive: &json::mesh::Primitive, data: &mut Data<'_>) -> Result<Self, Fault> {
        let attribute =
            |semantic: Semantic| primitive.attributes.get(&Checked::Valid(semantic)).map(json::Index::value);
        let Checked::Valid(mode) = primitive.mode else { return Err("their mode is not known".to_owned()) };
        let positions = attribute(Semantic::Positions).ok_or("they have no positions")?;
        let positions = data.floats(positions, [0.0; 3], 3)?;
        let corners = match primitive.indices {
            Some(indices) => data.indices(indices.value())?,
            None => (0..u32::try_from(positions.len()).map_err(|_| "too many vertices")?).collect(),
        };
        // Normals and colours that cannot be read cost the look, not the shape.
        let normals = attribute(Semantic::Normals).and_then(|n| data.floats(n, [0.0; 3], 3).ok()).unwrap_or_default();
        let colours = attribute(Semantic::Colors(0)).and_then(|c| data.floats(c, [1.0; 4], 3).ok()).unwrap_or_default();
        let mut shape = Self {
            positions,
            normals,
            colours,
            triangles: Vec::new(),
            lines: Vec::new(),
            is_cloud: mode == Mode::Points,
        };
        match mode {
            Mode::Points => {}
            Mode::Lines => shape.lines = corners.as_chunks::<2>().0.as_flattened().to_vec(),
            Mode::LineStrip | Mode::LineLoop => {
                shape.lines = corners.windows(2).flatten().copied().collect();
                if let (Mode::LineLoop, [first, .., last]) = (mode, corners.as_slice()) {
                    shape.lines.extend([*last, *first]);
                }
            }
            Mode::Triangles => shape.triangles = corners.as_chunks::<3>().0.to_vec(),
            Mode::TriangleStrip => {
                let strip = corners.windows(3).enumerate();
                shape.triangles = strip
                    .map(|(i, t)| if i.is_multiple_of(2) { [t[0], t[1], t[2]] } else { [t[1], t[0], t[2]] })
                    .collect();
            }
            Mode::TriangleFan => {
                let centre = corners.first().copied().unwrap_or_default();
                shape.triangles =
                    corners.get(1..).unwrap_or_default().windows(2).map(|t| [t[0], t[1], centre]).collect();
            }
        }
        Ok(shape)
    }
}

fn append(surface: &mut Surface, shape: Shape, material: Option<&json::Material>) {
    if shape.triangles.is_empty() {
        return;
    }
    let base = u32::try_from(surface.positions.len()).unwrap_or(u32::MAX);
    if material.is_some() || !shape.colours.is_empty() || !surface.colours.is_empty() {
        surface.colours.resize(surface.triangles.len(), None);
        let factor = material.map(|m| glam::Vec4::from(m.pbr_metallic_roughness.base_color_factor.0));
        let finished = |colour| to_srgb(with_opacity(colour, material));
        surface.colours.extend(shape.triangles.iter().map(|t| match mean(&shape.colours, t) {
            Some(mean) => Some(finished(mean * factor.unwrap_or(glam::Vec4::ONE))),
            None => factor.map(finished),
        }));
    }
    surface.triangles.extend(shape.triangles.iter().map(|t| t.map(|i| i.saturating_add(base))));
    let has_normals = shape.normals.len() == shape.positions.len();
    if has_normals && surface.normals.len() == surface.positions.len() {
        surface.normals.extend(shape.normals);
    } else {
        surface.normals.clear();
    }
    surface.positions.extend(shape.positions);
}

fn mean(colours: &[[f32; 4]], triangle: &[u32; 3]) -> Option<glam::Vec4> {
    let mut sum = glam::Vec4::ZERO;
    for &i in triangle {
        sum += glam::Vec4::from(*colours.get(i as usize)?);
    }
    Some(sum / 3.0)
}

fn base_colour(material: &json::Material) -> glam::Vec4 {
    with_opacity(material.pbr_metallic_roughness.base_color_factor.0.into(), Some(material))
}

/// Alpha counts for materials only that say so (glTF 2.0, 3.9.4).
fn with_opacity(colour: glam::Vec4, material: Option<&json::Material>) -> glam::Vec4 {
    let opacity = match material.map(|m| (m.alpha_mode, m.alpha_cutoff)) {
        Some((Checked::Valid(AlphaMode::Blend), _)) => colour.w,
        Some((Checked::Valid(AlphaMode::Mask), cutoff)) => f32::from(colour.w >= cutoff.map_or(0.5, |c| c.0)),
        _ => 1.0,
    };
    colour.truncate().extend(opacity)
}

/// From linear light to sRGB bytes (IEC 61966-2-1).
fn to_srgb(linear: glam::Vec4) -> Rgba8 {
    let curve = |c: f32| if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |c: f32| (c.clamp(0.0, 1.0) * 255.0).round() as u8;
    let [red, green, blue, alpha] = linear.to_array();
    Rgba8([byte(curve(red)), byte(curve(green)), byte(curve(blue)), byte(alpha)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_counts_only_where_the_material_says_so() {
        let colour = glam::Vec4::new(0.2, 0.4, 0.6, 0.3);
        let alpha = |mode: &str| {
            let text = format!(r#"{{"alphaMode":"{mode}"}}"#);
            let material: json::Material = json::deserialize::from_str(&text).unwrap();
            with_opacity(colour, Some(&material)).w
        };
        assert_eq!((alpha("BLEND"), alpha("MASK"), alpha("OPAQUE")), (0.3, 0.0, 1.0));
        assert_eq!(with_opacity(colour, None), colour.truncate().extend(1.0));
    }
}

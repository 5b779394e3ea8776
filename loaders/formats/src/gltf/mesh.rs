//! From the primitives of a mesh to surfaces.

use super::accessor::{Data, Fault};
use super::texture::{Textures, Use};
use crate::surface::{Faults, Surface};
use crate::texture::{in_steps, to_srgb};
use glam::{Vec2, Vec3, Vec4};
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
    textures: &mut Textures<'_>,
    faults: &mut Faults,
) -> Vec<(Surface, Option<Rgba8>)> {
    let mut faces = Surface::default();
    let mut lines: Vec<(Surface, Option<Rgba8>)> = Vec::new();
    for primitive in &mesh.primitives {
        let material = primitive.material.and_then(|m| root.materials.get(m.value()));
        let texture = material.and_then(|m| textures.of(m, data, faults));
        match Shape::read(primitive, texture, data) {
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
    /// What lies on it, and for each vertex where in the image.
    texture: Option<(Use, Vec<Vec2>)>,
    triangles: Vec<[u32; 3]>,
    /// Pairs of vertices.
    lines: Vec<u32>,
    is_cloud: bool,
}

impl Shape {
    fn read(primitive: &json::mesh::Primitive, texture: Option<Use>, data: &mut Data<'_>) -> Result<Self, Fault> {
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
        let texture = texture.and_then(|texture| {
            let places = data.floats(attribute(Semantic::TexCoords(texture.set))?, [0.0; 2], 2).ok()?;
            let places = places.into_iter().map(|at| texture.place(at.into())).collect();
            Some((texture, places))
        });
        let mut shape = Self {
            positions,
            normals,
            colours,
            texture,
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
        let factor = material.map(|m| Vec4::from(m.pbr_metallic_roughness.base_color_factor.0));
        surface.colours.extend(shape.triangles.iter().map(|t| {
            let colour = match mean(&shape.colours, t) {
                Some(mean) => Some(mean * factor.unwrap_or(Vec4::ONE)),
                None => factor,
            };
            let colour = colour.map(|c| with_opacity(c, material));
            match on(t, shape.texture.as_ref()) {
                Some(image) => Some(in_steps(to_srgb(image.extend(1.0) * colour.unwrap_or(Vec4::ONE)))),
                None => colour.map(to_srgb),
            }
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

/// Mean colour of the image on a triangle.
fn on(triangle: &[u32; 3], texture: Option<&(Use, Vec<Vec2>)>) -> Option<Vec3> {
    let (texture, places) = texture?;
    let [a, b, c] = triangle.map(|i| places.get(i as usize).copied());
    Some(texture.texture.mean([a?, b?, c?], texture.wrap))
}

fn mean(colours: &[[f32; 4]], triangle: &[u32; 3]) -> Option<Vec4> {
    let mut sum = Vec4::ZERO;
    for &i in triangle {
        sum += Vec4::from(*colours.get(i as usize)?);
    }
    Some(sum / 3.0)
}

fn base_colour(material: &json::Material) -> Vec4 {
    with_opacity(material.pbr_metallic_roughness.base_color_factor.0.into(), Some(material))
}

/// Alpha counts for materials only that say so (glTF 2.0, 3.9.4).
fn with_opacity(colour: Vec4, material: Option<&json::Material>) -> Vec4 {
    let opacity = match material.map(|m| (m.alpha_mode, m.alpha_cutoff)) {
        Some((Checked::Valid(AlphaMode::Blend), _)) => colour.w,
        Some((Checked::Valid(AlphaMode::Mask), cutoff)) => f32::from(colour.w >= cutoff.map_or(0.5, |c| c.0)),
        _ => 1.0,
    };
    colour.truncate().extend(opacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_counts_only_where_the_material_says_so() {
        let colour = Vec4::new(0.2, 0.4, 0.6, 0.3);
        let alpha = |mode: &str| {
            let text = format!(r#"{{"alphaMode":"{mode}"}}"#);
            let material: json::Material = json::deserialize::from_str(&text).unwrap();
            with_opacity(colour, Some(&material)).w
        };
        assert_eq!((alpha("BLEND"), alpha("MASK"), alpha("OPAQUE")), (0.3, 0.0, 1.0));
        assert_eq!(with_opacity(colour, None), colour.truncate().extend(1.0));
    }
}

//! Wavefront OBJ (Alias|Wavefront, Advanced Visualizer Manual, appendix B1) through `tobj`.
//!
//! An object (`o`) or group (`g`) is a part; its materials, with the images on them, are colours of its faces. Diffuse
//! colours are taken as sRGB, which is what exporters write. The format has no unit and no up axis.

use crate::{
    Document, FormatError, Limits, malformed,
    polygon::Cutter,
    surface::{Faults, Surface},
    surroundings::Surroundings,
    texture::{Decoder, Texture, UNREAD_IMAGES, Wrap, in_steps, to_srgb},
};
use glam::Vec2;
use rr_scene::{Assembly, Instance, Part, Rgba8};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

/// What `tobj` calls faces before the first name.
const UNNAMED: &str = "unnamed_object";

pub fn read(file: &Path, limits: &Limits) -> Result<Document, FormatError> {
    let mut bytes = std::fs::read(file)?;
    let around = Surroundings::of(file);
    let mut warnings = Vec::new();
    let parsed = parse(&bytes, &around, &mut warnings).or_else(|error| {
        // The last line of a file that was cut off is most likely not whole.
        let end = bytes.iter().rposition(|b| *b == b'\n').filter(|end| *end + 1 < bytes.len()).ok_or(error)?;
        bytes.truncate(end + 1);
        warnings = vec!["the last line is cut off and left out".to_owned()];
        parse(&bytes, &around, &mut warnings)
    });
    let (models, materials) = parsed.map_err(|e| malformed(e.to_string()))?;
    drop(bytes);
    let document = build(models, &materials, &around, limits, warnings)?;
    Ok(Document { beside: around.asked(), ..document })
}

type Parsed = (Vec<tobj::Model>, Vec<tobj::Material>);

fn parse(bytes: &[u8], around: &Surroundings, warnings: &mut Vec<String>) -> Result<Parsed, tobj::LoadError> {
    let options = tobj::LoadOptions { single_index: true, ignore_points: true, ..tobj::LoadOptions::default() };
    let faults = RefCell::new(Vec::new());
    let (models, materials) = tobj::load_obj_buf(&mut &*bytes, &options, |path| {
        let name = path.to_string_lossy();
        match around.read(&name) {
            Ok(library) => tobj::load_mtl_buf(&mut library.as_slice()).inspect_err(|error| {
                faults.borrow_mut().push(format!("material library \"{name}\": {error}"));
            }),
            Err(error) => {
                faults.borrow_mut().push(format!("material library \"{name}\" is not read: {error}"));
                Err(tobj::LoadError::OpenFileFailed)
            }
        }
    })?;
    warnings.extend(faults.into_inner());
    Ok((models, materials.unwrap_or_default()))
}

fn build(
    models: Vec<tobj::Model>,
    materials: &[tobj::Material],
    around: &Surroundings,
    limits: &Limits,
    warnings: Vec<String>,
) -> Result<Document, FormatError> {
    let mut document = Document { warnings, ..Document::default() };
    let mut faults = Faults::default();
    let looks = looks(materials, around, &mut faults);
    let plain = Look::default();
    let mut cutter = Cutter::new();
    let mut open = Surface::default();
    let mut open_name = String::new();
    let mut triangles = 0u64;
    for tobj::Model { mesh, name } in models {
        // A change of material begins a new model for tobj, not for us.
        if name != open_name {
            add_part(&mut document.model, &open_name, std::mem::take(&mut open), &mut faults);
            open_name = name;
        }
        let before = open.triangles.len();
        let look = mesh.material_id.and_then(|id| looks.get(id)).unwrap_or(&plain);
        append(&mut open, &mesh, look, &mut cutter, &mut faults);
        triangles += (open.triangles.len() - before) as u64;
        if triangles > limits.max_triangles {
            return Err(FormatError::TooLarge(limits.max_triangles));
        }
    }
    add_part(&mut document.model, &open_name, open, &mut faults);
    document.warnings.extend(faults.into_warnings());
    Ok(document)
}

fn add_part(model: &mut Assembly, name: &str, surface: Surface, faults: &mut Faults) {
    if surface.is_empty() {
        return;
    }
    let name = if name == UNNAMED { "" } else { name };
    let part = u32::try_from(model.parts.len()).unwrap_or(u32::MAX);
    model.parts.push(Part { name: name.to_owned(), mesh: surface.into_mesh(faults) });
    let model_from_part = glam::Affine3A::IDENTITY;
    model.instances.push(Instance { part, name: name.to_owned(), model_from_part, colour: None });
}

/// Adds the faces of one material.
fn append(surface: &mut Surface, mesh: &tobj::Mesh, look: &Look, cutter: &mut Cutter, faults: &mut Faults) {
    let base = u32::try_from(surface.positions.len()).unwrap_or(u32::MAX);
    let points = |numbers: &[f32]| numbers.as_chunks::<3>().0.to_vec();
    let positions = points(&mesh.positions);
    let normals = points(&mesh.normals);
    let first = surface.triangles.len();
    let mut triangles = Vec::new();
    let mut rest = mesh.indices.as_slice();
    let mut arities = mesh.face_arities.iter();
    while !rest.is_empty() {
        let arity = if mesh.face_arities.is_empty() { 3 } else { arities.next().map_or(0, |a| *a as usize) };
        let Some((face, tail)) = rest.split_at_checked(arity).filter(|_| arity > 0) else { break };
        rest = tail;
        if let [a, b] = *face {
            let ends = [a, b].map(|i| positions.get(i as usize));
            surface.lines.extend(ends.into_iter().flatten());
        } else if !cutter.cut(&positions, face, &mut triangles) {
            faults.add("polygons are left out: corners are missing or too many", 1);
        }
    }
    let of_vertices = points(&mesh.vertex_color);
    let places: Vec<Vec2> = mesh.texcoords.as_chunks::<2>().0.iter().map(|[u, v]| Vec2::new(*u, 1.0 - *v)).collect();
    if look.colour.is_some() || look.texture.is_some() || !surface.colours.is_empty() || !of_vertices.is_empty() {
        surface.colours.resize(first, None);
        surface.colours.extend(
            triangles.iter().map(|t| look.on(t, &places).or(look.colour).or_else(|| mean_colour(&of_vertices, t))),
        );
    }
    surface.triangles.extend(triangles.iter().map(|t| t.map(|i| i.saturating_add(base))));
    // Normals count only when every vertex of the part has one.
    if normals.len() == positions.len() && surface.normals.len() == surface.positions.len() {
        surface.normals.extend(normals);
    } else {
        surface.normals.clear();
    }
    surface.positions.extend(positions);
}

fn mean_colour(colours: &[[f32; 3]], triangle: &[u32; 3]) -> Option<Rgba8> {
    let mut sum = glam::Vec3::ZERO;
    for &i in triangle {
        sum += glam::Vec3::from(*colours.get(i as usize)?);
    }
    Some(colour((sum / 3.0).to_array(), 1.0))
}

/// What a material looks like.
#[derive(Default)]
struct Look {
    colour: Option<Rgba8>,
    texture: Option<Rc<Texture>>,
}

impl Look {
    /// Colour of the image on a triangle. It stands for the diffuse colour, which exporters leave at anything beside one.
    fn on(&self, triangle: &[u32; 3], places: &[Vec2]) -> Option<Rgba8> {
        let texture = self.texture.as_ref()?;
        let [a, b, c] = triangle.map(|i| places.get(i as usize).copied());
        let alpha = self.colour.map_or(1.0, |c| f32::from(c.0[3]) / 255.0);
        Some(in_steps(to_srgb(texture.mean([a?, b?, c?], [Wrap::Repeat; 2]).extend(alpha))))
    }
}

/// Each image is decoded once; one that cannot be read is counted.
fn looks(materials: &[tobj::Material], around: &Surroundings, faults: &mut Faults) -> Vec<Look> {
    let mut decoder = Decoder::default();
    let mut known: HashMap<&str, Option<Rc<Texture>>> = HashMap::new();
    let look = materials.iter().map(|material| {
        // Options (`-s 2 2 1`) stand before the name.
        let name = material.diffuse_texture.as_deref().map(|t| if t.starts_with('-') { last_word(t) } else { t });
        let texture = name.and_then(|name| {
            let opened = known.entry(name).or_insert_with(|| {
                let opened = decoder.open(name, around).map(Rc::new);
                opened.map_err(|reason| faults.add(&format!("{UNREAD_IMAGES}: {reason}"), 1)).ok()
            });
            opened.clone()
        });
        Look { colour: colour_of(material), texture }
    });
    look.collect()
}

fn last_word(text: &str) -> &str {
    text.rsplit(char::is_whitespace).next().unwrap_or(text)
}

fn colour_of(material: &tobj::Material) -> Option<Rgba8> {
    Some(colour(material.diffuse?, material.dissolve.unwrap_or(1.0)))
}

fn colour([red, green, blue]: [f32; 3], alpha: f32) -> Rgba8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |share: f32| (share.clamp(0.0, 1.0) * 255.0).round() as u8;
    Rgba8([red, green, blue, alpha].map(byte))
}

//! Base-colour textures: where the image of a material is and how it lies on a primitive.

use super::accessor::Data;
use crate::surface::Faults;
use crate::surroundings::Surroundings;
use crate::texture::{Decoder, Texture, UNREAD_IMAGES, Wrap};
use glam::{Mat2, Vec2};
use gltf::json::{self, texture::WrappingMode, validation::Checked};
use std::collections::HashMap;
use std::rc::Rc;

/// The textures of a file, each decoded when it is first asked for.
pub struct Textures<'a> {
    root: &'a json::Root,
    around: &'a Surroundings,
    decoder: Decoder,
    /// By image; none where it cannot be read.
    images: HashMap<usize, Option<Rc<Texture>>>,
}

/// A texture as a material uses it.
pub struct Use {
    pub texture: Rc<Texture>,
    /// Which set of coordinates.
    pub set: u32,
    pub wrap: [Wrap; 2],
    /// KHR_texture_transform.
    offset: Vec2,
    turned_and_scaled: Mat2,
}

impl Use {
    /// From the coordinates of the primitive to those of the image.
    pub fn place(&self, at: Vec2) -> Vec2 {
        self.turned_and_scaled * at + self.offset
    }
}

impl<'a> Textures<'a> {
    pub fn new(root: &'a json::Root, around: &'a Surroundings) -> Self {
        Self { root, around, decoder: Decoder::default(), images: HashMap::new() }
    }

    /// What a material has on it; none without a texture or with one that cannot be read, which is counted.
    pub fn of(&mut self, material: &json::Material, data: &mut Data<'_>, faults: &mut Faults) -> Option<Use> {
        let info = material.pbr_metallic_roughness.base_color_texture.as_ref()?;
        let texture = self.root.textures.get(info.index.value());
        let index = texture.map_or(usize::MAX, |t| t.source.value());
        let (root, around, decoder) = (self.root, self.around, &mut self.decoder);
        let image = self.images.entry(index).or_insert_with(|| {
            let read = match root.images.get(index) {
                Some(image) => read(image, data, around, decoder),
                // Such as WebP or KTX 2 without an image that all can read.
                None => Err("it is in an image format that is not read".to_owned()),
            };
            read.map(Rc::new).map_err(|reason| faults.add(&format!("{UNREAD_IMAGES}: {reason}"), 1)).ok()
        });
        let sampler = texture.and_then(|t| t.sampler).and_then(|s| root.samplers.get(s.value()));
        let wrap = |mode: Checked<WrappingMode>| match mode {
            Checked::Valid(WrappingMode::ClampToEdge) => Wrap::Clamp,
            Checked::Valid(WrappingMode::MirroredRepeat) => Wrap::Mirror,
            _ => Wrap::Repeat,
        };
        let transform = info.extensions.as_ref().and_then(|e| e.others.get("KHR_texture_transform"));
        let number = |value: Option<&serde_json::Value>| value.and_then(serde_json::Value::as_f64);
        let pair = |name: &str, otherwise: f32| {
            let list = transform.and_then(|t| t.get(name));
            #[expect(clippy::cast_possible_truncation, reason = "coordinates in an image")]
            let at = |i: usize| number(list.and_then(|l| l.get(i))).map_or(otherwise, |v| v as f32);
            Vec2::new(at(0), at(1))
        };
        #[expect(clippy::cast_possible_truncation, reason = "an angle")]
        let angle = number(transform.and_then(|t| t.get("rotation"))).unwrap_or(0.0) as f32;
        let set = number(transform.and_then(|t| t.get("texCoord"))).unwrap_or(f64::from(info.tex_coord));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
        let set = set as u32;
        image.clone().map(|texture| Use {
            texture,
            set,
            wrap: [sampler.map_or(Wrap::Repeat, |s| wrap(s.wrap_s)), sampler.map_or(Wrap::Repeat, |s| wrap(s.wrap_t))],
            offset: pair("offset", 0.0),
            // Counter-clockwise in an image whose second axis points down.
            turned_and_scaled: Mat2::from_angle(-angle) * Mat2::from_diagonal(pair("scale", 1.0)),
        })
    }
}

fn read(
    image: &json::Image,
    data: &mut Data<'_>,
    around: &Surroundings,
    decoder: &mut Decoder,
) -> Result<Texture, String> {
    match (&image.uri, image.buffer_view) {
        (_, Some(view)) => decoder.decode(&data.bytes(view.value())?),
        (Some(uri), None) => decoder.decode(&super::accessor::read_uri(uri, around, crate::texture::MAX_BYTES)?),
        (None, None) => Err("it is nowhere".to_owned()),
    }
}

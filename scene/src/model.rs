//! The geometry behind a device, ready to be drawn and picked.

use crate::geometry::{Aabb, Assembly, Mesh, Rgba8};
use crate::shape::Shape;
use glam::Affine3A;
use std::sync::{Arc, OnceLock};

/// One placement of a shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From the coordinates of the shape to the model: metres, Y up.
    pub model_from_part: Affine3A,
    /// Colour of what has none of its own.
    pub colour: Option<Rgba8>,
}

impl Default for Place {
    fn default() -> Self {
        Self { model_from_part: Affine3A::IDENTITY, colour: None }
    }
}

impl Place {
    /// True when one sees through what has no colour of its own.
    pub fn is_transparent(&self) -> bool {
        self.colour.is_some_and(|c| c.0[3] < 255)
    }
}

/// A shape and where it stands within the model. Shapes are shared: between the models that hold the same geometry.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What stands there.
    pub shape: Arc<Shape>,
    /// At least one.
    pub places: Vec<Place>,
}

/// A coarse shape that stands for all faces of a model at once where it is small in the picture.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// Its `error` says how far it is off.
    pub shape: Arc<Shape>,
    /// From the coordinates of the shape to the model.
    pub model_from_part: Affine3A,
}

impl Piece {
    /// Places where one does not see through it.
    pub fn opaque_places(&self) -> impl Iterator<Item = &Place> {
        let has_bare = self.shape.corners.iter().any(|c| c.colour[3] == 0);
        let is_transparent = self.shape.is_transparent();
        self.places.iter().filter(move |p| !(is_transparent || has_bare && p.is_transparent()))
    }
}

/// Geometry behind a device.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// What it consists of.
    pub pieces: Vec<Piece>,
    /// Its stand-in, once it is made; `None` inside when it is not worth one.
    pub stand_in: OnceLock<Option<StandIn>>,
}

impl Model {
    /// The model with one piece for each part that is placed. `rr-load` has a better way for large assemblies: it joins
    /// small parts and shares those that are the same.
    pub fn of(assembly: &Assembly) -> Self {
        let mut places: Vec<Vec<Place>> = vec![Vec::new(); assembly.parts.len()];
        for i in &assembly.instances {
            if let Some(list) = places.get_mut(i.part as usize) {
                list.push(Place { model_from_part: i.model_from_part, colour: i.colour });
            }
        }
        let placed = assembly.parts.iter().zip(places).filter(|(_, places)| !places.is_empty());
        let piece = |mesh: &Mesh, places| Piece { shape: Arc::new(Shape::of(mesh)), places };
        let pieces = placed.flat_map(|(part, places)| match part.mesh.split_transparent() {
            None => vec![piece(&part.mesh, places)],
            Some([solid, glass]) => vec![piece(&solid, places.clone()), piece(&glass, places)],
        });
        Self { pieces: pieces.filter(|p| !p.shape.is_empty()).collect(), stand_in: OnceLock::new() }
    }

    /// Box around everything, in metres, Y up.
    pub fn bounds(&self) -> Aabb {
        self.pieces
            .iter()
            .flat_map(|p| p.places.iter().map(move |at| (p, at)))
            .fold(Aabb::EMPTY, |all, (piece, at)| all.union(piece.shape.bounds.transformed(&at.model_from_part)))
    }

    /// Triangles as drawn at full detail: those of every placement.
    pub fn triangle_count(&self) -> usize {
        self.pieces.iter().map(|p| p.shape.triangle_count() * p.places.len()).sum()
    }

    /// Lines that are geometry of their own, those of every placement.
    pub fn line_count(&self) -> usize {
        self.pieces.iter().map(|p| p.shape.lines.len() * p.places.len()).sum()
    }
}

impl From<&Assembly> for Model {
    fn from(assembly: &Assembly) -> Self {
        Self::of(assembly)
    }
}

//! From what a loader read to what is drawn and picked: compact shapes, each kept once, small parts joined.
//!
//! What takes longer, the coarser versions, comes behind ([`refine`]) and is not waited for: a [`Shape`] takes them up
//! while it is in use.

mod levels;
mod simplify;
mod solid;
mod stand_in;
mod store;

pub use store::ShapeStore;
pub(crate) use store::hash_of;

use crate::beside::{self, Beside};
use crate::report::Findings;
use crate::{Cache, CancelToken, Import, LoadContext, LoadError, Source, cache::Key};
use glam::Affine3A;
use rayon::prelude::*;
use rr_scene::{Mesh, Model, Piece, Place, Shape, ShapeBuilder, StandIn, Unit};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Parts with fewer triangles and lines than this that are placed once are joined to one shape: an assembly of a
/// thousand brackets and bolts would otherwise be a thousand things to draw. Larger ones stay on their own, so that
/// another file with the same part shares it.
const JOINED_BELOW: usize = 1024;
/// Joined shapes end at this many corners: what is too large is seldom out of the picture.
const JOINED_CORNERS: usize = 1 << 16;

/// What a file holds, ready to be drawn, still in the coordinates of the file: what the cache keeps.
#[derive(Debug, Clone)]
pub struct Content {
    /// Shapes and where they stand.
    pub pieces: Vec<Piece>,
    /// The stand-in of the whole model, if it was made and is worth it.
    pub stand_in: Option<Arc<Shape>>,
    /// True when shapes and stand-in have all they will ever have.
    pub is_refined: bool,
    /// The unit of all numbers.
    pub coordinates: Unit,
    /// As [`Import::declared_unit`].
    pub declared_unit: Option<Unit>,
    /// What there is to tell.
    pub findings: Findings,
    /// What it holds depends on these as well.
    pub beside: Vec<Beside>,
}

impl Content {
    /// Makes shapes of everything that is placed.
    ///
    /// # Errors
    /// [`LoadError::Cancelled`], and what [`Source::check`] says.
    pub fn of(import: &Import, source: &Source, context: &LoadContext) -> Result<Self, LoadError> {
        let assembly = &import.model;
        let mut places: Vec<Vec<Place>> = vec![Vec::new(); assembly.parts.len()];
        for i in &assembly.instances {
            if let Some(list) = places.get_mut(i.part as usize) {
                list.push(Place { model_from_part: i.model_from_part, colour: i.colour });
            }
        }
        let placed = assembly.parts.iter().zip(places).filter(|(_, places)| !places.is_empty());
        let meshes: Vec<(Cow<'_, Mesh>, Vec<Place>)> = placed
            .flat_map(|(part, places)| match part.mesh.split_transparent() {
                None => vec![(Cow::Borrowed(&part.mesh), places)],
                Some(parts) => parts.map(|m| (Cow::Owned(m), places.clone())).into(),
            })
            .collect();
        let shapes = meshes.par_iter().map(|(mesh, _)| {
            source.check(context)?;
            Ok(hashed(Shape::of(mesh)))
        });
        let shapes = shapes.collect::<Result<Vec<_>, LoadError>>()?;
        // Parts that are the same count as one.
        let mut known: HashMap<[u8; 32], usize> = HashMap::new();
        let mut found: Vec<(Cow<'_, Mesh>, Shape, Vec<Place>)> = Vec::new();
        for ((mesh, places), shape) in meshes.into_iter().zip(shapes).filter(|(_, shape)| !shape.is_empty()) {
            match known.get(&shape.hash) {
                Some(&first) => found[first].2.extend(places),
                None => {
                    known.insert(shape.hash, found.len());
                    found.push((mesh, shape, places));
                }
            }
        }
        let is_small = |shape: &Shape, places: &[Place]| {
            places.len() == 1 && shape.triangle_count() < JOINED_BELOW && shape.lines.len() < JOINED_BELOW
        };
        let join = found.iter().filter(|(_, shape, places)| is_small(shape, places)).count() > 1;
        let mut pieces = Vec::new();
        // What one sees through is drawn for itself.
        let mut joined = [ShapeBuilder::default(), ShapeBuilder::default()];
        let mut keep = |shape: Shape, places| pieces.push(Piece { shape: context.shapes.keep(shape), places });
        for (mesh, shape, places) in found {
            if join && is_small(&shape, &places) {
                let is_glass = shape.is_transparent() || places.iter().any(Place::is_transparent);
                let joined = &mut joined[usize::from(is_glass)];
                if joined.corner_count() >= JOINED_CORNERS {
                    keep(hashed(std::mem::take(joined).finish()), vec![Place::default()]);
                }
                joined.add(&mesh, places.first());
            } else {
                keep(shape, places);
            }
        }
        for joined in joined.map(ShapeBuilder::finish) {
            if !joined.is_empty() {
                keep(hashed(joined), vec![Place::default()]);
            }
        }
        let findings = Findings::of(import);
        let names = import.beside.iter().take(beside::MOST);
        let beside = names.map(|name| Beside::of(source.path(), name, context)).collect();
        let (coordinates, declared_unit) = (import.coordinates, import.declared_unit);
        Ok(Self { pieces, stand_in: None, is_refined: false, coordinates, declared_unit, findings, beside })
    }
}

fn hashed(mut shape: Shape) -> Shape {
    shape.hash = hash_of(&shape);
    shape
}

/// Makes the coarser versions of everything in a model that has none yet: seconds for a million triangles, so do it in
/// the background. Cancelled, it leaves things as they are.
pub fn refine(model: &Model, cancel: &CancelToken) {
    if let Some(stand_in) = refine_pieces(&model.pieces, &ShapeStore::default(), cancel) {
        let stand_in = stand_in.map(|shape| StandIn { shape, model_from_part: Affine3A::IDENTITY });
        model.stand_in.get_or_init(|| stand_in);
    }
}

/// The stand-in, if one is worth it; `None` when it was cancelled.
#[expect(clippy::option_option, reason = "not made, made and not worth it, made")]
fn refine_pieces(pieces: &[Piece], store: &ShapeStore, cancel: &CancelToken) -> Option<Option<Arc<Shape>>> {
    for piece in pieces {
        if cancel.is_cancelled() {
            return None;
        }
        piece.shape.levels.get_or_init(|| levels::of(&piece.shape));
    }
    (!cancel.is_cancelled()).then(|| stand_in::of(pieces).map(|shape| store.keep(hashed(shape))))
}

/// What is left to do for a model that can be shown already: its coarser versions, and its place in the cache.
#[derive(Debug)]
pub struct Refinement {
    pub(crate) content: Content,
    pub(crate) model: Arc<Model>,
    pub(crate) model_from_file: Affine3A,
    pub(crate) shapes: ShapeStore,
    pub(crate) cache: Option<(Cache, Key)>,
}

impl Refinement {
    /// Takes seconds for a million triangles. Cancelled, it leaves things as they are.
    pub fn run(mut self, cancel: &CancelToken) {
        let Some(stand_in) = refine_pieces(&self.content.pieces, &self.shapes, cancel) else { return };
        self.content.stand_in.clone_from(&stand_in);
        self.content.is_refined = true;
        let model_from_part = self.model_from_file;
        self.model.stand_in.get_or_init(|| stand_in.map(|shape| StandIn { shape, model_from_part }));
        if let Some((cache, key)) = &self.cache
            && let Err(error) = cache.put(key, &self.content)
        {
            tracing::warn!(%error, folder = %cache.folder().display(), "a model could not be kept in the cache");
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Shape, b: &Shape| a.hash == b.hash && a.levels.get() == b.levels.get();
        let stand_ins = match (&self.stand_in, &other.stand_in) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        stand_ins
            && self.pieces.len() == other.pieces.len()
            && self.pieces.iter().zip(&other.pieces).all(|(a, b)| same(&a.shape, &b.shape) && a.places == b.places)
            && (self.is_refined, self.coordinates, self.declared_unit)
                == (other.is_refined, other.coordinates, other.declared_unit)
            && (&self.findings, &self.beside) == (&other.findings, &other.beside)
    }
}

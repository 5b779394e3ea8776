//! Every geometry once: shapes by their content, whatever file or assembly they come from.

use rr_scene::Shape;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The shapes in use. Clones mean the same store; it keeps nothing alive.
#[derive(Debug, Clone, Default)]
pub struct ShapeStore(Arc<Mutex<HashMap<[u8; 32], Weak<Shape>>>>);

impl ShapeStore {
    /// The shape that is in use already, or this one from now on.
    pub(crate) fn keep(&self, shape: Shape) -> Arc<Shape> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&shape.hash).and_then(Weak::upgrade) {
            return found;
        }
        // What nobody uses any more goes when the table would have to grow.
        if known.len() == known.capacity() {
            known.retain(|_, shape| shape.strong_count() > 0);
        }
        let shape = Arc::new(shape);
        known.insert(shape.hash, Arc::downgrade(&shape));
        shape
    }

    /// As [`ShapeStore::keep`], and gives the one in use the coarser versions of this one if it has none yet.
    pub(crate) fn keep_with_levels(&self, shape: Shape) -> Arc<Shape> {
        let levels = shape.levels.get().cloned();
        let kept = self.keep(shape);
        if let Some(levels) = levels {
            kept.levels.get_or_init(|| levels);
        }
        kept
    }

    /// The shape with this content, if it is in use.
    pub(crate) fn find(&self, hash: &[u8; 32]) -> Option<Arc<Shape>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash)?.upgrade()
    }
}

/// BLAKE3 of everything that is drawn at full detail.
pub(crate) fn hash_of(shape: &Shape) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("remote-render shape 1");
    hasher.update(bytemuck::bytes_of(&shape.grid)).update(&shape.error.to_le_bytes());
    let arrays: [&[u8]; 4] = [
        bytemuck::cast_slice(&shape.corners),
        bytemuck::cast_slice(&shape.indices),
        bytemuck::cast_slice(&shape.edges),
        bytemuck::cast_slice(&shape.lines),
    ];
    for bytes in arrays {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update_rayon(bytes);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_scene::Mesh;

    fn shape(x: f32) -> Shape {
        let mesh = Mesh { lines: vec![[0.0; 3], [x, 0.0, 0.0]], ..Mesh::default() };
        let mut shape = Shape::of(&mesh);
        shape.hash = hash_of(&shape);
        shape
    }

    #[test]
    fn the_same_geometry_is_kept_once_and_only_while_it_is_used() {
        let store = ShapeStore::default();
        let (first, other) = (store.keep(shape(1.0)), store.keep(shape(2.0)));
        assert!(Arc::ptr_eq(&first, &store.keep(shape(1.0))));
        assert!(!Arc::ptr_eq(&first, &other));
        let hash = first.hash;
        assert!(store.find(&hash).is_some());
        drop(first);
        assert!(store.find(&hash).is_none());
        for i in 0..1000_u16 {
            store.keep(shape(f32::from(i) + 3.0));
        }
        assert!(store.0.lock().unwrap().len() < 500, "what is not used goes");
    }
}

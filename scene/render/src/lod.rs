//! Coarser versions of the faces (levels of detail), made in the background. A model is drawn in full until they are
//! there; they share its vertices, so that a level is nothing but a list of indices.
//!
//! Each level says how far its surface lies from the true one at most. The renderer takes the coarsest whose error is
//! too small to be seen from where the eye is.

use crate::gpu::Gpu;
use crate::gpu_model::{GpuModel, buffer};
use crate::pack::Vertex;
use meshopt::{SimplifyOptions, VertexDataAdapter};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Weak};

/// Parts with fewer triangles are always drawn in full.
const MIN_TRIANGLES: usize = 400;
/// Parts with more as well: the simplifier's memory for them, some hundred bytes a triangle, could cost the host its life.
const MAX_TRIANGLES: usize = 8_000_000;
/// Each level aims at this share of the triangles of the one before.
const STEP: f32 = 0.45;
/// A level that keeps more than this share of the one before is not worth its memory.
const WORTH: f32 = 0.85;
/// Coarsest level, as a share of the part's radius: beyond that parts lose their shape.
const MAX_ERROR: f32 = 0.05;
const MAX_LEVELS: usize = 6;
/// Models that wait for their levels.
const MAX_WAITING: usize = 1024;

/// One level: a range of [`Levels::indices`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level {
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// Largest distance from the true surface, in the units of the part.
    pub(crate) error: f32,
}

/// The levels of a part behind the full one, finest first.
#[derive(Debug)]
pub(crate) struct Levels {
    pub(crate) indices: wgpu::Buffer,
    pub(crate) levels: Vec<Level>,
}

impl Levels {
    /// The coarsest level with an error of at most `error`.
    pub(crate) fn at_most(&self, error: f32) -> Option<Level> {
        self.levels.iter().rev().find(|l| l.error <= error).copied()
    }
}

/// The corners of one part, on their way to the background.
pub(crate) struct Source {
    pub(crate) part: usize,
    pub(crate) vertices: Vec<Vertex>,
    pub(crate) indices: Vec<u32>,
    pub(crate) radius: f32,
}

/// Hands models to the thread that makes their levels. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct LodMaker {
    jobs: Option<SyncSender<(Weak<GpuModel>, Vec<Source>)>>,
    made: Arc<AtomicU64>,
}

impl LodMaker {
    pub(crate) fn new(gpu: &Gpu) -> Self {
        let (jobs, waiting) = sync_channel::<(Weak<GpuModel>, Vec<Source>)>(MAX_WAITING);
        let (gpu, made) = (gpu.clone(), Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&made);
        let work = move || {
            for (model, sources) in waiting {
                for source in sources {
                    // A model that is gone needs nothing any more.
                    let (indices, levels) = match model.strong_count() {
                        0 => break,
                        _ => simplify(&source),
                    };
                    let Some(model) = model.upgrade().filter(|_| !levels.is_empty()) else { continue };
                    // Without memory for the levels the full model stays.
                    let made = gpu.scoped(|| buffer(&gpu, "levels of detail", &indices, wgpu::BufferUsages::INDEX));
                    if let Ok(indices) = made {
                        drop(model.parts[source.part].levels.set(Levels { indices, levels }));
                        count.fetch_add(1, Ordering::Release);
                    }
                }
            }
        };
        let started = std::thread::Builder::new().name("rr-lod".into()).spawn(work);
        if let Err(error) = &started {
            tracing::warn!(target: "rr_render", %error, "models are drawn in full: the thread for coarser ones did not start");
        }
        Self { jobs: started.is_ok().then_some(jobs), made }
    }

    pub(crate) fn add(&self, model: &Arc<GpuModel>, mut sources: Vec<Source>) {
        sources.retain(|s| (MIN_TRIANGLES..=MAX_TRIANGLES).contains(&(s.indices.len() / 3)));
        if let Some(jobs) = self.jobs.as_ref().filter(|_| !sources.is_empty()) {
            // More models than that at once stay in full: the renderer waits for nobody.
            if jobs.try_send((Arc::downgrade(model), sources)).is_err() {
                tracing::debug!(target: "rr_render", "a model stays without coarser versions");
            }
        }
    }

    /// How many parts got their levels so far: grows when a picture would be drawn otherwise than before.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Acquire)
    }
}

/// All levels' indices in one list. Each level is made from the one before, so that their errors add up.
fn simplify(source: &Source) -> (Vec<u32>, Vec<Level>) {
    let (mut all, mut levels) = (Vec::new(), Vec::<Level>::new());
    let bytes: &[u8] = bytemuck::cast_slice(&source.vertices);
    let Ok(vertices) = VertexDataAdapter::new(bytes, size_of::<Vertex>(), 0) else { return (all, levels) };
    let mut finer = source.indices.clone();
    let mut error = 0.0;
    while levels.len() < MAX_LEVELS && finer.len() >= MIN_TRIANGLES * 3 / 2 {
        let left = source.radius * MAX_ERROR - error;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share"
        )]
        let (target, most) = ((finer.len() as f32 * STEP) as usize / 3 * 3, (finer.len() as f32 * WORTH) as usize);
        let options = SimplifyOptions::ErrorAbsolute | SimplifyOptions::Prune | SimplifyOptions::Permissive;
        let mut added = 0.0;
        let coarser = meshopt::simplify(&finer, &vertices, target, left.max(0.0), options, Some(&mut added));
        if coarser.is_empty() || coarser.len() > most {
            break;
        }
        error += added;
        let (Ok(first), Ok(count)) = (u32::try_from(all.len()), u32::try_from(coarser.len())) else { break };
        all.extend_from_slice(&coarser);
        levels.push(Level { first, count, error });
        finer = coarser;
    }
    (all, levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::{PI, TAU};

    /// A sphere of radius 1.
    fn sphere(steps: u32) -> Source {
        let (mut vertices, mut indices) = (Vec::new(), Vec::new());
        for i in 0..=steps {
            for j in 0..=steps {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let (a, b) = (i as f32 / steps as f32 * TAU, (j as f32 / steps as f32 - 0.5) * PI);
                let position = [a.cos() * b.cos(), b.sin(), a.sin() * b.cos()];
                vertices.push(Vertex { position, normal: 0, colour: [0; 4] });
                if i < steps && j < steps {
                    let (v, w) = (i * (steps + 1) + j, (i + 1) * (steps + 1) + j);
                    indices.extend([v, v + 1, w, w, v + 1, w + 1]);
                }
            }
        }
        Source { part: 0, vertices, indices, radius: 1.0 }
    }

    #[test]
    fn levels_get_coarser_and_say_by_how_much() {
        let source = sphere(64);
        let (indices, levels) = simplify(&source);
        assert!(levels.len() >= 2, "{levels:?}");
        for pair in levels.windows(2) {
            assert!(pair[1].count < pair[0].count && pair[1].error >= pair[0].error, "{levels:?}");
        }
        for level in &levels {
            let range = level.first as usize..(level.first + level.count) as usize;
            // The middle of a chord lies inside the sphere: that is where a coarse sphere is farthest off.
            for t in indices[range].as_chunks::<3>().0 {
                let middle =
                    (0..3).map(|axis| t.iter().map(|&i| source.vertices[i as usize].position[axis]).sum::<f32>() / 3.0);
                let off = 1.0 - middle.map(|m| m * m).sum::<f32>().sqrt();
                assert!(off <= level.error * 2.0 + 0.002, "{off} with {level:?}");
            }
            assert!(level.error <= MAX_ERROR * 1.001);
        }
    }

    #[test]
    fn triangles_without_order_or_measure_do_no_harm() {
        let mut seed = 7u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        // Few corners, so that edges are shared by dozens of triangles and many triangles have no area.
        let positions: Vec<[f32; 3]> = (0..500).map(|_| [(); 3].map(|()| f32::from(next() as u8))).collect();
        let indices: Vec<u32> = (0..9000).map(|_| next() % 500).collect();
        for wild in [0.0, 1e30, f32::MAX, f32::INFINITY, f32::NAN] {
            let mut vertices: Vec<Vertex> =
                positions.iter().map(|&position| Vertex { position, normal: 0, colour: [0; 4] }).collect();
            vertices[3].position[1] = wild;
            for radius in [300.0, wild] {
                let source = Source { part: 0, vertices: vertices.clone(), indices: indices.clone(), radius };
                let (all, levels) = simplify(&source);
                assert!(all.iter().all(|&i| i < 500) && all.len().is_multiple_of(3), "{wild}");
                assert!(levels.iter().all(|l| (l.first + l.count) as usize <= all.len()), "{wild}");
            }
        }
    }

    #[test]
    fn little_and_broken_meshes_have_no_levels() {
        let flat = Source { part: 0, vertices: vec![], indices: vec![], radius: 0.0 };
        assert!(simplify(&flat).1.is_empty());
        let mut lost = sphere(32);
        lost.radius = 0.0;
        assert!(simplify(&lost).1.iter().all(|l| l.error <= 0.0));
    }
}

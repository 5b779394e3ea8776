//! Lists of draw commands, recorded into passes.

use crate::arena::Run;
use crate::cull::{Draw, DrawList, FaceKind, What};
use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::instances::InstanceBuffer;
use crate::prepared::Prepared;

/// Draw commands with their instances on the device.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) list: DrawList,
    pub(crate) instances: InstanceBuffer,
}

impl Listed {
    pub(crate) fn new(label: &'static str) -> Self {
        Self { list: DrawList::default(), instances: InstanceBuffer::new(label) }
    }
}

/// What a list took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Draw commands.
    pub(crate) calls: u32,
    /// Triangles or segments.
    pub(crate) elements: u64,
}

/// The indices of quads, shared by all lines.
#[derive(Debug, Default)]
pub(crate) struct Quads(Option<(u32, wgpu::Buffer)>);

impl Quads {
    /// Makes enough of them for every shape of the scene.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn prepare(&mut self, gpu: &Gpu, scene: &Prepared) -> Result<(), GpuError> {
        let shapes = scene.shapes.iter().flatten();
        let needed = shapes.flat_map(|s| [&s.edges, &s.lines]).flatten().map(Run::count).max().unwrap_or(0);
        if needed == 0 || self.0.as_ref().is_some_and(|(have, _)| *have >= needed) {
            return Ok(());
        }
        let count = needed.next_power_of_two().max(1024);
        let indices: Vec<u32> = (0..count).flat_map(|q| [0, 1, 2, 2, 1, 3].map(|c| q * 4 + c)).collect();
        self.0 = None;
        let made = gpu.guarded(|| buffer(gpu, "quads", &indices, wgpu::BufferUsages::INDEX))?;
        self.0 = Some((count, made));
        Ok(())
    }

    /// The indices.
    pub(crate) fn buffer(&self) -> Option<&wgpu::Buffer> {
        self.0.as_ref().map(|(_, buffer)| buffer)
    }

    /// Draws the edges or the curves of a list.
    pub(crate) fn draw(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipeline: &wgpu::RenderPipeline,
        scene: &Prepared,
        instances: &InstanceBuffer,
        draws: &[Draw],
    ) -> Cost {
        let mut cost = Cost::default();
        let (Some(instances), Some((_, quads))) = (instances.get(), &self.0) else { return cost };
        let mut bound = None;
        for draw in draws {
            let Some(shape) = scene.shape(draw.shape) else { continue };
            let (run, count) = match draw.what {
                What::Edges(count) => (&shape.edges, u32::try_from(count).unwrap_or(u32::MAX)),
                _ => (&shape.lines, u32::MAX),
            };
            let Some(run) = run else { continue };
            let count = count.min(run.count());
            if bound.is_none() {
                pass.set_pipeline(pipeline);
                pass.set_vertex_buffer(0, instances.slice(..));
                pass.set_index_buffer(quads.slice(..), wgpu::IndexFormat::Uint32);
            }
            if bound != Some(run.block) {
                let Some(group) = scene.arenas.segment_bind_group(run.block) else { continue };
                pass.set_bind_group(1, group, &[]);
                bound = Some(run.block);
            }
            // Blocks are small enough for this.
            let base = i32::try_from(run.elements.start * 4).unwrap_or(0);
            pass.draw_indexed(0..count * 6, base, draw.first..draw.end);
            cost.calls += 1;
            cost.elements += u64::from(count) * u64::from(draw.end - draw.first);
        }
        cost
    }
}

/// Draws the opaque faces of a list, each kind with its pipeline, if it has one.
pub(crate) fn draw_faces(
    pass: &mut wgpu::RenderPass<'_>,
    pipelines: [Option<&wgpu::RenderPipeline>; FaceKind::COUNT],
    scene: &Prepared,
    listed: &Listed,
) -> Cost {
    let mut faces = Faces::new(pass, scene, &listed.instances);
    for draw in &listed.list.faces {
        let What::Faces { kind, .. } = draw.what else { continue };
        if let Some(pipeline) = pipelines[kind as usize] {
            faces.draw(pass, (kind as usize, pipeline), draw);
        }
    }
    faces.cost
}

/// Draws the transparent faces of a list: of each object the backs, then the fronts.
pub(crate) fn draw_glass(
    pass: &mut wgpu::RenderPass<'_>,
    [back, front]: [&wgpu::RenderPipeline; 2],
    scene: &Prepared,
    listed: &Listed,
) -> Cost {
    let mut faces = Faces::new(pass, scene, &listed.instances);
    for draw in &listed.list.glass {
        faces.draw(pass, (0, back), draw);
        faces.draw(pass, (1, front), draw);
    }
    faces.cost
}

/// Knows what a pass has bound.
struct Faces<'s> {
    scene: &'s Prepared,
    has_instances: bool,
    pipeline: Option<usize>,
    corners: Option<usize>,
    indices: Option<usize>,
    cost: Cost,
}

impl<'s> Faces<'s> {
    fn new(pass: &mut wgpu::RenderPass<'_>, scene: &'s Prepared, instances: &InstanceBuffer) -> Self {
        let instances = instances.get();
        if let Some(buffer) = instances {
            pass.set_vertex_buffer(1, buffer.slice(..));
        }
        let (has_instances, cost) = (instances.is_some(), Cost::default());
        Self { scene, has_instances, pipeline: None, corners: None, indices: None, cost }
    }

    fn draw(&mut self, pass: &mut wgpu::RenderPass<'_>, (id, pipeline): (usize, &wgpu::RenderPipeline), draw: &Draw) {
        let What::Faces { level, .. } = draw.what else { return };
        let Some(shape) = self.scene.shape(draw.shape).filter(|_| self.has_instances) else { return };
        let (Some(corners), Some(indices)) = (&shape.corners, shape.level(level)) else { return };
        if self.pipeline != Some(id) {
            pass.set_pipeline(pipeline);
            self.pipeline = Some(id);
        }
        if self.corners != Some(corners.block) {
            let Some(buffer) = self.scene.arenas.corners.buffer(corners.block) else { return };
            pass.set_vertex_buffer(0, buffer.slice(..));
            self.corners = Some(corners.block);
        }
        if self.indices != Some(indices.block) {
            let Some(buffer) = self.scene.arenas.indices.buffer(indices.block) else { return };
            pass.set_index_buffer(buffer.slice(..), wgpu::IndexFormat::Uint32);
            self.indices = Some(indices.block);
        }
        // Blocks are small enough for this.
        let base = i32::try_from(corners.elements.start).unwrap_or(0);
        self.cost.calls += 1;
        self.cost.elements += u64::from(indices.count() / 3) * u64::from(draw.end - draw.first);
        pass.draw_indexed(indices.elements, base, draw.first..draw.end);
    }
}

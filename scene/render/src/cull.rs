//! Which objects are drawn in a frame, and in how much detail: sorted into draw commands, nearest first.

use crate::detail::{Culling, Tolerance};
use crate::frustum::Frustum;
use crate::prepared::{Prepared, PreparedDevice, RawInstance};
use glam::Vec3;

/// Parts smaller than this radius in pixels are left out.
const MIN_RADIUS_PX: f32 = 0.6;
/// Parts smaller than this have no feature edges; the shader fades them out before.
const MIN_EDGE_RADIUS_PX: f32 = 14.0;

/// Most versions of one shape's faces: the full one and the coarser ones.
const LEVELS: usize = 16;
/// Steps of tolerance, half an octave each, by which instances of a shape share one command for their edges.
const EDGE_STEPS: usize = 48;
/// Faces of solids are apart from others: their backs are not drawn.
const EDGES: usize = 2 * LEVELS;
const LINES: usize = EDGES + EDGE_STEPS;
const SLOTS: usize = LINES + 1;

/// What is drawn of a shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum What {
    /// Faces: 0 is the full version, then the coarser ones.
    Faces { level: usize, is_solid: bool },
    /// That many of its edges.
    Edges(usize),
    /// All of its curves.
    Lines,
}

/// Instances of one shape that are drawn alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Draw {
    pub(crate) shape: u32,
    pub(crate) what: What,
    /// Into [`DrawList::instances`].
    pub(crate) first: u32,
    pub(crate) end: u32,
    /// From the eye to the nearest of them, metres.
    nearest: f32,
}

/// How many objects were left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Culled {
    pub(crate) outside: u32,
    pub(crate) small: u32,
    /// Devices whose faces are drawn by their stand-in.
    pub(crate) stand_ins: u32,
    /// Objects with faces in the picture.
    pub(crate) drawn: u32,
}

/// Draw commands and their instances. Lives from frame to frame, so that culling allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct DrawList {
    pub(crate) instances: Vec<RawInstance>,
    pub(crate) faces: Vec<Draw>,
    pub(crate) edges: Vec<Draw>,
    pub(crate) lines: Vec<Draw>,
    pub(crate) culled: Culled,
    chosen: Vec<(u32, u32)>,
    slots: Vec<Slot>,
    used: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    count: u32,
    first: u32,
    nearest: f32,
}

const EMPTY: Slot = Slot { count: 0, first: 0, nearest: f32::INFINITY };

/// From where, and how exactly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) frustum: &'a Frustum,
    pub(crate) eye: Vec3,
    pub(crate) tolerance: Tolerance,
    pub(crate) culling: Culling,
    pub(crate) edges: bool,
}

impl DrawList {
    /// Chooses among the objects of these devices.
    pub(crate) fn update<'s>(
        &mut self,
        scene: &Prepared,
        devices: impl Iterator<Item = &'s PreparedDevice>,
        look: &Look<'_>,
    ) {
        self.culled = Culled::default();
        self.slots.resize(scene.shapes.len() * SLOTS, EMPTY);
        for device in devices {
            self.choose_device(scene, device, look);
        }
        self.sort(scene);
    }

    /// Chooses for something seen from no place in particular: as coarse as `error` metres allow, without lines.
    pub(crate) fn update_flat(&mut self, scene: &Prepared, error: f32) {
        self.culled = Culled::default();
        self.slots.resize(scene.shapes.len() * SLOTS, EMPTY);
        for device in &scene.devices {
            let stand_in = device.stand_in.filter(|&o| base_error(scene, o) <= error);
            match stand_in {
                Some(object) => self.choose_faces(scene, object, 0.0, error),
                None => device.objects.clone().for_each(|object| self.choose_faces(scene, object, 0.0, error)),
            }
        }
        self.sort(scene);
    }

    fn choose_device(&mut self, scene: &Prepared, device: &PreparedDevice, look: &Look<'_>) {
        let Look { frustum, eye, tolerance, culling, .. } = *look;
        let (centre, radius) = (device.bounds.centre(), device.bounds.radius());
        let count = device.objects.end - device.objects.start;
        if culling.frustum && !frustum.holds(centre, radius) {
            self.culled.outside += count;
            return;
        }
        let radius_px = frustum.radius_px(centre, radius);
        if culling.small && radius_px < MIN_RADIUS_PX {
            self.culled.small += count;
            return;
        }
        let nearest = (centre - eye).length() - radius;
        let stand_in =
            device.stand_in.filter(|&o| culling.stand_ins && base_error(scene, o) <= tolerance.surface(nearest));
        if let Some(object) = stand_in {
            self.culled.stand_ins += 1;
            self.culled.drawn += 1;
            self.choose_faces(scene, object, nearest, tolerance.surface(nearest));
            let has_edges = look.edges && radius_px >= MIN_EDGE_RADIUS_PX;
            if !has_edges && !device.has_lines {
                return;
            }
        }
        for index in device.objects.clone() {
            let object = scene.objects[index as usize];
            let (centre, radius) = (object.sphere.truncate(), object.sphere.w);
            if culling.frustum && !frustum.holds(centre, radius) {
                self.culled.outside += 1;
                continue;
            }
            let radius_px = frustum.radius_px(centre, radius);
            if culling.small && radius_px < MIN_RADIUS_PX {
                self.culled.small += 1;
                continue;
            }
            let nearest = (centre - eye).length() - radius;
            if stand_in.is_none() {
                self.culled.drawn += 1;
                let error = if culling.levels { tolerance.surface(nearest) } else { -1.0 };
                self.choose_faces(scene, index, nearest, error);
            }
            let Some(shape) = scene.shape(object.shape) else { continue };
            if look.edges && shape.edges.is_some() && radius_px >= MIN_EDGE_RADIUS_PX {
                let step = edge_step(tolerance.edge(nearest) / (shape.shape.bounds.radius() * object.scale));
                self.choose(object.shape, EDGES + step, index, nearest);
            }
            if shape.lines.is_some() {
                self.choose(object.shape, LINES, index, nearest);
            }
        }
    }

    /// `error`: how far the faces may be off, metres.
    fn choose_faces(&mut self, scene: &Prepared, index: u32, nearest: f32, error: f32) {
        let object = scene.objects[index as usize];
        let Some(shape) = scene.shape(object.shape).filter(|s| s.indices.is_some()) else { return };
        let coarser = if shape.levels.is_some() { shape.shape.level(error / object.scale) } else { None };
        let level = coarser.map_or(0, |l| (l + 1).min(LEVELS - 1));
        let is_solid = shape.shape.is_solid() && !object.is_mirrored;
        self.choose(object.shape, level + if is_solid { LEVELS } else { 0 }, index, nearest);
    }

    fn choose(&mut self, shape: u32, within: usize, object: u32, nearest: f32) {
        let at = shape as usize * SLOTS + within;
        let slot = &mut self.slots[at];
        #[expect(clippy::cast_possible_truncation, reason = "a handful of slots for each of some thousand shapes")]
        let at = at as u32;
        if slot.count == 0 {
            self.used.push(at);
        }
        slot.count += 1;
        slot.nearest = slot.nearest.min(nearest);
        self.chosen.push((at, object));
    }

    /// Puts instances that are drawn alike beside each other.
    fn sort(&mut self, scene: &Prepared) {
        [&mut self.faces, &mut self.edges, &mut self.lines].into_iter().for_each(Vec::clear);
        let mut first = 0;
        for &at in &self.used {
            let slot = &mut self.slots[at as usize];
            slot.first = first;
            first += slot.count;
            let shape = at / SLOTS as u32;
            let draw = |what| Draw { shape, what, first: slot.first, end: first, nearest: slot.nearest };
            match at as usize % SLOTS {
                LINES => self.lines.push(draw(What::Lines)),
                step if step >= EDGES => {
                    let of = scene
                        .shape(shape)
                        .map_or(0, |s| s.shape.edges_of_size(edge_size(step - EDGES) * s.shape.bounds.radius()));
                    if of > 0 {
                        self.edges.push(draw(What::Edges(of)));
                    }
                }
                level => {
                    let is_solid = level >= LEVELS;
                    self.faces.push(draw(What::Faces { level: level % LEVELS, is_solid }));
                }
            }
        }
        self.instances.resize(first as usize, bytemuck::Zeroable::zeroed());
        for (at, object) in self.chosen.drain(..) {
            let slot = &mut self.slots[at as usize];
            self.instances[slot.first as usize] = scene.raw[object as usize];
            slot.first += 1;
        }
        for at in self.used.drain(..) {
            self.slots[at as usize] = EMPTY;
        }
        // What is near hides what is behind before that is shaded.
        for list in [&mut self.faces, &mut self.edges, &mut self.lines] {
            list.sort_by(|a, b| a.nearest.total_cmp(&b.nearest));
        }
    }
}

/// How far the finest version of an object's shape is off, metres.
fn base_error(scene: &Prepared, object: u32) -> f32 {
    let object = scene.objects[object as usize];
    scene.shape(object.shape).map_or(f32::INFINITY, |s| s.shape.error * object.scale)
}

/// The step of a tolerance that is given as a share of the shape's radius.
fn edge_step(share: f32) -> usize {
    let octaves = -share.log2() * 2.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates; NaN is 0")]
    let step = octaves.ceil() as usize;
    step.min(EDGE_STEPS - 1)
}

/// Features of this size, as a share of the shape's radius, and larger ones are drawn in that step.
fn edge_size(step: usize) -> f32 {
    if step == EDGE_STEPS - 1 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let octaves = step as f32 * -0.5;
    octaves.exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_leaves_out_what_the_tolerance_wants() {
        for i in 0..400 {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let share = (i as f32 * -0.1).exp2() * 3.0;
            let size = edge_size(edge_step(share));
            assert!(size <= share * 1.0001, "{share} {size}");
            assert!(size >= share * 0.7 || size == 0.0 || share > 1.0, "{share} {size}");
        }
        for odd in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(edge_size(edge_step(odd)) <= 1.0);
        }
        assert_eq!(edge_size(edge_step(0.0)), 0.0);
    }
}

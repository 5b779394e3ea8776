//! Which objects are drawn in a frame, and in how much detail: sorted into draw commands, nearest first.

use crate::detail::{Culling, Tolerance};
use crate::frustum::Frustum;
use crate::occlusion::Occluded;
use crate::prepared::{Prepared, PreparedDevice, RawInstance};
use glam::Vec3;
use rr_scene::Section;

/// Parts smaller than this radius in pixels are left out.
const MIN_RADIUS_PX: f32 = 0.6;
/// Parts smaller than this have no feature edges; the shader fades them out before.
const MIN_EDGE_RADIUS_PX: f32 = 14.0;

/// Most versions of one shape's faces: the full one and the coarser ones.
pub(crate) const LEVELS: usize = 16;
/// Steps of tolerance, half an octave each, by which instances of a shape share one command for their edges.
pub(crate) const EDGE_STEPS: usize = 48;
/// Faces come in kinds that are drawn by pipelines of their own.
const EDGES: usize = FaceKind::COUNT * LEVELS;
const LINES: usize = EDGES + EDGE_STEPS;
const SLOTS: usize = LINES + 1;

/// How faces are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaceKind {
    /// Seen from both sides.
    Open,
    /// Of a solid: their backs are not drawn.
    Solid,
    /// A section plane goes through them.
    CutOpen,
    /// As above; the inside of the solid is filled.
    CutSolid,
    /// The same, where a mirror turned the triangles over.
    CutMirrored,
}

impl FaceKind {
    pub(crate) const COUNT: usize = 5;
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Open, Self::Solid, Self::CutOpen, Self::CutSolid, Self::CutMirrored];

    fn of(is_solid: bool, is_mirrored: bool, is_cut: bool) -> Self {
        match (is_cut, is_solid, is_mirrored) {
            (false, true, false) => Self::Solid,
            (false, ..) => Self::Open,
            (true, false, _) => Self::CutOpen,
            (true, true, false) => Self::CutSolid,
            (true, true, true) => Self::CutMirrored,
        }
    }
}

/// What is drawn of a shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum What {
    /// Faces: 0 is the full version, then the coarser ones.
    Faces { level: usize, kind: FaceKind },
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
    /// Behind other things.
    pub(crate) hidden: u32,
    /// Beyond a section plane.
    pub(crate) cut_away: u32,
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
    /// Transparent faces, one object each, the farthest first.
    pub(crate) glass: Vec<Draw>,
    pub(crate) edges: Vec<Draw>,
    pub(crate) lines: Vec<Draw>,
    pub(crate) culled: Culled,
    /// How much less is drawn because of what stands behind other things: devices that one shape would have stood for
    /// count once.
    pub(crate) spared: u32,
    chosen: Vec<(u32, u32)>,
    transparent: Vec<Transparent>,
    slots: Vec<Slot>,
    used: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Transparent {
    object: u32,
    level: usize,
    distance: f32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    count: u32,
    first: u32,
    nearest: f32,
}

const EMPTY: Slot = Slot { count: 0, first: 0, nearest: f32::INFINITY };

/// How a ball is seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    radius_px: f32,
    /// From the eye, metres.
    nearest: f32,
    is_cut: bool,
}

/// From above and afar, as the floor sees it.
const FLAT: Seen = Seen { radius_px: 0.0, nearest: 0.0, is_cut: false };

/// From where, and how exactly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) frustum: &'a Frustum,
    pub(crate) eye: Vec3,
    pub(crate) tolerance: Tolerance,
    pub(crate) culling: Culling,
    pub(crate) section: Section,
    pub(crate) occluded: Option<&'a Occluded>,
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
        (self.culled, self.spared) = (Culled::default(), 0);
        self.slots.resize(scene.shapes.len() * SLOTS, EMPTY);
        for device in devices {
            self.choose_device(scene, device, look);
        }
        self.sort(scene);
    }

    /// Chooses among the transparent objects only: they are to be in order, wherever the others are chosen.
    pub(crate) fn update_glass(&mut self, scene: &Prepared, look: &Look<'_>) {
        self.culled = Culled::default();
        for &index in &scene.transparent {
            let object = scene.objects[index as usize];
            let Some(seen) = self.see(look, object.sphere.truncate(), object.sphere.w, 1) else { continue };
            let is_gone = look.culling.section && !look.section.keeps_box(&object.bounds);
            if is_gone || look.occluded.is_some_and(|o| o.hides(&object.bounds)) {
                continue;
            }
            let error = if look.culling.levels { look.tolerance.surface(seen.nearest) } else { -1.0 };
            self.choose_faces(scene, index, &seen, error);
        }
        self.sort(scene);
    }

    /// Chooses for something seen from no place in particular: as coarse as `error` metres allow, without lines.
    pub(crate) fn update_flat(&mut self, scene: &Prepared, section: &Section, error: f32) {
        self.culled = Culled::default();
        self.slots.resize(scene.shapes.len() * SLOTS, EMPTY);
        for device in &scene.devices {
            let (centre, radius) = (device.bounds.centre(), device.bounds.radius());
            if !section.keeps_ball(centre, radius) {
                continue;
            }
            let is_whole = !section.cuts_ball(centre, radius);
            match device.stand_in.filter(|&o| is_whole && base_error(scene, o) <= error) {
                Some(object) => self.choose_faces(scene, object, &FLAT, error),
                None => device.objects.clone().for_each(|object| self.choose_faces(scene, object, &FLAT, error)),
            }
        }
        // Glass casts next to no shadow.
        self.transparent.clear();
        self.sort(scene);
    }

    fn choose_device(&mut self, scene: &Prepared, device: &PreparedDevice, look: &Look<'_>) {
        let (centre, radius) = (device.bounds.centre(), device.bounds.radius());
        let count = device.objects.end - device.objects.start;
        let Some(seen) = self.see(look, centre, radius, count) else { return };
        // Its box is tighter than the ball around it.
        if look.culling.section && !look.section.keeps_box(&device.bounds) {
            self.culled.cut_away += count;
            return;
        }
        if look.occluded.is_some_and(|o| o.hides(&device.bounds)) {
            self.culled.hidden += count;
            self.spared += if device.stand_in.is_some() { 1 } else { count };
            return;
        }
        let can_stand_in = look.culling.stand_ins && !seen.is_cut;
        let stand_in =
            device.stand_in.filter(|&o| can_stand_in && base_error(scene, o) <= look.tolerance.surface(seen.nearest));
        if let Some(object) = stand_in {
            self.culled.stand_ins += 1;
            self.culled.drawn += 1;
            self.choose_faces(scene, object, &seen, look.tolerance.surface(seen.nearest));
            let has_edges = look.edges && seen.radius_px >= MIN_EDGE_RADIUS_PX;
            if !has_edges && device.is_replaceable {
                return;
            }
        }
        for index in device.objects.clone() {
            let object = scene.objects[index as usize];
            let Some(seen) = self.see(look, object.sphere.truncate(), object.sphere.w, 1) else { continue };
            if count > 1 && look.occluded.is_some_and(|o| o.hides(&object.bounds)) {
                self.culled.hidden += 1;
                self.spared += 1;
                continue;
            }
            if stand_in.is_none() || object.is_transparent {
                self.culled.drawn += 1;
                let error = if look.culling.levels { look.tolerance.surface(seen.nearest) } else { -1.0 };
                self.choose_faces(scene, index, &seen, error);
            }
            let Some(shape) = scene.shape(object.shape) else { continue };
            if look.edges && shape.edges.is_some() && seen.radius_px >= MIN_EDGE_RADIUS_PX {
                let share = look.tolerance.edge(seen.nearest) / (shape.shape.bounds.radius() * object.scale);
                self.choose(object.shape, EDGES + edge_step(share), index, seen.nearest);
            }
            if shape.lines.is_some() {
                self.choose(object.shape, LINES, index, seen.nearest);
            }
        }
    }

    /// How a ball is seen; counts the objects in it as left out when it is not.
    fn see(&mut self, look: &Look<'_>, centre: Vec3, radius: f32, objects: u32) -> Option<Seen> {
        let Look { frustum, eye, culling, ref section, .. } = *look;
        if culling.frustum && !frustum.holds(centre, radius) {
            self.culled.outside += objects;
            return None;
        }
        let radius_px = frustum.radius_px(centre, radius);
        if culling.small && radius_px < MIN_RADIUS_PX {
            self.culled.small += objects;
            return None;
        }
        if culling.section && !section.keeps_ball(centre, radius) {
            self.culled.cut_away += objects;
            return None;
        }
        let nearest = (centre - eye).length() - radius;
        Some(Seen { radius_px, nearest, is_cut: section.cuts_ball(centre, radius) })
    }

    /// `error`: how far the faces may be off, metres.
    fn choose_faces(&mut self, scene: &Prepared, index: u32, seen: &Seen, error: f32) {
        let object = scene.objects[index as usize];
        let Some(shape) = scene.shape(object.shape).filter(|s| s.indices.is_some()) else { return };
        let coarser = if shape.levels.is_some() { shape.shape.level(error / object.scale) } else { None };
        let level = coarser.map_or(0, |l| (l + 1).min(LEVELS - 1));
        if object.is_transparent {
            self.transparent.push(Transparent { object: index, level, distance: seen.nearest + object.sphere.w });
            return;
        }
        let kind = FaceKind::of(shape.shape.is_solid(), object.is_mirrored, seen.is_cut);
        self.choose(object.shape, level + kind as usize * LEVELS, index, seen.nearest);
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
        [&mut self.faces, &mut self.glass, &mut self.edges, &mut self.lines].into_iter().for_each(Vec::clear);
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
                    let kind = FaceKind::ALL[level / LEVELS];
                    self.faces.push(draw(What::Faces { level: level % LEVELS, kind }));
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
            list.sort_unstable_by(|a, b| a.nearest.total_cmp(&b.nearest).then(a.first.cmp(&b.first)));
        }
        self.sort_glass(scene);
    }

    /// Behind the others: each object after all that are farther away.
    fn sort_glass(&mut self, scene: &Prepared) {
        self.transparent.sort_unstable_by(|a, b| b.distance.total_cmp(&a.distance).then(a.object.cmp(&b.object)));
        for Transparent { object, level, distance } in self.transparent.drain(..) {
            let first = u32::try_from(self.instances.len()).unwrap_or(u32::MAX);
            self.instances.push(scene.raw[object as usize]);
            let (shape, what) = (scene.objects[object as usize].shape, What::Faces { level, kind: FaceKind::Open });
            self.glass.push(Draw { shape, what, first, end: first + 1, nearest: distance });
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
pub(crate) fn edge_size(step: usize) -> f32 {
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

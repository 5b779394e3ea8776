//! Which devices get a label, where and in what order.

use super::LabelFrame;
use glam::{Vec2, Vec3};
use rr_scene::Aabb;

/// Radius in pixels below which a device has no label, and from which its label is at full strength.
const FADE_PX: (f32, f32) = (12.0, 16.0);

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) at: Vec2,
    pub(crate) size: Vec2,
}

impl Rect {
    pub(crate) fn to_array(self) -> [f32; 4] {
        [self.at.x, self.at.y, self.size.x, self.size.y]
    }

    /// True when less than `gap` lies between the two.
    pub(crate) fn overlaps(&self, other: &Self, gap: f32) -> bool {
        let (a, b) = (self.at + self.size + gap, other.at + other.size + gap);
        a.cmpgt(other.at).all() && b.cmpgt(self.at).all()
    }
}

/// Devices at least this large on the screen hide the labels of what is behind them.
const OCCLUDER_PX: f32 = 60.0;

/// Boxes within the devices that fill much of the picture.
#[derive(Debug, Default)]
pub(crate) struct Occluders {
    boxes: Vec<Aabb>,
}

impl Occluders {
    pub(crate) fn collect(&mut self, frame: &LabelFrame<'_>) {
        self.boxes.clear();
        let large = frame.scene.devices.iter().map(|d| d.bounds).filter(|b| {
            !b.is_empty()
                && !frame.section.cuts_ball(b.centre(), b.radius())
                && frame.frustum.radius_px(b.centre(), b.radius()) > OCCLUDER_PX * frame.scale
        });
        // The box of a machine is fuller than the machine: its borders hide nothing.
        self.boxes.extend(large.map(|b| {
            let margin = b.size() * 0.12;
            Aabb { min: b.min + margin, max: b.max - margin }
        }));
    }

    /// True when a box stands between the eye and the point. A box around either of them does not count.
    pub(crate) fn hide(&self, eye: Vec3, point: Vec3) -> bool {
        let way = point - eye;
        self.boxes.iter().any(|b| {
            // Where the line enters and leaves the box, in lengths of the way; an infinite quotient is fine here.
            let (a, c) = ((b.min - eye) / way, (b.max - eye) / way);
            let (enter, leave) = (a.min(c).max_element(), a.max(c).min_element());
            enter > 0.0 && enter < leave && leave < 1.0
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) device: usize,
    /// Middle of the device's top on the screen, pixels.
    pub(crate) anchor: Vec2,
    pub(crate) alpha: f32,
    pub(crate) is_marked: bool,
    /// What sorts first wins its place.
    rank: (bool, f32),
}

/// Devices whose label is on the screen: marked ones first, then from near to far.
pub(crate) fn candidates(frame: &LabelFrame<'_>, out: &mut Vec<Candidate>) {
    out.clear();
    out.extend(frame.scene.devices.iter().enumerate().filter_map(|(index, device)| {
        let bounds = &device.bounds;
        if bounds.is_empty() || !frame.section.keeps_box(bounds) {
            return None;
        }
        let clip = *frame.clip_from_world * bounds.centre().with_y(bounds.max.y).extend(1.0);
        // Behind the near plane: reversed depth of an infinite view has z = near distance.
        if clip.w <= clip.z {
            return None;
        }
        let anchor = Vec2::new(clip.x / clip.w * 0.5 + 0.5, 0.5 - clip.y / clip.w * 0.5) * frame.size;
        let room = Vec2::new(80.0, 30.0) * frame.scale;
        if anchor.cmplt(-room).any() || anchor.cmpgt(frame.size + room).any() {
            return None;
        }
        let is_marked = device.is_selected || device.is_hovered;
        let radius = frame.frustum.radius_px(bounds.centre(), bounds.radius()) / frame.scale;
        let alpha = if is_marked { 1.0 } else { ((radius - FADE_PX.0) / (FADE_PX.1 - FADE_PX.0)).clamp(0.0, 1.0) };
        (alpha > 0.2).then_some(Candidate { device: index, anchor, alpha, is_marked, rank: (!is_marked, clip.w) })
    }));
    out.sort_by(|a, b| a.rank.0.cmp(&b.rank.0).then(a.rank.1.total_cmp(&b.rank.1)).then(a.device.cmp(&b.device)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_hide_what_is_behind_them_and_nothing_else() {
        let boxes = Occluders { boxes: vec![Aabb { min: Vec3::splat(-1.0), max: Vec3::splat(1.0) }] };
        let eye = Vec3::new(0.0, 0.0, 5.0);
        assert!(boxes.hide(eye, Vec3::new(0.0, 0.0, -5.0)));
        assert!(!boxes.hide(eye, Vec3::new(0.0, 0.0, 2.0)), "in front");
        assert!(!boxes.hide(eye, Vec3::ZERO), "inside");
        assert!(!boxes.hide(Vec3::ZERO, Vec3::new(0.0, 0.0, -5.0)), "around the eye");
        assert!(!boxes.hide(eye, Vec3::new(4.0, 0.0, -5.0)), "beside");
    }

    #[test]
    fn rectangles_that_touch_within_the_gap_overlap() {
        let a = Rect { at: Vec2::ZERO, size: Vec2::new(10.0, 4.0) };
        let at = |x: f32, y: f32| Rect { at: Vec2::new(x, y), size: Vec2::new(10.0, 4.0) };
        assert!(a.overlaps(&at(9.0, 3.0), 0.0));
        assert!(!a.overlaps(&at(10.5, 0.0), 0.0));
        assert!(a.overlaps(&at(10.5, 0.0), 1.0));
        assert!(!a.overlaps(&at(0.0, -5.5), 1.0));
    }
}

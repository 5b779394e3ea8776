//! Which devices get a label, where and in what order.

use super::LabelFrame;
use glam::Vec2;

/// Radius in pixels below which a device has no label, and from which its label is at full strength.
const FADE_PX: (f32, f32) = (5.0, 14.0);

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

#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) device: usize,
    /// Middle of the device's top on the screen, pixels.
    pub(crate) anchor: Vec2,
    pub(crate) alpha: f32,
    /// What sorts first wins its place.
    rank: (bool, f32),
}

/// Devices whose label is on the screen: marked ones first, then from near to far.
pub(crate) fn candidates(frame: &LabelFrame<'_>, out: &mut Vec<Candidate>) {
    out.clear();
    out.extend(frame.scene.devices.iter().enumerate().filter_map(|(index, device)| {
        let bounds = &device.bounds;
        if bounds.is_empty() {
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
        (alpha > 0.02).then_some(Candidate { device: index, anchor, alpha, rank: (!is_marked, clip.w) })
    }));
    out.sort_by(|a, b| a.rank.0.cmp(&b.rank.0).then(a.rank.1.total_cmp(&b.rank.1)).then(a.device.cmp(&b.device)));
}

#[cfg(test)]
mod tests {
    use super::*;

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

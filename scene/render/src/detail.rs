//! How much of the geometry a frame shows.

use crate::cull::Run;

/// Which differences from the full geometry a frame may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Detail {
    /// None at all: everything that is in the picture is drawn as it is. For comparison.
    Full,
    /// None that could be seen.
    #[default]
    Fine,
    /// Small ones, for pictures in motion where the adapter is slow: surfaces up to 1.5 pixels off, and only feature
    /// edges whose feature is larger than 14 pixels.
    Moving,
}

impl Detail {
    /// How far a surface may be off, pixels; below zero not even levels without error will do.
    fn surface_px(self) -> f32 {
        match self {
            Self::Full => -1.0,
            Self::Fine => 0.4,
            Self::Moving => 1.5,
        }
    }

    /// Features smaller than this have no edges, pixels.
    fn edge_px(self) -> f32 {
        match self {
            Self::Full => 0.0,
            Self::Fine => 2.5,
            Self::Moving => 14.0,
        }
    }
}

/// A [`Detail`] in one picture: turns pixels into lengths on a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) detail: Detail,
    /// Metres that one pixel covers at one metre from the eye.
    pub(crate) metres_per_px: f32,
}

impl Tolerance {
    /// How far the surfaces of these instances may be off, in the units of their part.
    pub(crate) fn surface(&self, run: &Run) -> f32 {
        self.length(run, self.detail.surface_px())
    }

    /// The smallest feature of these instances that has edges, in the units of their part.
    pub(crate) fn edge(&self, run: &Run) -> f32 {
        self.length(run, self.detail.edge_px())
    }

    /// Zero when the eye is within the instances: everything counts then.
    fn length(&self, run: &Run, px: f32) -> f32 {
        let length = run.nearest.max(0.0) * self.metres_per_px * px / run.scale;
        if length.is_finite() { length } else { 0.0f32.min(px) }
    }
}

//! How much of the geometry a frame shows.

/// Which differences from the full geometry a frame may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Detail {
    /// None at all: everything that is in the picture is drawn as it is. For comparison.
    Full,
    /// None that could be seen.
    #[default]
    Fine,
    /// Small ones, for pictures in motion where the adapter is slow: surfaces up to 2 pixels off, and only feature
    /// edges whose feature is larger than 24 pixels.
    Moving,
}

impl Detail {
    /// How far a surface may be off, pixels; below zero not even levels without error will do.
    fn surface_px(self) -> f32 {
        match self {
            Self::Full => -1.0,
            Self::Fine => 0.4,
            Self::Moving => 2.0,
        }
    }

    /// Features smaller than this have no edges, pixels.
    fn edge_px(self) -> f32 {
        match self {
            Self::Full => 0.0,
            Self::Fine => 2.5,
            Self::Moving => 24.0,
        }
    }
}

/// What a frame may leave out or simplify without anybody seeing it. Everything, but for measurements and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Culling {
    /// What is outside the picture.
    pub frustum: bool,
    /// What is wholly beyond a section plane.
    pub section: bool,
    /// What stands behind other things.
    pub occlusion: bool,
    /// What is smaller than a pixel.
    pub small: bool,
    /// Parts that are far away are drawn in fewer triangles.
    pub levels: bool,
    /// One coarse shape stands for all parts of a device that is far away.
    pub stand_ins: bool,
}

impl Culling {
    /// Nothing is left out.
    pub const NONE: Self =
        Self { frustum: false, section: false, occlusion: false, small: false, levels: false, stand_ins: false };
}

impl Default for Culling {
    fn default() -> Self {
        Self { frustum: true, section: true, occlusion: true, small: true, levels: true, stand_ins: true }
    }
}

/// A [`Detail`] in one picture: turns pixels into lengths on a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    pub(crate) detail: Detail,
    /// How much larger the differences may be than usual.
    pub(crate) coarseness: f32,
    /// Metres that one pixel covers at one metre from the eye.
    pub(crate) metres_per_px: f32,
}

impl Tolerance {
    /// How far surfaces may be off, and the smallest feature that has edges, in pixels.
    pub(crate) fn px(&self) -> [f32; 2] {
        [self.detail.surface_px(), self.detail.edge_px()].map(|px| px * self.coarseness)
    }

    /// How far surfaces may be off that are `nearest` metres away, in metres.
    pub(crate) fn surface(&self, nearest: f32) -> f32 {
        self.length(nearest, self.detail.surface_px() * self.coarseness)
    }

    /// The smallest feature that has edges `nearest` metres away, in metres.
    pub(crate) fn edge(&self, nearest: f32) -> f32 {
        self.length(nearest, self.detail.edge_px() * self.coarseness)
    }

    /// Zero or less when the eye is within: everything counts then.
    fn length(&self, nearest: f32, px: f32) -> f32 {
        let length = nearest.max(0.0) * self.metres_per_px * px;
        if length.is_finite() && nearest > 0.0 { length } else { 0.0f32.min(px) }
    }
}

//! Curves of a drawing: what a model without faces is made of.

use super::Rgb;
use super::profile::Profile;
use glam::{DAffine3, DVec3};

/// One coloured curve.
#[derive(Debug, Clone)]
pub enum Wire {
    /// Straight from point to point; several corners become one linear path.
    Path(Rgb, Vec<DVec3>),
    /// Lines and arcs of a plane outline.
    Outline(Rgb, DAffine3, Profile),
    /// A smooth cubic with these poles that starts and ends at the outermost ones; at least four.
    Spline(Rgb, Vec<DVec3>),
}

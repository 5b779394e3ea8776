//! Which parts of the picture show what of the background. Programs that draw less are used where less is to be seen.

use crate::frame::FrameOptions;
use crate::frustum::screen_rect;
use crate::uniforms::{FrameUniforms, ShadowFrame};
use glam::{Vec2, Vec3};
use rr_scene::Aabb;

/// Index of a background program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Region {
    Sky,
    Grid,
    Floor,
}

type Rect = [u32; 4];

/// Splits the picture into rectangles (left, top, right, bottom) that touch and do not overlap.
pub(crate) fn regions(
    (width, height): (u32, u32),
    uniforms: &FrameUniforms,
    shadow: Option<ShadowFrame>,
    options: &FrameOptions,
) -> Vec<(Region, Rect)> {
    let all = [0, 0, width, height];
    if !options.grid && shadow.is_none() {
        return vec![(Region::Sky, all)];
    }
    let (sky, ground) = split_at_horizon(all, uniforms);
    let mut out = vec![(Region::Sky, sky)];
    #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
    let size = Vec2::new(width as f32, height as f32);
    let shaded = shadow.and_then(|s| {
        let corner = Vec3::new(s.corner[0], 0.0, s.corner[1]);
        let edge = 1.0 / s.per_metre;
        let bounds = Aabb { min: corner, max: corner + Vec3::new(edge, 0.0, edge) };
        screen_rect(&uniforms.clip_from_world, &bounds, size, 1.0)
    });
    let rest = if options.grid { Region::Grid } else { Region::Sky };
    let [left, top, right, bottom] = ground;
    match shaded.map(|s| [s[0].max(left), s[1].max(top), s[2].min(right), s[3].min(bottom)]).filter(|s| !is_empty(s)) {
        None => out.push((rest, ground)),
        Some(inner) => {
            out.push((Region::Floor, inner));
            out.push((rest, [left, top, right, inner[1]]));
            out.push((rest, [left, inner[1], inner[0], inner[3]]));
            out.push((rest, [inner[2], inner[1], right, inner[3]]));
            out.push((rest, [left, inner[3], right, bottom]));
        }
    }
    out.retain(|(_, rect)| !is_empty(rect));
    out
}

fn is_empty(r: &Rect) -> bool {
    r[0] >= r[2] || r[1] >= r[3]
}

/// The picture above and below the horizon; seen from under the floor, below and above it.
fn split_at_horizon([left, top, right, bottom]: Rect, uniforms: &FrameUniforms) -> (Rect, Rect) {
    // The camera never rolls: a row of pixels looks up or down as a whole.
    let (forward, up) = (uniforms.ray_forward[1], uniforms.ray_up[1]);
    let is_above = uniforms.eye[1] >= 0.0;
    #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
    let height = bottom as f32;
    let row = if up.abs() < 1e-6 {
        // Straight down sees floor only, straight up none; under the floor the other way round.
        if forward < 0.0 { 0.0 } else { height }
    } else {
        (0.5 + forward / up * 0.5) * height
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the picture")]
    let (first, last) = (row.floor().clamp(0.0, height) as u32, row.ceil().clamp(0.0, height) as u32);
    // The row that the horizon crosses belongs to the floor: its program knows where floor ends.
    if is_above {
        ([left, top, right, first], [left, first, right, bottom])
    } else {
        ([left, last, right, bottom], [left, top, right, last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;
    use rr_scene::Camera;

    #[test]
    fn regions_cover_the_picture_once() {
        let shadow = ShadowFrame { corner: [-2.0, -2.0], per_metre: 0.25, per_height: 1.0 };
        let size = (320u32, 181u32);
        for (pitch, target_y) in [(0.5f32, 0.5), (0.02, 1.0), (-0.4, 3.0), (1.569, 0.0), (-1.569, 0.0), (-0.3, -5.0)] {
            for shadow in [None, Some(shadow)] {
                for grid in [false, true] {
                    let camera = Camera { pitch, target: Vec3::new(0.0, target_y, 0.0), ..Camera::default() };
                    let options = FrameOptions { grid, ..FrameOptions::default() };
                    let uniforms = FrameUniforms::new(&camera, size, &Theme::DARK, &options, shadow);
                    let mut hits = vec![0u8; (size.0 * size.1) as usize];
                    for (_, [l, t, r, b]) in regions(size, &uniforms, shadow, &options) {
                        for y in t..b {
                            for x in l..r {
                                hits[(y * size.0 + x) as usize] += 1;
                            }
                        }
                    }
                    assert!(hits.iter().all(|&h| h == 1), "pitch {pitch}, eye {}", camera.eye());
                }
            }
        }
    }

    #[test]
    fn the_floor_is_below_the_horizon() {
        let camera = Camera { pitch: 0.2, ..Camera::default() };
        let options = FrameOptions::default();
        let uniforms = FrameUniforms::new(&camera, (100, 100), &Theme::DARK, &options, None);
        let regions = regions((100, 100), &uniforms, None, &options);
        let (_, sky) = regions.iter().find(|(r, _)| *r == Region::Sky).unwrap();
        // A point far out on the floor projects to just below the horizon.
        let forward = -camera.back().with_y(0.0).normalize();
        let far = camera.project(camera.eye().with_y(0.0) + forward * 1e5, 1.0).unwrap();
        assert!((far.y * 100.0 - sky[3] as f32).abs() < 1.5, "horizon {} against {}", sky[3], far.y * 100.0);
    }
}

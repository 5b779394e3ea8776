//! Figures of the host's picture, for viewers that ask for them by `stats:watch`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How fast the host is, and what it drew. Sent when something is new, at most once a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct HostStats {
    /// Pictures rendered a second, those of the host's window included; 0 at rest.
    pub rendered_fps: f32,
    /// Pictures encoded a second.
    pub encoded_fps: f32,
    /// Milliseconds to render one picture and read it back, median.
    pub render_ms: f32,
    /// Milliseconds to encode one picture, median.
    pub encode_ms: f32,
    /// The video encoder, such as `openh264 (software)`.
    pub encoder: String,
    /// Triangles drawn. This and what follows is of the last picture that was drawn; at rest it is kept.
    #[ts(type = "number")]
    pub triangles: u64,
    /// Segments of edges and wireframe drawn.
    #[ts(type = "number")]
    pub lines: u64,
    /// Draw commands.
    pub draw_calls: u32,
    /// Objects drawn: placed parts, and stand-ins of whole devices.
    pub drawn: u32,
    /// Objects that were not drawn.
    pub left_out: LeftOut,
    /// Distant devices drawn as one coarse shape each.
    pub stand_ins: u32,
    /// Objects that one sees through.
    pub transparent: u32,
    /// Pictures of which the resting one is the average: borders get smoother with each.
    pub rest_frames: u32,
    /// The graphics card chose what is drawn.
    pub culled_on_device: bool,
    /// Milliseconds the graphics device worked on a picture; null where it does not tell.
    pub device_ms: Option<f32>,
    /// The same for each pass that was drawn.
    pub passes: Vec<PassMs>,
    /// For people: what pictures in motion do without to stay fluent, such as `71 % resolution`; empty when nothing.
    pub economy: String,
}

/// Objects that were not drawn, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Outside the picture.
    pub outside: u32,
    /// Smaller than a pixel.
    pub small: u32,
    /// Behind others.
    pub hidden: u32,
    /// Beyond a section plane.
    pub cut_away: u32,
}

/// The time of one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct PassMs {
    /// Its name, such as `main` or `shadow`.
    pub pass: String,
    /// Milliseconds.
    pub ms: f32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HostBody, HostMessage};

    #[test]
    fn figures_have_the_documented_shape() {
        let stats = HostStats {
            rendered_fps: 30.0,
            encoded_fps: 29.5,
            render_ms: 12.25,
            encode_ms: 4.5,
            encoder: "openh264 (software)".into(),
            triangles: 5_000_000_000,
            lines: 10,
            draw_calls: 11,
            drawn: 12,
            left_out: LeftOut { outside: 1, small: 2, hidden: 3, cut_away: 4 },
            stand_ins: 5,
            transparent: 6,
            rest_frames: 1,
            culled_on_device: true,
            device_ms: None,
            passes: vec![PassMs { pass: "main".into(), ms: 1.5 }],
            economy: String::new(),
        };
        let message = HostMessage { timestamp: 2.0, body: HostBody::Stats(stats) };
        let json = serde_json::to_value(&message).unwrap();
        assert_eq!((json["type"].as_str(), json["data"]["triangles"].as_u64()), (Some("stats"), Some(5_000_000_000)));
        assert_eq!(json["data"]["leftOut"]["cutAway"], 4);
        assert_eq!(json["data"]["passes"][0]["ms"], 1.5);
        assert!(json["data"]["deviceMs"].is_null());
        assert_eq!(serde_json::from_value::<HostMessage>(json).unwrap(), message);
    }
}

//! The camera's movements as numbers: a viewer moves its own copy ahead of the picture and must come to the same. Its
//! tests read what is written here (`RR_BLESS=1` writes it anew).
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use glam::Vec3;
use rr_scene::Camera;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Small, repeatable random numbers (xorshift64*).
struct Random(u64);

impl Random {
    /// 0 to 1.
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        #[expect(clippy::cast_precision_loss, reason = "24 bits")]
        let share = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u32 << 24) as f32;
        share
    }

    /// Of few digits, so that what is written is what was used.
    fn within(&mut self, least: f32, most: f32) -> f32 {
        ((least + (most - least) * self.next()) * 64.0).round() / 64.0
    }
}

fn written(c: &Camera) -> Value {
    let Camera { target, distance, yaw, pitch, fov_y } = *c;
    json!({ "target": target.to_array(), "distance": distance, "yaw": yaw, "pitch": pitch, "fovY": fov_y })
}

/// A camera, some movements as they come in messages, and the camera after each.
fn case(random: &mut Random, most: f32) -> Value {
    let mut camera = Camera {
        target: Vec3::new(random.within(-20.0, 20.0), random.within(0.0, 4.0), random.within(-20.0, 20.0)),
        distance: random.within(0.25, 60.0),
        yaw: random.within(-3.0, 3.0),
        pitch: random.within(-1.5, 1.5),
        fov_y: random.within(0.4, 1.2),
    };
    let start = written(&camera);
    let mut moves = Vec::new();
    while moves.is_empty() || random.next() < 0.8 {
        let (x, y, kind) = (random.within(-most, most), random.within(-most, most), random.next());
        let message = if kind < 0.4 {
            camera.orbit(x, y);
            json!({ "type": "camera:orbit", "data": { "deltaX": x, "deltaY": y } })
        } else if kind < 0.7 {
            camera.pan(x, y, 720.0);
            json!({ "type": "camera:pan", "data": { "deltaX": x, "deltaY": y } })
        } else {
            camera.zoom(x);
            json!({ "type": "camera:zoom", "data": { "delta": x } })
        };
        moves.push(json!({ "message": message, "camera": written(&camera) }));
    }
    json!({ "start": start, "moves": moves })
}

#[test]
fn viewers_move_their_cameras_by_the_numbers_of_this_one() {
    let mut random = Random(0x5eed);
    let mut all: Vec<Value> = (0..50).map(|_| case(&mut random, 300.0)).collect();
    // Far beyond what a hand does: every limit is met.
    all.extend((0..15).map(|_| case(&mut random, 20_000.0)));
    let text: String = all.iter().map(|case| format!("  {case}")).collect::<Vec<_>>().join(",\n");
    let text = format!("[\n{text}\n]\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-viewer/test/golden/camera_moves.json");
    if std::env::var_os("RR_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    // Written by serde_json in the order of its maps: only the numbers count.
    assert_eq!(kept, serde_json::from_str::<Value>(&text).unwrap(), "RR_BLESS=1 writes the numbers of today");
}

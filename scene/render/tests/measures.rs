//! Measurements in the picture: seen through everything, and nothing of it when there are none.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{Detail, FrameOptions, RenderTarget, Renderer, Theme};
use rr_scene::measure::{Mark, Measured, Measurement};
use rr_scene::{DeviceKind, SceneSnapshot};
use std::sync::Arc;

/// The colour of measurements in the dark theme.
fn is_accent(p: [u8; 4]) -> bool {
    p[2] > 200 && p[2] > p[0].saturating_add(90)
}

fn scene(marks: Vec<Mark>) -> SceneSnapshot {
    let grey = colour_all(cuboid(Vec3::new(-0.5, 0.0, -0.5), Vec3::new(0.5, 1.0, 0.5)), [90, 90, 90]);
    let builder = Builder::default().model("cube", model_of(vec![grey]));
    let scene =
        builder.device("c", "cube", DeviceKind::Equipment, Vec3::ZERO).snapshot(camera(Vec3::Y * 0.5, 6.0, 0.0, 0.0));
    let measured = Measured { facts: Vec::new(), marks };
    let measurement = Measurement { id: 1, by: 1, is_open: false, features: Vec::new(), measured };
    SceneSnapshot { measurements: Arc::new(vec![measurement]), ..scene }
}

fn options() -> FrameOptions {
    FrameOptions { detail: Detail::Full, ..FrameOptions::bare() }
}

#[test]
fn a_distance_is_seen_through_what_stands_before_it() {
    let Some(gpu) = software() else { return };
    let behind = [Vec3::new(-1.5, 0.5, -2.0), Vec3::new(1.5, 0.5, -2.0)];
    let marks = vec![Mark::Span(behind), Mark::Label(Vec3::new(0.0, 0.5, -2.0), "3.000 m".into())];
    let picture = draw(&gpu, &scene(marks), (640, 360), Theme::DARK, &options());
    let blue = picture.places(is_accent);
    let middle: Vec<_> = blue.iter().filter(|(x, _)| (300..340).contains(x)).collect();
    assert!(middle.len() > 200, "the plate of the label lies in the middle of the picture: {}", middle.len());
    let (left, right) = (blue.iter().map(|p| p.0).min().unwrap(), blue.iter().map(|p| p.0).max().unwrap());
    assert!((640 - left).abs_diff(right) < 4 && left < 240, "from {left} to {right}");
    // The ticks at the ends are higher than the line.
    let high =
        |x: usize| blue.iter().filter(|p| p.0.abs_diff(x) <= 1).map(|p| p.1).collect::<std::collections::BTreeSet<_>>();
    assert!(high(left).len() >= 8 && high(left + 20).len() <= 4, "{:?} {:?}", high(left), high(left + 20));
    assert_eq!(picture.stats.labels, 1, "labels of devices are off, values are not");
}

#[test]
fn without_measurements_the_picture_is_what_it_was() {
    let Some(gpu) = software() else { return };
    let with = scene(vec![Mark::Dot(Vec3::new(0.0, 0.5, 0.5))]);
    let without = SceneSnapshot { measurements: Arc::default(), ..with.clone() };
    let dot = draw(&gpu, &with, (320, 180), Theme::DARK, &options());
    let plain = draw(&gpu, &without, (320, 180), Theme::DARK, &options());
    assert!((15..120).contains(&dot.count(is_accent)), "{}", dot.count(is_accent));
    assert_eq!(plain.count(is_accent), 0);
    assert_eq!(dot.stats.draw_calls, plain.stats.draw_calls + 1);
}

#[test]
fn a_resting_picture_keeps_what_is_under_the_measurements() {
    let Some(gpu) = software() else { return };
    let with = scene(vec![Mark::Span([Vec3::new(-1.0, 1.5, 0.0), Vec3::new(1.0, 1.5, 0.0)])]);
    let without = SceneSnapshot { measurements: Arc::default(), ..with.clone() };
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut target = RenderTarget::new(&gpu, 320, 180, 1).unwrap();
    let mut draw = |scene: &SceneSnapshot| {
        let stats = renderer.render(&mut target, scene, &FrameOptions { rest_frames: 4, ..options() }).unwrap();
        (stats, target.to_rgba().unwrap())
    };
    for _ in 0..6 {
        draw(&with);
    }
    let (rested, plain) = draw(&without);
    assert_eq!((rested.rest_frames, rested.triangles), (4, 0), "nothing but the overlay was drawn");
    let (_, lined) = draw(&with);
    assert!(plain != lined);
    let (_, again) = draw(&without);
    assert_eq!(plain, again);
}

#[test]
fn what_lies_behind_the_eye_or_nowhere_draws_nothing_and_harms_nothing() {
    let Some(gpu) = software() else { return };
    let far = Vec3::splat(1e30);
    let marks = vec![
        Mark::Span([Vec3::Z * 50.0, Vec3::Z * 60.0]),
        Mark::Label(Vec3::Z * 50.0, "behind".into()),
        Mark::Dot(Vec3::NAN),
        Mark::Edge(vec![far, -far, Vec3::splat(f32::INFINITY)]),
        Mark::Edge(Vec::new()),
        Mark::Arc(vec![Vec3::ONE]),
    ];
    let picture = draw(&gpu, &scene(marks), (320, 180), Theme::DARK, &options());
    assert_eq!(picture.stats.labels, 0);
    // A line that comes from behind the eye is seen from where it passes it.
    let through = vec![Mark::Span([Vec3::new(0.3, 0.2, 20.0), Vec3::new(0.3, 0.2, -3.0)])];
    assert!(draw(&gpu, &scene(through), (320, 180), Theme::DARK, &options()).count(is_accent) > 50);
}

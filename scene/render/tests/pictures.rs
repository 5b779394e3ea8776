//! Pictures of whole scenes against blessed ones, drawn by the software adapter. `RR_BLESS=1` writes them anew.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod common;

use common::*;
use glam::Vec3;
use rr_render::{AmbientOcclusion, FrameOptions, Gpu, Theme};
use rr_scene::{DeviceKind, SceneSnapshot, Section, SectionPlane};
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// Compares with the blessed picture. Rasterizers differ in borders of lines and letters by versions: a few pixels
/// may differ much, all pixels together only a little.
fn compare(name: &str, picture: &Picture) {
    let path = folder().join(format!("{name}.png"));
    let png = encode(picture);
    if std::env::var_os("RR_BLESS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, png).unwrap();
        return;
    }
    let blessed =
        decode(&std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; RR_BLESS=1 makes it", path.display())));
    assert_eq!((blessed.width, blessed.height), (picture.width, picture.height), "{name}: size");
    let pixels = picture.width * picture.height;
    let (_, far) = picture.difference(&blessed, 24);
    let sum: u64 = picture.rgba.iter().zip(&blessed.rgba).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = sum as f64 / (pixels * 3) as f64;
    if far * 200 > pixels || mean > 1.2 {
        let now = std::env::temp_dir().join(format!("rr-render-{name}.png"));
        std::fs::write(&now, png).unwrap();
        panic!("{name}: {far} of {pixels} pixels differ, mean {mean:.2}; now: {}", now.display());
    }
}

fn encode(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&picture.rgba).unwrap();
    writer.finish().unwrap();
    out
}

fn decode(bytes: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut rgba = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgba).unwrap();
    Picture { width: info.width as usize, height: info.height as usize, rgba, stats: Default::default() }
}

fn check(gpu: &Gpu, name: &str, scene: &SceneSnapshot, size: (u32, u32), theme: Theme) {
    let ambient_occlusion = AmbientOcclusion::On;
    let options = FrameOptions { time_secs: 12.25, ambient_occlusion, ..FrameOptions::default() };
    compare(name, &draw(gpu, scene, size, theme, &options));
}

#[test]
fn a_line_of_machines_dark_and_light() {
    let Some(gpu) = software() else { return };
    let scene = line()
        .link("infeed-conveyor", "robot-1", "production_flow")
        .link("robot-1", "mill-A", "production_flow")
        .link("mill-A", "outfeed-conveyor", "material_flow")
        .select("robot-1")
        .hover("mill-A")
        .snapshot(line_camera());
    check(&gpu, "line_dark", &scene, (960, 540), Theme::DARK);
    check(&gpu, "line_light", &scene, (640, 360), Theme::LIGHT);
}

#[test]
fn shapes_with_colours() {
    let Some(gpu) = software() else { return };
    let model = model_of(vec![
        colour_all(moved(cuboid(Vec3::splat(-0.5), Vec3::splat(0.5)), Vec3::new(-1.6, 0.5, 0.0)), [200, 60, 50]),
        cylinder(0.5, 1.0, 64),
        colour_all(moved(torus(0.55, 0.22, 48), Vec3::new(1.7, 0.0, 0.0)), [60, 120, 190]),
    ]);
    let scene = Builder::default()
        .model("m", model)
        .device("shapes", "m", DeviceKind::Equipment, Vec3::ZERO)
        .snapshot(camera(Vec3::new(0.1, 0.4, 0.0), 4.6, 30.0, 25.0));
    check(&gpu, "shapes_dark", &scene, (641, 359), Theme::DARK);
    check(&gpu, "shapes_light", &scene, (641, 359), Theme::LIGHT);
}

#[test]
fn wireframe_and_markers() {
    let Some(gpu) = software() else { return };
    let mut curve = rr_scene::Mesh::default();
    for i in 0..96 {
        let at = |i: i32| {
            let t = i as f32 / 96.0 * std::f32::consts::TAU;
            [(2.0 * t).cos() * 0.8 * (0.6 + 0.4 * (3.0 * t).cos()), 0.7 + 0.4 * (3.0 * t).sin(), (2.0 * t).sin() * 0.8]
        };
        curve.lines.extend([at(i), at(i + 1)]);
    }
    let mut model = model_of(vec![curve.clone(), moved(curve, Vec3::new(2.2, 0.0, 0.0))]);
    model.instances[1].colour = Some(rr_scene::Rgba8([230, 120, 40, 255]));
    let scene = Builder::default()
        .model("m", model)
        .device("wireframe", "m", DeviceKind::Equipment, Vec3::new(-1.0, 0.0, 0.0))
        .device("sensor", "missing", DeviceKind::Sensor, Vec3::new(-2.6, 0.0, 0.4))
        .select("sensor")
        .snapshot(camera(Vec3::new(-0.2, 0.5, 0.0), 5.5, 15.0, 22.0));
    check(&gpu, "wireframe_dark", &scene, (640, 360), Theme::DARK);
    check(&gpu, "wireframe_light", &scene, (640, 360), Theme::LIGHT);
}

#[test]
fn machines_cut_open_behind_glass() {
    let Some(gpu) = software() else { return };
    let pane = |alpha| {
        let mut mesh = colour_all(cuboid(Vec3::new(-1.2, 0.2, 1.0), Vec3::new(1.2, 2.2, 1.04)), [120, 170, 220]);
        mesh.colours[0].colour.0[3] = alpha;
        mesh
    };
    let scene = line()
        .model("pane", model_of(vec![pane(70)]))
        .device("guard", "pane", DeviceKind::Equipment, Vec3::new(0.2, 0.0, 0.5))
        .select("mill-A")
        .snapshot(line_camera());
    scene.models.values().for_each(|m| rr_load::refine(m, &rr_load::CancelToken::new()));
    let plane = |normal, offset| SectionPlane::new(normal, offset).unwrap();
    let half = Section::of([plane(Vec3::Z, 0.05)]);
    check(&gpu, "glass_dark", &scene, (960, 540), Theme::DARK);
    check(&gpu, "section_dark", &SceneSnapshot { section: half, ..scene.clone() }, (960, 540), Theme::DARK);
    let corner = Section::of([plane(Vec3::Y, 1.1), plane(Vec3::new(0.5, 0.0, 1.0), 0.3)]);
    check(&gpu, "section_light", &SceneSnapshot { section: corner, ..scene }, (640, 360), Theme::LIGHT);
}

#[test]
fn a_large_hall_from_afar_and_one_pixel() {
    let Some(gpu) = software() else { return };
    let mut hall = line();
    for i in 0..60 {
        let at = Vec3::new((i % 10) as f32 * 6.0 - 27.0, 0.0, (i / 10) as f32 * -5.0 - 5.0);
        let (model, kind) = match i % 3 {
            0 => ("cell", DeviceKind::MachiningCell),
            1 => ("robot", DeviceKind::RobotArm),
            _ => ("conveyor", DeviceKind::Conveyor),
        };
        hall = hall.turned(&format!("station-{i:02}"), model, kind, at, i as f32);
    }
    let scene = hall.snapshot(camera(Vec3::new(0.0, 0.0, -14.0), 52.0, 20.0, 26.0));
    check(&gpu, "hall_dark", &scene, (800, 450), Theme::DARK);
    check(&gpu, "one_pixel", &scene, (1, 1), Theme::DARK);
    let close = SceneSnapshot { camera: camera(Vec3::new(1.2, 1.4, 0.3), 1.1, 35.0, 12.0), ..scene };
    check(&gpu, "close_light", &close, (640, 360), Theme::LIGHT);
}

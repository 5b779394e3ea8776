//! Milliseconds per frame, drawn and read back: `frames [auto|hardware|software] [small|many|large]` for made-up scenes,
//! `frames auto WORKSPACE` for what each ingredient of a 720p frame of that workspace costs.
//!
//! `cpu` is the processor time of this process per frame, all threads together: with a software adapter it tells more
//! than the clock when other programs run beside.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod common;

use common::{Failure, cpu_secs, open};
use glam::{Affine3A, Vec3};
use rr_engine::{AdapterChoice, Cache, Gpu};
use rr_render::{Detail, FrameOptions, GpuError, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{
    Assembly, Camera, Command, Connection, Device, DeviceKind, Instance, Marks, Mesh, Model, ModelRef, Part, Role,
    SceneSnapshot, Transform, UpAxis, Workspace,
};
use std::collections::{BTreeSet, HashMap};
use std::f32::consts::TAU;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const FRAMES: usize = 30;

fn main() -> Result<(), Failure> {
    let choice: AdapterChoice = std::env::args().nth(1).as_deref().unwrap_or("auto").parse()?;
    let gpu = Gpu::headless(choice)?;
    println!("{} ({}, {})", gpu.info().name, gpu.info().backend, gpu.info().driver);
    let only = std::env::args().nth(2);
    if let Some(path) = only.as_deref().filter(|o| o.ends_with(".json")) {
        return breakdown(&gpu, &workspace(&gpu, Path::new(path))?);
    }
    let serial = |n: f64| format!("{n:7.1}");
    println!(
        "{:>9} {:>10} {:>7} {:>4} | {:>7} {:>7} {:>7} {:>9}",
        "triangles", "picture", "devices", "msaa", "p50", "p95", "cpu", "pipelined"
    );
    for (name, devices, steps) in [("small", 16, 56), ("many", 160, 18), ("large", 160, 56)] {
        if only.as_deref().is_some_and(|o| o != name) {
            continue;
        }
        let scene = scene(devices, steps)?;
        for (width, height) in [(1280, 720), (1920, 1080)] {
            for samples in [1, 4] {
                let all = FrameOptions::default();
                let (mut times, stats, cpu) = serial_frames(&gpu, &scene, (width, height, samples), all, false)?;
                times.sort_by(f64::total_cmp);
                let pipelined = pipelined_frames(&gpu, &scene, width, height, samples)?;
                println!(
                    "{:>9} {:>10} {devices:>7} {samples:>4} | {} {} {} {:>9}",
                    stats.triangles,
                    format!("{width}x{height}"),
                    serial(times[FRAMES / 2]),
                    serial(times[FRAMES * 95 / 100]),
                    serial(cpu),
                    serial(pipelined)
                );
            }
        }
    }
    Ok(())
}

/// A workspace with all of its models.
fn workspace(gpu: &Gpu, path: &Path) -> Result<SceneSnapshot, Failure> {
    let engine = open(gpu, path, Cache::of_user())?;
    let scene = engine.scene();
    engine.shutdown()?;
    Ok(SceneSnapshot::clone(&scene))
}

fn breakdown(gpu: &Gpu, scene: &SceneSnapshot) -> Result<(), Failure> {
    let none = FrameOptions::bare();
    let empty = SceneSnapshot { workspace: Arc::default(), ..scene.clone() };
    let cases = [
        ("smallest picture, empty", &empty, none),
        ("smallest picture, faces", scene, none),
        ("background", &empty, none),
        ("background and grid", &empty, FrameOptions { grid: true, ..none }),
        ("faces", scene, none),
        ("faces, grid", scene, FrameOptions { grid: true, ..none }),
        ("faces, grid, shadow", scene, FrameOptions { grid: true, shadows: true, ..none }),
        ("faces, edges", scene, FrameOptions { edges: true, ..none }),
        ("faces, outlines", scene, FrameOptions { outlines: true, ..none }),
        ("faces, labels", scene, FrameOptions { labels: true, ..none }),
        ("faces, connections", scene, FrameOptions { connections: true, ..none }),
        ("everything", scene, FrameOptions::default()),
        ("everything, in motion", scene, FrameOptions { detail: Detail::Moving, ..FrameOptions::default() }),
        ("everything, camera rests", scene, FrameOptions::default()),
    ];
    for (name, scene, options) in cases {
        let size = if name.starts_with("smallest") { (16, 16, 1) } else { (1280, 720, 1) };
        let (mut times, stats, cpu) = serial_frames(gpu, scene, size, options, name.ends_with("rests"))?;
        times.sort_by(f64::total_cmp);
        let (p50, min) = (times[FRAMES / 2], times[0]);
        println!(
            "{name:<24} p50 {p50:7.1} ms   min {min:7.1} ms   cpu {cpu:7.1} ms   {:7} triangles {:7} lines {:4} calls",
            stats.triangles, stats.lines, stats.draw_calls
        );
    }
    Ok(())
}

fn orbit(scene: &mut SceneSnapshot, options: &mut FrameOptions, angle: f32) {
    scene.camera.yaw += angle;
    options.time_secs += 0.033;
}

/// Each frame drawn, then waited for: milliseconds, figures of the last one, processor milliseconds per frame.
#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn serial_frames(
    gpu: &Gpu,
    scene: &SceneSnapshot,
    (w, h, samples): (u32, u32, u32),
    mut options: FrameOptions,
    rests: bool,
) -> Result<(Vec<f64>, RenderStats, f64), GpuError> {
    let mut renderer = Renderer::new(gpu, Theme::DARK)?;
    let mut target = RenderTarget::new(gpu, w, h, samples)?;
    let mut scene = scene.clone();
    for model in scene.models.values() {
        rr_load::refine(model, &rr_load::CancelToken::new());
    }
    let mut times = Vec::new();
    let (mut stats, mut cpu) = (RenderStats::default(), 0.0);
    for frame in 0..FRAMES + 3 {
        if frame == 3 {
            cpu = cpu_secs();
        }
        orbit(&mut scene, &mut options, if rests { 0.0 } else { 0.02 });
        let start = Instant::now();
        stats = renderer.render(&mut target, &scene, &options)?;
        target.read_back(|bytes, _| bytes[bytes.len() / 2])?;
        if frame >= 3 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok((times, stats, (cpu_secs() - cpu) * 1e3 / FRAMES as f64))
}

/// Mean time per frame when the next one is drawn while the last one is read.
fn pipelined_frames(gpu: &Gpu, scene: &SceneSnapshot, w: u32, h: u32, samples: u32) -> Result<f64, GpuError> {
    let mut renderer = Renderer::new(gpu, Theme::DARK)?;
    let mut target = RenderTarget::new(gpu, w, h, samples)?;
    let (mut scene, mut options) = (scene.clone(), FrameOptions::default());
    renderer.render(&mut target, &scene, &options)?;
    target.read_back(|_, _| ())?;
    let start = Instant::now();
    for _ in 0..FRAMES {
        orbit(&mut scene, &mut options, 0.02);
        renderer.render(&mut target, &scene, &options)?;
        target.start_read_back()?;
        if target.read_backs_in_flight() > 1 {
            target.poll_read_back(true, |bytes, _| bytes[bytes.len() / 2])?;
        }
    }
    while target.poll_read_back(true, |_, _| ())?.is_some() {}
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let mean = start.elapsed().as_secs_f64() * 1e3 / FRAMES as f64;
    Ok(mean)
}

/// Rings on plinths in a square, one selected, some connected.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
fn scene(devices: usize, steps: u32) -> Result<SceneSnapshot, Failure> {
    let model_ref = ModelRef { path: "ring".into(), unit: None, up: Some(UpAxis::Y) };
    let part = |mesh| Part { name: String::new(), mesh };
    let place = |part| Instance { part, name: String::new(), model_from_part: Affine3A::IDENTITY, colour: None };
    let model = Model::of(&Assembly { parts: vec![part(ring(steps))], instances: vec![place(0)] });
    rr_load::refine(&model, &rr_load::CancelToken::new());
    let mut workspace = Workspace::new("bench");
    let side = (devices as f32).sqrt().ceil() as usize;
    for i in 0..devices {
        let device = Device {
            id: format!("d{i}").as_str().into(),
            name: format!("Machine {i}"),
            kind: DeviceKind::KNOWN[i % DeviceKind::KNOWN.len()].clone(),
            model: Some(model_ref.clone()),
            transform: Transform::at(Vec3::new((i % side) as f32 * 2.2, 0.0, (i / side) as f32 * 2.2)),
            properties: Default::default(),
        };
        workspace.apply(&Command::AddDevice(device), Role::Admin)?;
    }
    for i in 1..devices.min(12) {
        let connection = Connection {
            id: format!("c{i}").as_str().into(),
            source: format!("d{}", i - 1).as_str().into(),
            target: format!("d{i}").as_str().into(),
            kind: "production_flow".into(),
        };
        workspace.apply(&Command::AddConnection(connection), Role::Admin)?;
    }
    let extent = side as f32 * 2.2;
    let camera = Camera {
        target: Vec3::new(extent * 0.5 - 1.0, 0.3, extent * 0.5 - 1.0),
        distance: extent * 1.15,
        ..Camera::default()
    };
    Ok(SceneSnapshot {
        revision: 1,
        workspace: Arc::new(workspace),
        models: Arc::new(HashMap::from([(model_ref, Arc::new(model))])),
        marks: Arc::new(Marks { selection: BTreeSet::from(["d5".into()]), ..Marks::default() }),
        camera,
        ..SceneSnapshot::default()
    })
}

/// A lying ring with two feature edges around it: `2 * steps * steps` triangles.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn ring(steps: u32) -> Mesh {
    let mut mesh = Mesh::default();
    let point = |a: f32, b: f32| {
        let n = Vec3::new(a.cos() * b.cos(), b.sin(), a.sin() * b.cos());
        (Vec3::new(a.cos() * 0.6, 0.3, a.sin() * 0.6) + n * 0.3, n)
    };
    let angle = |i: u32| i as f32 / steps as f32 * TAU;
    for i in 0..=steps {
        for j in 0..=steps {
            let (p, n) = point(angle(i), angle(j));
            mesh.positions.push(p.to_array());
            mesh.normals.push(n.to_array());
            if i < steps && j < steps {
                let (v, w) = (i * (steps + 1) + j, (i + 1) * (steps + 1) + j);
                mesh.indices.extend([v, v + 1, w, w, v + 1, w + 1]);
            }
        }
        if i < steps {
            for b in [TAU * 0.25, TAU * 0.5] {
                mesh.edges.extend([point(angle(i), b).0.to_array(), point(angle(i + 1), b).0.to_array()]);
            }
        }
    }
    mesh
}

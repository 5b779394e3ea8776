//! The benchmark `factory-1000`: `factory WORKSPACE [auto|hardware|software] [WIDTHxHEIGHT]` prints how long a large
//! workspace takes to load, cold and from the cache, what a frame on a fixed camera path costs with each saving switched
//! off, how far the pictures are from those in full detail (too far is a failure), and how long picking takes.
//!
//! `RR_IMPORT` names the import helper. With `RR_QUICK=1` the cases without savings are left out; with
//! `RR_PICTURES=FOLDER` the pictures that are compared are written there.
//!
//! Loading is measured in processes of their own, so that neither memory nor caches of one count for the other.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod common;

use common::fidelity::{Difference, LARGE, NOTICED, STEPS, camera_path, draw};
use common::{Failure, cpu_secs, open};
use glam::Vec2;
use rr_engine::{AdapterChoice, Cache, Governor, Gpu, PictureSize};
use rr_render::{Culler, Culling, Detail, FrameOptions, Pass, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{Model, PickModel, PickModels, SceneSnapshot};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let usage = "factory WORKSPACE [auto|hardware|software] [WIDTHxHEIGHT]";
    let path = Path::new(args.first().ok_or(usage)?);
    if let Some(cache) = args.get(1).and_then(|a| a.strip_prefix("--load=")) {
        return load_and_tell(path, Path::new(cache));
    }
    let choice: AdapterChoice = args.get(1).map_or("auto", String::as_str).parse()?;
    let size: PictureSize = args.get(2).map_or("1280x720", String::as_str).parse()?;
    let cache = tempfile_folder()?;
    let gpu = Gpu::headless(choice)?;
    println!(
        "{} ({}, {}), {}x{}",
        gpu.info().name,
        gpu.info().backend,
        gpu.info().driver,
        size.width_px,
        size.height_px
    );
    for what in ["cold", "from cache"] {
        println!("load {what:<12} {}", measured_load(path, &cache)?);
    }
    let scene = load(&gpu, path, &cache)?.0;
    std::fs::remove_dir_all(&cache)?;
    let triangles: usize =
        scene.workspace.devices().filter_map(|d| scene.model_of(&d.id)).map(|m| m.triangle_count()).sum();
    let connections = scene.workspace.connections().count();
    println!(
        "{} devices, {connections} connections, {} models, {:.1} million triangles at full detail",
        scene.workspace.devices().count(),
        scene.models.len(),
        triangles as f64 / 1e6
    );
    models(&scene);
    frames(&gpu, &scene, size)?;
    adapted(&gpu, &scene, size)?;
    given_up(&gpu, &scene, size)?;
    picking(&scene, size);
    differences(&gpu, &scene, size)
}

fn tempfile_folder() -> Result<std::path::PathBuf, Failure> {
    let folder = std::env::temp_dir().join(format!("rr-factory-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs this program for one load and gives back the line it prints.
fn measured_load(path: &Path, cache: &Path) -> Result<String, Failure> {
    let out = Command::new(std::env::current_exe()?)
        .args([path.as_os_str(), format!("--load={}", cache.display()).as_ref()])
        .output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned().into());
    }
    Ok(String::from_utf8(out.stdout)?.trim_end().to_owned())
}

fn load_and_tell(path: &Path, cache: &Path) -> Result<(), Failure> {
    let gpu = Gpu::headless(AdapterChoice::Auto)?;
    let (_, shown, cpu, refined) = load(&gpu, path, cache)?;
    println!(
        "{:6.2} s, {cpu:6.2} s of CPU, all refined after {:6.2} s, peak memory {} MB",
        shown.as_secs_f64(),
        refined.as_secs_f64(),
        peak_memory_mb()
    );
    Ok(())
}

/// The scene, when all of it could be shown, the CPU seconds until then, when all of it had its coarser versions.
fn load(gpu: &Gpu, path: &Path, cache: &Path) -> Result<(SceneSnapshot, Duration, f64, Duration), Failure> {
    let (started, cpu) = (Instant::now(), cpu_secs());
    let engine = open(gpu, path, Some(Cache::at(cache, 8 << 30)))?;
    let (shown, cpu) = (started.elapsed(), cpu_secs() - cpu);
    let scene = engine.scene();
    while scene.models.values().any(|m| m.stand_in.get().is_none()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let refined = started.elapsed();
    // What is written to the cache last is written when its thread is joined.
    engine.shutdown()?;
    Ok((SceneSnapshot::clone(&scene), shown, cpu, refined))
}

fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// What each model consists of, and what its stand-in saves.
fn models(scene: &SceneSnapshot) {
    println!(
        "{:<28} {:>9} {:>7}  stand-in: triangles at an error, in percent of the radius",
        "model", "triangles", "objects"
    );
    let mut all: Vec<_> = scene.models.iter().collect();
    all.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    for (file, model) in all {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let objects: usize = model.pieces.iter().map(|p| p.places.len()).sum();
        let solid = model.pieces.iter().filter(|p| p.shape.is_solid()).count();
        print!(
            "{name:<28} {:>9} {objects:>7} {:>7} ",
            model.triangle_count(),
            format!("{solid}/{}", model.pieces.len())
        );
        if let Some(Some(stand_in)) = model.stand_in.get() {
            let shape = &stand_in.shape;
            let radius = shape.bounds.radius();
            print!(" {} at {:.2}", shape.triangle_count(), shape.error / radius * 100.0);
            for level in shape.levels.get().map_or(&[][..], |l| &l.levels) {
                print!(", {} at {:.2}", level.count / 3, level.error / radius * 100.0);
            }
        }
        println!();
    }
}

fn frames(gpu: &Gpu, scene: &SceneSnapshot, size: PictureSize) -> Result<(), Failure> {
    let path = camera_path(scene);
    let all = Culling::default();
    let software = gpu.info().is_software;
    let moving = if software { Detail::Moving } else { Detail::Fine };
    let (here, there) = (Culler::Auto, Culler::Device);
    let cases = [
        ("all savings, in motion", moving, all, true, here),
        ("  chosen by the device", moving, all, true, there),
        ("  without occlusion", moving, Culling { occlusion: false, ..all }, true, here),
        ("all savings, at rest", Detail::Fine, all, true, here),
        ("faces only, in motion", moving, all, false, here),
        ("  without stand-ins", moving, Culling { stand_ins: false, ..all }, false, here),
        ("  without levels", moving, Culling { levels: false, stand_ins: false, ..all }, false, here),
        ("  without small", moving, Culling { small: false, ..all }, false, here),
        ("  without frustum", moving, Culling { frustum: false, ..all }, false, here),
        ("  without any", moving, Culling::NONE, false, here),
    ];
    println!("{:<24} {:>27} {:>27} {:>27}", "ms per frame, p50 / p95", "overview", "across", "aisle");
    // For trying things out.
    let some = if std::env::var_os("RR_QUICK").is_some() { 4 } else { cases.len() };
    let mut told = Vec::new();
    for (name, detail, culling, everything, culler) in cases.into_iter().take(some) {
        let mut renderer = Renderer::new(gpu, Theme::DARK)?;
        let mut target = RenderTarget::new(gpu, size.width_px, size.height_px, gpu.default_samples())?;
        let base = if everything { FrameOptions::default() } else { FrameOptions::bare() };
        let options = FrameOptions { detail, culling, culler, ..base };
        // The first frame brings everything onto the device.
        renderer.render(&mut target, scene, &options)?;
        target.read_back(|bytes, _| bytes[0])?;
        let mut line = format!("{name:<24}");
        for part in ["overview", "across", "aisle"] {
            let mut times = Vec::new();
            let mut stats = RenderStats::default();
            // What takes seconds is not drawn a dozen times.
            let budget = Instant::now();
            for (_, camera) in path.iter().filter(|(p, _)| *p == part) {
                let scene = SceneSnapshot { camera: *camera, ..scene.clone() };
                let start = Instant::now();
                stats = renderer.render(&mut target, &scene, &options)?;
                target.read_back(|bytes, _| bytes[bytes.len() / 2])?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
                if budget.elapsed() > Duration::from_secs(8) {
                    break;
                }
            }
            times.sort_by(f64::total_cmp);
            let (p50, p95) = (times[times.len() / 2], times[(times.len() - 1) * 95 / 100]);
            line += &format!("  {p50:6.1} /{p95:7.1} ({:5.0}k tri)", stats.triangles as f64 / 1e3);
            if everything {
                told.push(format!("{name:<24} {part:<9} {}", counts(&stats)));
            }
        }
        println!("{line}");
    }
    println!("{:<34} drawn outside small hidden stand-ins calls, ms of passes", "objects, last frame of each");
    told.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// What one frame left out, and what its passes took on the device.
fn counts(stats: &RenderStats) -> String {
    let RenderStats { instances, culled_outside, culled_small, culled_hidden, stand_ins, draw_calls, .. } = stats;
    let passes = Pass::ALL.into_iter().filter_map(|pass| Some((pass, stats.times.ms(pass).filter(|ms| *ms > 0.0)?)));
    let passes: Vec<String> = passes.map(|(pass, ms)| format!("{} {ms:.1}", pass.name())).collect();
    format!(
        "{instances:>5} {culled_outside:>7} {culled_small:>5} {culled_hidden:>6} {stand_ins:>9} {draw_calls:>5}, {}",
        passes.join(", ")
    )
}

/// How soon a frame of the resting picture is given up when something moves again: the first one, then one with its
/// corners shaded as well.
fn given_up(gpu: &Gpu, scene: &SceneSnapshot, size: PictureSize) -> Result<(), Failure> {
    let mut renderer = Renderer::new(gpu, Theme::DARK)?;
    for part in ["overview", "across", "aisle"] {
        let Some((_, camera)) = camera_path(scene).into_iter().find(|(p, _)| *p == part) else { continue };
        let scene = SceneSnapshot { camera, ..scene.clone() };
        for (name, frame) in [("at rest", 0), ("  shaded", 3)] {
            let mut line = format!("{name:<9} {part:<13}");
            for bands in [1, 8, 24] {
                // A new one holds nothing that could be kept.
                let mut target = RenderTarget::new(gpu, size.width_px, size.height_px, 1)?;
                let options = FrameOptions { bands, rest_frames: 8, ..Default::default() };
                for _ in 0..frame {
                    renderer.render(&mut target, &scene, &options)?;
                }
                target.read_back(|bytes, _| bytes[0])?;
                let (start, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
                let mut go_on = || {
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                    true
                };
                renderer.render_while(&mut target, &scene, &options, &mut go_on)?;
                target.read_back(|bytes, _| bytes[0])?;
                go_on();
                let ms = |d: Duration| d.as_secs_f64() * 1e3;
                line += &format!("  {bands:>2} bands {:6.1} ms, at most {:6.1} each", ms(start.elapsed()), ms(longest));
            }
            println!("{line}");
        }
    }
    Ok(())
}

/// Frames in motion as the engine draws them: with the economy that the times of the frames before ask for.
fn adapted(gpu: &Gpu, scene: &SceneSnapshot, size: PictureSize) -> Result<(), Failure> {
    let path = camera_path(scene);
    let mut renderer = Renderer::new(gpu, Theme::DARK)?;
    let mut line = format!("{:<24}", "in motion, as adapted");
    let mut told = Vec::new();
    for part in ["overview", "across", "aisle"] {
        let mut governor = Governor::new(gpu.info().is_software);
        let mut target = RenderTarget::new(gpu, size.width_px, size.height_px, gpu.default_samples())?;
        let mut times = Vec::new();
        // It decides every few frames: what it settles on is what counts.
        for round in 0..5 {
            for (_, camera) in path.iter().filter(|(p, _)| *p == part) {
                let economy = governor.economy();
                let edge = |px: u32| ((px as f32 * economy.scale) as u32 & !1).max(2);
                target.resize(edge(size.width_px), edge(size.height_px))?;
                let options = FrameOptions {
                    detail: if gpu.info().is_software { Detail::Moving } else { Detail::Fine },
                    coarseness: economy.coarseness,
                    edges: economy.edges,
                    shadows: economy.shadows,
                    ambient_occlusion: economy.shading(),
                    ui_scale: economy.scale,
                    ..FrameOptions::default()
                };
                let scene = SceneSnapshot { camera: *camera, ..scene.clone() };
                let start = Instant::now();
                renderer.render(&mut target, &scene, &options)?;
                target.read_back(|bytes, _| bytes[bytes.len() / 2])?;
                governor.took(start.elapsed());
                if round == 4 {
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        times.sort_by(f64::total_cmp);
        line += &format!("  {:6.1} /{:7.1}", times[times.len() / 2], times[(times.len() - 1) * 95 / 100]);
        told.push(format!(
            "{part}: {}",
            Some(governor.economy().told()).filter(|t| !t.is_empty()).unwrap_or("nothing".into())
        ));
    }
    println!("{line}   saved: {}", told.join("; "));
    Ok(())
}

/// How far the pictures are from those in full detail; an error where that is too far.
fn differences(gpu: &Gpu, scene: &SceneSnapshot, size: PictureSize) -> Result<(), Failure> {
    let mut renderer = Renderer::new(gpu, Theme::DARK)?;
    let mut target = RenderTarget::new(gpu, size.width_px, size.height_px, 1)?;
    let mut too_far = Vec::new();
    for detail in [Detail::Fine, Detail::Moving] {
        let mut worst = Difference::default();
        for (part, camera) in camera_path(scene).into_iter().step_by(STEPS / 3) {
            let scene = SceneSnapshot { camera, ..scene.clone() };
            let mut draw = |detail| draw(&mut renderer, &mut target, &scene, detail, Culling::default());
            let (full, saved) = (draw(Detail::Full)?, draw(detail)?);
            if let Some(folder) = std::env::var_os("RR_PICTURES") {
                renderer_pictures(Path::new(&folder), &format!("{part}-{detail:?}"), (&full, &saved), size)?;
            }
            worst = worst.worst(Difference::of(&full, &saved));
        }
        let (mean, noticed, allowed) = (worst.mean, worst.noticed * 100.0, LARGE.at(detail) * 100.0);
        println!(
            "difference to full detail, {detail:?}: mean {mean:.2} of 255, {noticed:.2} % of pixels by more than {NOTICED} \
             (worst of the path; {allowed:.1} % are allowed)"
        );
        if noticed > allowed {
            too_far.push(format!("{detail:?}: {noticed:.2} % of pixels differ, {allowed:.1} % are allowed"));
        }
    }
    if too_far.is_empty() { Ok(()) } else { Err(too_far.join("; ").into()) }
}

/// For the eye: what was compared.
fn renderer_pictures(folder: &Path, name: &str, pair: (&[u8], &[u8]), size: PictureSize) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    for (which, rgba) in [("full", pair.0), ("saved", pair.1)] {
        let file = std::fs::File::create(folder.join(format!("{name}-{which}.png")))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), size.width_px, size.height_px);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header()?.write_image_data(rgba)?;
    }
    Ok(())
}

fn picking(scene: &SceneSnapshot, size: PictureSize) {
    let mut picks = PickModels::default();
    let start = Instant::now();
    for (key, model) in scene.models.iter() {
        let model: &Arc<Model> = model;
        picks.insert(key.clone(), Arc::new(PickModel::new(Arc::clone(model))));
    }
    let built = start.elapsed();
    let aspect = size.width_px as f32 / size.height_px as f32;
    let (mut times, mut hits) = (Vec::new(), 0);
    for (_, camera) in camera_path(scene) {
        for i in 0..40 {
            let at = Vec2::new((i % 8) as f32 + 0.5, (i / 8) as f32 + 0.5) / Vec2::new(8.0, 5.0);
            let start = Instant::now();
            hits += usize::from(picks.pick(scene, &camera.ray(at, aspect), 0.004).is_some());
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    println!(
        "picking: P50 {:.3} ms, P95 {:.3} ms, {hits} of {} rays hit; preparing took {:.0} ms",
        times[times.len() / 2],
        times[times.len() * 95 / 100],
        times.len(),
        built.as_secs_f64() * 1e3
    );
}

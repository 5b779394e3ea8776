//! `rrhost render`: a picture of a model or a workspace, by the engine that the window and the stream use.

use crate::cli::{self, RenderArgs};
use crate::progress::Bar;
use crate::start;
use anyhow::{Context, anyhow, bail};
use rr_engine::{Engine, Gpu, ImportRequest, ImportState, Input};
use rr_render::{AmbientOcclusion, FrameOptions, RenderTarget, Renderer};
use rr_scene::NamedViewKind;
use std::process::ExitCode;
use std::time::Duration;

/// Frames that are averaged for smooth borders.
const REST_FRAMES: u32 = 16;

pub fn run(args: &RenderArgs) -> anyhow::Result<ExitCode> {
    if !matches!(args.samples, 1 | 4) {
        bail!("--samples takes 1 or 4");
    }
    let gpu = Gpu::headless(args.adapter)?;
    let documents = start::documents(&args.files)?;
    let (wake, woken) = start::wake_channel();
    let config = rr_engine::EngineConfig {
        gpu: gpu.clone(),
        reopen_gpu: None,
        picture: args.size,
        fps: 1.0,
        theme: args.theme.theme(),
        settings: rr_engine::Settings { reduced_motion: true, ..Default::default() },
        owner_name: "rrhost render".into(),
        cache: args.cache.open(),
        limits: args.import.limits(),
        saving: rr_engine::Saving::AtEnd,
        wake,
    };
    let engine = Engine::start(config, documents.workspace, documents.path)?;
    let import = |file| ImportRequest { file, options: args.import.options() };
    engine.import(documents.models.into_iter().map(import).collect())?;
    let bar = Bar::new(args.files.len());
    start::wait_until_loaded(&engine, &woken, Duration::MAX, |imports| {
        let (over, open): (Vec<_>, Vec<_>) = imports.iter().partition(|i| i.state.is_over());
        let running = open.iter().find(|i| matches!(i.state, ImportState::Running { .. })).or(open.first());
        let name = running.and_then(|i| i.file.file_name()).unwrap_or_default().to_string_lossy();
        bar.set(over.len(), format!("{} of {}: {name}", over.len() + 1, imports.len()));
        true
    });
    bar.end();

    let status = engine.status();
    let failed = start::failed_files(&engine);
    for entry in &status.log {
        if entry.level > rr_engine::LogLevel::Info {
            eprintln!("rrhost: {}", entry.text);
        }
    }
    if failed > 0 && engine.scene().models.is_empty() {
        bail!("nothing could be read");
    }
    if let Some(view) = &args.view {
        let known = engine.scene().workspace.views().iter().any(|v| v.name == *view);
        if !known && NamedViewKind::from_name(view).is_none() {
            let named: Vec<_> = engine.scene().workspace.views().iter().map(|v| format!("\"{}\"", v.name)).collect();
            bail!("there is no view \"{view}\"; use {}{}", cli::view_names(), named.join(", "));
        }
        engine.input(Input::View(view.clone()))?;
        // Inputs are applied in their order: the answer to this one comes after the view was taken.
        engine.flush()?;
    }
    let scene = engine.scene();
    let mut renderer = Renderer::new(&gpu, args.theme.theme())?;
    let mut target = RenderTarget::new(&gpu, args.size.width_px, args.size.height_px, args.samples)?;
    // Nobody waits for the first of them: all of them have it.
    let ambient_occlusion = AmbientOcclusion::On;
    let options = FrameOptions { rest_frames: REST_FRAMES, ambient_occlusion, ..FrameOptions::default() };
    while renderer.render(&mut target, &scene, &options)?.is_refining {}
    target.save_png(&args.output).with_context(|| anyhow!("cannot write {}", args.output.display()))?;
    engine.shutdown()?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! The desktop window: an egui window around the engine's picture.
//!
//! ```text
//! Engine ── Status, SceneSnapshot, WindowPicture ──► App ── View ──► panels (draw, know no engine)
//!    ▲                                                │                 │
//!    └──────────────── calls, jobs ───────────────────┴──── Actions ◄───┘
//! ```
//!
//! The window and the engine share one graphics device, so the picture is shown without a copy. Nothing here blocks:
//! what may take longer than a frame is a job on a thread of its own.

mod action;
mod app;
mod event_loop;
mod icons;
mod jobs;
mod look;
mod panels;
mod settings;
mod shortcuts;
mod state;
mod tools;
mod ui;
mod viewport;
mod widgets;

#[cfg(test)]
mod tests;

pub use app::ShareSetup;
pub use settings::ThemeChoice;

use anyhow::{Context as _, anyhow, bail};
use app::App;
use eframe::egui_wgpu::{SurfaceErrorAction, WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use eframe::wgpu;
use rr_engine::{AdapterChoice, Cache, Engine, EngineConfig, Gpu, ImportRequest, Limits, PictureSize, Settings};
use rr_scene::Workspace;
use settings::Remembered;
use state::{HostInfo, UiState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the window starts with.
pub struct DesktopOptions {
    /// The workspace to open.
    pub workspace: Workspace,
    /// The file it came from.
    pub path: Option<PathBuf>,
    /// Files to import at the start.
    pub imports: Vec<ImportRequest>,
    /// Which graphics adapter to use.
    pub adapter: AdapterChoice,
    /// Size of the stream's picture.
    pub picture: PictureSize,
    /// Most frames per second of the stream.
    pub fps: f32,
    /// Colours; none: those of the last run.
    pub theme: Option<ThemeChoice>,
    /// What the owner of the session decides.
    pub settings: Settings,
    /// Name of the engineer at this machine as others see it.
    pub owner_name: String,
    /// Keeps parsed models.
    pub cache: Option<Cache>,
    /// Bounds for reading untrusted files.
    pub limits: Limits,
    /// Folder for what the window remembers; none: nothing is remembered.
    pub config_dir: Option<PathBuf>,
    /// The sample workspace, when it is installed.
    pub sample: Option<PathBuf>,
    /// Makes the configuration of a share from the address the person chose.
    pub share: ShareSetup,
    /// True when pages are served with a certificate that the host made itself.
    pub certificate_is_own_made: bool,
    /// Lets a signal handler end the run.
    pub stop: Stop,
}

/// Ends the run from another thread, as a signal does: nothing is asked, unsaved changes go to the file or to the
/// recovery file.
#[derive(Clone, Default)]
pub struct Stop {
    inner: Arc<StopInner>,
}

#[derive(Default)]
struct StopInner {
    wanted: AtomicBool,
    ctx: OnceLock<egui::Context>,
}

impl Stop {
    /// Asks the window to close. Does not block.
    pub fn request(&self) {
        self.inner.wanted.store(true, Ordering::Release);
        if let Some(ctx) = self.inner.ctx.get() {
            ctx.request_repaint();
        }
    }

    fn is_wanted(&self) -> bool {
        self.inner.wanted.load(Ordering::Acquire)
    }
}

/// Until the window tries again after it lost a frame.
const LOST_FRAME_PAUSE: Duration = Duration::from_millis(50);
const NO_DESKTOP: &str = "There is no desktop to open a window on. Start rrhost from a desktop session, or run without a \
                          window: rrhost --headless";
const NO_ADAPTER: &str = if cfg!(target_os = "linux") {
    "No graphics adapter can draw into a window here. Install the driver of the graphics card or the software renderer \
     (apt install mesa-vulkan-drivers), or run without a window: rrhost --headless"
} else {
    "No graphics adapter can draw into a window here. Install the driver of the graphics card, or run without a window: \
     rrhost --headless"
};

/// Shows the window and returns when it is closed. Must be called from the main thread.
///
/// # Errors
/// When there is no desktop, no graphics adapter, or the engine does not start or end; the text says what to do.
pub fn run(options: DesktopOptions) -> anyhow::Result<()> {
    let mut remembered = Remembered::load(options.config_dir.as_deref());
    if let Some(theme) = options.theme {
        remembered.theme = theme;
    }
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Remote Render")
            .with_app_id("remote-render")
            .with_inner_size(remembered.window)
            .with_min_inner_size([640.0, 480.0])
            .with_drag_and_drop(true),
        renderer: eframe::Renderer::Wgpu,
        wgpu_options: WgpuConfiguration {
            wgpu_setup: gpu_setup(options.adapter),
            on_surface_status: Arc::new(on_surface_status),
            ..WgpuConfiguration::default()
        },
        // The bundled fonts look the same everywhere.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    // The engine must end after the window is gone, also when the window never came up.
    let engine: Arc<OnceLock<Engine>> = Arc::default();
    let started = Arc::clone(&engine);
    let gpu: Arc<OnceLock<Gpu>> = Arc::default();
    let (shared_gpu, failed) = (Arc::clone(&gpu), Arc::new(OnceLock::new()));
    let failure = Arc::clone(&failed);
    let creator: eframe::AppCreator<'_> =
        Box::new(move |context| match start(context, options, remembered, &shared_gpu) {
            Ok(app) => {
                drop(started.set(app.engine.clone()));
                Ok(Box::new(app))
            }
            Err(error) => {
                drop(failure.set(error));
                Err("rrhost did not start".into())
            }
        });
    let shown = event_loop::run(native, &gpu, creator);
    let ended = engine.get().map(Engine::shutdown);
    shown.map_err(|error| anyhow!("{NO_DESKTOP}\n(details: {error})"))?;
    if let Some(error) = Arc::into_inner(failed).and_then(OnceLock::into_inner) {
        return Err(error);
    }
    if gpu.get().is_none() {
        bail!("{NO_ADAPTER}");
    }
    if let Some(saved) = ended {
        let saved = saved.context("the engine did not end in order")?;
        if let Some(path) = saved {
            tracing::info!(path = %path.display(), "unsaved changes were saved");
        }
    }
    Ok(())
}

fn start(
    context: &eframe::CreationContext<'_>,
    options: DesktopOptions,
    remembered: Remembered,
    shared_gpu: &OnceLock<Gpu>,
) -> anyhow::Result<App> {
    let render_state = context.wgpu_render_state.clone().context("the window has no wgpu device")?;
    let ctx = context.egui_ctx.clone();
    let repaint = ctx.clone();
    let gpu = Gpu::of_window(
        render_state.adapter.clone(),
        render_state.device.clone(),
        render_state.queue.clone(),
        move || repaint.request_repaint_after(LOST_FRAME_PAUSE),
    );
    drop(shared_gpu.set(gpu.clone()));
    app::dress(&ctx, remembered.theme);
    drop(options.stop.inner.ctx.set(ctx.clone()));
    let host = HostInfo {
        adapter: gpu.info().name.clone(),
        adapter_warning: gpu.warning(),
        stream_aspect: options.picture.aspect(),
        stream_size_px: (options.picture.width_px, options.picture.height_px),
        certificate_is_own_made: options.certificate_is_own_made,
        sample: options.sample,
    };
    let is_dark = ctx.theme() == egui::Theme::Dark;
    let theme = if is_dark { look::Tokens::DARK } else { look::Tokens::LIGHT }.picture();
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || ctx.request_repaint());
    let mut ui_state = UiState::new(remembered);
    if let Some(path) = &options.path {
        ui_state.remembered.note_recent(path);
    }
    let choice = options.adapter;
    let config = EngineConfig {
        gpu,
        // For viewers only; what was opened so shows nothing in a window.
        reopen_gpu: Some(Arc::new(move || Gpu::headless(choice))),
        picture: options.picture,
        fps: options.fps,
        theme,
        settings: options.settings,
        owner_name: options.owner_name,
        cache: options.cache,
        limits: options.limits,
        // People at a window save when they mean to; what a crash would lose is a matter of the recovery file.
        saving: rr_engine::Saving::AtEnd,
        wake: Arc::clone(&wake),
    };
    let engine = Engine::start(config, options.workspace, options.path)?;
    if !options.imports.is_empty() {
        engine.import(options.imports)?;
    }
    Ok(App {
        engine,
        ui_state,
        host,
        jobs: jobs::Jobs::new(wake),
        share_setup: options.share,
        config_dir: options.config_dir,
        render_state,
        stop: options.stop,
        texture: None,
        title: String::new(),
        is_dark: Some(is_dark),
        may_close: false,
    })
}

fn gpu_setup(choice: AdapterChoice) -> WgpuSetup {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.instance_descriptor.backends = wgpu::Backends::PRIMARY;
    setup.instance_descriptor.flags = rr_render::instance_flags();
    setup.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
        let mut fitting = adapters.to_vec();
        fitting.retain(|a| surface.is_none_or(|s| a.is_surface_supported(s)));
        let fastest = choice.in_order(fitting).into_iter().next();
        fastest.ok_or_else(|| format!("no {choice} adapter can draw into this window"))
    }));
    setup.device_descriptor = Arc::new(rr_render::device_descriptor);
    WgpuSetup::CreateNew(setup)
}

/// What to do when the window gave no picture to draw into.
fn on_surface_status(status: &wgpu::CurrentSurfaceTexture) -> SurfaceErrorAction {
    match status {
        // Validation: it could not be configured before, because a picture was being submitted just then.
        wgpu::CurrentSurfaceTexture::Outdated | wgpu::CurrentSurfaceTexture::Validation => {
            SurfaceErrorAction::Reconfigure
        }
        wgpu::CurrentSurfaceTexture::Lost => SurfaceErrorAction::RecreateSurface,
        _ => SurfaceErrorAction::SkipFrame,
    }
}

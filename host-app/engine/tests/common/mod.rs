//! What the tests of the engine share: a software device, a running engine, a viewer.
#![allow(dead_code, reason = "each test file uses its share")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests: a panic is a failure")]

pub mod viewer;

use rr_engine::{
    AdapterChoice, CodecChoice, EncoderChoice, Engine, EngineConfig, Gpu, GpuError, IceServers, Limits, PictureSize,
    ReopenGpu, Settings, ShareConfig, ShareTls, Theme,
};
use rr_scene::{Command, Device, DeviceKind, Role, Transform, Workspace};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What takes longer hangs.
pub const HANG: Duration = Duration::from_secs(60);
/// Small, because a software adapter draws it.
pub const PICTURE: PictureSize = PictureSize { width_px: 320, height_px: 180 };

/// A line of a press at the origin.
pub fn press_line() -> Workspace {
    line(&[("press", 0.0)])
}

/// Devices without models beside each other, by name and place in metres.
pub fn line(devices: &[(&str, f32)]) -> Workspace {
    let mut workspace = Workspace::new("Line");
    for (id, x) in devices {
        let device = Device {
            id: (*id).into(),
            name: (*id).into(),
            kind: DeviceKind::default(),
            model: None,
            transform: Transform::at(glam::Vec3::new(*x, 0.0, 0.0)),
            properties: [].into(),
        };
        workspace.apply(&Command::AddDevice(device), Role::Admin).unwrap();
    }
    workspace
}

/// The software adapter; `None` (with a line that says so) without one.
pub fn software() -> Option<Gpu> {
    match Gpu::headless(AdapterChoice::Software) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter { .. }) => {
            println!("SKIPPED: no software Vulkan adapter here; apt install mesa-vulkan-drivers");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// An engine with a folder of its own.
pub struct Host {
    pub engine: Engine,
    pub folder: tempfile::TempDir,
}

impl Host {
    pub fn start(gpu: &Gpu, reopen: Option<ReopenGpu>, workspace: Workspace) -> Self {
        Self::with(gpu, workspace, |config| config.reopen_gpu = reopen)
    }

    pub fn with(gpu: &Gpu, workspace: Workspace, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = EngineConfig {
            gpu: gpu.clone(),
            reopen_gpu: None,
            picture: PICTURE,
            fps: 30.0,
            theme: Theme::DARK,
            settings: Settings { reduced_motion: true, ..Settings::default() },
            owner_name: "Owner".into(),
            cache: None,
            limits: Limits::default(),
            saving: rr_engine::Saving::AtEnd,
            wake: Arc::new(|| {}),
        };
        change(&mut config);
        let engine = Engine::start(config, workspace, None).unwrap();
        Self { engine, folder: tempfile::tempdir().unwrap() }
    }

    /// A link for a viewer who may do everything.
    pub fn share(&self) -> String {
        let listen = "127.0.0.1:0".parse().unwrap();
        let config_dir = self.folder.path().join("config");
        let advertise = Vec::new();
        self.engine
            .share(ShareConfig {
                listen,
                tls: ShareTls::Off,
                advertise,
                media_tcp: true,
                ice_lite: None,
                ice: IceServers::default(),
                config_dir,
                encoder: EncoderChoice::Auto,
                codec: CodecChoice::Auto,
            })
            .unwrap();
        self.engine.issue_link(Role::Admin, Duration::from_secs(600)).unwrap()
    }

    /// What the owner has read so far.
    pub fn log(&self) -> String {
        let entries = self.engine.status().log.iter().map(|e| e.text.clone()).collect::<Vec<_>>();
        entries.join("\n")
    }

    /// Waits until it is so.
    #[track_caller]
    pub fn until(&self, what: &str, mut done: impl FnMut(&Engine) -> bool) {
        let begin = Instant::now();
        while !done(&self.engine) {
            assert!(begin.elapsed() < HANG, "never came: {what}; the log says:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A test that fails must not leave a document in the recovery file of whoever runs it.
        let _ = self.engine.save(Some(&self.folder.path().join("at-the-end.rrws.json")));
        let _ = self.engine.shutdown();
    }
}

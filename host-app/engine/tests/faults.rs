//! Graphics devices that fail under a running session: what viewers see and read, what the owner reads, and that the
//! workspace outlives all of it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, software};
use rr_engine::{AdapterChoice, Gpu, GpuError, Input, ReopenGpu};
use rr_scene::{Camera, Command, Device, DeviceKind, Role, Transform, Workspace};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Some devices without models: markers with labels.
fn workspace() -> Workspace {
    let mut workspace = Workspace::new("Line");
    for i in 0..4u8 {
        workspace.apply(&Command::AddDevice(device(i)), Role::Admin).unwrap();
    }
    workspace
}

fn device(number: u8) -> Device {
    Device {
        id: format!("d{number}").as_str().into(),
        name: format!("Machine {number}"),
        kind: DeviceKind::default(),
        model: None,
        transform: Transform::at(glam::Vec3::new(f32::from(number) * 2.0, 0.0, 0.0)),
        properties: [].into(),
    }
}

fn software_again() -> ReopenGpu {
    Arc::new(|| Gpu::headless(AdapterChoice::Software))
}

/// As a driver reset does it.
fn lose(gpu: &Gpu) {
    gpu.device().destroy();
}

/// Mean difference in brightness, of 255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

/// The last picture that could be decoded.
fn last_picture(viewer: &Viewer) -> Vec<u8> {
    viewer.pictures.iter().rev().find_map(|p| p.luma.clone()).unwrap()
}

/// The document is whole and can be saved.
fn is_kept(host: &Host, devices: usize) {
    let path = host.folder.path().join("saved.rrws.json");
    host.engine.save(Some(&path)).unwrap();
    assert_eq!(rr_scene::file::load(&path).unwrap().devices().len(), devices);
}

#[test]
fn after_a_lost_device_the_stream_goes_on_with_a_keyframe_of_the_same_scene() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, Some(software_again()), workspace());
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    viewer.rests();
    let before = last_picture(&viewer);
    let spread = before.iter().max().unwrap() - before.iter().min().unwrap();
    assert!(spread > 40, "the picture shows nothing: {spread}");

    lose(&gpu);
    let count = viewer.pictures.len();
    viewer.sees_new_pictures("a picture of the new device");
    assert!(viewer.pictures[count].is_keyframe, "the stream did not begin anew");
    assert!(viewer.pictures[count].luma.is_some(), "the keyframe cannot be decoded");
    viewer.rests();
    let changed = difference(&before, &last_picture(&viewer));
    assert!(changed < 12.0, "another picture: {changed}");

    let log = host.log();
    assert!(log.contains("the graphics device was lost"), "{log}");
    assert!(log.contains("pictures are now drawn by"), "{log}");
    assert_eq!(viewer.errors(), [""; 0], "viewers need not hear of what they do not see");
    assert_eq!(host.engine.status().picture_fault, None);
    is_kept(&host, 4);
}

#[test]
fn while_no_adapter_is_left_everybody_reads_why_and_the_work_goes_on() {
    let Some(gpu) = software() else { return };
    let (is_back, tries) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let reopen: ReopenGpu = {
        let (is_back, tries) = (is_back.clone(), tries.clone());
        Arc::new(move || match tries.fetch_add(1, Ordering::Relaxed) {
            _ if is_back.load(Ordering::Relaxed) => Gpu::headless(AdapterChoice::Software),
            0 => Err(GpuError::OutOfMemory("no memory for a device".into())),
            _ => Err(GpuError::NoAdapter { wanted: "usable", hint: "Install the driver.".into() }),
        })
    };
    let host = Host::start(&gpu, Some(reopen), workspace());
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    viewer.rests();
    lose(&gpu);
    host.engine.input(Input::Orbit { delta_px: glam::Vec2::X }).unwrap();
    for reason in ["out of memory", "no usable graphics adapter was found"] {
        viewer.until("the reason", |viewer| viewer.errors().iter().any(|e| e.contains(reason)));
    }
    let fault = host.engine.status().picture_fault.clone().unwrap();
    assert!(fault.contains("no usable graphics adapter"), "{fault}");
    assert!(host.log().contains("no usable graphics adapter"), "{}", host.log());

    // Whoever comes now reads it, too, and edits go on.
    let link = host.engine.issue_link(Role::Viewer, Duration::from_secs(60)).unwrap();
    let mut late = Viewer::join(&link);
    late.until("the reason for a newcomer", |late| late.errors().iter().any(|e| e.contains("graphics adapter")));
    host.engine.input(Input::Edit(Command::AddDevice(device(9)))).unwrap();
    host.engine.flush().unwrap();
    is_kept(&host, 5);
    let told = viewer.errors().len();

    is_back.store(true, Ordering::Relaxed);
    let counts = [viewer.pictures.len(), late.pictures.len()];
    viewer.sees_new_pictures("a picture of the adapter that came back");
    assert!(viewer.pictures[counts[0]].is_keyframe);
    late.until("a picture for the newcomer", |late| late.pictures.len() > counts[1]);
    host.until("the news", |engine| engine.status().log.iter().any(|e| e.text == "viewers get pictures again"));
    assert_eq!(host.engine.status().picture_fault, None);
    assert_eq!(viewer.errors().len(), told, "each reason is told once: {:?}", viewer.errors());
}

#[test]
fn where_no_other_device_can_be_opened_the_session_goes_on_without_pictures() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, workspace());
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    viewer.rests();
    lose(&gpu);
    host.engine.input(Input::Orbit { delta_px: glam::Vec2::X }).unwrap();
    viewer.until("the reason", |viewer| viewer.errors().iter().any(|e| e.contains("no other one can be opened")));
    // Its inputs are still taken.
    let yaw = host.engine.scene().camera.yaw;
    viewer.send(r#"{"type":"camera:orbit","timestamp":1,"data":{"deltaX":50,"deltaY":0}}"#);
    viewer.until("the camera moves", |_| host.engine.scene().camera.yaw != yaw);
    is_kept(&host, 4);
}

/// Runs one test of this file in a process with a recovery file of its own.
fn in_a_home_of_its_own(test: &str, body: impl FnOnce(&Path)) {
    const HOME: &str = "RR_TEST_STATE";
    if let Some(home) = std::env::var_os(HOME) {
        return body(Path::new(&home));
    }
    let home = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(HOME, home.path())
        .env("XDG_STATE_HOME", home.path())
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_window_without_its_device_is_told_and_viewers_go_on() {
    in_a_home_of_its_own("a_window_without_its_device_is_told_and_viewers_go_on", |home| {
        let Some(gpu) = software() else { return };
        let host = Host::start(&gpu, Some(software_again()), workspace());
        host.engine.set_window_size(200, 100);
        host.until("the window's first picture", |engine| engine.window_picture().is_some());
        let mut viewer = Viewer::join(&host.share());
        viewer.sees_new_pictures("the first picture");
        // Not saved, nowhere.
        host.engine.input(Input::Edit(Command::AddDevice(device(9)))).unwrap();
        host.engine.flush().unwrap();

        lose(&gpu);
        viewer.sees_new_pictures("a picture of the new device");
        host.until("the advice", |engine| engine.status().log.iter().any(|e| e.text.contains("start rrhost again")));
        let frame = host.engine.window_picture().unwrap().frame;
        viewer.sees_new_pictures("one more");
        assert_eq!(host.engine.window_picture().unwrap().frame, frame, "drawn on a device that the window has not");
        let copy = home.join("remote-render/recovered.rrws.json");
        host.until("the copy", |_| rr_scene::file::load(&copy).is_ok_and(|w| w.devices().len() == 5));
        assert!(host.engine.status().document.dirty, "a copy does not count as saved");
        is_kept(&host, 5);
    });
}

#[test]
fn a_hidden_window_and_an_impossible_one_do_not_concern_the_stream() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, workspace());
    let mut viewer = Viewer::join(&host.share());
    host.engine.set_window_size(200, 100);
    host.until("the window's first picture", |engine| engine.window_picture().is_some());
    let window_frame = || host.engine.window_picture().unwrap().frame;

    // Minimised: nothing is drawn for it, in either way that window systems tell it.
    for size in [(0, 0), (200, 0)] {
        host.engine.set_window_size(size.0, size.1);
        viewer.sees_new_pictures("a picture beside a hidden window");
        let frame = window_frame();
        viewer.sees_new_pictures("one more beside a hidden window");
        assert_eq!(window_frame(), frame, "{size:?}");
    }

    host.engine.set_window_size(1_000_000, 100);
    host.until("the reason", |engine| engine.status().log.iter().any(|e| e.text.contains("1000000x100")));
    viewer.sees_new_pictures("a picture beside an impossible window");
    let begin = std::time::Instant::now();
    for _ in 0..5 {
        viewer.sees_new_pictures("one more beside an impossible window");
    }
    // The window is tried again once a second; the stream must not keep to that.
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?} for five pictures", begin.elapsed());
    assert_eq!((host.engine.status().picture_fault.clone(), viewer.errors().len()), (None, 0));

    host.engine.set_window_size(150, 100);
    host.until("the window again", |engine| engine.window_picture().is_some_and(|p| p.size_px == (150, 100)));
    host.until("the news", |engine| engine.status().log.iter().any(|e| e.text.contains("window is drawn again")));
    host.engine.input(Input::SetCamera(Camera::default())).unwrap();
}

//! A whole host whose encoder is on the card that draws: pictures reach viewers without a copy in memory, after a lost device
//! as well, and through memory where the card refuses. The card of CUDA and NVENC is the test double; the program finds
//! it where it would find the driver, and so this test starts itself again with the double's folder in its search path.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{HANG, Host, press_line, software};
use rr_engine::{AdapterChoice, Gpu, ReopenGpu};
use rr_nvenc_double::Double;
use std::sync::Arc;
use std::time::{Duration, Instant};

const INNER: &str = "RR_TEST_ON_CARD";

/// Runs a test of this file in a process of its own that finds the double; true in that process.
fn with_double(test: &str) -> bool {
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args([test, "--exact", "--nocapture"]).env(INNER, "1").env("LD_LIBRARY_PATH", Double::folder());
    let out = again.output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains("1 passed"), "{}: {said}", out.status);
    false
}

/// A host that draws on what the double says it is, and a viewer of it.
fn start(double: &Double) -> Option<(Gpu, Host, Viewer)> {
    let gpu = software()?;
    let share = gpu.share().map_err(|reason| println!("SKIPPED: {reason}")).ok()?;
    let uuid: String = share.card().iter().map(|byte| format!("{byte:02x}")).collect();
    double.set("NVENC_DOUBLE_UUID", &uuid);
    // Of two cards the second one draws.
    double.set("NVENC_DOUBLE_DEVICES", "2");
    let reopen: ReopenGpu = Arc::new(|| Gpu::headless(AdapterChoice::Software));
    let host = Host::start(&gpu, Some(reopen), press_line());
    let viewer = Viewer::join(&host.share());
    Some((gpu, host, viewer))
}

fn last_luma(viewer: &Viewer) -> Vec<u8> {
    viewer.pictures.iter().rev().find_map(|p| p.luma.clone()).unwrap()
}

/// Mean difference in brightness, of 255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// Encoders end beside whoever ended them.
fn at_rest(double: &Double) {
    let begin = Instant::now();
    while (double.counts().imports, double.counts().sessions) != (0, 0) {
        assert!(begin.elapsed() < HANG, "never given back: {:?}", double.counts());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(double.faults(), "");
}

#[test]
fn viewers_see_pictures_that_never_were_in_memory() {
    if !with_double("viewers_see_pictures_that_never_were_in_memory") {
        return;
    }
    let double = Double::load();
    let Some((gpu, host, mut viewer)) = start(&double) else { return };
    viewer.sees_new_pictures("the first picture");
    let begun = double.counts().shared;
    for _ in 0..5 {
        viewer.sees_new_pictures("a picture");
    }
    assert!(double.counts().shared > begun, "pictures went through memory");
    viewer.rests();
    let before = last_luma(&viewer);
    let spread = before.iter().max().unwrap() - before.iter().min().unwrap();
    assert!(spread > 40, "the picture shows nothing: {spread}");

    gpu.device().destroy();
    let count = viewer.pictures.len();
    viewer.sees_new_pictures("a picture of the new device");
    assert!(viewer.pictures[count].is_keyframe, "the stream did not begin anew");
    let begun = double.counts().shared;
    for _ in 0..5 {
        viewer.sees_new_pictures("a picture after that");
    }
    assert!(double.counts().shared > begun, "pictures of the new device went through memory");
    viewer.rests();
    let changed = difference(&before, &last_luma(&viewer));
    assert!(changed < 14.0, "another picture: {changed}");
    assert_eq!(double.faults(), "");
    drop((viewer, host));
    at_rest(&double);
}

#[test]
fn a_card_that_refuses_in_the_middle_costs_no_keyframe() {
    if !with_double("a_card_that_refuses_in_the_middle_costs_no_keyframe") {
        return;
    }
    let double = Double::load();
    let Some((_gpu, host, mut viewer)) = start(&double) else { return };
    viewer.sees_new_pictures("the first picture");
    for _ in 0..5 {
        viewer.sees_new_pictures("a picture");
    }
    assert!(double.counts().shared > 0);
    double.set("NVENC_DOUBLE_FAIL", "nvEncMapInputResource:1:25");
    viewer.sees_new_pictures("a picture in spite of that");
    let (shared, at) = (double.counts().shared, viewer.pictures.len());
    for _ in 0..5 {
        viewer.sees_new_pictures("a picture through memory");
    }
    assert_eq!(double.counts().shared, shared);
    assert!(viewer.pictures[at..].iter().all(|p| !p.is_keyframe && p.luma.is_some()));
    viewer.rests();
    assert_eq!(double.faults(), "");
    drop((viewer, host));
    at_rest(&double);
}

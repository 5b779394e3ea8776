//! Viewers who decode AV1, HEVC or neither, at a host whose card makes all of them: the test double of NVIDIA's driver.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, PICTURE, software};
use rr_encode::{Codec, compliance};
use rr_nvenc_double::Double;
use rr_scene::Workspace;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use str0m::RtcConfig;

/// As browsers are whose devices decode HEVC.
fn with_hevc() -> RtcConfig {
    RtcConfig::new().clear_codecs().enable_h264(true).enable_h265(true)
}

/// As browsers are that decode AV1 on the processor, on devices that decode HEVC.
fn with_av1() -> RtcConfig {
    let mut config = with_hevc();
    config.codec_config().enable_av1(true);
    config
}

/// Codec and encoder of all rungs, as people read them.
fn encoders(host: &Host) -> Vec<String> {
    host.engine.status().picture.streams.iter().map(|stream| stream.encoder.clone()).collect()
}

/// The driver's libraries are found by their names when a program starts, so that this one has to be started again. One at a
/// time: who shares the processor with another host may count as one on a path of its own.
fn again_with_a_card(test: &str) -> bool {
    static ONE: Mutex<()> = Mutex::new(());
    const MARK: &str = "RR_TEST_WITH_A_CARD";
    if std::env::var_os(MARK).is_some() {
        return false;
    }
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(MARK, "1").env("LD_LIBRARY_PATH", Double::folder());
    assert!(again.status().unwrap().success());
    true
}

#[test]
fn a_viewer_gets_hevc_until_one_comes_who_does_not_decode_it() {
    if again_with_a_card("a_viewer_gets_hevc_until_one_comes_who_does_not_decode_it") {
        return;
    }
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, Workspace::new("Line"));
    let link = host.share();
    let mut first = Viewer::join_with(&link, with_hevc());
    sees(&mut first, Codec::Hevc);
    first.until("the figures say so", |_| encoders(&host) == ["HEVC · NVENC (Test double of a card)"]);

    joined_without_it(&host, &link, first);
}

#[test]
fn a_viewer_gets_av1_until_one_comes_who_does_not_decode_it() {
    if again_with_a_card("a_viewer_gets_av1_until_one_comes_who_does_not_decode_it") {
        return;
    }
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, Workspace::new("Line"));
    let link = host.share();
    // Before HEVC, which this one decodes as well.
    let mut first = Viewer::join_with(&link, with_av1());
    sees(&mut first, Codec::Av1);
    first.until("the figures say so", |_| encoders(&host) == ["AV1 · NVENC (Test double of a card)"]);
    joined_without_it(&host, &link, first);
}

/// From the first picture on, which is a keyframe, and all of them decode.
fn sees(viewer: &mut Viewer, codec: Codec) {
    for _ in 0..5 {
        viewer.sees_new_pictures("the better codec");
    }
    let units: Vec<&(Codec, Vec<u8>)> = viewer.pictures.iter().map(|picture| picture.other.as_ref().unwrap()).collect();
    assert!(units.iter().all(|(of, _)| *of == codec));
    let (width, height) = (PICTURE.width_px as usize, PICTURE.height_px as usize);
    compliance::decodes(codec, units.iter().map(|(_, unit)| &unit[..]), width, height).unwrap();
    assert!(viewer.pictures[0].is_keyframe);
}

/// Another viewer who decodes H.264 only: both get that.
fn joined_without_it(host: &Host, link: &str, mut first: Viewer) {
    let mut second = Viewer::join(link);
    second.until("H.264", |second| {
        first.step();
        second.pictures.iter().any(|picture| picture.luma.is_some())
    });
    // Who takes nothing meanwhile would be one on a slow path, with a rung of its own.
    first.until("H.264 for both", |first| {
        second.step();
        first.pictures.last().is_some_and(|picture| picture.luma.is_some())
    });
    // On a busy machine one of them may have a rung of its own by now, with a codec of its own.
    first.until("the figures say so", |_| {
        second.step();
        encoders(host).iter().any(|encoder| encoder == "H.264 · NVENC (Test double of a card)")
    });
}

//! Viewers who look through a camera of their own beside those who share one.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{HANG, Host, line, software};
use rr_engine::Gpu;
use rr_protocol::host::{CameraState, HostBody};
use std::time::{Duration, Instant};

/// With room for two whatever else this machine does.
fn host(gpu: &Gpu) -> Host {
    Host::with(gpu, line(&[("press", -1.0), ("robot", 2.0)]), |config| config.settings.most_own_cameras = Some(2))
}

fn message(kind: &str, seq: u64, data: &str) -> String {
    format!(r#"{{"type":"{kind}","timestamp":{seq},"seq":{seq},"data":{data}}}"#)
}

/// Both go on until it is so.
#[track_caller]
fn until(what: &str, viewers: &mut [&mut Viewer], mut done: impl FnMut(&mut [&mut Viewer]) -> bool) {
    let begin = Instant::now();
    while !done(viewers) {
        assert!(
            begin.elapsed() < HANG,
            "never came: {what}; {:?}",
            viewers.iter().map(|v| v.errors()).collect::<Vec<_>>()
        );
        viewers.iter_mut().for_each(|viewer| viewer.step());
    }
}

#[track_caller]
fn rest(viewers: &mut [&mut Viewer]) {
    let quiet = |v: &Viewer| v.pictures.last().is_some_and(|p| p.at.elapsed() > Duration::from_millis(900));
    until("rest", viewers, |all| all.iter().all(|v| quiet(v)));
}

/// Mean difference of what two viewers see, levels of 255.
fn difference(a: &Viewer, b: &Viewer) -> f64 {
    let luma = |v: &Viewer| v.pictures.iter().rev().find_map(|p| p.luma.clone()).unwrap();
    let (a, b) = (luma(a), luma(b));
    a.iter().zip(&b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

fn acknowledged(viewer: &Viewer, seq: u64) -> bool {
    viewer.messages.iter().any(|m| matches!(m, HostBody::Ack(ack) if ack.seq >= Some(seq)))
}

fn last_camera(viewer: &Viewer) -> CameraState {
    let of = |m: &HostBody| match m {
        HostBody::StateFull(full) => Some(full.camera),
        HostBody::StateUpdate(update) => update.camera,
        _ => None,
    };
    viewer.messages.iter().rev().find_map(of).unwrap()
}

fn own_cameras(viewer: &Viewer) -> usize {
    let of = |m: &HostBody| match m {
        HostBody::Presence(presence) => Some(presence.participants.iter().filter(|p| p.own_camera).count()),
        _ => None,
    };
    viewer.messages.iter().rev().find_map(of).unwrap_or(0)
}

#[test]
fn two_viewers_look_where_they_like_and_meet_again() {
    let Some(gpu) = software() else { return };
    let host = host(&gpu);
    let link = host.share();
    let (mut a, mut b) = (Viewer::join(&link), Viewer::join(&link));
    let all = &mut [&mut a, &mut b];
    until("the first pictures", all, |all| all.iter().all(|v| !v.pictures.is_empty()));
    rest(all);
    assert!(difference(all[0], all[1]) < 1.0, "both share the camera");

    // One leaves and turns: the other one's picture rests.
    assert!(all[0].send(&message("camera:own", 10, r#"{"on":true}"#)));
    until("the own camera", all, |all| acknowledged(all[0], 10) && own_cameras(all[1]) == 1);
    rest(all);
    let seen = all[1].pictures.len();
    let shared = last_camera(all[1]);
    for seq in 11..16 {
        assert!(all[0].send(&message("camera:orbit", seq, r#"{"deltaX":60,"deltaY":20}"#)));
        until("the turn", all, |all| acknowledged(all[0], seq));
    }
    rest(all);
    let apart = difference(all[0], all[1]);
    assert!(apart > 3.0, "the own camera turned: {apart}");
    assert_eq!(all[1].pictures.len(), seen, "the shared view is sent again for nothing");
    assert_eq!(last_camera(all[1]), shared);
    assert_ne!(last_camera(all[0]), shared);
    assert_eq!(host.engine.status().picture.streams.len(), 2, "an encoder for each");

    // The other one turns the shared camera: the own one stays.
    let (mine, seen) = (last_camera(all[0]), all[0].pictures.len());
    assert!(all[1].send(&message("camera:orbit", 20, r#"{"deltaX":-40,"deltaY":0}"#)));
    until("the shared turn", all, |all| acknowledged(all[1], 20));
    rest(all);
    assert_eq!((last_camera(all[0]), all[0].pictures.len()), (mine, seen));

    // What is in the document is seen by both, each through their own camera.
    assert!(all[1].send(&message("device:click", 30, r#"{"screenX":0,"screenY":0,"deviceId":"press"}"#)));
    let (first, second) = (all[0].pictures.len(), all[1].pictures.len());
    until("the selection", all, |all| all[0].pictures.len() > first && all[1].pictures.len() > second);

    // Back: the same picture again, and one encoder.
    rest(all);
    assert!(all[0].send(&message("camera:own", 40, r#"{"on":false}"#)));
    until("the way back", all, |all| acknowledged(all[0], 40) && own_cameras(all[1]) == 0);
    until("the same picture", all, |all| difference(all[0], all[1]) < 1.0);
    assert_eq!(last_camera(all[0]), last_camera(all[1]));
    host.until("one encoder", |engine| engine.status().picture.streams.len() <= 1);
    assert!(all[0].errors().is_empty() && all[1].errors().is_empty());
}

#[test]
fn the_camera_goes_with_its_viewer_and_the_others_notice_nothing() {
    let Some(gpu) = software() else { return };
    let host = host(&gpu);
    let link = host.share();
    let (mut a, mut b) = (Viewer::join(&link), Viewer::join(&link));
    {
        let all = &mut [&mut a, &mut b];
        until("the first pictures", all, |all| all.iter().all(|v| !v.pictures.is_empty()));
        rest(all);
        assert!(all[0].send(&message("camera:own", 10, r#"{"on":true}"#)));
        until("the own camera", all, |all| acknowledged(all[0], 10));
    }
    drop(a);
    let keyframes = b.pictures.iter().filter(|p| p.is_keyframe).count();
    b.until("one encoder", |_| {
        let streams = host.engine.status().picture.streams.len();
        streams == 1 && host.engine.status().participants.len() == 2
    });
    b.sees_new_pictures("the shared view");
    assert_eq!(b.pictures.iter().filter(|p| p.is_keyframe).count(), keyframes, "disturbed");
    assert_eq!(own_cameras(&b), 0);
}

#[test]
fn one_alone_may_leave_and_come_back_too() {
    let Some(gpu) = software() else { return };
    let host = host(&gpu);
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    for round in 0..3 {
        for on in [true, false] {
            let seq = 100 + round * 10 + u64::from(on);
            viewer.rests();
            let seen = viewer.pictures.len();
            assert!(viewer.send(&message("camera:own", seq, &format!(r#"{{"on":{on}}}"#))));
            viewer.until("a picture of the other view", |v| v.pictures.len() > seen);
            viewer.sees_new_pictures("a turn there");
        }
    }
    assert!(viewer.pictures.iter().all(|p| p.luma.is_some()), "a picture could not be decoded");
}

#[test]
fn who_finds_no_room_is_told_why_and_goes_on_with_the_others() {
    let Some(gpu) = software() else { return };
    let host =
        Host::with(&gpu, line(&[("press", -1.0), ("robot", 2.0)]), |config| config.settings.most_own_cameras = Some(0));
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    assert!(viewer.send(&message("camera:own", 10, r#"{"on":true}"#)));
    viewer.until("the answer", |v| v.errors().iter().any(|e| e.contains("no room for another camera")));
    assert_eq!(own_cameras(&viewer), 0);
    viewer.sees_new_pictures("the shared view");
}

/// A connection breaks without a word: the host does not know yet, and whoever comes is the same person.
#[test]
fn whoever_comes_again_has_their_camera_and_control_again() {
    let Some(gpu) = software() else { return };
    let host = host(&gpu);
    let link = host.share();
    let mut before = Viewer::comes(&link, "a-key-of-16-bytes");
    before.until("the first picture", |v| !v.pictures.is_empty());
    before.send(&message("control:request", 1, "{}"));
    before.send(&message("camera:own", 2, r#"{"on":true}"#));
    before.send(&message("camera:orbit", 3, r#"{"deltaX":300,"deltaY":0}"#));
    before.until("the camera of one's own", |v| acknowledged(v, 3) && own_cameras(v) == 1);
    let camera = host.engine.scene().own_views[0].camera;
    let names = |host: &Host| host.engine.status().participants.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let (people, presenter) = (names(&host), host.engine.status().presenter);
    assert_eq!((people.len(), presenter.is_some()), (2, true));

    let mut after = Viewer::comes(&link, "a-key-of-16-bytes");
    after.until("the first picture", |v| !v.pictures.is_empty() && own_cameras(v) == 1);
    assert_eq!(names(&host), people, "the same people by name");
    let views = host.engine.scene().own_views.clone();
    assert_eq!(views.iter().map(|view| view.camera).collect::<Vec<_>>(), [camera]);
    assert!(host.engine.status().presenter.is_some() && host.engine.status().presenter != presenter);
    assert_eq!(last_camera(&after).yaw, camera.yaw, "it is told what it looks through");
    // What it sees is its own camera's: that turns for it alone.
    after.send(&message("camera:orbit", 4, r#"{"deltaX":200,"deltaY":0}"#));
    let seen = after.pictures.len();
    after.until("pictures of it", |v| acknowledged(v, 4) && v.pictures.len() > seen);
    assert_ne!(host.engine.scene().own_views[0].camera, camera);
    // Somebody else is somebody else.
    let other = Viewer::comes(&link, "another-key-of-20-b");
    host.until("three are here", |engine| engine.status().participants.len() == 3);
    // Who closes the page is gone, which need not be concluded from silence.
    other.closes_the_page();
    host.until("two are here", |engine| engine.status().participants.len() == 2);
    assert!(host.log().contains("left: the page was closed"), "{}", host.log());
}

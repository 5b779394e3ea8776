//! What a viewer is told of the way of its input, and how late input still gets into a picture.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, press_line, software};
use rr_protocol::host::{Ack, CameraState, HostBody, HostStages, Picture};
use rr_scene::Camera;
use std::time::{Duration, Instant};

fn orbit(seq: u64, dx: f32) -> String {
    format!(r#"{{"type":"camera:orbit","timestamp":{seq},"seq":{seq},"data":{{"deltaX":{dx},"deltaY":0}}}}"#)
}

fn acks(viewer: &Viewer) -> Vec<Ack> {
    viewer.messages.iter().filter_map(|m| if let HostBody::Ack(ack) = m { Some(*ack) } else { None }).collect()
}

fn pictures(viewer: &Viewer) -> Vec<Picture> {
    viewer.messages.iter().filter_map(|m| if let HostBody::Picture(p) = m { Some(*p) } else { None }).collect()
}

fn acknowledged(viewer: &mut Viewer, seq: u64) -> Ack {
    let found = |v: &Viewer| acks(v).into_iter().find(|ack| ack.seq >= Some(seq));
    viewer.until("the acknowledgement", |v| found(v).is_some());
    found(viewer).unwrap()
}

#[test]
fn an_acknowledgement_says_how_long_each_stage_took() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, press_line());
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    for seq in 10..20 {
        viewer.rests();
        let begin = Instant::now();
        assert!(viewer.send(&orbit(seq, 5.0)));
        let ack = acknowledged(&mut viewer, seq);
        let whole = begin.elapsed().as_secs_f32() * 1e3;
        let HostStages { begun_ms, drawn_ms, encoded_ms, sent_ms } = ack.stages.unwrap();
        let stations = [0.0, begun_ms, drawn_ms, encoded_ms, sent_ms, whole];
        assert!(stations.is_sorted(), "{stations:?}");
        assert!(drawn_ms > begun_ms && encoded_ms > drawn_ms, "drawing and encoding take time: {stations:?}");
        assert!(ack.frame.is_some() && ack.rtp_timestamp.is_some());
    }
    // What no picture shows has no stages.
    assert!(viewer.send(r#"{"type":"pointer:leave","timestamp":50,"seq":50,"data":{}}"#));
    let ack = acknowledged(&mut viewer, 50);
    assert_eq!((ack.frame, ack.stages), (None, None));
}

#[test]
fn input_that_comes_while_a_picture_waits_for_its_turn_is_in_that_picture() {
    let Some(gpu) = software() else { return };
    // A picture a second, so that there is time for one to wait.
    let host = Host::with(&gpu, press_line(), |config| config.fps = 1.0);
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("the first picture");
    let mut rounds = 0;
    for round in 0..4 {
        let (first, second, third) = (100 + round * 10, 101 + round * 10, 102 + round * 10);
        viewer.rests();
        let begin = Instant::now();
        assert!(viewer.send(&orbit(first, 5.0)));
        acknowledged(&mut viewer, first);
        assert!(viewer.send(&orbit(second, 5.0)));
        let sent = Instant::now();
        viewer.until("the time", |_| sent.elapsed() > Duration::from_millis(250));
        assert!(viewer.send(&orbit(third, 5.0)));
        viewer.step();
        let in_time = begin.elapsed() < Duration::from_millis(800);
        let ack = acknowledged(&mut viewer, second);
        if !in_time {
            // The machine is busy: the picture was drawn meanwhile.
            continue;
        }
        rounds += 1;
        // Both are in one picture, which the session, that had published the second one long before, has not begun.
        assert_eq!(ack.seq, Some(third), "the picture shows an older camera than there was");
        let waited = ack.stages.unwrap().begun_ms;
        assert!(waited < 1000.0, "the last input waited {waited} ms, which is more than a picture's turn");
    }
    println!("{rounds} of 4 rounds were in time");
}

#[test]
fn who_asks_is_told_the_camera_of_every_picture() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, press_line());
    let link = host.share();
    let (mut viewer, mut other) = (Viewer::join(&link), Viewer::join(&link));
    viewer.sees_new_pictures("the first picture");
    viewer.rests();
    assert!(pictures(&viewer).is_empty(), "nobody asked");
    let HostBody::StateFull(full) = &viewer.messages[0] else { panic!("{:?}", viewer.messages[0]) };
    let mut camera = from_wire(&full.camera);
    let before = viewer.messages.len();
    for m in &viewer.messages {
        if let HostBody::StateUpdate(update) = m
            && let Some(moved) = &update.camera
        {
            camera = from_wire(moved);
        }
    }
    assert!(viewer.send(r#"{"type":"picture:watch","timestamp":200,"seq":200,"data":{"on":true}}"#));
    acknowledged(&mut viewer, 200);
    assert_eq!(pictures(&viewer).len(), 1, "the picture that rests is told of at once");
    // Mine and somebody else's, in turn.
    for seq in 201..212 {
        camera.orbit(9.0, 0.0);
        let who = if seq % 2 == 0 { &mut other } else { &mut viewer };
        let begin = Instant::now();
        while !who.send(&orbit(seq, 9.0)) {
            assert!(begin.elapsed() < common::HANG);
            who.step();
        }
        let wanted = camera.yaw;
        let begin = Instant::now();
        while !pictures(&viewer).iter().any(|p| (p.camera.yaw - wanted).abs() < 1e-4) {
            assert!(begin.elapsed() < common::HANG, "no picture of that camera: {:?}", pictures(&viewer).last());
            viewer.step();
            other.step();
        }
        if seq % 2 == 1 {
            let shows = |p: &Picture| (p.camera.yaw - wanted).abs() < 1e-4;
            let first = pictures(&viewer).into_iter().find(shows).unwrap();
            assert_eq!(first.seq, Some(seq), "a picture that shows my input says so");
            let ack = acknowledged(&mut viewer, seq);
            assert_eq!(ack.rtp_timestamp, Some(first.rtp_timestamp), "both name the same picture");
        }
    }
    assert!(viewer.messages[before..].len() > 11 && pictures(&other).is_empty());
    assert!(viewer.send(r#"{"type":"picture:watch","timestamp":300,"seq":300,"data":{"on":false}}"#));
    acknowledged(&mut viewer, 300);
    let told = pictures(&viewer).len();
    viewer.sees_new_pictures("a picture that is not told of");
    assert_eq!(pictures(&viewer).len(), told);
}

fn from_wire(c: &CameraState) -> Camera {
    Camera { target: c.target.into(), distance: c.distance, yaw: c.yaw, pitch: c.pitch, fov_y: c.fov_y }
}

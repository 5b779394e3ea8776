//! A session that goes on at another host: what is there again, and what is made of texts that are none.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, line, press_line, software};
use rr_engine::{Engine, Input, PlaneWish, Saving};
use rr_protocol::worker::SessionState;
use rr_scene::{Camera, Command, DeviceId, Transform};

fn steer(engine: &Engine) {
    let mut camera = engine.scene().camera;
    camera.distance = 3.25;
    let planes = vec![PlaneWish { normal: glam::Vec3::X, offset: Some(0.125) }];
    for input in [
        Input::SetCamera(camera),
        Input::Edit(Command::SetTransform {
            id: DeviceId::from("press"),
            transform: Transform::at(glam::Vec3::new(0.1 + 0.2, 1.0 / 3.0, -7.0)),
        }),
        Input::Select(["press".into()].into()),
        Input::Section { planes, timestamp_ms: 1.0 },
    ] {
        engine.input(input).unwrap();
    }
    engine.flush().unwrap();
}

#[test]
fn a_session_goes_on_at_another_host() {
    let Some(gpu) = software() else { return };
    let one = Host::start(&gpu, None, press_line());
    let fresh = one.engine.kept().unwrap();
    steer(&one.engine);
    let kept = one.engine.kept().unwrap();
    assert_ne!(kept, fresh);
    let state = kept.to_state();
    assert_eq!(kept.changes_since(&fresh), state, "a machine was moved, and the camera turned");

    // Somebody is there already, and sees it all change.
    let two = Host::with(&gpu, line(&[("other", 2.0)]), |config| config.saving = Saving::Never);
    let mut viewer = Viewer::join(&two.share());
    viewer.sees_new_pictures("the first picture");
    let start = two.engine.kept().unwrap();
    two.engine.restore(start.with(&state).unwrap()).unwrap();
    two.engine.flush().unwrap();
    let (here, there) = (one.engine.scene(), two.engine.scene());
    assert_eq!(here.workspace, there.workspace, "to the last bit");
    assert_eq!(
        (here.camera, here.section, &here.marks.selection),
        (there.camera, there.section, &there.marks.selection)
    );
    assert_eq!(two.engine.kept().unwrap().to_state(), state);
    viewer.sees_new_pictures("the session of the other host");
    // The next session begins with what the host was started with, and nothing is written anywhere.
    two.engine.restore(fresh.clone()).unwrap();
    assert_eq!(two.engine.kept().unwrap().to_state(), fresh.to_state());
    // A view alone, of a session in which nobody changed anything.
    let view = SessionState { document: None, view: state.view };
    two.engine.restore(start.with(&view).unwrap()).unwrap();
    two.engine.flush().unwrap();
    assert_eq!(two.engine.scene().camera, here.camera);
    assert_eq!(two.engine.kept().unwrap().to_state().document, start.to_state().document);
    steer(&two.engine);
    assert_eq!(two.engine.shutdown().unwrap(), None);
}

#[test]
fn texts_that_are_no_session_are_refused_and_odd_ones_do_no_harm() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, press_line());
    steer(&host.engine);
    let kept = host.engine.kept().unwrap();
    let SessionState { document: Some(document), view: Some(view) } = kept.to_state() else { panic!("half a session") };
    let (head, workspace) = document.split_once('\n').unwrap();
    let of = |document: Option<String>, view: Option<String>| SessionState { document, view };
    let newer = |text: &str| Some(text.replacen("\"version\":2", "\"version\":99", 1));
    for (wrong, why) in [
        (of(Some(String::new()), None), "of its document"),
        (of(Some("{}\n{}".into()), None), "of its document"),
        (of(Some(head.to_owned()), None), "not a workspace"),
        (of(Some(document[..document.len() - 20].to_owned()), None), "not a workspace"),
        (of(newer(&document), None), "install the same version"),
        (of(Some(format!("[[[[\n{workspace}")), None), "of its document"),
        (of(None, Some(String::new())), "of its view"),
        (of(None, Some("[[[[".into())), "of its view"),
        (of(None, Some(view[..view.len() - 1].to_owned())), "of its view"),
        (of(None, newer(&view)), "install the same version"),
    ] {
        let error = kept.with(&wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    // A camera out of range, planes without direction, devices that are not there.
    let camera = Camera { distance: -1.0, ..Camera::default() };
    let odd = serde_json::json!({
        "version": 2, "camera": camera, "selection": ["press", "nobody"], "measurements": [[], []],
        "section": { "planes": [{ "normal": [0.0, 0.0, 0.0], "offset": 1.0 }, null, null] },
    });
    let before = host.engine.scene().camera;
    host.engine.restore(kept.with(&of(Some(document), Some(odd.to_string()))).unwrap()).unwrap();
    host.engine.flush().unwrap();
    let scene = host.engine.scene();
    assert_eq!((scene.camera, scene.section.planes().count()), (before, 0));
    assert_eq!(scene.marks.selection, ["press".into()].into());
    assert!(scene.measurements.is_empty());
}

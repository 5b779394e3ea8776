//! Cameras of one's own beside the shared one.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use glam::{Vec2, Vec3};
use rr_scene::{Camera, Command, Device, NamedView, Role, ViewId, Workspace};
use rr_session::{CameraRoom, Input, OwnCameras, ParticipantId, Refusal, Session, Settings};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A marker device at the origin, looked at from the front.
fn session(settings: Settings) -> (Session, Instant) {
    let mut workspace = Workspace::new("test");
    let device = Device {
        id: "box".into(),
        name: "box".into(),
        kind: Default::default(),
        model: None,
        transform: rr_scene::Transform::at(Vec3::ZERO),
        properties: Default::default(),
    };
    workspace.apply(&Command::AddDevice(device), Role::Admin).unwrap();
    let camera = Camera { target: Vec3::new(0.0, 0.25, 0.0), yaw: 0.0, pitch: 0.0, ..Camera::default() };
    workspace.apply(&Command::SaveView(NamedView { name: "Start".into(), camera }), Role::Admin).unwrap();
    let mut session = Session::new(workspace, settings);
    session.take_changes();
    (session, Instant::now())
}

fn orbit(px: f32) -> Input {
    Input::Orbit { delta_px: Vec2::new(px, 0.0) }
}

const LEAVE: Input = Input::OwnCamera { on: true };
const COME_BACK: Input = Input::OwnCamera { on: false };

fn own(who: ParticipantId) -> ViewId {
    ViewId(who.0)
}

#[test]
fn an_own_camera_begins_where_the_shared_one_is_and_moves_alone() {
    let (mut s, now) = session(Settings::default());
    let (me, other) = (s.join("me", Role::Viewer), s.join("other", Role::Engineer));
    s.take_changes();
    assert_eq!(s.view_of(me), ViewId::SHARED);
    s.handle(now, me, LEAVE).unwrap();
    assert_eq!((s.view_of(me), s.view_of(other), s.own_cameras()), (own(me), ViewId::SHARED, 1));
    assert_eq!(s.camera_of(me), s.camera());
    let changes = s.take_changes();
    assert!(changes.presence && changes.touches_view(own(me)) && !changes.touches_view(ViewId::SHARED));
    let shared = *s.camera();
    s.handle(now, me, orbit(40.0)).unwrap();
    assert_eq!(*s.camera(), shared);
    assert_ne!(*s.camera_of(me), shared);
    let mine = *s.camera_of(me);
    s.handle(now, other, orbit(-90.0)).unwrap();
    assert_eq!(*s.camera_of(me), mine);
    assert_ne!(*s.camera(), shared);
    s.handle(now, me, COME_BACK).unwrap();
    assert_eq!((s.camera_of(me), s.own_cameras()), (s.camera(), 0));
}

#[test]
fn nobody_who_presents_holds_an_own_camera_and_it_does_not_move_theirs() {
    let (mut s, now) = session(Settings { viewers_may_steer: false, ..Settings::default() });
    let (me, presenter) = (s.join("me", Role::Viewer), s.join("presenter", Role::Admin));
    s.handle(now, presenter, Input::RequestControl).unwrap();
    assert!(matches!(s.handle(now, me, orbit(9.0)), Err(Refusal::NotPresenter { .. })));
    s.handle(now, me, LEAVE).unwrap();
    for input in [orbit(9.0), Input::View("top".into()), Input::Focus("box".into()), Input::Zoom { delta: 50.0 }] {
        s.handle(now, me, input).unwrap();
    }
    // What all share stays the presenter's.
    let section = Input::Section { planes: Vec::new(), timestamp_ms: 1.0 };
    assert!(matches!(s.handle(now, me, section), Err(Refusal::NotPresenter { .. })));
    s.handle(now, presenter, orbit(5.0)).unwrap();
}

#[test]
fn each_view_says_when_it_changed() {
    let (mut s, now) = session(Settings::default());
    let me = s.join("me", Role::Viewer);
    s.handle(now, me, LEAVE).unwrap();
    s.take_changes();
    let seen = |s: &Session| {
        let scene = Arc::new(s.snapshot());
        (scene.changed, scene.seen_by(own(me)).unwrap().changed, scene.revision)
    };
    let (shared, mine, _) = seen(&s);
    s.handle(now, me, orbit(9.0)).unwrap();
    s.take_changes();
    let after = seen(&s);
    assert_eq!(after.0, shared, "the shared view is drawn for nothing");
    assert!(after.1 > mine && after.1 == after.2);
    // What all see changes both.
    let other = s.join("other", Role::Engineer);
    s.take_changes();
    s.handle(now, other, Input::Select(["box".into()].into())).unwrap();
    s.take_changes();
    let both = seen(&s);
    assert_eq!((both.0, both.1), (both.2, both.2));
    assert!(Arc::new(s.snapshot()).seen_by(ViewId(99)).is_none());
}

#[test]
fn a_click_hits_what_the_one_who_clicks_sees() {
    let (mut s, now) = session(Settings::default());
    let (me, other) = (s.join("me", Role::Engineer), s.join("other", Role::Engineer));
    let centre = s.device_bounds(&"box".into()).unwrap().centre();
    s.handle(now, me, LEAVE).unwrap();
    s.handle(now, me, Input::Pan { delta_px: Vec2::new(200.0, 0.0) }).unwrap();
    let at = s.camera_of(me).project(centre, 16.0 / 9.0).unwrap();
    assert!((at - s.camera().project(centre, 16.0 / 9.0).unwrap()).length() > 0.1);
    let click = Input::Click { at, device: None, toggle: false };
    s.handle(now, other, click.clone()).unwrap();
    assert!(s.selection().is_empty());
    s.handle(now, me, click).unwrap();
    assert_eq!(s.selection().len(), 1);
}

#[test]
fn a_named_view_is_gone_to_smoothly_by_the_own_camera_alone() {
    let (mut s, now) = session(Settings::default());
    let me = s.join("me", Role::Viewer);
    s.handle(now, me, LEAVE).unwrap();
    let shared = *s.camera();
    s.handle(now, me, Input::View("top".into())).unwrap();
    assert!(s.next_tick(now).is_some());
    s.tick(now + Duration::from_millis(100));
    let halfway = *s.camera_of(me);
    s.tick(now + Duration::from_secs(1));
    assert!(s.camera_of(me).pitch > halfway.pitch && halfway.pitch > shared.pitch);
    assert_eq!(*s.camera(), shared);
    assert!(s.next_tick(now + Duration::from_secs(1)).is_none());
}

#[test]
fn the_owner_and_the_room_decide_and_say_why() {
    let (mut s, now) = session(Settings { own_cameras: OwnCameras::Engineers, ..Settings::default() });
    let (viewer, engineer) = (s.join("v", Role::Viewer), s.join("e", Role::Engineer));
    let second = s.join("second", Role::Engineer);
    assert!(s.handle(now, viewer, LEAVE).unwrap_err().to_string().contains("engineers"));
    s.set_camera_room(Some(CameraRoom { most: 1, why: "each takes 40 ms".into() }));
    s.handle(now, engineer, LEAVE).unwrap();
    // Once more changes nothing.
    s.handle(now, engineer, LEAVE).unwrap();
    assert!(s.handle(now, second, LEAVE).unwrap_err().to_string().contains("40 ms"));
    s.leave(Instant::now(), engineer);
    assert_eq!(s.own_cameras(), 0);
    s.handle(now, second, LEAVE).unwrap();
    // Less room than there are: nobody is thrown out.
    s.set_camera_room(Some(CameraRoom { most: 0, why: "slow".into() }));
    assert_eq!(s.own_cameras(), 1);
    let (mut s, now) = session(Settings { most_own_cameras: Some(1), ..Settings::default() });
    let (first, second) = (s.join("first", Role::Viewer), s.join("second", Role::Admin));
    s.set_camera_room(Some(CameraRoom { most: 0, why: "slow".into() }));
    s.handle(now, first, LEAVE).unwrap();
    assert!(s.handle(now, second, LEAVE).unwrap_err().to_string().contains("allows 1"));
    let (mut s, now) = session(Settings { own_cameras: OwnCameras::Nobody, ..Settings::default() });
    let admin = s.join("a", Role::Admin);
    assert!(s.handle(now, admin, LEAVE).is_err());
}

#[test]
fn another_document_is_seen_by_all_from_its_first_view() {
    let (mut s, now) = session(Settings::default());
    let me = s.join("me", Role::Viewer);
    s.handle(now, me, LEAVE).unwrap();
    s.handle(now, me, orbit(50.0)).unwrap();
    let mut other = Workspace::new("other");
    let camera = Camera { yaw: 1.0, ..Camera::default() };
    other.apply(&Command::SaveView(NamedView { name: "Start".into(), camera }), Role::Admin).unwrap();
    s.replace_workspace(other);
    assert_eq!((*s.camera(), *s.camera_of(me)), (camera, camera));
}

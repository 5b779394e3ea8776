//! Behaviour of a session in virtual time.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use glam::{Vec2, Vec3};
use rr_scene::{Camera, Command, Connection, Device, NamedView, Role, Transform, Workspace};
use rr_session::{Input, Outcome, ParticipantId, PlaneWish, Refusal, Session, Settings};
use std::time::{Duration, Instant};

fn device(id: &str, x: f32) -> Device {
    Device {
        id: id.into(),
        name: id.into(),
        kind: Default::default(),
        model: None,
        transform: Transform::at(Vec3::new(x, 0.0, 0.0)),
        properties: Default::default(),
    }
}

/// Two marker devices 4 m apart, looked at from the front.
fn session() -> (Session, Instant) {
    let mut ws = Workspace::new("test");
    ws.apply(&Command::AddDevice(device("left", -2.0)), Role::Admin).unwrap();
    ws.apply(&Command::AddDevice(device("right", 2.0)), Role::Admin).unwrap();
    let front = Camera { target: Vec3::new(0.0, 0.25, 0.0), yaw: 0.0, pitch: 0.0, ..Camera::default() };
    ws.apply(&Command::SaveView(NamedView { name: "Start".into(), camera: front }), Role::Admin).unwrap();
    (Session::new(ws, Settings::default()), Instant::now())
}

fn orbit() -> Input {
    Input::Orbit { delta_px: Vec2::new(40.0, 0.0) }
}

fn at_of(session: &Session, id: &str) -> Vec2 {
    let centre = session.device_bounds(&id.into()).unwrap().centre();
    session.camera().project(centre, 16.0 / 9.0).unwrap()
}

fn click(at: Vec2) -> Input {
    Input::Click { at, device: None, toggle: false }
}

fn selected(session: &Session) -> Vec<String> {
    session.selection().iter().map(|d| d.0.clone()).collect()
}

#[test]
fn a_click_selects_what_is_seen_there() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    s.handle(now, me, click(at_of(&s, "right"))).unwrap();
    assert_eq!(selected(&s), ["right"]);
    s.handle(now, me, Input::Click { at: at_of(&s, "left"), device: None, toggle: true }).unwrap();
    assert_eq!(selected(&s), ["left", "right"]);
    s.handle(now, me, Input::Click { at: at_of(&s, "right"), device: None, toggle: true }).unwrap();
    assert_eq!(selected(&s), ["left"]);
    s.handle(now, me, click(Vec2::new(0.5, 0.05))).unwrap();
    assert!(selected(&s).is_empty());
    let gone = Input::Click { at: Vec2::ZERO, device: Some("nobody".into()), toggle: false };
    assert!(s.handle(now, me, gone).unwrap_err().to_string().contains("nobody"));
}

#[test]
fn viewers_look_and_point_but_do_not_change_anything() {
    let (mut s, now) = session();
    let viewer = s.join("v", Role::Viewer);
    s.take_changes();
    let before = s.workspace().clone();
    let link = Connection { id: "l".into(), source: "left".into(), target: "right".into(), kind: "data".into() };
    let refused = [
        click(at_of(&s, "left")),
        Input::Select(["left".into()].into()),
        Input::Drag { device: "left".into(), position: Vec3::ONE, gesture: 1, timestamp_ms: 1.0 },
        Input::Edit(Command::RemoveDevice("left".into())),
        Input::Edit(Command::AddConnection(link)),
        Input::Undo,
        Input::Redo,
        Input::RequestControl,
    ];
    for input in refused {
        let shown = format!("{input:?}");
        let refusal = s.handle(now, viewer, input).unwrap_err();
        assert!(
            refusal.to_string().contains("engineer") || refusal.to_string().contains("admin"),
            "{shown}: {refusal}"
        );
    }
    assert_eq!(*s.workspace(), before);
    assert!(s.take_changes().is_empty());
    s.handle(now, viewer, orbit()).unwrap();
    s.handle(now, viewer, Input::Pointer { at: Some(Vec2::splat(0.5)), timestamp_ms: 1.0 }).unwrap();
    let changes = s.take_changes();
    assert!(changes.camera && changes.presence && !changes.touches_document());
}

#[test]
fn a_presenter_is_the_only_one_who_steers() {
    let (mut s, now) = session();
    let (a, b, boss) = (s.join("Ann", Role::Engineer), s.join("Bob", Role::Engineer), s.join("Eve", Role::Admin));
    s.handle(now, b, orbit()).unwrap();
    s.handle(now, a, Input::RequestControl).unwrap();
    let refusal = s.handle(now, b, orbit()).unwrap_err();
    assert_eq!(refusal, Refusal::NotPresenter { presenter: "Ann".into() });
    assert!(s.handle(now, b, Input::RequestControl).is_err());
    s.handle(now, a, orbit()).unwrap();
    s.handle(now, boss, Input::RequestControl).unwrap();
    assert_eq!(s.presenter(), Some(boss));
    s.leave(Instant::now(), boss);
    assert_eq!(s.presenter(), None, "the place is free when the presenter vanishes");
    s.handle(now, b, orbit()).unwrap();
}

#[test]
fn viewers_steer_only_where_the_owner_lets_them() {
    let (s, now) = session();
    let settings = Settings { viewers_may_steer: false, ..Settings::default() };
    let mut s = Session::new((**s.workspace()).clone(), settings);
    let viewer = s.join("v", Role::Viewer);
    assert_eq!(s.handle(now, viewer, orbit()), Err(Refusal::ViewersDoNotSteer));
}

#[test]
fn drags_that_arrive_out_of_order_do_not_jump_back_and_undo_as_one() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    let drag = |x: f32, t: f64| Input::Drag {
        device: "left".into(),
        position: Vec3::new(x, 0.0, 0.0),
        gesture: 9,
        timestamp_ms: t,
    };
    for (x, t) in [(-1.0, 10.0), (1.0, 30.0)] {
        assert_eq!(s.handle(now, me, drag(x, t)), Ok(Outcome::Applied));
    }
    assert_eq!(s.handle(now, me, drag(0.0, 20.0)), Ok(Outcome::Stale));
    let x = |s: &Session| s.workspace().device(&"left".into()).unwrap().transform.position.x;
    assert_eq!(x(&s), 1.0);
    s.handle(now, me, Input::Undo).unwrap();
    assert_eq!(x(&s), -2.0);
    s.handle(now, me, Input::Redo).unwrap();
    assert_eq!(x(&s), 1.0);
}

#[test]
fn the_camera_eases_to_a_view_and_a_hand_interrupts_it() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    s.handle(now, me, Input::View("top".into())).unwrap();
    let start = s.camera().pitch;
    s.tick(now + Duration::from_millis(125));
    let middle = s.camera().pitch;
    assert!(middle > start + 0.3 && middle < 1.4, "{middle}");
    s.tick(now + Duration::from_millis(251));
    assert!(s.camera().pitch > 1.5);
    assert_eq!(s.next_tick(now), None, "nothing moves any more");
    s.handle(now, me, Input::View("Start".into())).unwrap();
    s.handle(now + Duration::from_millis(100), me, orbit()).unwrap();
    let held = *s.camera();
    s.tick(now + Duration::from_secs(1));
    assert_eq!(*s.camera(), held);
    assert!(s.handle(now, me, Input::View("nowhere".into())).is_err());
}

#[test]
fn a_probe_shows_for_a_moment() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Viewer);
    s.handle(now, me, Input::Probe { at: Vec2::new(0.25, 2.0) }).unwrap();
    assert_eq!(s.snapshot().marks.probe, Some(Vec2::new(0.25, 1.0)));
    let end = s.next_tick(now).unwrap();
    s.tick(end);
    assert_eq!(s.snapshot().marks.probe, None);
}

#[test]
fn removing_a_selected_device_clears_what_points_at_it() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Admin);
    let at = at_of(&s, "left");
    s.handle(now, me, click(at)).unwrap();
    s.handle(now, me, Input::Pointer { at: Some(at), timestamp_ms: 1.0 }).unwrap();
    assert_eq!(s.snapshot().marks.hover, Some("left".into()));
    s.take_changes();
    s.handle(now, me, Input::Edit(Command::RemoveDevice("left".into()))).unwrap();
    let changes = s.take_changes();
    assert!(changes.selection && changes.removed_devices.contains(&"left".into()));
    assert!(s.snapshot().marks.selection.is_empty() && s.snapshot().marks.hover.is_none());
}

#[test]
fn strangers_and_odd_names_are_handled() {
    let (mut s, now) = session();
    assert_eq!(s.handle(now, ParticipantId(77), orbit()), Err(Refusal::NotHere));
    let id = s.join("\u{7}\n  ", Role::Viewer);
    assert_eq!(s.participant(id).unwrap().name, format!("Guest {}", id.0));
    let long = s.join(&"x".repeat(1000), Role::Viewer);
    assert_eq!(s.participant(long).unwrap().name.len(), 40);
}

#[test]
fn the_revision_grows_exactly_when_something_changed() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    s.take_changes();
    let before = s.revision();
    assert!(s.take_changes().is_empty());
    assert_eq!(s.revision(), before);
    s.handle(now, me, orbit()).unwrap();
    s.take_changes();
    assert_eq!(s.revision(), before + 1);
}

fn cut(planes: &[(Vec3, Option<f32>)], timestamp_ms: f64) -> Input {
    let planes = planes.iter().map(|&(normal, offset)| PlaneWish { normal, offset }).collect();
    Input::Section { planes, timestamp_ms }
}

fn planes(session: &Session) -> Vec<(Vec3, f32)> {
    session.section().planes().map(|p| (p.normal, p.offset)).collect()
}

#[test]
fn a_section_goes_through_the_selection_or_through_everything_unless_it_says_where() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    s.take_changes();
    s.handle(now, me, cut(&[(Vec3::X * 3.0, None)], 1.0)).unwrap();
    assert_eq!(planes(&s), [(Vec3::X, 0.0)]);
    let changes = s.take_changes();
    assert!(changes.section && changes.touches_picture() && !changes.touches_document());
    assert_eq!(s.can_undo_redo(), (false, false), "it is part of the view, not of the document");
    s.handle(now, me, Input::Select(["right".into()].into())).unwrap();
    s.handle(now, me, cut(&[(Vec3::X, None), (Vec3::NEG_Y, Some(-0.1))], 2.0)).unwrap();
    assert_eq!(planes(&s), [(Vec3::X, 2.0), (Vec3::NEG_Y, -0.1)]);
    assert_eq!(s.snapshot().section, *s.section());
    s.handle(now, me, click(at_of(&s, "right"))).unwrap();
    s.take_changes();
    s.handle(now, me, cut(&[(Vec3::X, Some(-3.0))], 3.0)).unwrap();
    assert_eq!(s.pick(me, at_of(&s, "left")), None, "both devices are cut away");
    s.handle(now, me, cut(&[], 4.0)).unwrap();
    assert!(s.section().is_none() && s.pick(me, at_of(&s, "left")).is_some());
    s.handle(now, me, cut(&[(Vec3::X, None)], 5.0)).unwrap();
    s.replace_workspace(Workspace::new("next"));
    assert!(s.section().is_none());
}

#[test]
fn a_section_is_steering_and_its_numbers_are_checked() {
    let (mut s, now) = session();
    let (viewer, boss) = (s.join("v", Role::Viewer), s.join("Eve", Role::Admin));
    s.handle(now, viewer, cut(&[(Vec3::X, None)], 1.0)).unwrap();
    let before = planes(&s);
    let wrong = [vec![(Vec3::ZERO, None)], vec![(Vec3::splat(f32::NAN), Some(0.0))], vec![(Vec3::X, None); 4]];
    for wishes in wrong {
        let refusal = s.handle(now, viewer, cut(&wishes, 2.0)).unwrap_err();
        assert!(refusal.to_string().contains("section"), "{refusal}");
    }
    // A drag that arrives out of order does not jump back.
    assert_eq!(s.handle(now, viewer, cut(&[(Vec3::Y, None)], 0.5)), Ok(Outcome::Stale));
    s.handle(now, boss, Input::RequestControl).unwrap();
    let refusal = s.handle(now, viewer, cut(&[], 3.0)).unwrap_err();
    assert_eq!(refusal, Refusal::NotPresenter { presenter: "Eve".into() });
    assert_eq!(planes(&s), before);
}

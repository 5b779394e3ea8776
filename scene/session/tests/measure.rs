//! Measuring in a session: who may, what stays, what follows.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use glam::{Vec2, Vec3};
use rr_scene::measure::{Quantity, Wanted};
use rr_scene::{
    Assembly, Camera, Command, Device, Instance, Mesh, Model, ModelRef, NamedView, Part, PickModel, Role, Transform,
    Workspace,
};
use rr_session::{
    Input, MAX_MEASUREMENTS, MeasurePick, Outcome, ParticipantId, Refusal, Session, Settings, SharedView,
};
use std::sync::Arc;
use std::time::Instant;

/// A plate of 2 by 1 m that stands upright, with its border as edges.
fn plate() -> Model {
    let points = [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]];
    let edges = (0..4).flat_map(|i| [points[i], points[(i + 1) % 4]]).collect();
    let mesh = Mesh {
        positions: points.into(),
        normals: vec![[0.0, 0.0, 1.0]; 4],
        indices: vec![0, 1, 2, 0, 2, 3],
        edges,
        ..Mesh::default()
    };
    let instance = Instance { part: 0, name: String::new(), model_from_part: glam::Affine3A::IDENTITY, colour: None };
    Model::of(&Assembly { parts: vec![Part { name: String::new(), mesh }], instances: vec![instance] })
}

fn session() -> (Session, Instant) {
    let mut ws = Workspace::new("test");
    let key = ModelRef { path: "plate".into(), unit: None, up: None };
    for (id, x) in [("left", -2.0), ("right", 2.0)] {
        let device = Device {
            id: id.into(),
            name: id.into(),
            kind: Default::default(),
            model: Some(key.clone()),
            transform: Transform::at(Vec3::new(x, 0.0, 0.0)),
            properties: Default::default(),
        };
        ws.apply(&Command::AddDevice(device), Role::Admin).unwrap();
    }
    let front = Camera { target: Vec3::new(0.0, 0.5, 0.0), yaw: 0.0, pitch: 0.0, ..Camera::default() };
    ws.apply(&Command::SaveView(NamedView { name: "Start".into(), camera: front }), Role::Admin).unwrap();
    let mut session = Session::new(ws, Settings::default());
    let model = Arc::new(plate());
    session.model_ready(key, model.clone(), Arc::new(PickModel::new(model)));
    session.take_changes();
    (session, Instant::now())
}

fn at(session: &Session, point: Vec3) -> Vec2 {
    session.camera().project(point, 16.0 / 9.0).unwrap()
}

fn pick(session: &Session, x: f32, y: f32) -> Input {
    Input::MeasurePick(MeasurePick { at: at(session, Vec3::new(x, y, 0.0)), ..MeasurePick::default() })
}

fn headlines(session: &Session) -> Vec<String> {
    session.measurements().iter().map(|m| m.measured.headline()).collect()
}

fn do_all(session: &mut Session, who: ParticipantId, places: &[(f32, f32)]) {
    for (x, y) in places {
        let input = pick(session, *x, *y);
        session.handle(Instant::now(), who, input).unwrap();
    }
}

#[test]
fn one_thing_says_what_it_is_and_a_second_how_far_away_it_is() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Viewer);
    do_all(&mut s, me, &[(-2.0, 1.0)]);
    assert_eq!(headlines(&s), ["2.000 m"], "the length of the upper edge");
    assert!(s.measurements()[0].is_open);
    let changes = s.take_changes();
    assert_eq!(changes.measurements, [1].into());
    assert!(changes.touches_picture() && !changes.touches_document());
    do_all(&mut s, me, &[(1.0, 1.0)]);
    assert_eq!(headlines(&s), ["2.000 m"], "from the right end of the edge to the corner of the other plate");
    let measured = &s.measurements()[0].measured;
    assert!(measured.facts.iter().any(|f| f.quantity == Quantity::DeltaX && (f.value - 2.0).abs() < 1e-5));
    do_all(&mut s, me, &[(-1.0, 1.0), (1.0, 0.0)]);
    assert_eq!(s.measurements().len(), 2, "the third pick begins another");
    assert_eq!(headlines(&s)[1], "2.236 m");
    assert_eq!(s.snapshot().measurements.len(), 2);
    assert_eq!(s.can_undo_redo(), (false, false));
    s.handle(now, me, Input::MeasureRemove(1)).unwrap();
    assert_eq!(s.take_changes().removed_measurements, [1].into());
    assert_eq!(s.handle(now, me, Input::MeasureRemove(1)), Err(Refusal::NoMeasurement(1)));
    s.handle(now, me, Input::MeasureClear).unwrap();
    assert!(s.measurements().is_empty());
    do_all(&mut s, me, &[(-2.0, 1.0)]);
    assert_eq!(s.measurements()[0].id, 3, "numbers are not given twice");
}

#[test]
fn what_was_begun_and_says_nothing_goes_with_whoever_began_it() {
    let (mut s, now) = session();
    let (a, b) = (s.join("a", Role::Engineer), s.join("b", Role::Engineer));
    do_all(&mut s, a, &[(-1.0, 1.0)]);
    do_all(&mut s, b, &[(2.0, 0.0)]);
    assert_eq!(s.measurements().len(), 2, "each has their own");
    s.take_changes();
    s.handle(now, a, Input::MeasureEnd).unwrap();
    assert_eq!(headlines(&s), ["2.000 m"], "a lone corner says nothing, an edge does");
    assert_eq!(s.take_changes().removed_measurements, [1].into());
    s.leave(Instant::now(), b);
    assert!(!s.measurements()[0].is_open);
    let anew = MeasurePick { at: at(&s, Vec3::new(2.0, 0.0, 0.0)), starts_anew: true, ..MeasurePick::default() };
    for _ in 0..2 {
        s.handle(now, a, Input::MeasurePick(anew)).unwrap();
    }
    assert_eq!(s.measurements().len(), 3);
    // The same edge again has no distance from itself.
    let again = pick(&s, 1.8, 0.0);
    s.handle(now, a, again).unwrap();
    let last = s.measurements().last().unwrap();
    assert!(last.features.len() == 1 && !last.is_open);
}

#[test]
fn measuring_is_steering() {
    let (mut s, now) = session();
    let (viewer, boss) = (s.join("v", Role::Viewer), s.join("Eve", Role::Admin));
    do_all(&mut s, viewer, &[(-2.0, 1.0)]);
    s.handle(now, boss, Input::RequestControl).unwrap();
    let refused = [pick(&s, -2.0, 1.0), Input::MeasureRemove(1), Input::MeasureClear];
    for input in refused {
        assert_eq!(s.handle(now, viewer, input), Err(Refusal::NotPresenter { presenter: "Eve".into() }));
    }
    assert_eq!(s.measurements().len(), 1);
    let edge = Input::MeasureAim(Some(at(&s, Vec3::new(-2.0, 1.0, 0.0))));
    assert_eq!(s.handle(now, viewer, edge), Ok(Outcome::Stale));
    assert!(s.snapshot().aim.is_empty());
    let settings = Settings { viewers_may_steer: false, ..Settings::default() };
    let mut strict = Session::new(Workspace::clone(s.workspace()), settings);
    let viewer = strict.join("v", Role::Viewer);
    assert_eq!(strict.handle(now, viewer, Input::MeasureClear), Err(Refusal::ViewersDoNotSteer));
}

#[test]
fn nothing_and_too_much_are_refused() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    let nowhere = pick(&s, 0.0, 0.5);
    assert_eq!(s.handle(now, me, nowhere), Err(Refusal::NothingToMeasure));
    let corner = |wanted, radius_px| {
        Input::MeasurePick(MeasurePick { at: at(&s, Vec3::new(-1.0, 0.96, 0.0)), wanted, radius_px, starts_anew: true })
    };
    let (near, far) = (corner(Wanted::Vertex, Some(1.0)), corner(Wanted::Vertex, Some(24.0)));
    let nan = Input::MeasurePick(MeasurePick { at: Vec2::NAN, radius_px: Some(f32::NAN), ..MeasurePick::default() });
    assert_eq!(s.handle(now, me, near), Err(Refusal::NothingToMeasure));
    assert_eq!(s.handle(now, me, nan), Err(Refusal::NothingToMeasure));
    assert_eq!(s.handle(now, me, far), Ok(Outcome::Applied));
    s.handle(now, me, Input::MeasureEnd).unwrap();
    for _ in 0..MAX_MEASUREMENTS {
        do_all(&mut s, me, &[(-1.0, 1.0), (1.0, 1.0)]);
    }
    let more = pick(&s, -1.0, 1.0);
    assert_eq!(s.handle(now, me, more), Err(Refusal::TooManyMeasurements));
}

#[test]
fn measurements_follow_their_devices_and_go_with_them() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Admin);
    do_all(&mut s, me, &[(-1.0, 1.0), (1.0, 1.0), (-2.0, 0.0)]);
    s.handle(now, me, Input::MeasureEnd).unwrap();
    assert_eq!(headlines(&s), ["2.000 m", "2.000 m"]);
    s.take_changes();
    let position = Vec3::new(3.0, 0.0, 0.0);
    s.handle(now, me, Input::Drag { device: "right".into(), position, gesture: 1, timestamp_ms: 1.0 }).unwrap();
    assert_eq!(headlines(&s), ["3.000 m", "2.000 m"]);
    assert_eq!(s.take_changes().measurements, [1].into(), "the other one has not changed");
    s.handle(now, me, Input::Undo).unwrap();
    assert_eq!(headlines(&s)[0], "2.000 m");
    s.take_changes();
    s.handle(now, me, Input::Edit(Command::RemoveDevice("right".into()))).unwrap();
    assert_eq!(headlines(&s), ["2.000 m"]);
    assert_eq!(s.take_changes().removed_measurements, [1].into());
    s.replace_workspace(Workspace::new("next"));
    assert!(s.measurements().is_empty() && s.snapshot().measurements.is_empty());
}

#[test]
fn what_a_pick_would_take_is_shown_until_the_pointer_goes() {
    let (mut s, now) = session();
    let me = s.join("me", Role::Engineer);
    let edge = at(&s, Vec3::new(-2.0, 1.0, 0.0));
    s.handle(now, me, Input::MeasureAim(Some(edge))).unwrap();
    assert_eq!(s.snapshot().aim.len(), 1);
    assert!(s.take_changes().picture);
    s.handle(now, me, Input::MeasureAim(Some(edge))).unwrap();
    assert!(s.take_changes().is_empty(), "the same again is nothing new");
    s.handle(now, me, Input::Pointer { at: None, timestamp_ms: 1.0 }).unwrap();
    assert!(s.snapshot().aim.is_empty());
    s.handle(now, me, Input::MeasureAim(Some(edge))).unwrap();
    let input = pick(&s, -2.0, 1.0);
    s.handle(now, me, input).unwrap();
    assert!(s.snapshot().aim.is_empty(), "it is taken");
}

#[test]
fn measurements_come_along_to_another_host() {
    let (mut s, _) = session();
    let who = s.join("a", Role::Admin);
    // Between two edges, one thing that says something by itself, and one that was only begun.
    do_all(&mut s, who, &[(-3.0, 0.5), (1.0, 0.5), (-2.0, 1.0)]);
    let text = serde_json::to_string(&s.shared_view()).unwrap();
    let view: SharedView = serde_json::from_str(&text).unwrap();
    assert_eq!(view, s.shared_view(), "nothing is lost on the way");
    let before = headlines(&s);
    assert_eq!(before.len(), 2);

    let (mut other, _) = session();
    other.restore(Instant::now(), (**s.workspace()).clone(), &view, s.history().clone());
    assert_eq!(headlines(&other), before);
    assert!(other.measurements().iter().all(|m| !m.is_open));
    assert_eq!(other.snapshot().measurements[0].measured.marks, s.measurements()[0].measured.marks);
    // Nobody there is who made them: a pick begins another one.
    let me = other.join("b", Role::Admin);
    do_all(&mut other, me, &[(-2.0, 1.0)]);
    assert_eq!(other.measurements().iter().map(|m| m.id).collect::<Vec<_>>(), [1, 2, 3]);
    // A document without these devices has nothing to measure.
    other.restore(Instant::now(), Workspace::new("empty"), &view, rr_scene::History::default());
    assert!(other.measurements().is_empty());
}

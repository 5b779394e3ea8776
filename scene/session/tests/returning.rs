//! People who come again: here after a broken connection, and at the host where the session goes on.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_scene::{Camera, History, Role, Workspace};
use rr_session::{Input, Newcomer, OwnCameras, ParticipantId, RETURNS_WITHIN, Session, Settings, SharedView};
use std::time::{Duration, Instant};

fn session() -> Session {
    let settings = Settings { own_cameras: OwnCameras::Everybody, reduced_motion: true, ..Settings::default() };
    Session::new(Workspace::new("hall"), settings)
}

fn comes(s: &mut Session, now: Instant, key: &str, role: Role) -> (ParticipantId, Option<ParticipantId>) {
    s.come(now, Newcomer { name: "", role, key: Some(key) })
}

fn name(s: &Session, id: ParticipantId) -> &str {
    &s.participant(id).unwrap().name
}

/// A camera that nobody else has.
fn camera() -> Camera {
    Camera { distance: 3.25, ..Camera::default() }
}

#[test]
fn whoever_comes_again_gets_back_what_they_had() {
    let (mut s, now) = (session(), Instant::now());
    let (a, _) = comes(&mut s, now, "a", Role::Engineer);
    let (b, _) = comes(&mut s, now, "b", Role::Viewer);
    s.handle(now, a, Input::RequestControl).unwrap();
    s.handle(now, b, Input::OwnCamera { on: true }).unwrap();
    s.handle(now, b, Input::SetCamera(camera())).unwrap();
    let names = [name(&s, a).to_owned(), name(&s, b).to_owned()];
    s.leave(now, a);
    s.leave(now, b);
    assert_eq!((s.presenter(), s.own_cameras()), (None, 0));
    // Somebody else has the key of neither.
    let (other, _) = comes(&mut s, now, "c", Role::Admin);
    assert_eq!((s.presenter(), s.own_cameras()), (None, 0));
    assert!(!names.contains(&name(&s, other).to_owned()), "a name of somebody who may come again");

    let (b, was) = comes(&mut s, now, "b", Role::Viewer);
    assert_eq!((was, s.own_cameras()), (None, 1));
    assert_eq!((s.camera_of(b).distance, name(&s, b)), (3.25, names[1].as_str()));
    let (a, _) = comes(&mut s, now, "a", Role::Engineer);
    assert_eq!((s.presenter(), name(&s, a)), (Some(a), names[0].as_str()));
    // What was given back is not there a second time.
    let before = s.shared_view().seats.len();
    s.leave(now, a);
    assert_eq!(s.shared_view().seats.len(), before);
}

#[test]
fn a_connection_that_is_broken_here_and_not_yet_known_as_such_is_the_same_person() {
    let (mut s, now) = (session(), Instant::now());
    let (a, _) = comes(&mut s, now, "a", Role::Engineer);
    s.handle(now, a, Input::RequestControl).unwrap();
    let (again, was) = comes(&mut s, now, "a", Role::Engineer);
    assert_eq!((was, s.presenter(), s.participants().len()), (Some(a), Some(again), 1));
}

#[test]
fn what_others_the_owner_or_the_role_do_not_allow_any_more_is_not_given_back() {
    let (mut s, now) = (session(), Instant::now());
    let (a, _) = comes(&mut s, now, "a", Role::Engineer);
    s.handle(now, a, Input::RequestControl).unwrap();
    s.handle(now, a, Input::OwnCamera { on: true }).unwrap();
    s.leave(now, a);
    let (b, _) = comes(&mut s, now, "b", Role::Engineer);
    s.handle(now, b, Input::RequestControl).unwrap();
    let (a, _) = comes(&mut s, now, "a", Role::Engineer);
    assert_eq!((s.presenter(), s.own_cameras()), (Some(b), 1), "somebody else steers by now");
    // With a link for less.
    s.leave(now, a);
    s.leave(now, b);
    comes(&mut s, now, "b", Role::Viewer);
    assert_eq!(s.presenter(), None);
    // Too late.
    let late = now + RETURNS_WITHIN + Duration::from_secs(1);
    comes(&mut s, late, "a", Role::Engineer);
    assert_eq!((s.presenter(), s.own_cameras()), (None, 0));
}

#[test]
fn keys_that_are_none_and_crowds_do_no_harm() {
    let (mut s, now) = (session(), Instant::now());
    for key in ["", &"k".repeat(65)] {
        let (one, _) = comes(&mut s, now, key, Role::Engineer);
        let (two, was) = comes(&mut s, now, key, Role::Engineer);
        assert!(one != two && was.is_none());
    }
    for n in 0..500 {
        let (id, _) = comes(&mut s, now, &format!("key {n}"), Role::Viewer);
        s.leave(now, id);
    }
    assert_eq!(s.shared_view().seats.len(), 64);
}

#[test]
fn people_come_along_to_another_host() {
    let (mut s, now) = (session(), Instant::now());
    let (a, _) = s.come(now, Newcomer { name: "Ada", role: Role::Engineer, key: Some("a") });
    let (b, _) = comes(&mut s, now, "b", Role::Viewer);
    s.handle(now, a, Input::RequestControl).unwrap();
    s.handle(now, b, Input::OwnCamera { on: true }).unwrap();
    s.handle(now, b, Input::SetCamera(camera())).unwrap();
    let text = serde_json::to_string(&s.shared_view()).unwrap();
    let view: SharedView = serde_json::from_str(&text).unwrap();
    let mut other = session();
    other.restore(now, Workspace::new("hall"), &view, History::default());
    let (b, _) = comes(&mut other, now, "b", Role::Viewer);
    assert_eq!((other.camera_of(b).distance, other.own_cameras()), (3.25, 1));
    let (a, _) = comes(&mut other, now, "a", Role::Engineer);
    assert_eq!((other.presenter(), name(&other, a)), (Some(a), "Ada"));
    // A session that begins there anew waits for nobody.
    other.leave(now, a);
    other.restore(now, Workspace::new("hall"), &session().shared_view(), History::default());
    comes(&mut other, now, "a", Role::Engineer);
    assert_eq!(other.presenter(), None);
}

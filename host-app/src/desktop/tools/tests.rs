//! The tools, driven as a person drives them.

use crate::desktop::action::Action;
use crate::desktop::tests::{Fixture, harness, inputs, workspace};
use crate::desktop::tools::Tool;
use egui::Key;
use egui::accesskit::Role as AccessRole;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use glam::Vec3;
use rr_engine::{Input, MeasurePick, ParticipantId, ParticipantStatus, PlaneWish};
use rr_scene::measure::{Fact, Feature, FeatureShape, Measured, Measurement, Quantity};
use rr_scene::{Aabb, Role, Section, SectionPlane};
use std::sync::Arc;

fn planes(harness: &Harness<'_, Fixture>) -> Option<Vec<PlaneWish>> {
    inputs(harness).into_iter().rev().find_map(|input| match input {
        Input::Section { planes, .. } => Some(planes),
        _ => None,
    })
}

fn cut(fixture: &mut Fixture, planes: &[(Vec3, f32)]) {
    fixture.scene.section = Section::of(planes.iter().filter_map(|&(n, offset)| SectionPlane::new(n, offset)));
    fixture.status.section_bounds = Some(Aabb { min: Vec3::ZERO, max: Vec3::splat(4.0) });
}

#[test]
fn the_section_tool_cuts_at_once_and_escape_leaves_the_cut() {
    let mut fixture = Fixture::new(workspace());
    fixture.scene.camera.yaw = 0.1;
    let mut harness = harness(fixture);
    harness.get_by_role_and_label(AccessRole::Button, "Section").click();
    harness.run_steps(3);
    assert_eq!(planes(&harness), Some(vec![PlaneWish { normal: Vec3::Z, offset: None }]));
    cut(harness.state_mut(), &[(Vec3::Z, 2.0)]);
    harness.state_mut().actions.clear();
    harness.run_steps(3);
    assert!(harness.query_by_label("Place of plane 1, metres").is_some());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!((harness.state().ui_state.tool, planes(&harness)), (None, None));
    harness.get_by_label("Switch the section off").click();
    harness.run_steps(3);
    assert_eq!(planes(&harness), Some(vec![]));
    harness.key_press(Key::M);
    harness.run_steps(3);
    assert!(harness.query_by_label("Switch the section off").is_some(), "it stays in sight beside another tool");
    // The key takes the tool in hand again; a cut that is there stays as it is.
    harness.state_mut().actions.clear();
    harness.key_press(Key::X);
    harness.run_steps(3);
    assert_eq!((harness.state().ui_state.tool, planes(&harness)), (Some(Tool::Section), None));
}

#[test]
fn planes_are_turned_flipped_added_and_removed() {
    let mut fixture = Fixture::new(workspace());
    fixture.scene.camera.yaw = 0.1;
    fixture.ui_state.tool = Some(Tool::Section);
    cut(&mut fixture, &[(Vec3::Z, 2.0)]);
    let kept = PlaneWish { normal: Vec3::Z, offset: Some(2.0) };
    let mut harness = harness(fixture);
    let cases = [
        ("Plane 1: Y", vec![PlaneWish { normal: Vec3::Y, offset: None }]),
        ("Cut the other side away", vec![PlaneWish { normal: Vec3::NEG_Z, offset: Some(-2.0) }]),
        ("Add a plane", vec![kept, PlaneWish { normal: Vec3::X, offset: None }]),
        ("Remove plane 1", vec![]),
        ("Switch off", vec![]),
    ];
    for (label, expected) in cases {
        harness.state_mut().actions.clear();
        harness.get_by_label(label).click();
        harness.run_steps(3);
        assert_eq!(planes(&harness), Some(expected), "{label}");
    }
    cut(harness.state_mut(), &[(Vec3::Z, 2.0), (Vec3::X, 1.0), (Vec3::Y, 1.0)]);
    harness.run_steps(3);
    assert!(harness.query_by_label("Add a plane").is_none(), "three are all there are");
}

#[test]
fn a_flipped_plane_is_moved_along_the_same_axis() {
    let mut fixture = Fixture::new(workspace());
    fixture.ui_state.tool = Some(Tool::Section);
    cut(&mut fixture, &[(Vec3::NEG_Z, -2.0)]);
    let mut harness = harness(fixture);
    let slider = harness.get_by_role_and_label(AccessRole::Slider, "Place of plane 1, metres");
    slider.focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(3);
    let found = planes(&harness);
    let Some([PlaneWish { normal: Vec3::NEG_Z, offset: Some(offset) }]) = found.as_deref() else { panic!("{found:?}") };
    assert!((-4.0..-2.0).contains(offset), "to the right means farther along the axis: {offset}");
}

#[test]
fn a_click_in_the_picture_measures_while_the_tool_is_in_hand() {
    let mut harness = harness(Fixture::new(workspace()));
    harness.key_press(Key::M);
    harness.run_steps(3);
    assert_eq!(harness.state().ui_state.tool, Some(Tool::Measure));
    let centre = harness.get_by_label("3D view of the workspace").rect().center();
    harness.hover_at(centre);
    harness.run_steps(2);
    assert!(inputs(&harness).iter().any(|i| matches!(i, Input::MeasureAim(Some(_)))), "it shows what a click takes");
    harness.drag_at(centre);
    harness.run_steps(1);
    harness.drop_at(centre);
    harness.run_steps(2);
    let picks: Vec<_> = inputs(&harness).into_iter().filter(|i| !matches!(i, Input::MeasureAim(_))).collect();
    let [Input::MeasurePick(MeasurePick { at, starts_anew: false, .. })] = picks[..] else { panic!("{picks:?}") };
    assert!((at - glam::Vec2::splat(0.5)).length() < 1e-3, "{at}");
    harness.state_mut().actions.clear();
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!(inputs(&harness), [Input::MeasureEnd]);
}

fn measurement(id: u32, quantity: Quantity, value: f64) -> Measurement {
    let facts =
        vec![Fact { quantity, value, error: None }, Fact { quantity: Quantity::DeltaX, value: 0.5, error: None }];
    let at = Feature { device: "robot".into(), model: None, at: Vec3::ZERO, shape: FeatureShape::Vertex };
    let measured = Measured { facts, marks: Vec::new() };
    Measurement { id, by: 0, is_open: id == 2, features: vec![at], measured }
}

#[test]
fn measurements_are_listed_copied_and_removed() {
    let mut fixture = Fixture::new(workspace());
    fixture.ui_state.tool = Some(Tool::Measure);
    let list = vec![measurement(1, Quantity::Radius, 0.0125), measurement(2, Quantity::Distance, 1.25)];
    fixture.scene.measurements = Arc::new(list);
    let mut harness = harness(fixture);
    assert!(harness.query_by_label_contains("Click a second thing").is_some());
    assert!(harness.query_by_label("500.0 mm").is_some(), "the newest shows everything");
    assert!(harness.query_by_label("12.50 mm").is_none(), "older ones only their value");
    harness.get_by_label("Show the details of R 12.50 mm").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("12.50 mm").is_some());
    harness.get_by_label("Copy 1.250 m").click();
    harness.run_steps(3);
    assert!(harness.state().actions.contains(&Action::Copy("Distance\t1.250 m\n\u{394}X\t500.0 mm".into())));
    for (label, input) in [
        ("Remove R 12.50 mm", Input::MeasureRemove(1)),
        ("New measurement", Input::MeasureEnd),
        ("Remove all", Input::MeasureClear),
    ] {
        harness.get_by_label(label).click();
        harness.run_steps(3);
        assert_eq!(inputs(&harness).last(), Some(&input), "{label}");
    }
}

#[test]
fn while_somebody_else_presents_the_tools_say_so() {
    let mut fixture = Fixture::new(workspace());
    fixture.ui_state.tool = Some(Tool::Section);
    cut(&mut fixture, &[(Vec3::Z, 2.0)]);
    let eve = ParticipantId(4);
    let person = ParticipantStatus { id: eve, name: "Eve".into(), role: Role::Admin, pointer: None, link: None };
    fixture.status.participants.push(person);
    fixture.status.presenter = Some(eve);
    let mut harness = harness(fixture);
    assert!(harness.query_by_label("Eve is presenting: only they steer.").is_some());
    harness.get_by_label("Switch off").click();
    harness.run_steps(3);
    assert_eq!(planes(&harness), None);
}

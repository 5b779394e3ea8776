//! The section tool: up to three planes, each with its axis, side and place.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::state::{UiState, View};
use crate::desktop::tools::{Tool, toggle};
use crate::desktop::viewport::now_ms;
use crate::desktop::widgets::{icon_button, labelled_button, overlay_card};
use egui::{Margin, Ui};
use glam::Vec3;
use rr_engine::{Input, PlaneWish};
use rr_scene::section::MAX_PLANES;
use rr_scene::{Camera, SectionPlane};

const AXES: [(Vec3, &str, &str); 3] = [
    (Vec3::X, "X", "Across: cut left or right away"),
    (Vec3::Y, "Y", "Upright: cut above or below away"),
    (Vec3::Z, "Z", "Along: cut front or back away"),
];

/// Who takes the tool in hand wants to see something cut: the half that faces them goes.
pub fn begin(view: &View<'_>, actions: &mut Vec<Action>) {
    if view.scene.section.is_none() {
        set([through_the_middle(facing(&view.scene.camera))], actions);
    }
}

/// The world axis that points most towards the eye, on the level: people look down on machines and want to see into
/// their sides.
fn facing(camera: &Camera) -> Vec3 {
    let back = camera.back();
    if camera.pitch.abs() > 1.2 {
        Vec3::Y * back.y.signum()
    } else if back.x.abs() > back.z.abs() {
        Vec3::X * back.x.signum()
    } else {
        Vec3::Z * back.z.signum()
    }
}

fn through_the_middle(normal: Vec3) -> PlaneWish {
    PlaneWish { normal, offset: None }
}

fn set(planes: impl IntoIterator<Item = PlaneWish>, actions: &mut Vec<Action>) {
    let planes = planes.into_iter().collect();
    actions.push(Action::Input(Input::Section { planes, timestamp_ms: now_ms() }));
}

/// Says that something is cut away, and brings it back.
pub fn chip(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    overlay_card(ui).inner_margin(Margin::symmetric(8, 4)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(icons::icon(icons::SQUARE_HALF).color(Tokens::of(ui.ctx()).accent));
            let count = view.scene.section.planes().count();
            let text = if count == 1 { "Cut open".to_owned() } else { format!("Cut open by {count} planes") };
            let button = egui::Button::new(text).frame_when_inactive(false);
            if ui.add(button).on_hover_text("Move the section planes").clicked() {
                toggle(Tool::Section, view, state, actions);
            }
            if icon_button(ui, icons::X, "Switch the section off", None).clicked() {
                set([], actions);
            }
        });
    });
}

/// The planes in force.
pub fn panel(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let planes: Vec<SectionPlane> = view.scene.section.planes().copied().collect();
    let mut wishes: Vec<Option<PlaneWish>> = planes.iter().map(|p| Some(p.into())).collect();
    for (index, plane) in planes.iter().enumerate() {
        if index > 0 {
            ui.separator();
        }
        ui.push_id(index, |ui| wishes[index] = row(ui, index, plane, view, state));
    }
    if planes.is_empty() {
        ui.weak("Nothing is cut away.");
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if planes.len() < MAX_PLANES && labelled_button(ui, icons::PLUS, "Add a plane").clicked() {
            wishes.push(Some(through_the_middle(free_axis(&planes, &view.scene.camera))));
        }
        if !planes.is_empty() && ui.button("Switch off").clicked() {
            wishes.clear();
        }
    });
    let unchanged = wishes.len() == planes.len()
        && wishes.iter().zip(&planes).all(|(wish, plane)| *wish == Some(PlaneWish::from(plane)));
    if !unchanged {
        set(wishes.into_iter().flatten(), actions);
    }
}

/// The next plane goes along an axis that has none yet.
fn free_axis(planes: &[SectionPlane], camera: &Camera) -> Vec3 {
    let first = facing(camera);
    let back = camera.back();
    let others = AXES.map(|(axis, ..)| axis * axis.dot(back).signum());
    let is_free = |axis: &Vec3| planes.iter().all(|p| p.normal.dot(*axis).abs() < 0.99);
    std::iter::once(first).chain(others).find(is_free).unwrap_or(first)
}

/// What the person wants of one plane; none when it is to go.
fn row(ui: &mut Ui, index: usize, plane: &SectionPlane, view: &View<'_>, state: &mut UiState) -> Option<PlaneWish> {
    let mut wish = Some(PlaneWish::from(plane));
    let along = AXES.iter().position(|(axis, ..)| plane.normal.dot(*axis).abs() > 0.9999);
    let number = index + 1;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (at, (axis, name, what)) in AXES.iter().enumerate() {
            let button = egui::Button::new(*name).selected(along == Some(at)).min_size(egui::vec2(32.0, 26.0));
            let response = ui.add(button).accessible_name(format!("Plane {number}: {name}"));
            if response.on_hover_text(*what).clicked() && along != Some(at) {
                wish = Some(through_the_middle(*axis * axis.dot(view.scene.camera.back()).signum()));
            }
        }
        if icon_button(ui, icons::FLIP, "Cut the other side away", None).clicked() {
            wish = Some((&plane.flipped()).into());
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon_button(ui, icons::TRASH, &format!("Remove plane {number}"), None).clicked() {
                wish = None;
            }
        });
    });
    // People think in places along an axis, whichever side is cut away.
    let sign = along.map_or(1.0, |at| plane.normal.dot(AXES[at].0).signum());
    let axis = plane.normal * sign;
    let mut at = plane.offset * sign;
    let bounds = view.status.section_bounds.unwrap_or_default();
    let reach = SectionPlane::reach(axis, &bounds).unwrap_or(at - 1.0..=at + 1.0);
    // A plane outside of what it could cut keeps its place until it is moved.
    let reach = reach.start().min(at)..=reach.end().max(at);
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 92.0).max(60.0);
        let slider = egui::Slider::new(&mut at, reach).suffix(" m").fixed_decimals(3).drag_value_speed(0.002);
        let response = ui.add(slider.clamping(egui::SliderClamping::Never));
        state.tool_takes_arrows |= response.has_focus();
        if response.accessible_name(format!("Place of plane {number}, metres")).changed() && at.is_finite() {
            wish = Some(PlaneWish { normal: plane.normal, offset: Some(at * sign) });
        }
    });
    wish
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_that_faces_the_person_is_cut_away() {
        let from = |yaw: f32, pitch: f32| facing(&Camera { yaw, pitch, ..Camera::default() });
        assert_eq!(from(0.1, 0.4), Vec3::Z);
        assert_eq!(from(3.0, 0.4), Vec3::NEG_Z);
        assert_eq!(from(1.5, 0.4), Vec3::X);
        assert_eq!(from(-1.5, 0.4), Vec3::NEG_X);
        assert_eq!(from(0.1, 1.5), Vec3::Y);
    }

    #[test]
    fn further_planes_take_the_axes_that_are_left() {
        let camera = Camera { yaw: 0.1, pitch: 0.4, ..Camera::default() };
        let plane = |normal| SectionPlane::new(normal, 0.0).unwrap();
        assert_eq!(free_axis(&[], &camera), Vec3::Z);
        assert_eq!(free_axis(&[plane(Vec3::NEG_Z)], &camera), Vec3::X);
        assert_eq!(free_axis(&[plane(Vec3::Z), plane(Vec3::X)], &camera), Vec3::Y);
    }
}

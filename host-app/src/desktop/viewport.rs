//! The picture and what the mouse does in it.

use super::action::Action;
use super::look::Tokens;
use super::state::{UiState, View};
use super::tools::{Tool, measure};
use egui::{PointerButton, Pos2, Rect, Response, Sense, Ui};
use glam::{Vec2, Vec3};
use rr_engine::Input;
use rr_scene::{Camera, Device, DeviceId, Ray};
use std::time::{SystemTime, UNIX_EPOCH};

/// Deltas are counted for a picture of this height.
const REFERENCE_HEIGHT_PX: f32 = 720.0;
/// A notch of the wheel is 40 points in egui and 100 in browsers, after which the camera's speed is chosen.
const WHEEL_PER_POINT: f32 = 2.5;
/// Rays flatter than this against the floor would throw a device to the horizon.
const FLATTEST: f32 = 0.03;

/// Gestures that go on.
#[derive(Debug, Default)]
pub struct ViewportState {
    drag: Option<DeviceDrag>,
    /// Movements of one drag share a number.
    gesture: u32,
    pointer: Option<Vec2>,
}

/// A device follows the pointer over the horizontal plane through the point where it was taken.
#[derive(Debug, Clone)]
struct DeviceDrag {
    device: DeviceId,
    from: Vec3,
    taken_at: Vec3,
    gesture: u32,
}

/// Milliseconds of this machine's clock since 1970.
pub fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}

/// A point of the window's picture in the stream's picture; both have the same height of view.
pub fn stream_from_window(at: Vec2, stream_aspect: f32, window_aspect: f32) -> Vec2 {
    Vec2::new((at.x - 0.5) * window_aspect / stream_aspect + 0.5, at.y)
}

/// The other way round.
pub fn window_from_stream(at: Vec2, stream_aspect: f32, window_aspect: f32) -> Vec2 {
    Vec2::new((at.x - 0.5) * stream_aspect / window_aspect + 0.5, at.y)
}

/// Shows the picture in all that is left of `ui` and turns the mouse into input. Gives the place of the picture.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) -> Rect {
    let area = ui.available_rect_before_wrap();
    let id = ui.scope_id().with("viewport");
    let response = ui.interact(area, id, Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "3D view of the workspace"));
    ui.advance_cursor_after_rect(area);
    match view.picture {
        Some(texture) => {
            let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
            ui.painter().image(texture, area, whole, egui::Color32::WHITE);
        }
        None => {
            ui.painter().rect_filled(area, 0.0, Tokens::of(ui.ctx()).bg);
        }
    }
    if response.clicked() || response.drag_started() {
        // Typing into a field ends where the picture begins.
        ui.memory_mut(|m| m.focused().into_iter().for_each(|focused| m.surrender_focus(focused)));
    }
    let is_modal = state.is_modal();
    pointer(ui, area, &response, view, state, actions);
    if !is_modal {
        let is_measuring = state.tool == Some(Tool::Measure);
        drags(ui, area, &response, view, state, actions);
        clicks(ui, area, &response, view, is_measuring, actions);
        wheel(ui, &response, actions);
    }
    area
}

fn to_unit(area: Rect, at: Pos2) -> Vec2 {
    Vec2::new((at.x - area.left()) / area.width().max(1.0), (at.y - area.top()) / area.height().max(1.0))
}

fn to_stream(area: Rect, at: Pos2, view: &View<'_>) -> Vec2 {
    stream_from_window(to_unit(area, at), view.host.stream_aspect, area.aspect_ratio())
}

/// Others see where this person points, and the device under the pointer is marked.
fn pointer(ui: &Ui, area: Rect, response: &Response, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let is_here = response.hovered() || response.dragged();
    let at = ui.input(|i| i.pointer.latest_pos()).filter(|at| is_here && area.contains(*at));
    let at = at.map(|at| to_stream(area, at, view));
    if at != state.viewport.pointer {
        state.viewport.pointer = at;
        actions.push(Action::Input(Input::Pointer { at, timestamp_ms: now_ms() }));
        if state.tool == Some(Tool::Measure) {
            actions.push(measure::aim(at.filter(|_| !response.dragged())));
        }
    }
}

fn drags(ui: &Ui, area: Rect, response: &Response, view: &View<'_>, ui_state: &mut UiState, actions: &mut Vec<Action>) {
    let may_move_devices = ui_state.tool.is_none();
    let state = &mut ui_state.viewport;
    let modifiers = ui.input(|i| i.modifiers);
    let aspect = area.aspect_ratio();
    if response.drag_started_by(PointerButton::Primary) && !modifiers.any() && may_move_devices {
        let origin = ui.input(|i| i.pointer.press_origin());
        state.drag = origin.and_then(|origin| {
            let ray = view.scene.camera.ray(to_unit(area, origin), aspect);
            let (device, taken_at) = taken_device(view, &ray)?;
            state.gesture = state.gesture.wrapping_add(1);
            let (id, from) = (device.id.clone(), device.transform.position);
            Some(DeviceDrag { device: id, from, taken_at, gesture: state.gesture })
        });
    }
    if !response.dragged() {
        state.drag = None;
        return;
    }
    if let Some(drag) = &state.drag {
        ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
        let Some(at) = response.interact_pointer_pos() else { return };
        if response.drag_delta() == egui::Vec2::ZERO {
            return;
        }
        let ray = view.scene.camera.ray(to_unit(area, at), aspect);
        if let Some(position) = dragged_to(drag, &ray, &view.scene.camera) {
            let (device, gesture) = (drag.device.clone(), drag.gesture);
            actions.push(Action::Input(Input::Drag { device, position, gesture, timestamp_ms: now_ms() }));
        }
        return;
    }
    let delta = response.drag_delta() * (REFERENCE_HEIGHT_PX / area.height().max(1.0));
    if delta == egui::Vec2::ZERO {
        return;
    }
    let delta_px = Vec2::new(delta.x, delta.y);
    let is_pan =
        modifiers.shift || response.dragged_by(PointerButton::Secondary) || response.dragged_by(PointerButton::Middle);
    actions.push(Action::Input(if is_pan { Input::Pan { delta_px } } else { Input::Orbit { delta_px } }));
}

/// The selected device under the pointer and the point where the ray meets its box. The mark for the hovered device
/// comes from the exact picking of the session; the box makes sure that it is this pointer that hovers, not that of
/// somebody else.
fn taken_device<'a>(view: &View<'a>, ray: &Ray) -> Option<(&'a Device, Vec3)> {
    let marks = &view.scene.marks;
    let id = marks.hover.as_ref().filter(|id| marks.selection.contains(id))?;
    let device = view.scene.workspace.device(id)?;
    let bounds = view
        .scene
        .model_of(id)
        .map_or_else(|| rr_scene::Aabb { min: Vec3::splat(-0.5), max: Vec3::splat(0.5) }, |model| model.bounds());
    let device_from_world = device.transform.world_from_device().inverse();
    let origin = device_from_world.transform_point3(ray.origin);
    let direction = device_from_world.transform_vector3(ray.direction);
    // A marker is drawn somewhat larger than its box.
    let t = enters_box(origin, direction, bounds.min - Vec3::splat(0.05), bounds.max + Vec3::splat(0.05))?;
    Some((device, ray.origin + ray.direction * t))
}

/// Distance along the ray to the box, in lengths of the direction (slab method).
fn enters_box(origin: Vec3, direction: Vec3, min: Vec3, max: Vec3) -> Option<f32> {
    let (mut near, mut far) = (0.0f32, f32::INFINITY);
    for axis in 0..3 {
        if direction[axis].abs() < 1e-9 {
            if origin[axis] < min[axis] || origin[axis] > max[axis] {
                return None;
            }
            continue;
        }
        let a = (min[axis] - origin[axis]) / direction[axis];
        let b = (max[axis] - origin[axis]) / direction[axis];
        near = near.max(a.min(b));
        far = far.min(a.max(b));
    }
    (near <= far).then_some(near)
}

/// Where the device goes, or nothing while the ray runs along the floor or away from it.
fn dragged_to(drag: &DeviceDrag, ray: &Ray, camera: &Camera) -> Option<Vec3> {
    if ray.direction.y.abs() < FLATTEST {
        return None;
    }
    let t = (drag.taken_at.y - ray.origin.y) / ray.direction.y;
    if !(0.0..=camera.distance * 50.0 + 100.0).contains(&t) {
        return None;
    }
    let moved = ray.origin + ray.direction * t - drag.taken_at;
    Some(drag.from + Vec3::new(moved.x, 0.0, moved.z))
}

fn clicks(ui: &Ui, area: Rect, response: &Response, view: &View<'_>, is_measuring: bool, actions: &mut Vec<Action>) {
    if is_measuring && response.hovered() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::Crosshair);
    }
    let Some(at) = response.interact_pointer_pos() else { return };
    if is_measuring {
        // Two clicks soon after each other are two things that lie close to each other.
        if response.clicked() {
            actions.push(measure::pick(to_stream(area, at, view), ui.input(|i| i.modifiers.shift)));
        }
    } else if response.double_clicked() {
        // The first click of the two has selected it.
        let marks = &view.scene.marks;
        let device = marks.hover.as_ref().or_else(|| marks.selection.first().filter(|_| marks.selection.len() == 1));
        actions.extend(device.map(|id| Action::Input(Input::Focus(id.clone()))));
    } else if response.clicked() {
        let modifiers = ui.input(|i| i.modifiers);
        let toggle = modifiers.command || modifiers.shift;
        actions.push(Action::Input(Input::Click { at: to_stream(area, at, view), device: None, toggle }));
    }
}

fn wheel(ui: &Ui, response: &Response, actions: &mut Vec<Action>) {
    if !response.hovered() {
        return;
    }
    let (scroll, pinch) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
    let mut delta = -scroll * WHEEL_PER_POINT;
    if pinch > 0.0 {
        delta -= pinch.ln() / rr_scene::camera::ZOOM_PER_WHEEL_UNIT;
    }
    if delta != 0.0 {
        actions.push(Action::Input(Input::Zoom { delta }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_go_to_the_stream_and_back() {
        for at in [Vec2::new(0.0, 0.0), Vec2::new(0.9, 0.3)] {
            let stream = stream_from_window(at, 16.0 / 9.0, 2.4);
            assert!((window_from_stream(stream, 16.0 / 9.0, 2.4) - at).length() < 1e-6);
        }
        // A wider window shows more at the sides: its edge lies beside the stream's picture.
        assert!(stream_from_window(Vec2::ZERO, 16.0 / 9.0, 2.4).x < 0.0);
    }

    #[test]
    fn a_dragged_device_stays_under_the_pointer() {
        let camera = Camera::default();
        let (aspect, start, end) = (1.6, Vec2::new(0.5, 0.55), Vec2::new(0.7, 0.62));
        let device = Vec3::new(0.3, 0.0, -0.2);
        let ray = camera.ray(start, aspect);
        let taken_at = ray.origin + ray.direction * 6.0;
        let drag = DeviceDrag { device: "a".into(), from: device, taken_at, gesture: 1 };
        let to = dragged_to(&drag, &camera.ray(end, aspect), &camera).unwrap();
        assert_eq!(to.y, device.y, "it keeps its height");
        let seen = camera.project(taken_at + (to - device), aspect).unwrap();
        assert!((seen - end).length() < 1e-4, "{seen} instead of {end}");
    }

    #[test]
    fn rays_along_the_floor_move_nothing() {
        let camera = Camera { pitch: 0.0, ..Camera::default() };
        let drag = DeviceDrag { device: "a".into(), from: Vec3::ZERO, taken_at: Vec3::ZERO, gesture: 1 };
        assert_eq!(dragged_to(&drag, &camera.ray(Vec2::splat(0.5), 1.6), &camera), None);
        let up = Ray { origin: Vec3::Y, direction: Vec3::Y };
        assert_eq!(dragged_to(&drag, &up, &camera), None);
    }

    #[test]
    fn rays_meet_boxes_where_they_should() {
        let meet = |origin, direction| enters_box(origin, direction, Vec3::splat(-1.0), Vec3::splat(1.0));
        assert_eq!(meet(Vec3::new(0.0, 0.0, 5.0), Vec3::NEG_Z), Some(4.0));
        assert_eq!(meet(Vec3::new(0.0, 2.0, 5.0), Vec3::NEG_Z), None);
        assert_eq!(meet(Vec3::new(0.0, 0.0, 5.0), Vec3::Z), None);
        assert_eq!(meet(Vec3::ZERO, Vec3::X), Some(0.0), "from inside");
    }
}

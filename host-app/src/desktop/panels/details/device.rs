//! One device: name, kind, place, model, properties, connections.

use super::{DetailsState, check, connections, edit, kind_menu, properties, title};
use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::panels::tree::kind_title;
use crate::desktop::state::{DeviceModel, View};
use crate::desktop::viewport::now_ms;
use crate::desktop::widgets::{file_name, icon_button, labelled_button, note, plural, row, section};
use egui::{DragValue, Ui};
use glam::{EulerRot, Quat, Vec3};
use rr_engine::{ImportState, Input};
use rr_scene::command::MAX_COORDINATE;
use rr_scene::{Command, Device, ModelRef, Transform, Unit, UpAxis};

/// Draws the page of a device.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut DetailsState, device: &Device, actions: &mut Vec<Action>) {
    title(
        ui,
        icons::of_kind(&device.kind),
        &device.name,
        &format!("{} \u{2022} {}", kind_title(&device.kind), device.id),
    );
    row(ui, "Name", |ui| {
        let rename = |name: &str| Command::RenameDevice { id: device.id.clone(), name: name.to_owned() };
        let width = ui.available_width();
        let changed = state.drafts.text(ui, "name", "Name", &device.name, width, |text| check(view, &rename(text)));
        actions.extend(changed.map(|name| edit(rename(&name))));
    });
    row(ui, "Kind", |ui| {
        if let Some(kind) = kind_menu(ui, &kind_title(&device.kind), Some(&device.kind)) {
            actions.push(edit(Command::SetKind { id: device.id.clone(), kind }));
        }
    });
    place(ui, state, device, actions);
    model(ui, view, state, device, actions);
    properties::show(ui, view, state, device, actions);
    connections::show(ui, view, state, device, actions);
    ui.add_space(16.0);
    ui.horizontal(|ui| {
        if labelled_button(ui, icons::CUBE_FOCUS, "Look at it").clicked() {
            actions.push(Action::Input(Input::Focus(device.id.clone())));
        }
        if labelled_button(ui, icons::TRASH, "Remove").clicked() {
            actions.push(edit(Command::RemoveDevice(device.id.clone())));
        }
    });
}

/// Of x, y and z, as modelling programs have them.
const AXIS_COLOURS: [egui::Color32; 3] = [
    egui::Color32::from_rgb(0xe0, 0x5a, 0x5a),
    egui::Color32::from_rgb(0x4c, 0xb0, 0x5a),
    egui::Color32::from_rgb(0x4c, 0x8a, 0xe8),
];

/// Three numbers side by side. Tells whether one changed, and whether the person is at it.
fn triple(ui: &mut Ui, name: &str, value: &mut Vec3, speed: f32, range: f32, unit: &str) -> (bool, bool, bool) {
    let (mut changed, mut active, mut began) = (false, false, false);
    row(ui, name, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let width = (ui.available_width() - 8.0) / 3.0;
        for (axis, number) in ["X", "Y", "Z"].into_iter().zip([0, 1, 2]) {
            let drag = DragValue::new(&mut value[number])
                .speed(speed)
                .range(-range..=range)
                .max_decimals(3)
                .suffix(unit)
                .update_while_editing(false);
            let response = ui.add_sized([width, 26.0], drag).accessible_name(format!("{name} {axis}"));
            changed |= response.changed();
            active |= response.dragged() || response.has_focus();
            began |= response.drag_started() || response.gained_focus();
            let rect = response.rect.shrink2(egui::vec2(3.0, 6.0));
            let mark = egui::Rect::from_min_size(rect.min, egui::vec2(2.0, rect.height()));
            ui.painter().rect_filled(mark, 1.0, AXIS_COLOURS[number]);
            response.on_hover_text(format!("{axis}{unit}: drag, or click to type"));
        }
    });
    (changed, active, began)
}

fn place(ui: &mut Ui, state: &mut DetailsState, device: &Device, actions: &mut Vec<Action>) {
    let old = device.transform;
    section(ui, "Place", |ui| {
        let moved = old != Transform::default();
        if moved && icon_button(ui, icons::UNDO, "Put it at the origin, upright, in its own size", None).clicked() {
            actions.push(edit(Command::SetTransform { id: device.id.clone(), transform: Transform::default() }));
        }
    });
    // A draft is kept while the person is at it: the answer of the engine comes a frame later, and movements that are
    // added to an old value would be lost.
    let mut position = state.position.unwrap_or(old.position);
    let (changed, active, began) = triple(ui, "Position", &mut position, 0.01, MAX_COORDINATE, " m");
    if began {
        state.gesture = state.gesture.wrapping_add(1);
    }
    if changed {
        let (device, gesture) = (device.id.clone(), state.gesture);
        actions.push(Action::Input(Input::Drag { device, position, gesture, timestamp_ms: now_ms() }));
    }
    state.position = active.then_some(position);

    let (y, x, z) = old.rotation.to_euler(EulerRot::YXZ);
    let shown = Vec3::new(x, y, z).map(|v| clean(v.to_degrees()));
    let mut degrees = state.degrees.unwrap_or(shown);
    let (_, active, _) = triple(ui, "Rotation", &mut degrees, 0.5, 360.0, "\u{00b0}");
    if !active && degrees != shown {
        let turned = degrees.map(f32::to_radians);
        let rotation = Quat::from_euler(EulerRot::YXZ, turned.y, turned.x, turned.z).normalize();
        actions.push(edit(Command::SetTransform { id: device.id.clone(), transform: Transform { rotation, ..old } }));
    }
    state.degrees = active.then_some(degrees);

    let mut scale = state.scale.unwrap_or(old.scale);
    let active = row(ui, "Scale", |ui| {
        let drag = DragValue::new(&mut scale)
            .speed(0.005)
            .range(0.001..=1000.0)
            .max_decimals(3)
            .suffix(" \u{00d7}")
            .update_while_editing(false);
        let response = ui.add_sized([ui.available_width(), 26.0], drag).accessible_name("Scale");
        response.dragged() || response.has_focus()
    });
    if !active && scale != old.scale {
        actions.push(edit(Command::SetTransform { id: device.id.clone(), transform: Transform { scale, ..old } }));
    }
    state.scale = active.then_some(scale);
}

/// Rounds away what the way over a quaternion left behind.
fn clean(degrees: f32) -> f32 {
    let rounded = (degrees * 1000.0).round() / 1000.0;
    if rounded == 0.0 { 0.0 } else { rounded }
}

fn model(ui: &mut Ui, view: &View<'_>, state: &mut DetailsState, device: &Device, actions: &mut Vec<Action>) {
    let tokens = Tokens::of(ui.ctx());
    let set = |model: Option<ModelRef>| edit(Command::SetModel { id: device.id.clone(), model });
    section(ui, "Model", |ui| {
        if icon_button(ui, icons::FOLDER_OPEN, "Choose another file", None).clicked() {
            actions.push(Action::ChooseDeviceModel(device.id.clone()));
        }
        if device.model.is_some() && icon_button(ui, icons::X, "Show a marker instead", None).clicked() {
            actions.push(set(None));
        }
    });
    let Some(model) = &device.model else {
        ui.weak("Drawn as a marker");
        return;
    };
    row(ui, "File", |ui| {
        let name = file_name(std::path::Path::new(&model.path));
        ui.add(egui::Label::new(name).truncate()).on_hover_text(&model.path);
    });
    row(ui, "Unit", |ui| {
        let mut unit = model.unit;
        unit_menu(ui, &mut unit);
        if unit != model.unit {
            actions.push(set(Some(ModelRef { unit, ..model.clone() })));
        }
    });
    row(ui, "Up axis", |ui| {
        let mut up = model.up;
        up_menu(ui, &mut up);
        if up != model.up {
            actions.push(set(Some(ModelRef { up, ..model.clone() })));
        }
    });
    match view.model_of(device) {
        DeviceModel::Ready => {
            if let Some((key, model)) = device.model.as_ref().zip(view.scene.model_of(&device.id)) {
                let size = measured(state, key, model) * device.transform.scale;
                row(ui, "Size", |ui| {
                    let text = format!("{:.2} \u{00d7} {:.2} \u{00d7} {:.2} m", size.x, size.y, size.z);
                    ui.label(text).on_hover_text("Width, height, depth before rotation");
                });
                row(ui, "Geometry", |ui| {
                    let mut text = plural(model.triangle_count(), "triangle");
                    if model.line_count() > 0 {
                        text = format!("{text}, {}", plural(model.line_count(), "line"));
                    }
                    ui.label(text);
                });
            }
        }
        DeviceModel::Loading(state) => {
            ui.horizontal(|ui| {
                ui.spinner();
                let stage = if let Some(ImportState::Running { stage, .. }) = state { stage } else { "waiting" };
                ui.weak(format!("Being read: {stage}"));
            });
        }
        DeviceModel::Failed(reason) => {
            note(ui, icons::WARNING_CIRCLE, tokens.danger, &format!("The file could not be read: {reason}"));
        }
        DeviceModel::None => {}
    }
}

/// Edge lengths of a model. They take a walk over all vertices, so they are kept while the model is shown.
fn measured(state: &mut DetailsState, key: &ModelRef, model: &rr_scene::Model) -> Vec3 {
    match &state.measured {
        Some((known, size)) if known == key => *size,
        _ => {
            let size = model.bounds().size();
            state.measured = Some((key.clone(), size));
            size
        }
    }
}

/// A menu of units, the file's own first.
pub fn unit_menu(ui: &mut Ui, unit: &mut Option<Unit>) {
    let word = |unit: Option<Unit>| unit.map_or("As the file says, else mm", Unit::name);
    let menu = egui::ComboBox::from_id_salt("unit").selected_text(word(*unit)).width(ui.available_width()).truncate();
    let response = menu.show_ui(ui, |ui| {
        for choice in std::iter::once(None).chain(Unit::ALL.map(Some)) {
            ui.selectable_value(unit, choice, word(choice));
        }
    });
    response.response.accessible_name("Unit");
}

/// A menu of axes, the format's own first.
pub fn up_menu(ui: &mut Ui, up: &mut Option<UpAxis>) {
    let word = |up: Option<UpAxis>| match up {
        None => "As the format says, else Z",
        Some(UpAxis::Z) => "Z, as in CAD",
        Some(UpAxis::Y) => "Y",
    };
    let menu = egui::ComboBox::from_id_salt("up").selected_text(word(*up)).width(ui.available_width()).truncate();
    let response = menu.show_ui(ui, |ui| {
        for choice in [None, Some(UpAxis::Z), Some(UpAxis::Y)] {
            ui.selectable_value(up, choice, word(choice));
        }
    });
    response.response.accessible_name("Up axis");
}

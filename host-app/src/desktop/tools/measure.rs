//! The measuring tool: pick one thing or two, and everything that is known about them is shown.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::strong;
use crate::desktop::state::{UiState, View};
use crate::desktop::widgets::{icon_button, labelled_button};
use egui::{Align, Layout, ScrollArea, Ui};
use glam::Vec2;
use rr_engine::{Input, MeasurePick};
use rr_scene::measure::{Measurement, text};

/// What is measured at a point of the stream's picture.
pub fn pick(at: Vec2, starts_anew: bool) -> Action {
    Action::Input(Input::MeasurePick(MeasurePick { at, starts_anew, ..MeasurePick::default() }))
}

/// Shows what a click would take.
pub fn aim(at: Option<Vec2>) -> Action {
    Action::Input(Input::MeasureAim(at))
}

/// Nobody comes back to what was begun.
pub fn end(actions: &mut Vec<Action>) {
    actions.push(Action::Input(Input::MeasureEnd));
}

/// The list of measurements.
pub fn panel(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let list = &view.scene.measurements;
    let me = view.status.participants.first().map(|p| p.id.0);
    let is_open = list.iter().any(|m| m.is_open && Some(m.by) == me);
    ui.weak(if is_open {
        "Click a second thing for distance and angle."
    } else {
        "Click an edge, a corner or a face."
    });
    ui.add_space(2.0);
    // The newest is what one looks for.
    ScrollArea::vertical().max_height(420.0).auto_shrink([false, true]).show(ui, |ui| {
        for (index, measurement) in list.iter().rev().enumerate() {
            ui.push_id(measurement.id, |ui| {
                ui.separator();
                one(ui, measurement, index == 0, view, state, actions);
            });
        }
    });
    if list.is_empty() {
        return;
    }
    ui.separator();
    ui.horizontal(|ui| {
        let anew = |ui: &mut Ui| labelled_button(ui, icons::PLUS, "New measurement");
        if is_open && anew(ui).clicked() {
            end(actions);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if list.len() > 1 && labelled_button(ui, icons::TRASH, "Remove all").clicked() {
                actions.push(Action::Input(Input::MeasureClear));
            }
        });
    });
}

fn one(
    ui: &mut Ui,
    measurement: &Measurement,
    is_newest: bool,
    view: &View<'_>,
    state: &mut UiState,
    actions: &mut Vec<Action>,
) {
    let title = title(measurement);
    let is_shown = is_newest != state.toggled_measurements.contains(&measurement.id);
    ui.horizontal(|ui| {
        let caret = if is_shown { icons::CARET_DOWN } else { icons::CARET_RIGHT };
        let what = if is_shown { "Hide the details" } else { "Show the details" };
        if icon_button(ui, caret, &format!("{what} of {title}"), None).clicked()
            && !state.toggled_measurements.remove(&measurement.id)
        {
            state.toggled_measurements.insert(measurement.id);
        }
        ui.label(strong(&title));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            if icon_button(ui, icons::TRASH, &format!("Remove {title}"), None).clicked() {
                actions.push(Action::Input(Input::MeasureRemove(measurement.id)));
            }
            if icon_button(ui, icons::COPY, &format!("Copy {title}"), None).clicked() {
                actions.push(Action::Copy(as_text(measurement)));
            }
        });
    });
    if !is_shown {
        return;
    }
    ui.indent("facts", |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.add(egui::Label::new(egui::RichText::new(things(measurement, view)).small().weak()).truncate());
        for fact in &measurement.measured.facts {
            ui.horizontal(|ui| {
                ui.weak(fact.quantity.name());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add(egui::Label::new(text::value(fact)).selectable(true));
                });
            });
        }
    });
}

/// A single point has no value of its own yet.
fn title(measurement: &Measurement) -> String {
    if measurement.measured.is_telling() { measurement.measured.headline() } else { "Point".to_owned() }
}

/// What was picked, such as `Edge of Robot 1 and face of Belt`.
fn things(measurement: &Measurement, view: &View<'_>) -> String {
    let name = |id| view.scene.workspace.device(id).map_or("?", |d| d.name.as_str());
    let things: Vec<String> =
        measurement.features.iter().map(|f| format!("{} of {}", f.name(), name(&f.device))).collect();
    crate::desktop::widgets::capitalised(&things.join(" and "))
}

/// One line for each value, as one pastes it into a mail or a table.
pub fn as_text(measurement: &Measurement) -> String {
    let lines = measurement.measured.facts.iter().map(|f| format!("{}\t{}", f.quantity.name(), text::value(f)));
    lines.collect::<Vec<_>>().join("\n")
}

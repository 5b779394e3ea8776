//! The connections of a device, and making new ones.

use super::{DetailsState, check, edit};
use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::panels::tree::{connection_colour, name_of};
use crate::desktop::state::View;
use crate::desktop::widgets::{icon_button, labelled_button, row, section};
use egui::{RichText, TextEdit, Ui};
use rr_engine::Input;
use rr_scene::{Command, Connection, Device, DeviceId};

/// Types that people usually want.
pub const USUAL_TYPES: [&str; 4] = ["production_flow", "material_flow", "power", "data"];

/// The connection being made.
#[derive(Debug)]
pub struct NewConnection {
    kind: String,
    search: String,
}

impl Default for NewConnection {
    fn default() -> Self {
        Self { kind: USUAL_TYPES[0].to_owned(), search: String::new() }
    }
}

/// Draws the list of a device.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut DetailsState, device: &Device, actions: &mut Vec<Action>) {
    let tokens = Tokens::of(ui.ctx());
    section(ui, "Connections", |_| {});
    let touching: Vec<&Connection> =
        view.scene.workspace.connections().filter(|c| c.source == device.id || c.target == device.id).collect();
    for connection in &touching {
        ui.horizontal(|ui| {
            let outward = connection.source == device.id;
            let other = if outward { &connection.target } else { &connection.source };
            let name = name_of(view, other);
            let arrow = if outward { "\u{2192}" } else { "\u{2190}" };
            let colour = connection_colour(&tokens, &connection.kind);
            let button = egui::Button::new((icons::icon(icons::FLOW_ARROW).color(colour), format!("{arrow} {name}")))
                .frame_when_inactive(false)
                .truncate();
            let response = ui.add(button.min_size(egui::vec2(0.0, 26.0)));
            let kind = connection.kind.replace('_', " ");
            if response.on_hover_text(format!("{kind}: select {name}")).clicked() {
                actions.push(Action::Input(Input::Select([other.clone()].into())));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if icon_button(ui, icons::X, &format!("Remove the connection with {name}"), None).clicked() {
                    actions.push(edit(Command::RemoveConnection(connection.id.clone())));
                }
                ui.add(egui::Label::new(RichText::new(kind).small().weak()).truncate());
            });
        });
    }
    if view.scene.workspace.devices().len() < 2 {
        ui.weak("A second device is needed to connect to");
        return;
    }
    type_row(ui, state);
    row(ui, "", |ui| {
        if let Some(target) = target_menu(ui, view, state, &device.id) {
            connect(view, state, &device.id, &target, actions);
        }
    });
    error_line(ui, state);
}

/// Two devices are selected: connect them one way or the other.
pub fn between(
    ui: &mut Ui,
    view: &View<'_>,
    state: &mut DetailsState,
    a: &Device,
    b: &Device,
    actions: &mut Vec<Action>,
) {
    type_row(ui, state);
    for (from, to) in [(a, b), (b, a)] {
        if labelled_button(ui, icons::FLOW_ARROW, &format!("{} \u{2192} {}", from.name, to.name)).clicked() {
            connect(view, state, &from.id, &to.id, actions);
        }
    }
    error_line(ui, state);
}

fn type_row(ui: &mut Ui, state: &mut DetailsState) {
    row(ui, "Type", |ui| {
        let kind = &mut state.new_connection.kind;
        let width = ui.available_width() - 40.0;
        let field = TextEdit::singleline(kind).desired_width(width - 8.0).char_limit(256);
        if ui.add(field).accessible_name("Type of a new connection").changed() {
            state.connection_error = None;
        }
        let menu = egui::containers::menu::MenuButton::from_button(egui::Button::new(icons::icon(icons::CARET_DOWN)));
        let (response, _) = menu.ui(ui, |ui| {
            for usual in USUAL_TYPES {
                if ui.button(usual.replace('_', " ")).clicked() {
                    usual.clone_into(kind);
                    state.connection_error = None;
                }
            }
        });
        response.accessible_name("Usual types").on_hover_text("Usual types");
    });
}

fn target_menu(ui: &mut Ui, view: &View<'_>, state: &mut DetailsState, source: &DeviceId) -> Option<DeviceId> {
    let mut chosen = None;
    let button = egui::Button::new((icons::icon(icons::PLUS), "Connect to\u{2026}"));
    let config =
        egui::containers::menu::MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let menu = egui::containers::menu::MenuButton::from_button(button).config(config);
    let (response, _) = menu.ui(ui, |ui| {
        ui.set_width(240.0);
        let search = &mut state.new_connection.search;
        let field = TextEdit::singleline(search).hint_text("Search devices").desired_width(220.0);
        ui.add(field).accessible_name("Search devices").request_focus();
        let needle = search.trim().to_lowercase();
        let found: Vec<&Device> = view
            .scene
            .workspace
            .devices()
            .filter(|d| d.id != *source && (needle.is_empty() || d.name.to_lowercase().contains(&needle)))
            .collect();
        if found.is_empty() {
            ui.weak("No device has this in its name");
        }
        egui::ScrollArea::vertical().max_height(240.0).show_rows(ui, 26.0, found.len(), |ui, range| {
            for device in &found[range] {
                let button = egui::Button::new((icons::icon(icons::of_kind(&device.kind)), device.name.as_str()));
                let button = button.frame_when_inactive(false).truncate().min_size(egui::vec2(200.0, 26.0));
                if ui.add(button).accessible_name(format!("Connect to {}", device.name)).clicked() {
                    chosen = Some(device.id.clone());
                    ui.close();
                }
            }
        });
    });
    response.accessible_name("Connect to\u{2026}");
    if chosen.is_some() {
        state.new_connection.search.clear();
    }
    chosen
}

fn connect(view: &View<'_>, state: &mut DetailsState, from: &DeviceId, to: &DeviceId, actions: &mut Vec<Action>) {
    let kind = state.new_connection.kind.trim().to_owned();
    let id = view.scene.workspace.free_connection_id(from, to);
    let command = Command::AddConnection(Connection { id, source: from.clone(), target: to.clone(), kind });
    match check(view, &command) {
        Ok(()) => {
            actions.push(edit(command));
            state.connection_error = None;
        }
        Err(error) => state.connection_error = Some(error),
    }
}

fn error_line(ui: &mut Ui, state: &DetailsState) {
    if let Some(error) = &state.connection_error {
        ui.add(egui::Label::new(RichText::new(error).small().color(Tokens::of(ui.ctx()).danger)).wrap());
    }
}

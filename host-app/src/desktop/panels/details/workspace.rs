//! Nothing is selected: the workspace itself.

use super::{check, edit, title};
use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::state::{UiState, View};
use crate::desktop::widgets::{icon_button, plural, row, section, short_count};
use egui::Ui;
use rr_engine::Input;
use rr_scene::{Command, NamedView};

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let workspace = &view.scene.workspace;
    title(ui, icons::FACTORY, &view.document_name(), "Workspace");
    row(ui, "Name", |ui| {
        let rename = |name: &str| Command::RenameWorkspace(name.to_owned());
        let width = ui.available_width();
        let drafts = &mut state.details.drafts;
        let changed = drafts.text(ui, "workspace", "Name", &workspace.name, width, |text| check(view, &rename(text)));
        actions.extend(changed.map(|name| edit(rename(&name))));
    });
    row(ui, "File", |ui| match &view.status.document.path {
        Some(path) => ui.add(egui::Label::new(path.display().to_string()).truncate()),
        None => ui.weak("Not saved yet"),
    });
    row(ui, "Holds", |ui| {
        let devices = plural(workspace.devices().len(), "device");
        let connections = plural(workspace.connections().len(), "connection");
        ui.label(format!("{devices}, {connections}"));
    });
    row(ui, "Models", |ui| {
        let models = view.scene.models.len();
        let triangles: u64 = view.scene.models.values().map(|m| m.triangle_count() as u64).sum();
        ui.label(format!("{}, {} triangles", plural(models, "model"), short_count(triangles)));
    });
    section(ui, "Views", |ui| {
        if icon_button(ui, icons::PLUS, "Save this view", None).clicked() {
            state.view_name = Some(free_view_name(view));
        }
    });
    if workspace.views().is_empty() {
        ui.weak("Save a view to come back to it by name");
    }
    for named in workspace.views() {
        view_row(ui, view, named, actions);
    }
    ui.add_space(16.0);
    ui.weak("Select a device to see and change it.");
}

fn view_row(ui: &mut Ui, view: &View<'_>, named: &NamedView, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let button = egui::Button::new((icons::icon(icons::CAMERA), named.name.as_str()));
        let button = button.frame_when_inactive(false).truncate();
        if ui.add(button).on_hover_text("Go to this view").clicked() {
            actions.push(Action::Input(Input::View(named.name.clone())));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if icon_button(ui, icons::X, &format!("Remove the view {}", named.name), None).clicked() {
                actions.push(edit(Command::RemoveView(named.name.clone())));
            }
            let replace = format!("Replace {} by what is seen now", named.name);
            if icon_button(ui, icons::CAMERA, &replace, None).clicked() {
                let now = NamedView { name: named.name.clone(), camera: view.scene.camera };
                actions.push(edit(Command::SaveView(now)));
            }
        });
    });
}

/// A name that no view has.
pub fn free_view_name(view: &View<'_>) -> String {
    let views = view.scene.workspace.views();
    let name = |n: usize| format!("View {n}");
    (1..).map(name).find(|name| views.iter().all(|v| v.name != *name)).unwrap_or_default()
}

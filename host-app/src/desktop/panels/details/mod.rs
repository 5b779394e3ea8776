//! What is selected, and how to change it: one device, several, or the workspace when nothing is.

mod connections;
mod device;
mod field;
mod properties;
mod workspace;

pub use device::{unit_menu, up_menu};
pub use workspace::free_view_name;

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::strong;
use crate::desktop::panels::tree::kind_title;
use crate::desktop::shortcuts;
use crate::desktop::state::{UiState, View};
use crate::desktop::widgets::{capitalised, labelled_button, plural, row, section};
use egui::Ui;
use field::Drafts;
use glam::Vec3;
use rr_engine::Input;
use rr_scene::{Command, Device, DeviceId, DeviceKind};

/// What is typed or dragged and not applied yet.
#[derive(Debug, Default)]
pub struct DetailsState {
    /// The drafts belong to this device; another selection drops them.
    of: Option<DeviceId>,
    drafts: Drafts,
    position: Option<Vec3>,
    degrees: Option<Vec3>,
    scale: Option<f32>,
    /// Size of the model in its own space.
    measured: Option<(rr_scene::ModelRef, Vec3)>,
    /// Movements of one drag share a number.
    gesture: u32,
    new_property: (String, String),
    new_connection: connections::NewConnection,
    property_error: Option<String>,
    connection_error: Option<String>,
}

impl DetailsState {
    fn follow(&mut self, id: Option<&DeviceId>) {
        if self.of.as_ref() != id {
            *self = Self { of: id.cloned(), gesture: self.gesture.wrapping_add(1), ..Self::default() };
        }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let selected: Vec<&Device> =
        view.scene.marks.selection.iter().filter_map(|id| view.scene.workspace.device(id)).collect();
    state.details.follow(if let [device] = selected[..] { Some(&device.id) } else { None });
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar of the scroll area floats over its content.
        ui.set_max_width(ui.available_width() - 4.0);
        match selected[..] {
            [] => workspace::show(ui, view, state, actions),
            [device] => device::show(ui, view, &mut state.details, device, actions),
            _ => several(ui, view, state, &selected, actions),
        }
        ui.add_space(16.0);
    });
}

/// True when the workspace takes the command; otherwise the reason. The engine decides again.
fn check(view: &View<'_>, command: &Command) -> Result<(), String> {
    let mut workspace = rr_scene::Workspace::clone(&view.scene.workspace);
    workspace.apply(command, rr_scene::Role::Admin).map(drop).map_err(|e| capitalised(&e.to_string()))
}

fn edit(command: Command) -> Action {
    Action::Input(Input::Edit(command))
}

fn several(ui: &mut Ui, view: &View<'_>, state: &mut UiState, selected: &[&Device], actions: &mut Vec<Action>) {
    ui.add_space(4.0);
    ui.heading(plural(selected.len(), "device"));
    ui.add_space(4.0);
    let kind = selected[0].kind.clone();
    let same = selected.iter().all(|d| d.kind == kind);
    row(ui, "Kind", |ui| {
        let shown = if same { kind_title(&kind) } else { "Different kinds".to_owned() };
        if let Some(chosen) = kind_menu(ui, &shown, same.then_some(&kind)) {
            let changed = selected.iter().filter(|d| d.kind != chosen);
            actions.extend(changed.map(|d| edit(Command::SetKind { id: d.id.clone(), kind: chosen.clone() })));
        }
    });
    if let [a, b] = selected {
        section(ui, "Connect", |_| {});
        connections::between(ui, view, &mut state.details, a, b, actions);
    }
    section(ui, "Selected", |_| {});
    for device in selected.iter().take(40) {
        let button = egui::Button::new((icons::icon(icons::of_kind(&device.kind)), device.name.as_str()));
        let response = ui.add(button.frame_when_inactive(false).truncate()).on_hover_text("Select this one alone");
        if response.clicked() {
            actions.push(Action::Input(Input::Select([device.id.clone()].into())));
        }
    }
    if selected.len() > 40 {
        ui.weak(format!("and {} more", selected.len() - 40));
    }
    ui.add_space(12.0);
    if labelled_button(ui, icons::TRASH, "Remove all of them").clicked() {
        shortcuts::remove_selection(&view.scene.marks.selection, actions);
    }
}

/// A menu of the kinds; the one that was chosen just now.
fn kind_menu(ui: &mut Ui, shown: &str, current: Option<&DeviceKind>) -> Option<DeviceKind> {
    let mut chosen = None;
    let menu = egui::ComboBox::from_id_salt("kind").selected_text(shown).width(ui.available_width()).truncate();
    let response = menu.show_ui(ui, |ui| {
        for kind in DeviceKind::KNOWN {
            let is_current = current == Some(&kind);
            let button = egui::Button::selectable(is_current, (icons::icon(icons::of_kind(&kind)), kind_title(&kind)));
            if ui.add(button).clicked() && !is_current {
                chosen = Some(kind);
            }
        }
    });
    response.response.accessible_name("Kind");
    chosen
}

/// Title of a page: icon, name, what it is.
fn title(ui: &mut Ui, glyph: &str, name: &str, what: &str) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.label(icons::sized(glyph, 22.0).color(crate::desktop::look::Tokens::of(ui.ctx()).accent));
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.add(egui::Label::new(strong(name).size(15.0)).truncate());
            ui.add(egui::Label::new(egui::RichText::new(what).small().weak()).truncate());
        });
    });
    ui.add_space(6.0);
}

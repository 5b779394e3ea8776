//! The empty workspace says how to begin.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::state::View;
use crate::desktop::widgets::{labelled_button, overlay_card, primary_button};
use egui::Ui;

/// Draws the card in the middle of `area` while the workspace has no device and nothing is on its way.
pub fn show(ui: &Ui, area: egui::Rect, view: &View<'_>, actions: &mut Vec<Action>) {
    let is_arriving = view.status.imports.iter().any(|i| !i.state.is_over());
    if view.scene.workspace.devices().len() > 0 || is_arriving {
        return;
    }
    let layer = egui::Area::new(egui::Id::unique("empty"))
        .order(egui::Order::Middle)
        .pivot(egui::Align2::CENTER_CENTER)
        .fixed_pos(area.center())
        .constrain_to(area);
    layer.show(ui.ctx(), |ui| {
        overlay_card(ui).inner_margin(24).show(ui, |ui| {
            ui.set_width(440.0);
            ui.vertical_centered(|ui| {
                ui.label(icons::sized(icons::CUBE, 40.0).color(Tokens::of(ui.ctx()).muted));
                ui.add_space(4.0);
                let has_sample = view.host.sample.is_some();
                ui.heading(if has_sample {
                    "Drop model files here, or open the sample line"
                } else {
                    "Drop model files here"
                });
                ui.weak("Each file becomes a device that you can place, connect and share.");
                ui.add_space(12.0);
                if primary_button(ui, true, "Import models\u{2026}").clicked() {
                    actions.push(Action::ChooseModels);
                }
                ui.add_space(4.0);
                if let Some(sample) = &view.host.sample
                    && labelled_button(ui, icons::FACTORY, "Open the sample line").clicked()
                {
                    actions.push(Action::Open(sample.clone()));
                }
                if labelled_button(ui, icons::FOLDER_OPEN, "Open a workspace\u{2026}").clicked() {
                    actions.push(Action::ChooseWorkspace);
                }
            });
        });
    });
}

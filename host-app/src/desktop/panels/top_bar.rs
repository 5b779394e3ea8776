//! The bar at the top: document, history, sharing, colours, menu.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::{Tokens, strong};
use crate::desktop::settings::ThemeChoice;
use crate::desktop::shortcuts::{self, written};
use crate::desktop::state::{RightPage, UiState, View};
use crate::desktop::widgets::{file_name, icon_button, icon_button_if, tip};
use egui::{Align, Layout, Ui};
use rr_engine::Input;

/// Height in points.
pub const HEIGHT: f32 = 44.0;

/// Draws the bar.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let ctx = ui.ctx().clone();
    let key = |shortcut| written(&ctx, &shortcut);
    // A narrow window shows icons alone.
    let words = ui.available_width() > 1000.0;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        menu(ui, view, state, actions);
        ui.add_space(4.0);
        let button = |ui: &mut Ui, glyph: &str, word: &str, tooltip: &str, shortcut| {
            if words {
                let button = egui::Button::new((icons::icon(glyph), word)).frame_when_inactive(false);
                tip(ui.add(button).accessible_name(word), tooltip, Some(&key(shortcut))).clicked()
            } else {
                icon_button(ui, glyph, word, Some(&key(shortcut))).clicked()
            }
        };
        if button(ui, icons::FILE_PLUS, "New", "New empty workspace", shortcuts::NEW) {
            actions.push(Action::New);
        }
        if button(ui, icons::FOLDER_OPEN, "Open", "Open a workspace", shortcuts::OPEN) {
            actions.push(Action::ChooseWorkspace);
        }
        if button(ui, icons::FLOPPY, "Save", "Save the workspace", shortcuts::SAVE) {
            actions.push(Action::Save);
        }
        if icon_button(ui, icons::FLOPPY_BACK, "Save as", Some(&key(shortcuts::SAVE_AS))).clicked() {
            actions.push(Action::ChooseSaveFile);
        }
        divider(ui);
        if button(ui, icons::IMPORT, "Import", "Import models", shortcuts::IMPORT) {
            actions.push(Action::ChooseModels);
        }
        divider(ui);
        let document = &view.status.document;
        if icon_button_if(ui, document.can_undo, icons::UNDO, "Undo", Some(&key(shortcuts::UNDO))).clicked() {
            actions.push(Action::Input(Input::Undo));
        }
        if icon_button_if(ui, document.can_redo, icons::REDO, "Redo", Some(&key(shortcuts::REDO))).clicked() {
            actions.push(Action::Input(Input::Redo));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            right_end(ui, view, state, actions);
            document_name(ui, view);
        });
    });
}

fn divider(ui: &mut Ui) {
    ui.add_space(4.0);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(1.0, 20.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 0.0, Tokens::of(ui.ctx()).line);
    ui.add_space(4.0);
}

/// Name and file of the document, in the middle of what is left.
fn document_name(ui: &mut Ui, view: &View<'_>) {
    let tokens = Tokens::of(ui.ctx());
    let document = &view.status.document;
    let room = ui.available_width();
    if room < 120.0 {
        return;
    }
    ui.allocate_ui_with_layout(
        egui::vec2(room, HEIGHT),
        Layout::centered_and_justified(egui::Direction::LeftToRight),
        |ui| {
            let mut job = egui::text::LayoutJob::default();
            let style = ui.style().clone();
            let valign = Align::Center;
            strong(view.document_name()).color(tokens.text).append_to(
                &mut job,
                &style,
                egui::FontSelection::Default,
                valign,
            );
            let note = match (&document.path, document.dirty) {
                (_, true) => "  \u{2022}  unsaved changes".to_owned(),
                (Some(path), false) => format!("  \u{2022}  {}", file_name(path)),
                (None, false) => String::new(),
            };
            let colour = if document.dirty { tokens.warn } else { tokens.muted };
            egui::RichText::new(note).color(colour).append_to(&mut job, &style, egui::FontSelection::Default, valign);
            let label = ui.add(egui::Label::new(job).truncate());
            if let Some(path) = &document.path {
                label.on_hover_text(path.display().to_string());
            }
        },
    );
}

fn right_end(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let ctx = ui.ctx().clone();
    let details = written(&ctx, &shortcuts::DETAILS);
    if icon_button(ui, icons::SIDEBAR, "Show or hide the details", Some(&details)).clicked() {
        state.remembered.details_open = !state.remembered.details_open;
    }
    let is_dark = ui.visuals().dark_mode;
    let (glyph, name) =
        if is_dark { (icons::SUN, "Change to light colours") } else { (icons::MOON, "Change to dark colours") };
    if icon_button(ui, glyph, name, None).clicked() {
        actions.push(Action::Theme(if is_dark { ThemeChoice::Light } else { ThemeChoice::Dark }));
    }
    let tokens = Tokens::of(&ctx);
    let viewers = view.status.participants.len().saturating_sub(1);
    let is_shared = view.status.share.is_some();
    let is_open = state.remembered.details_open && state.page == RightPage::Share;
    let word = if is_shared { format!("Sharing \u{2022} {viewers}") } else { "Share".to_owned() };
    let ink = if is_shared && !is_open { tokens.ok } else { tokens.on_accent };
    let button = egui::Button::new((icons::icon(icons::SHARE).color(ink), strong(word).color(ink)))
        .fill(if is_shared && !is_open { tokens.raised } else { tokens.accent })
        .min_size(egui::vec2(84.0, 30.0));
    let response = ui.add(button).accessible_name("Share");
    let tooltip = if is_shared { "Links and participants" } else { "Let others see and steer this workspace" };
    if tip(response, tooltip, Some(&written(&ctx, &shortcuts::SHARE))).clicked() {
        shortcuts::toggle_share(state);
    }
    ui.add_space(8.0);
}

fn menu(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let ctx = ui.ctx().clone();
    let button =
        egui::Button::new(icons::icon(icons::LIST)).frame_when_inactive(false).min_size(egui::Vec2::splat(28.0));
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_width(230.0);
        let item = |ui: &mut Ui,
                    glyph: &str,
                    word: &str,
                    shortcut: Option<egui::KeyboardShortcut>,
                    action: Action,
                    actions: &mut Vec<Action>| {
            let mut button = egui::Button::new((icons::icon(glyph), word));
            if let Some(shortcut) = shortcut {
                button = button.shortcut_text(written(&ctx, &shortcut));
            }
            if ui.add(button).accessible_name(word).clicked() {
                actions.push(action);
                ui.close();
            }
        };
        item(ui, icons::FILE_PLUS, "New", Some(shortcuts::NEW), Action::New, actions);
        item(ui, icons::FOLDER_OPEN, "Open\u{2026}", Some(shortcuts::OPEN), Action::ChooseWorkspace, actions);
        if !state.remembered.recent.is_empty() {
            ui.menu_button((icons::icon(icons::FILE), "Open recent"), |ui| {
                for path in &state.remembered.recent {
                    let response = ui.button(file_name(path)).on_hover_text(path.display().to_string());
                    if response.clicked() {
                        actions.push(Action::Open(path.clone()));
                        ui.close();
                    }
                }
            });
        }
        if let Some(sample) = &view.host.sample {
            item(ui, icons::FACTORY, "Open the sample line", None, Action::Open(sample.clone()), actions);
        }
        ui.separator();
        item(ui, icons::FLOPPY, "Save", Some(shortcuts::SAVE), Action::Save, actions);
        item(ui, icons::FLOPPY_BACK, "Save as\u{2026}", Some(shortcuts::SAVE_AS), Action::ChooseSaveFile, actions);
        item(ui, icons::IMPORT, "Import models\u{2026}", Some(shortcuts::IMPORT), Action::ChooseModels, actions);
        ui.separator();
        ui.label(egui::RichText::new("Colours").small().weak());
        for (choice, word) in
            [(ThemeChoice::System, "As the desktop"), (ThemeChoice::Dark, "Dark"), (ThemeChoice::Light, "Light")]
        {
            if ui.radio(state.remembered.theme == choice, word).clicked() {
                actions.push(Action::Theme(choice));
            }
        }
        ui.separator();
        toggle(ui, &ctx, "Scene", shortcuts::TREE, &mut state.remembered.tree_open);
        toggle(ui, &ctx, "Details", shortcuts::DETAILS, &mut state.remembered.details_open);
        toggle(ui, &ctx, "Figures", shortcuts::STATS, &mut state.remembered.stats_open);
        toggle(ui, &ctx, "Keyboard and mouse", shortcuts::HELP, &mut state.help_open);
        ui.separator();
        item(ui, icons::X, "Quit", Some(shortcuts::QUIT), Action::Quit, actions);
    });
    tip(response.accessible_name("Menu"), "Menu", None);
}

fn toggle(ui: &mut Ui, ctx: &egui::Context, word: &str, shortcut: egui::KeyboardShortcut, open: &mut bool) {
    ui.horizontal(|ui| {
        ui.checkbox(open, word);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.weak(written(ctx, &shortcut)));
    });
}

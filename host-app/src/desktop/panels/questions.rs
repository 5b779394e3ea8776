//! Questions in front of everything: how to import, whether to save, where a file is, what went wrong.

use super::details::{unit_menu, up_menu};
use crate::desktop::action::{Action, Resolution};
use crate::desktop::icons;
use crate::desktop::look::{Tokens, strong};
use crate::desktop::shortcuts::HELP_ROWS;
use crate::desktop::state::{PathPurpose, UiState, View};
use crate::desktop::widgets::{file_name, plural, primary_button, row};
use egui::{Context, Id, Key, Layout, Modal, Sense, TextEdit, Ui};
use rr_engine::{ImportRequest, Input};
use rr_scene::{Command, ModelRef, NamedView};
use std::path::PathBuf;

/// Draws whichever question is open.
pub fn show(ctx: &Context, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    if state.problem.is_some() {
        problem(ctx, state);
    } else if state.unsaved.is_some() {
        unsaved(ctx, view, actions);
    } else if state.path_prompt.is_some() {
        path(ctx, view, state, actions);
    } else if state.import.is_some() {
        import(ctx, state, actions);
    } else if state.view_name.is_some() {
        view_name(ctx, view, state, actions);
    } else if state.help_open {
        help(ctx, state);
    }
}

fn modal<R>(ctx: &Context, name: &str, width: f32, add: impl FnOnce(&mut Ui) -> R) -> (R, bool) {
    let tokens = Tokens::of(ctx);
    let frame = egui::Frame::window(&ctx.global_style()).inner_margin(20);
    let backdrop = egui::Color32::from_black_alpha(if tokens.is_dark { 140 } else { 80 });
    let response = Modal::new(Id::unique(name)).frame(frame).backdrop_color(backdrop).show(ctx, |ui| {
        ui.set_width(width);
        add(ui)
    });
    let should_close = response.should_close();
    (response.inner, should_close)
}

/// Buttons at the lower right; the one that goes on last.
fn buttons(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(16.0);
    ui.with_layout(Layout::right_to_left(egui::Align::Center), add);
}

fn enter(ui: &Ui) -> bool {
    ui.input(|i| i.key_pressed(Key::Enter))
}

fn problem(ctx: &Context, state: &mut UiState) {
    let Some(problem) = state.problem.clone() else { return };
    let (done, close) = modal(ctx, "problem", 420.0, |ui| {
        ui.horizontal(|ui| {
            ui.label(icons::sized(icons::WARNING_CIRCLE, 22.0).color(Tokens::of(ui.ctx()).danger));
            ui.heading(&problem.title);
        });
        ui.add_space(8.0);
        ui.add(egui::Label::new(&problem.text).wrap().selectable(true));
        let mut done = false;
        buttons(ui, |ui| done = primary_button(ui, true, "Close").clicked() || enter(ui));
        done
    });
    if done || close {
        state.problem = None;
    }
}

fn unsaved(ctx: &Context, view: &View<'_>, actions: &mut Vec<Action>) {
    let (answer, close) = modal(ctx, "unsaved", 420.0, |ui| {
        ui.heading(format!("Save the changes to \u{201c}{}\u{201d}?", view.document_name()));
        ui.add_space(8.0);
        ui.add(egui::Label::new("Changes that are not saved are lost.").wrap());
        let mut answer = None;
        buttons(ui, |ui| {
            if primary_button(ui, true, "Save").clicked() || enter(ui) {
                answer = Some(Resolution::Save);
            }
            if ui.add_sized([110.0, 30.0], egui::Button::new("Don\u{2019}t save")).clicked() {
                answer = Some(Resolution::Discard);
            }
            if ui.add_sized([84.0, 30.0], egui::Button::new("Cancel")).clicked() {
                answer = Some(Resolution::Cancel);
            }
        });
        answer
    });
    let answer = answer.or(close.then_some(Resolution::Cancel));
    actions.extend(answer.map(Action::Resolve));
}

fn path(ctx: &Context, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let Some(prompt) = &mut state.path_prompt else { return };
    let (title, word) = match prompt.purpose {
        PathPurpose::Open => ("Open a workspace", "Open"),
        PathPurpose::Save => ("Save the workspace", "Save"),
        PathPurpose::Import => ("Import a model", "Continue"),
        PathPurpose::DeviceModel(_) => ("Choose the model\u{2019}s file", "Use it"),
    };
    let (accepted, close) = modal(ctx, "path", 520.0, |ui| {
        ui.heading(title);
        ui.add_space(8.0);
        ui.add(
            egui::Label::new(
                "This desktop offers no file dialog. Type the path of the file, or drop the file onto the window.",
            )
            .wrap(),
        );
        ui.add_space(8.0);
        let field = TextEdit::singleline(&mut prompt.text).desired_width(f32::INFINITY).hint_text("/path/to/file");
        let response = ui.add(field).accessible_name("Path of the file");
        if !response.has_focus() && !response.lost_focus() {
            response.request_focus();
        }
        let text = prompt.text.trim();
        let error = match prompt.purpose {
            _ if text.is_empty() => None,
            PathPurpose::Save => {
                let parent = expanded(text).parent().map(PathBuf::from).unwrap_or_default();
                (!parent.as_os_str().is_empty() && !parent.is_dir()).then_some("There is no such folder")
            }
            _ => (!expanded(text).is_file()).then_some("There is no such file"),
        };
        ui.label(egui::RichText::new(error.unwrap_or(" ")).small().color(Tokens::of(ui.ctx()).danger));
        let mut accepted = false;
        let is_good = error.is_none() && !text.is_empty();
        buttons(ui, |ui| {
            accepted = primary_button(ui, is_good, word).clicked() || (is_good && enter(ui));
            if ui.add_sized([84.0, 30.0], egui::Button::new("Cancel")).clicked() {
                ui.close();
            }
        });
        accepted
    });
    if accepted {
        let path = expanded(prompt.text.trim());
        match &prompt.purpose {
            PathPurpose::Open => actions.push(Action::Open(path)),
            PathPurpose::Save => actions.push(Action::SaveTo(path)),
            PathPurpose::Import => actions.push(Action::PrepareImport(vec![path])),
            PathPurpose::DeviceModel(id) => actions.extend(set_model(view, id, &path)),
        }
    }
    if close && !accepted {
        // Nothing is saved, so what waited for it does not happen.
        state.after_save = None;
    }
    if accepted || close {
        state.path_prompt = None;
    }
}

/// The action that gives a device the model in this file, keeping unit and axis.
pub fn set_model(view: &View<'_>, id: &rr_scene::DeviceId, path: &std::path::Path) -> Option<Action> {
    let device = view.scene.workspace.device(id)?;
    let (unit, up) = device.model.as_ref().map_or((None, Default::default()), |m| (m.unit, m.up));
    let model = Some(ModelRef { path: path.display().to_string(), unit, up });
    Some(Action::Input(Input::Edit(Command::SetModel { id: id.clone(), model })))
}

/// A path with `~` for the home folder, as shells have it.
fn expanded(text: &str) -> PathBuf {
    match text.strip_prefix("~/").zip(std::env::var_os("HOME")) {
        Some((rest, home)) => PathBuf::from(home).join(rest),
        None => PathBuf::from(text),
    }
}

fn import(ctx: &Context, state: &mut UiState, actions: &mut Vec<Action>) {
    let Some(draft) = &mut state.import else { return };
    let (accepted, close) = modal(ctx, "import", 400.0, |ui| {
        ui.heading(if let [file] = &draft.files[..] {
            format!("Import {}", file_name(file))
        } else {
            format!("Import {}", plural(draft.files.len(), "file"))
        });
        ui.add_space(8.0);
        if draft.files.len() > 1 {
            for file in draft.files.iter().take(6) {
                ui.horizontal(|ui| {
                    ui.label(icons::icon(icons::FILE).weak());
                    ui.add(egui::Label::new(file_name(file)).truncate()).on_hover_text(file.display().to_string());
                });
            }
            if draft.files.len() > 6 {
                ui.weak(format!("and {} more", draft.files.len() - 6));
            }
            ui.add_space(8.0);
        }
        row(ui, "Unit", |ui| unit_menu(ui, &mut draft.options.unit));
        row(ui, "Up axis", |ui| up_menu(ui, &mut draft.options.up));
        ui.add_space(4.0);
        let text =
            "STL, OBJ and PLY files do not say their unit. Both can be changed later in the details of the device.";
        ui.add(egui::Label::new(egui::RichText::new(text).small().weak()).wrap());
        let mut accepted = false;
        buttons(ui, |ui| {
            let is_menu_open = egui::Popup::is_any_open(ui.ctx());
            accepted = primary_button(ui, true, "Import").clicked() || (enter(ui) && !is_menu_open);
            if ui.add_sized([84.0, 30.0], egui::Button::new("Cancel")).clicked() {
                ui.close();
            }
        });
        accepted
    });
    if accepted {
        let options = draft.options;
        let requests = draft.files.drain(..).map(|file| ImportRequest { file, options }).collect();
        actions.push(Action::Import(requests));
    }
    if accepted || close {
        state.import = None;
    }
}

fn view_name(ctx: &Context, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let Some(name) = &mut state.view_name else { return };
    let (accepted, close) = modal(ctx, "view", 360.0, |ui| {
        ui.heading("Save this view");
        ui.add_space(8.0);
        let field = TextEdit::singleline(name).desired_width(f32::INFINITY).char_limit(80);
        let response = ui.add(field).accessible_name("Name of the view");
        if !response.has_focus() && !response.lost_focus() {
            response.request_focus();
        }
        let replaces = view.scene.workspace.views().iter().any(|v| v.name == name.trim());
        ui.label(egui::RichText::new(if replaces { "Replaces the view of this name" } else { " " }).small().weak());
        let mut accepted = false;
        let is_good = !name.trim().is_empty();
        buttons(ui, |ui| {
            accepted = primary_button(ui, is_good, "Save view").clicked() || (is_good && enter(ui));
            if ui.add_sized([84.0, 30.0], egui::Button::new("Cancel")).clicked() {
                ui.close();
            }
        });
        accepted
    });
    if accepted {
        let named = NamedView { name: name.trim().to_owned(), camera: view.scene.camera };
        actions.push(Action::Input(Input::Edit(Command::SaveView(named))));
    }
    if accepted || close {
        state.view_name = None;
    }
}

fn help(ctx: &Context, state: &mut UiState) {
    let (done, close) = modal(ctx, "help", 440.0, |ui| {
        ui.heading("Keyboard and mouse");
        ui.add_space(8.0);
        for (keys, meaning) in HELP_ROWS {
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(egui::vec2(210.0, 20.0), Sense::hover());
                let layout = Layout::left_to_right(egui::Align::Center);
                ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout)).label(strong(*keys));
                ui.label(*meaning);
            });
        }
        let mut done = false;
        buttons(ui, |ui| done = primary_button(ui, true, "Close").clicked() || enter(ui));
        done
    });
    if done || close {
        state.help_open = false;
    }
}

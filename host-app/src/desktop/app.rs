//! The application: hands what the engine knows to the panels, and what the person wants to the engine.

use super::action::{Action, Resolution};
use super::jobs::{Choose, Done, Jobs};
use super::look::{self, Tokens};
use super::settings::ThemeChoice;
use super::state::{HostInfo, ImportDraft, MadeLink, PathPrompt, PathPurpose, Problem, RightPage, UiState, View};
use super::{Stop, panels, ui};
use eframe::egui_wgpu::RenderState;
use egui::{TextureId, ViewportCommand};
use rr_engine::{Engine, EngineError, Input, ShareConfig, WindowPicture};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Makes the configuration of a share from the address to listen at.
pub type ShareSetup = Arc<dyn Fn(std::net::SocketAddr) -> ShareConfig + Send + Sync>;

pub(super) struct App {
    pub engine: Engine,
    pub ui_state: UiState,
    pub host: HostInfo,
    pub jobs: Jobs,
    pub share_setup: ShareSetup,
    pub config_dir: Option<PathBuf>,
    pub render_state: RenderState,
    pub stop: Stop,
    pub texture: Option<Shown>,
    pub title: String,
    pub is_dark: Option<bool>,
    /// Set when the window may close without another question.
    pub may_close: bool,
}

/// The texture of the picture as egui knows it.
pub(super) struct Shown {
    generation: u64,
    id: TextureId,
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        for done in self.jobs.take() {
            self.take_result(ctx, done);
        }
        if self.stop.is_wanted() && !self.may_close {
            // A signal asks nothing: what is unsaved goes to its file or the recovery file.
            self.may_close = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        let (close, visible) = ctx.input(|i| (i.viewport().close_requested(), i.viewport().visible()));
        if close && !self.may_close && self.engine.status().document.dirty {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.ui_state.unsaved = Some(Action::Quit);
        }
        if visible == Some(false) {
            self.engine.set_window_size(0, 0);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.follow_theme(&ctx);
        let (status, scene) = (self.engine.status(), self.engine.scene());
        let picture = self.picture();
        let view = View { status: &status, scene: &scene, host: &self.host, picture };
        let mut actions = Vec::new();
        let area = ui::show(ui, &view, &mut self.ui_state, &mut actions);
        let title = view.title();
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        let size = (area.size() * ctx.pixels_per_point()).round().max(egui::Vec2::ZERO);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a window is smaller than that")]
        self.engine.set_window_size(size.x as u32, size.y as u32);
        for action in actions {
            self.act(&ctx, action);
        }
        let inner = ctx.input(|i| i.viewport().inner_rect);
        if let Some(rect) = inner {
            self.ui_state.remembered.window = rect.size().into();
        }
    }

    fn on_exit(&mut self) {
        self.leave();
        self.ui_state.remembered.share = self.ui_state.share.choice;
        if let Some(folder) = &self.config_dir
            && let Err(error) = self.ui_state.remembered.save(folder)
        {
            tracing::warn!(%error, folder = %folder.display(), "the window's settings cannot be saved");
        }
    }
}

impl App {
    /// The picture as a texture of egui. It is registered anew only when the engine made another texture.
    fn picture(&mut self) -> Option<TextureId> {
        let picture: Arc<WindowPicture> = self.engine.window_picture()?;
        if self.texture.as_ref().is_none_or(|t| t.generation != picture.generation) {
            let mut renderer = self.render_state.renderer.write();
            if let Some(old) = self.texture.take() {
                renderer.free_texture(&old.id);
            }
            let filter = eframe::wgpu::FilterMode::Linear;
            let id = renderer.register_native_texture(&self.render_state.device, &picture.view, filter);
            self.texture = Some(Shown { generation: picture.generation, id });
        }
        self.texture.as_ref().map(|t| t.id)
    }

    fn follow_theme(&mut self, ctx: &egui::Context) {
        let tokens = Tokens::of(ctx);
        if self.is_dark != Some(tokens.is_dark) {
            self.is_dark = Some(tokens.is_dark);
            self.engine.set_theme(tokens.picture());
        }
    }

    fn act(&mut self, ctx: &egui::Context, action: Action) {
        let dirty = self.engine.status().document.dirty;
        match action {
            Action::Input(input) => self.tell(self.engine.input(input)),
            Action::New | Action::Open(_) | Action::Quit if dirty => self.ui_state.unsaved = Some(action),
            Action::New | Action::Open(_) | Action::Quit => self.go_on(ctx, action),
            Action::Resolve(resolution) => self.resolve(ctx, resolution),
            Action::ChooseWorkspace => self.choose(Choose::Workspace),
            Action::Save => match self.engine.status().document.path {
                Some(_) => self.save(None),
                None => self.choose_save_file(),
            },
            Action::ChooseSaveFile => self.choose_save_file(),
            Action::SaveTo(path) => self.save(Some(with_extension(path))),
            Action::ChooseModels => self.choose(Choose::Models),
            Action::ChooseDeviceModel(id) => self.choose(Choose::DeviceModel(id)),
            Action::PrepareImport(files) => {
                // Files that come while the question is open join it.
                let draft = self.ui_state.import.take();
                let mut draft = draft.unwrap_or(ImportDraft { files: Vec::new(), options: Default::default() });
                draft.files.extend(files);
                self.ui_state.import = Some(draft);
                self.ui_state.path_prompt = None;
            }
            Action::Import(requests) => self.tell(self.engine.import(requests)),
            Action::DismissImport(id) => self.tell(self.engine.dismiss_import(id)),
            Action::Share(choice) => {
                self.ui_state.share.busy = true;
                let (engine, setup) = (self.engine.clone(), Arc::clone(&self.share_setup));
                self.jobs.start(move || Done::Shared(engine.share(setup(choice.address()))));
            }
            Action::StopSharing => {
                self.ui_state.share.link = None;
                self.tell(self.engine.stop_sharing());
            }
            Action::IssueLink { role, valid_for } => {
                self.ui_state.share.busy = true;
                let engine = self.engine.clone();
                self.jobs.start(move || Done::Linked(role, valid_for, engine.issue_link(role, valid_for)));
            }
            Action::RemoveParticipant(id) => self.tell(self.engine.remove_participant(id)),
            Action::Copy(text) => ctx.copy_text(text),
            Action::Theme(choice) => {
                self.ui_state.remembered.theme = choice;
                ctx.set_theme(preference(choice));
            }
        }
    }

    /// Does what had to wait for the question about unsaved changes, or needed none.
    fn go_on(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::New => {
                self.reset_for_document();
                self.tell(self.engine.new_workspace());
            }
            Action::Open(path) => {
                let engine = self.engine.clone();
                self.jobs.start(move || {
                    let result = engine.open(&path);
                    Done::Opened(path, result)
                });
            }
            Action::Quit => {
                self.may_close = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            other => self.act(ctx, other),
        }
    }

    fn resolve(&mut self, ctx: &egui::Context, resolution: Resolution) {
        match resolution {
            Resolution::Cancel => self.ui_state.unsaved = None,
            Resolution::Save => {
                // The question stays in mind until the file is written; then `take_result` goes on.
                let waiting = self.ui_state.unsaved.take();
                self.ui_state.after_save = waiting;
                self.act(ctx, Action::Save);
            }
            Resolution::Discard => {
                let Some(action) = self.ui_state.unsaved.take() else { return };
                if action == Action::Quit {
                    // The end of a run saves what is unsaved; nothing is left to save here.
                    self.tell(self.engine.new_workspace());
                }
                self.go_on(ctx, action);
            }
        }
    }

    fn choose(&mut self, what: Choose) {
        if self.ui_state.dialog_open {
            return;
        }
        self.ui_state.dialog_open = true;
        let status = self.engine.status();
        let folder = status.document.path.as_deref().and_then(Path::parent).map(Path::to_owned);
        self.jobs.choose(what, folder);
    }

    fn choose_save_file(&mut self) {
        let name = self.offered_name();
        self.choose(Choose::SaveFile { name });
    }

    fn offered_name(&self) -> String {
        let status = self.engine.status();
        if let Some(name) = status.document.path.as_deref().and_then(Path::file_name) {
            return name.to_string_lossy().into_owned();
        }
        let scene = self.engine.scene();
        let safe: String = scene
            .workspace
            .name
            .chars()
            .map(|c| if c.is_alphanumeric() || " -_.".contains(c) { c } else { '-' })
            .collect();
        let safe = safe.trim();
        format!("{}{}", if safe.is_empty() { "workspace" } else { safe }, rr_scene::file::EXTENSION)
    }

    fn save(&mut self, path: Option<PathBuf>) {
        let engine = self.engine.clone();
        self.jobs.start(move || Done::Saved(engine.save(path.as_deref())));
    }

    fn take_result(&mut self, ctx: &egui::Context, done: Done) {
        match done {
            Done::Chosen { what, files, no_dialog } => {
                self.ui_state.dialog_open = false;
                if no_dialog {
                    self.ask_for_path(what);
                } else {
                    self.chosen(ctx, what, files);
                }
            }
            Done::Opened(path, Ok(())) => {
                self.reset_for_document();
                self.ui_state.remembered.note_recent(&path);
            }
            Done::Opened(path, Err(error)) => {
                self.fault(format!("{} was not opened", super::widgets::file_name(&path)), &error);
            }
            Done::Saved(Ok(path)) => {
                self.ui_state.remembered.note_recent(&path);
                if let Some(action) = self.ui_state.after_save.take() {
                    self.go_on(ctx, action);
                }
            }
            Done::Saved(Err(error)) => {
                self.ui_state.after_save = None;
                self.fault("The workspace was not saved".to_owned(), &error);
            }
            Done::Shared(Ok(_)) => {
                let (role, valid_for) = (self.ui_state.share.role, self.ui_state.share.valid_for);
                self.act(ctx, Action::IssueLink { role, valid_for });
            }
            Done::Linked(role, valid_for, Ok(url)) => {
                self.ui_state.share.busy = false;
                self.ui_state.share.error = None;
                self.ui_state.share.copied_at = None;
                self.ui_state.share.link = Some(MadeLink { url, role, valid_for });
            }
            Done::Shared(Err(error)) | Done::Linked(_, _, Err(error)) => {
                self.ui_state.share.busy = false;
                self.ui_state.share.error = Some(error.to_string());
            }
        }
    }

    fn chosen(&mut self, ctx: &egui::Context, what: Choose, files: Vec<PathBuf>) {
        let Some(first) = files.first().cloned() else {
            self.ui_state.after_save = None;
            return;
        };
        match what {
            Choose::Workspace => self.act(ctx, Action::Open(first)),
            Choose::SaveFile { .. } => self.act(ctx, Action::SaveTo(first)),
            Choose::Models => self.act(ctx, Action::PrepareImport(files)),
            Choose::DeviceModel(id) => {
                let (status, scene) = (self.engine.status(), self.engine.scene());
                let view = View { status: &status, scene: &scene, host: &self.host, picture: None };
                if let Some(action) = panels::questions::set_model(&view, &id, &first) {
                    self.act(ctx, action);
                }
            }
        }
    }

    fn ask_for_path(&mut self, what: Choose) {
        let (purpose, text) = match what {
            Choose::Workspace => (PathPurpose::Open, String::new()),
            Choose::Models => (PathPurpose::Import, String::new()),
            Choose::DeviceModel(id) => (PathPurpose::DeviceModel(id), String::new()),
            Choose::SaveFile { name } => {
                let status = self.engine.status();
                let folder = status.document.path.as_deref().and_then(Path::parent).map(Path::to_owned);
                let folder = folder.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
                (PathPurpose::Save, folder.join(name).display().to_string())
            }
        };
        self.ui_state.path_prompt = Some(PathPrompt { purpose, text });
    }

    /// What was kept about the document that was open until now.
    fn reset_for_document(&mut self) {
        self.ui_state.search.clear();
        self.ui_state.anchor = None;
        self.ui_state.after_save = None;
        if self.engine.status().share.is_none() {
            self.ui_state.page = RightPage::Details;
        }
    }

    /// Passes an answer of the engine on: a full queue is not worth a window for movements of the mouse, the engine
    /// itself logs refusals.
    fn tell(&self, result: Result<(), EngineError>) {
        if let Err(error) = result {
            tracing::warn!(%error, "the engine did not take a request");
        }
    }

    fn fault(&mut self, title: String, error: &EngineError) {
        tracing::error!(%error, "{title}");
        self.ui_state.problem = Some(Problem { title, text: error.to_string() });
    }

    /// Ends what hovers and points before the engine goes.
    pub fn leave(&self) {
        let gone = Input::Pointer { at: None, timestamp_ms: super::viewport::now_ms() };
        self.tell(self.engine.input(gone));
    }
}

/// The name with the extension of workspaces, unless it has one that a workspace may have.
fn with_extension(path: PathBuf) -> PathBuf {
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    if is_json {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(rr_scene::file::EXTENSION);
    PathBuf::from(name)
}

/// The theme as egui names it.
pub(super) fn preference(choice: ThemeChoice) -> egui::ThemePreference {
    match choice {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
        ThemeChoice::Light => egui::ThemePreference::Light,
    }
}

/// Fonts, styles and theme of a new window.
pub(super) fn dress(ctx: &egui::Context, choice: ThemeChoice) {
    look::install(ctx);
    ctx.set_theme(preference(choice));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_files_get_their_extension_once() {
        let cases =
            [("a", "a.rrws.json"), ("a.json", "a.json"), ("a.rrws.json", "a.rrws.json"), ("v1.2", "v1.2.rrws.json")];
        for (given, expected) in cases {
            assert_eq!(with_extension(PathBuf::from(given)), PathBuf::from(expected));
        }
    }
}

//! What the drawing functions read and what they keep between frames.

use super::action::{Action, ShareChoice};
use super::panels::details::DetailsState;
use super::settings::Remembered;
use super::tools::Tool;
use super::viewport::ViewportState;
use rr_engine::{Import, ImportId, ImportOptions, ImportState, Status};
use rr_scene::{Device, DeviceId, Role, SceneSnapshot};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Everything that is shown in one frame. Nothing in it changes while drawing.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// State of everything but the scene.
    pub status: &'a Status,
    /// The scene.
    pub scene: &'a SceneSnapshot,
    /// What holds for the whole run.
    pub host: &'a HostInfo,
    /// The picture of the viewport.
    pub picture: Option<egui::TextureId>,
}

/// What holds for the whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct HostInfo {
    /// Name of the graphics adapter.
    pub adapter: String,
    /// Said when the CPU draws the pictures.
    pub adapter_warning: Option<String>,
    /// Width / height of the stream's picture.
    pub stream_aspect: f32,
    /// Size of the stream's picture in pixels.
    pub stream_size_px: (u32, u32),
    /// Pages are served with a certificate that this host made itself, which browsers warn about.
    pub certificate_is_own_made: bool,
    /// The sample workspace, when it is installed.
    pub sample: Option<PathBuf>,
}

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeLink {
    /// The address with the token.
    pub url: String,
    /// What its bearer may do.
    pub role: Role,
    /// For how long it works from when it was made.
    pub valid_for: Duration,
}

/// What the share panel keeps.
#[derive(Debug)]
pub struct ShareState {
    /// Where to share.
    pub choice: ShareChoice,
    /// Role of the next link.
    pub role: Role,
    /// Life of the next link.
    pub valid_for: Duration,
    /// The newest link.
    pub link: Option<MadeLink>,
    /// Something was asked for and is not answered yet.
    pub busy: bool,
    /// Why the last wish failed.
    pub error: Option<String>,
    /// When the link was copied: the button says so for a moment.
    pub copied_at: Option<Instant>,
    /// A participant whose removal waits for a second click.
    pub removing: Option<rr_engine::ParticipantId>,
}

/// Which page the panel on the right shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightPage {
    /// The selection, or the workspace.
    Details,
    /// Links and participants.
    Share,
}

/// Files that are about to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportDraft {
    /// Which files.
    pub files: Vec<PathBuf>,
    /// Unit and up axis, for all of them.
    pub options: ImportOptions,
}

/// What a typed path is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPurpose {
    /// A workspace to open.
    Open,
    /// Where to save.
    Save,
    /// A model to import.
    Import,
    /// Another model of a device.
    DeviceModel(DeviceId),
}

/// A path is typed, because the desktop offers no file dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPrompt {
    /// What for.
    pub purpose: PathPurpose,
    /// What is typed so far.
    pub text: String,
}

/// A fault that the person has to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What did not happen.
    pub title: String,
    /// Why, and what to do.
    pub text: String,
}

/// Everything the window keeps between frames.
pub struct UiState {
    /// What is kept between runs too.
    pub remembered: Remembered,
    /// Filter of the scene tree.
    pub search: String,
    /// The device from which shift extends the selection.
    pub anchor: Option<DeviceId>,
    /// Groups of the tree that are folded.
    pub folded: std::collections::BTreeSet<String>,
    /// Page on the right.
    pub page: RightPage,
    /// Whether the log is open.
    pub log_open: bool,
    /// Whether the log leaves out what is only good to know.
    pub log_only_problems: bool,
    /// Share panel.
    pub share: ShareState,
    /// Properties of the selection.
    pub details: DetailsState,
    /// The tool in hand; none: a click selects.
    pub tool: Option<Tool>,
    /// A slider of the tool has the keyboard: arrow keys are its own.
    pub tool_takes_arrows: bool,
    /// Measurements whose details are shown although others are newer, or hidden although none is.
    pub toggled_measurements: std::collections::BTreeSet<u32>,
    /// Gestures in the viewport.
    pub viewport: ViewportState,
    /// Files waiting for their options.
    pub import: Option<ImportDraft>,
    /// A path being typed.
    pub path_prompt: Option<PathPrompt>,
    /// What goes on once the unsaved changes are dealt with.
    pub unsaved: Option<Action>,
    /// What goes on once the file is written.
    pub after_save: Option<Action>,
    /// A fault to show.
    pub problem: Option<Problem>,
    /// Name of a view about to be saved.
    pub view_name: Option<String>,
    /// The list of shortcuts is open.
    pub help_open: bool,
    /// The adapter warning was read.
    pub adapter_warning_seen: bool,
    /// When each import was seen to be over.
    pub over_since: HashMap<ImportId, Instant>,
    /// A file dialog is open.
    pub dialog_open: bool,
}

impl UiState {
    /// The state at the start of a run.
    pub fn new(remembered: Remembered) -> Self {
        let share = ShareState {
            choice: remembered.share,
            role: Role::Engineer,
            valid_for: Duration::from_secs(8 * 3600),
            link: None,
            busy: false,
            error: None,
            copied_at: None,
            removing: None,
        };
        Self {
            remembered,
            search: String::new(),
            anchor: None,
            folded: std::collections::BTreeSet::new(),
            page: RightPage::Details,
            log_open: false,
            log_only_problems: false,
            share,
            details: DetailsState::default(),
            tool: None,
            tool_takes_arrows: false,
            toggled_measurements: std::collections::BTreeSet::new(),
            viewport: ViewportState::default(),
            import: None,
            path_prompt: None,
            unsaved: None,
            after_save: None,
            problem: None,
            view_name: None,
            help_open: false,
            adapter_warning_seen: false,
            over_since: HashMap::new(),
            dialog_open: false,
        }
    }

    /// True while a modal question is open: then shortcuts must not act on what is behind it.
    pub fn is_modal(&self) -> bool {
        self.import.is_some()
            || self.path_prompt.is_some()
            || self.unsaved.is_some()
            || self.problem.is_some()
            || self.view_name.is_some()
            || self.help_open
    }
}

/// How far the geometry of a device is.
#[derive(Debug, Clone)]
pub enum DeviceModel<'a> {
    /// It has none and is drawn as a marker.
    None,
    /// There.
    Ready,
    /// Being read; the import says how far it is.
    Loading(Option<&'a ImportState>),
    /// Could not be read.
    Failed(&'a str),
}

impl<'a> View<'a> {
    /// How far the geometry of a device is.
    pub fn model_of(&self, device: &Device) -> DeviceModel<'a> {
        let Some(model) = &device.model else { return DeviceModel::None };
        if self.scene.models.contains_key(model) {
            return DeviceModel::Ready;
        }
        let path = Path::new(&model.path);
        let import = self.status.imports.iter().rev().find(|i: &&Import| i.file == path);
        match import.map(|i| &i.state) {
            Some(ImportState::Failed(reason)) => DeviceModel::Failed(reason),
            Some(ImportState::Cancelled) => DeviceModel::Failed("stopped before it was read"),
            state => DeviceModel::Loading(state),
        }
    }

    /// Name of the document for title and panels.
    pub fn document_name(&self) -> String {
        let name = self.scene.workspace.name.trim();
        if name.is_empty() { "Untitled".to_owned() } else { name.to_owned() }
    }

    /// Title of the window, with a mark while there are unsaved changes.
    pub fn title(&self) -> String {
        let mark = if self.status.document.dirty { "\u{25cf} " } else { "" };
        format!("{mark}{} \u{2014} Remote Render", self.document_name())
    }
}

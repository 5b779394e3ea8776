//! What a session would lose with its host, as two texts that another host goes on with: the document, which may be long and
//! is mostly as it was, and the view, which is short and changes whenever somebody turns the camera.
//!
//! ```text
//! document  {"version":2,"history":{...}}
//!           { "format": "remote-render-workspace", ... }
//! view      {"version":2,"camera":{...},"section":{...},"selection":[...],"measurements":[...],"seats":[...]}
//! ```
//!
//! The first line of a document holds the last steps that can be taken back; the rest is the workspace file. With the view go
//! the people who may come again.
//!
//! Models are named as in a workspace file: hosts that have the same files find them, wherever their folders are.

use crate::document;
use rr_protocol::worker::SessionState;
use rr_scene::history::Steps;
use rr_scene::{History, Workspace, file};
use rr_session::SharedView;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Newest version that is read, and the one that is written.
const VERSION: u32 = 2;
/// Steps beyond that stay behind: a workspace is what must come along.
const MOST_HISTORY_LEN: usize = 512 * 1024;

/// A moment of a session.
#[derive(Debug, Clone)]
pub struct Kept {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) view: SharedView,
    pub(crate) history: History,
    /// The file that the workspace came from; models are named relative to it.
    pub(crate) path: Option<PathBuf>,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.view == other.view && self.has_document_of(other)
    }
}

/// Why a text is no session.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Its first line.
    #[error("the first line of its {part} is none: {error}")]
    Head {
        /// Document or view.
        part: &'static str,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A newer host wrote it.
    #[error("it is of version {0} and this program reads up to {VERSION}: install the same version everywhere")]
    TooNew(u32),
    /// The rest.
    #[error(transparent)]
    Workspace(#[from] file::FileError),
}

#[derive(Serialize)]
struct ViewRef<'a> {
    version: u32,
    #[serde(flatten)]
    view: &'a SharedView,
}

#[derive(Serialize)]
struct DocumentHead {
    version: u32,
    history: Steps,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    #[serde(default)]
    history: serde_json::Value,
}

impl Head {
    fn parse(part: &'static str, text: &str) -> Result<Self, KeptError> {
        let head: Self = serde_json::from_str(text).map_err(|error| KeptError::Head { part, error })?;
        if head.version > VERSION { Err(KeptError::TooNew(head.version)) } else { Ok(head) }
    }
}

impl Kept {
    /// Nobody changed anything of it but the view.
    fn has_document_of(&self, other: &Self) -> bool {
        // Mostly it is the very same one, which need not be read then.
        let same = Arc::ptr_eq(&self.workspace, &other.workspace) || self.workspace == other.workspace;
        same && self.history == other.history && self.path == other.path
    }

    /// As texts.
    pub fn to_state(&self) -> SessionState {
        SessionState { document: Some(self.document()), view: Some(self.view()) }
    }

    /// As texts, as far as it is not as it was.
    pub fn changes_since(&self, before: &Self) -> SessionState {
        SessionState {
            document: (!self.has_document_of(before)).then(|| self.document()),
            view: (self.view != before.view).then(|| self.view()),
        }
    }

    fn document(&self) -> String {
        let history = match &self.path {
            Some(path) => document::steps_with_paths_for(&self.history, MOST_HISTORY_LEN, path),
            None => self.history.steps(MOST_HISTORY_LEN, |_| {}),
        };
        let mut text = line(&DocumentHead { version: VERSION, history });
        text.push('\n');
        let workspace = match &self.path {
            Some(path) => file::to_short_json(&document::with_paths_for(Workspace::clone(&self.workspace), path)),
            None => file::to_short_json(&self.workspace),
        };
        text.push_str(&String::from_utf8_lossy(&workspace));
        text
    }

    fn view(&self) -> String {
        line(&ViewRef { version: VERSION, view: &self.view })
    }

    /// From texts; what they do not say is as in this one.
    ///
    /// # Errors
    /// They are none, or of a newer version.
    pub fn with(&self, state: &SessionState) -> Result<Self, KeptError> {
        let mut kept = self.clone();
        if let Some(text) = &state.document {
            let (head, workspace) = text.split_once('\n').unwrap_or((text, ""));
            let Head { history, .. } = Head::parse("document", head)?;
            // Rather no steps than no session.
            let steps = match history {
                serde_json::Value::Null => Ok(Steps::default()),
                history => serde_json::from_value(history),
            };
            kept.history = steps.map(History::of).unwrap_or_else(|error| {
                tracing::warn!(%error, "the session goes on, but what was done before cannot be taken back");
                History::default()
            });
            kept.workspace = Arc::new(file::parse(workspace.as_bytes(), Path::new("the workspace of a session"))?);
            // Models are named as in a file.
            kept.path = None;
        }
        if let Some(text) = &state.view {
            Head::parse("view", text)?;
            kept.view = serde_json::from_str(text).map_err(|error| KeptError::Head { part: "view", error })?;
        }
        Ok(kept)
    }
}

fn line(value: &impl Serialize) -> String {
    // Numbers of a session are finite, and maps have text for keys: this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_protocol::worker::{MAX_DOCUMENT_LEN, MAX_VIEW_LEN};
    use rr_scene::command::{MAX_CONNECTIONS, MAX_DEVICES};
    use rr_scene::{Command, Connection, Device, DeviceKind, ModelRef, PropertyValue, Role, Transform};
    use rr_session::{Session, Settings};

    /// As many as there may be, each with a model and some properties.
    #[test]
    fn the_largest_session_can_be_kept_and_a_turn_of_the_camera_is_a_short_text() {
        let mut workspace = Workspace::new("hall");
        let mut add = |command: Command| _ = workspace.apply(&command, Role::Admin).unwrap();
        for n in 0..MAX_DEVICES {
            let property = |name: &str| (name.to_owned(), PropertyValue::Text("1234567890".into()));
            add(Command::AddDevice(Device {
                id: format!("device-{n}").as_str().into(),
                name: format!("Machine number {n}"),
                kind: DeviceKind::default(),
                model: Some(ModelRef {
                    path: format!("models/machine-{}.igs", n % 90),
                    unit: None,
                    up: Default::default(),
                }),
                transform: Transform::at(glam::Vec3::new(n as f32 / 7.0, 0.1, -(n as f32) / 9.0)),
                properties: ["serial", "maker", "year"].map(property).into(),
            }));
        }
        for n in 0..MAX_CONNECTIONS {
            let id = |n: usize| format!("device-{}", n % MAX_DEVICES);
            add(Command::AddConnection(Connection {
                id: format!("connection-{n}").as_str().into(),
                source: id(n).as_str().into(),
                target: id(n + 1 + n / MAX_DEVICES).as_str().into(),
                kind: "material".into(),
            }));
        }
        let session = Session::new(workspace, Settings::default());
        let (workspace, history) = (session.workspace().clone(), session.history().clone());
        let selection = session.workspace().devices().map(|device| device.id.clone()).collect();
        let view = SharedView { selection, ..session.shared_view() };
        let kept = Kept { workspace, view, history, path: None };
        let state = kept.to_state();
        for (text, most) in [(&state.document, MAX_DOCUMENT_LEN), (&state.view, MAX_VIEW_LEN)] {
            let bytes = text.as_ref().unwrap().len();
            // Ids here are 11 letters long, and may be 64.
            assert!((most / 8..most).contains(&bytes), "{bytes} of {most}");
        }
        let fresh = Session::new(Workspace::new("line"), Settings::default());
        let (workspace, history) = (fresh.workspace().clone(), fresh.history().clone());
        let start = Kept { workspace, view: fresh.shared_view(), history, path: None };
        assert_eq!(start.with(&state).unwrap(), kept);

        // Who turns the camera changes the view alone.
        let mut turned = kept.clone();
        turned.view.camera.distance += 1.0;
        let SessionState { document: None, view: Some(view) } = turned.changes_since(&kept) else {
            panic!("the document")
        };
        assert_eq!(kept.with(&SessionState { document: None, view: Some(view) }).unwrap(), turned);
        assert!(kept.changes_since(&kept.clone()).is_empty());
        assert!(kept.changes_since(&Kept { workspace: start.workspace, ..kept.clone() }).view.is_none());
    }
}

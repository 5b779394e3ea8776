//! What a session would lose with its host, as a text that another host goes on with.
//!
//! ```text
//! {"version":1,"camera":{...},"section":{...},"selection":[...],"measurements":[...],"seats":[...],"history":{...}}
//! { "format": "remote-render-workspace", ... }
//! ```
//!
//! The first line is the view, people who may come again and the last steps that can be taken back; the rest is the workspace
//! file.
//!
//! Models are named as in a workspace file: hosts that have the same files find them, wherever their folders are.

use crate::document;
use rr_scene::history::Steps;
use rr_scene::{History, Workspace, file};
use rr_session::SharedView;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Newest version that is read, and the one that is written.
const VERSION: u32 = 1;
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
        // Mostly it is the very same document, which need not be read then.
        let same = Arc::ptr_eq(&self.workspace, &other.workspace) || self.workspace == other.workspace;
        same && self.view == other.view && self.history == other.history && self.path == other.path
    }
}

/// Why a text is no session.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The first line.
    #[error("its first line is not the view of a session: {0}")]
    View(serde_json::Error),
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
    history: Steps,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    #[serde(default)]
    history: serde_json::Value,
}

impl Kept {
    /// As text.
    pub fn to_text(&self) -> String {
        let history = match &self.path {
            Some(path) => document::steps_with_paths_for(&self.history, MOST_HISTORY_LEN, path),
            None => self.history.steps(MOST_HISTORY_LEN, |_| {}),
        };
        let view = ViewRef { version: VERSION, view: &self.view, history };
        // Numbers of a session are finite, and maps have text for keys: this cannot fail.
        let mut text = serde_json::to_string(&view).unwrap_or_default();
        text.push('\n');
        let workspace = match &self.path {
            Some(path) => file::to_short_json(&document::with_paths_for(Workspace::clone(&self.workspace), path)),
            None => file::to_short_json(&self.workspace),
        };
        text.push_str(&String::from_utf8_lossy(&workspace));
        text
    }

    /// From a text.
    ///
    /// # Errors
    /// It is none, or of a newer version.
    pub fn parse(text: &str) -> Result<Self, KeptError> {
        let (view, workspace) = text.split_once('\n').unwrap_or((text, ""));
        let Head { version, history } = serde_json::from_str(view).map_err(KeptError::View)?;
        if version > VERSION {
            return Err(KeptError::TooNew(version));
        }
        let view = serde_json::from_str(view).map_err(KeptError::View)?;
        // Rather no steps than no session.
        let steps = match history {
            serde_json::Value::Null => Ok(Steps::default()),
            history => serde_json::from_value(history),
        };
        let history = steps.map(History::of).unwrap_or_else(|error| {
            tracing::warn!(%error, "the session goes on, but what was done before cannot be taken back");
            History::default()
        });
        let workspace = file::parse(workspace.as_bytes(), Path::new("the workspace of a session"))?;
        Ok(Self { workspace: Arc::new(workspace), view, history, path: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_scene::command::{MAX_CONNECTIONS, MAX_DEVICES};
    use rr_scene::{Command, Connection, Device, DeviceKind, ModelRef, PropertyValue, Role, Transform};

    /// As many as there may be, each with a model and some properties.
    #[test]
    fn the_largest_workspace_can_be_kept() {
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
        let session = rr_session::Session::new(workspace, rr_session::Settings::default());
        let (workspace, history) = (session.workspace().clone(), session.history().clone());
        let kept = Kept { workspace, view: session.shared_view(), history, path: None };
        let text = kept.to_text();
        let most = rr_protocol::worker::MAX_KEPT_LEN;
        assert!((most / 2..most).contains(&text.len()), "{}", text.len());
        assert_eq!(Kept::parse(&text).unwrap(), kept);
    }
}

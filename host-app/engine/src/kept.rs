//! What a session would lose with its host, as a text that another host goes on with.
//!
//! ```text
//! {"version":1,"camera":{...},"section":{...},"selection":[...],"measurements":[...]}      one line
//! { "format": "remote-render-workspace", ... }                                            the workspace file
//! ```
//!
//! Models are named as in a workspace file: hosts that have the same files find them, wherever their folders are.

use crate::document;
use rr_scene::{Workspace, file};
use rr_session::SharedView;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Newest version that is read, and the one that is written.
const VERSION: u32 = 1;

/// A moment of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) view: SharedView,
    /// The file that the workspace came from; models are named relative to it.
    pub(crate) path: Option<PathBuf>,
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
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Kept {
    /// As text.
    pub fn to_text(&self) -> String {
        let view = ViewRef { version: VERSION, view: &self.view };
        // Numbers of a session are finite, and maps have text for keys: this cannot fail.
        let mut text = serde_json::to_string(&view).unwrap_or_default();
        text.push('\n');
        let workspace = match &self.path {
            Some(path) => file::to_json(&document::with_paths_for(Workspace::clone(&self.workspace), path)),
            None => file::to_json(&self.workspace),
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
        let Version { version } = serde_json::from_str(view).map_err(KeptError::View)?;
        if version > VERSION {
            return Err(KeptError::TooNew(version));
        }
        let view = serde_json::from_str(view).map_err(KeptError::View)?;
        let workspace = file::parse(workspace.as_bytes(), Path::new("the workspace of a session"))?;
        Ok(Self { workspace: Arc::new(workspace), view, path: None })
    }
}

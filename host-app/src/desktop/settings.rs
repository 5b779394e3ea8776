//! What the window remembers between runs: a small JSON file beside the host's configuration.
//!
//! A missing or damaged file is no fault: the defaults hold, and the next run writes a whole one.

use super::action::ShareChoice;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "desktop.json";
const MOST_RECENT: usize = 8;

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the desktop says; dark where it says nothing.
    #[default]
    System,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// Everything that is remembered. Lengths in points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Colours.
    pub theme: ThemeChoice,
    /// Size of the window.
    pub window: [f32; 2],
    /// Width of the scene tree.
    pub tree_width: f32,
    /// Width of the panel on the right.
    pub details_width: f32,
    /// Height of the log.
    pub log_height: f32,
    /// Whether the scene tree is open.
    pub tree_open: bool,
    /// Whether the panel on the right is open.
    pub details_open: bool,
    /// Whether the figures over the picture are shown.
    pub stats_open: bool,
    /// How the session was shared last.
    pub share: ShareChoice,
    /// Workspaces opened or saved last, newest first.
    pub recent: Vec<PathBuf>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            window: [1440.0, 900.0],
            tree_width: 264.0,
            details_width: 316.0,
            log_height: 160.0,
            tree_open: true,
            details_open: true,
            stats_open: false,
            share: ShareChoice::default(),
            recent: Vec::new(),
        }
    }
}

impl Remembered {
    /// Reads from a folder, or gives the defaults.
    pub fn load(folder: Option<&Path>) -> Self {
        let Some(path) = folder.map(|f| f.join(FILE)) else { return Self::default() };
        let read = fs::read_to_string(&path);
        let value: Self = match read.map(|text| serde_json::from_str(&text)) {
            Ok(Ok(value)) => value,
            Ok(Err(error)) => {
                tracing::warn!(path = %path.display(), %error, "the window's settings are damaged; using the defaults");
                Self::default()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the window's settings cannot be read; using the defaults");
                Self::default()
            }
        };
        value.within_bounds()
    }

    /// Writes to a folder, whole or not at all.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let temporary = folder.join(format!("{FILE}.{}.tmp", std::process::id()));
        let mut file = fs::File::create(&temporary)?;
        let written = serde_json::to_writer_pretty(&mut file, self)
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| fs::rename(&temporary, folder.join(FILE)));
        if written.is_err() {
            // What stays behind would only be clutter; the reason to report is the first one.
            drop(fs::remove_file(&temporary));
        }
        written
    }

    /// Puts a workspace at the top of the recent ones.
    pub fn note_recent(&mut self, path: &Path) {
        self.recent.retain(|p| p != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(MOST_RECENT);
    }

    /// A file edited by hand must not make a window that nobody can use.
    fn within_bounds(mut self) -> Self {
        let fix = |value: &mut f32, low: f32, high: f32, default: f32| {
            *value = if value.is_finite() { value.clamp(low, high) } else { default };
        };
        fix(&mut self.window[0], 640.0, 8000.0, 1440.0);
        fix(&mut self.window[1], 480.0, 8000.0, 900.0);
        fix(&mut self.tree_width, 180.0, 600.0, 264.0);
        fix(&mut self.details_width, 260.0, 600.0, 316.0);
        fix(&mut self.log_height, 80.0, 600.0, 160.0);
        self.recent.truncate(MOST_RECENT);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut value = Remembered { theme: ThemeChoice::Light, tree_width: 300.0, ..Remembered::default() };
        value.note_recent(Path::new("/a"));
        value.note_recent(Path::new("/b"));
        value.note_recent(Path::new("/a"));
        value.save(folder.path()).unwrap();
        let loaded = Remembered::load(Some(folder.path()));
        assert_eq!(loaded, value);
        assert_eq!(loaded.recent, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file stayed behind");
    }

    #[test]
    fn damaged_and_absurd_files_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{ \"tree_width\": ").unwrap();
        assert_eq!(Remembered::load(Some(folder.path())), Remembered::default());
        fs::write(folder.path().join(FILE), r#"{ "tree_width": 1e9, "window": [1, 1], "newer_thing": 1 }"#).unwrap();
        let loaded = Remembered::load(Some(folder.path()));
        assert_eq!(loaded.tree_width, 600.0);
        assert_eq!(loaded.window, [640.0, 480.0]);
        assert_eq!(Remembered::load(None), Remembered::default());
    }
}

//! Paths of documents and models: what is written into the file and what is opened. Files name models relative to
//! themselves; while a workspace is open they have their full paths, which stay true when it is saved elsewhere, and
//! cannot be mistaken for those of the workspace that was open before.

use rr_scene::history::Steps;
use rr_scene::{Command, Device, History, ModelRef, Role, Workspace};
use std::path::{Component, Path, PathBuf};

/// The path from the root, without asking whether it exists.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The file behind a model: relative paths are taken from the workspace's folder.
pub(crate) fn resolve(model: &ModelRef, workspace_path: Option<&Path>) -> PathBuf {
    let path = Path::new(&model.path);
    match workspace_path.and_then(Path::parent) {
        Some(folder) if path.is_relative() => folder.join(path),
        _ => absolute(path),
    }
}

/// The workspace that was read from `path`, with the full paths of its models.
pub(crate) fn with_full_paths(workspace: Workspace, path: &Path) -> Workspace {
    renamed(workspace, |model| full_path(model, path))
}

/// What can be taken back in that workspace, with full paths as well.
pub(crate) fn steps_with_full_paths(history: &History, path: &Path) -> History {
    History::of(history.steps(usize::MAX, |command| rename(command, |model| full_path(model, path))))
}

fn full_path(model: &ModelRef, path: &Path) -> String {
    normalised(&resolve(model, Some(path))).to_string_lossy().into_owned()
}

/// The workspace as it is written to `path`: models below its folder are named relative to it, others by their full
/// path, so that a folder with its workspace and models can be moved as a whole.
pub(crate) fn with_paths_for(workspace: Workspace, path: &Path) -> Workspace {
    renamed(workspace, |model| path_for(model, path))
}

/// What can be taken back in that workspace, at most so many bytes of it.
pub(crate) fn steps_with_paths_for(history: &History, most_bytes: usize, path: &Path) -> Steps {
    history.steps(most_bytes, |command| rename(command, |model| path_for(model, path)))
}

fn path_for(model: &ModelRef, path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Names that never had a workspace's folder are from the one that the host was started in.
    let full = normalised(&absolute(Path::new(&model.path)));
    match full.strip_prefix(folder) {
        // Forward slashes are read by every system.
        Ok(below) => below.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"),
        Err(_) => full.to_string_lossy().into_owned(),
    }
}

fn rename(command: &mut Command, path: impl Fn(&ModelRef) -> String) {
    if let Command::AddDevice(Device { model: Some(model), .. }) | Command::SetModel { model: Some(model), .. } =
        command
    {
        model.path = path(model);
    }
}

fn renamed(mut workspace: Workspace, path: impl Fn(&ModelRef) -> String) -> Workspace {
    let change = |device: &Device| {
        let model = device.model.as_ref()?;
        let path = path(model);
        (path != model.path).then(|| (device.id.clone(), ModelRef { path, ..model.clone() }))
    };
    let changes: Vec<_> = workspace.devices().filter_map(change).collect();
    for (id, model) in changes {
        // Where the full path is longer than any may be, the model keeps the name that it has.
        let _ = workspace.apply(&Command::SetModel { id, model: Some(model) }, Role::Admin);
    }
    workspace
}

fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Where an unsaved workspace without a file is kept when the host ends: `$XDG_STATE_HOME/remote-render` or the
/// system's equivalent.
pub(crate) fn recovery_path() -> PathBuf {
    let home = |key: &str| std::env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
    let folder = home("XDG_STATE_HOME")
        .or_else(|| home("LOCALAPPDATA"))
        .or_else(|| home("HOME").map(|h| h.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir);
    folder.join("remote-render").join(format!("recovered{}", rr_scene::file::EXTENSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(path: &str) -> Workspace {
        let mut ws = Workspace::new("w");
        let device = Device {
            id: "a".into(),
            name: "a".into(),
            kind: Default::default(),
            model: Some(ModelRef { path: path.into(), unit: None, up: Default::default() }),
            transform: Default::default(),
            properties: Default::default(),
        };
        ws.apply(&Command::AddDevice(device), Role::Admin).unwrap();
        ws
    }

    fn path_in(ws: &Workspace) -> &str {
        &ws.devices().next().unwrap().model.as_ref().unwrap().path
    }

    #[test]
    fn models_below_the_folder_become_relative_and_others_full() {
        let here = |p: &str, from: Option<&str>, to: &str| {
            let opened = from.map_or_else(|| workspace(p), |from| with_full_paths(workspace(p), Path::new(from)));
            path_in(&with_paths_for(opened, Path::new(to))).to_owned()
        };
        assert_eq!(here("/plant/models/a.igs", None, "/plant/line.rrws.json"), "models/a.igs");
        assert_eq!(here("models/a.igs", Some("/plant/line.rrws.json"), "/plant/line.rrws.json"), "models/a.igs");
        assert_eq!(here("models/a.igs", Some("/plant/line.rrws.json"), "/else/line.rrws.json"), "/plant/models/a.igs");
        assert_eq!(here("../shared/a.igs", Some("/plant/l/x.json"), "/plant/y.json"), "shared/a.igs");
        assert_eq!(here("/far/a.igs", None, "/plant/line.rrws.json"), "/far/a.igs");
        assert_eq!(here("/plant/x/../a.igs", None, "/plant/line.rrws.json"), "a.igs");
        let full = absolute(Path::new("models/a.igs"));
        assert_eq!(here("models/a.igs", None, "/plant/line.rrws.json"), full.to_string_lossy());
        assert_eq!(here("models/a.igs", None, &full.with_file_name("line.rrws.json").to_string_lossy()), "a.igs");
    }
}

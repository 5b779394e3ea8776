//! The workspace file: versioned, human-readable JSON, saved so that a crash or a full disk leaves the old file whole.
//!
//! ```json
//! { "format": "remote-render-workspace", "version": 1, "name": "...",
//!   "devices": [ ... ], "connections": [ ... ], "views": [ ... ] }
//! ```

use crate::command::{Command, CommandError, Role};
use crate::workspace::{Connection, Device, NamedView, Workspace};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Value of `format` in every workspace file.
pub const FORMAT: &str = "remote-render-workspace";
/// Newest version this code reads, and the one it writes.
pub const VERSION: u32 = 1;
/// End of a workspace file's name.
pub const EXTENSION: &str = ".rrws.json";
/// What the name of a file begins with that [`write_atomically`] has not finished.
pub const TEMPORARY_PREFIX: &str = ".rr-";
/// Largest file that is read, bytes.
pub const MAX_FILE_LEN: u64 = 256 << 20;

/// Why a workspace could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system said no.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `read` or `save`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not JSON, or not of the right shape.
    #[error("{path} is not a workspace: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong and where.
        reason: String,
    },
    /// Written by a newer version.
    #[error("{path} is of version {version}; this program reads up to {VERSION}: update Remote Render to open it")]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Version in the file.
        version: u32,
    },
    /// The contents break a rule of the workspace.
    #[error("{path}: {item}: {source}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Which device, connection or view.
        item: String,
        /// Which rule.
        source: CommandError,
    },
}

#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    name: String,
    #[serde(default)]
    devices: Vec<Device>,
    #[serde(default)]
    connections: Vec<Connection>,
    #[serde(default)]
    views: Vec<NamedView>,
}

#[derive(Serialize)]
struct DocumentRef<'a> {
    format: &'static str,
    version: u32,
    name: &'a str,
    devices: Vec<&'a Device>,
    connections: Vec<&'a Connection>,
    views: &'a [NamedView],
}

/// Reads a workspace. Every device, connection and view is held to the rules of [`Command`]s.
pub fn load(path: &Path) -> Result<Workspace, FileError> {
    let io_error = |source| FileError::Io { action: "read", path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(io_error)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > MAX_FILE_LEN {
        let reason = format!("it is larger than {} MiB", MAX_FILE_LEN >> 20);
        return Err(FileError::Malformed { path: path.to_owned(), reason });
    }
    parse(&bytes, path)
}

/// Reads a workspace from memory; `path` is for error messages.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Workspace, FileError> {
    let malformed = |reason: String| FileError::Malformed { path: path.to_owned(), reason };
    let header: Header = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    if header.format != FORMAT {
        return Err(malformed(format!("its format is \"{}\", not \"{FORMAT}\"", header.format)));
    }
    if header.version > VERSION {
        return Err(FileError::TooNew { path: path.to_owned(), version: header.version });
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let mut workspace = Workspace::new(document.name);
    let commands = document
        .devices
        .into_iter()
        .map(|d| (format!("device \"{}\"", d.id), Command::AddDevice(d)))
        .chain(
            document.connections.into_iter().map(|c| (format!("connection \"{}\"", c.id), Command::AddConnection(c))),
        )
        .chain(document.views.into_iter().map(|v| (format!("view \"{}\"", v.name), Command::SaveView(v))));
    for (item, command) in commands {
        workspace.apply(&command, Role::Admin).map_err(|source| FileError::Invalid {
            path: path.to_owned(),
            item,
            source,
        })?;
    }
    Ok(workspace)
}

/// The bytes that [`save`] writes.
pub fn to_json(workspace: &Workspace) -> Vec<u8> {
    // Serialising plain data into memory fails for no value that a workspace can hold.
    let mut bytes = serde_json::to_vec_pretty(&document(workspace)).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The same in one line, half as long: for programs.
pub fn to_short_json(workspace: &Workspace) -> Vec<u8> {
    serde_json::to_vec(&document(workspace)).unwrap_or_default()
}

fn document(workspace: &Workspace) -> DocumentRef<'_> {
    DocumentRef {
        format: FORMAT,
        version: VERSION,
        name: &workspace.name,
        devices: workspace.devices().collect(),
        connections: workspace.connections().collect(),
        views: workspace.views(),
    }
}

/// Saves by writing a new file beside the old one and renaming it: whatever happens, one of the two is whole.
pub fn save(path: &Path, workspace: &Workspace) -> Result<(), FileError> {
    write_atomically(path, &to_json(workspace)).map_err(|source| FileError::Io {
        action: "save",
        path: path.to_owned(),
        source,
    })
}

/// Writes a file beside the old one and renames it: whatever happens, one of the two is whole. A link stays a link, a file
/// that is replaced keeps its permissions, and a new one gets those that the user's mask leaves, as any other file.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(".part");
    // A temporary file is its owner's alone unless it is told otherwise.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Ok(old) = fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // The rename itself must reach the disk too; a folder that cannot be opened for this is no failure of the save.
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{DeviceKind, ModelRef, PropertyValue, Transform};
    use crate::{Camera, Unit, UpAxis};
    use glam::{Quat, Vec3};

    fn sample() -> Workspace {
        let mut ws = Workspace::new("Line 1");
        for (i, kind) in [DeviceKind::RobotArm, DeviceKind::Other("paint_booth".into())].into_iter().enumerate() {
            let device = Device {
                id: crate::DeviceId(format!("d{i}")),
                name: format!("Device \"{i}\" ä"),
                kind,
                model: Some(ModelRef { path: "models/a b.igs".into(), unit: Some(Unit::Inch), up: Some(UpAxis::Y) }),
                transform: Transform {
                    position: Vec3::new(0.1, -2.5, 3e-4),
                    rotation: Quat::from_rotation_y(1.2),
                    scale: 2.0,
                },
                properties: [
                    ("power_kw".to_owned(), PropertyValue::Number(7.5)),
                    ("on".to_owned(), PropertyValue::Bool(true)),
                    ("vendor".to_owned(), PropertyValue::Text("x".into())),
                ]
                .into(),
            };
            ws.apply(&Command::AddDevice(device), Role::Admin).unwrap();
        }
        let link =
            Connection { id: "l".into(), source: "d0".into(), target: "d1".into(), kind: "production_flow".into() };
        ws.apply(&Command::AddConnection(link), Role::Admin).unwrap();
        let view = NamedView { name: "Overview".into(), camera: Camera::default() };
        ws.apply(&Command::SaveView(view), Role::Admin).unwrap();
        ws
    }

    #[test]
    fn what_is_saved_comes_back_and_a_second_save_is_equal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.rrws.json");
        save(&path, &sample()).unwrap();
        let first = fs::read(&path).unwrap();
        assert_eq!(load(&path).unwrap(), sample());
        save(&path, &load(&path).unwrap()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn an_up_axis_that_nobody_chose_is_not_written_and_one_of_an_older_file_is_kept() {
        let text = String::from_utf8(to_json(&sample())).unwrap();
        assert_eq!(text.matches("\"up\": \"y\"").count(), 2);
        let without = text.replace("\"up\": \"y\"", "\"unit\": \"m\"").replace("\"unit\": \"inch\",", "");
        let up = |text: &str| {
            let workspace = parse(text.as_bytes(), Path::new("x.rrws.json")).unwrap();
            workspace.devices().map(|d| d.model.as_ref().unwrap().up).collect::<Vec<_>>()
        };
        assert_eq!(up(&text), [Some(UpAxis::Y); 2]);
        assert_eq!(up(&text.replace("\"up\": \"y\"", "\"up\": \"z\"")), [Some(UpAxis::Z); 2]);
        assert_eq!(up(&without), [None; 2]);
        let workspace = parse(without.as_bytes(), Path::new("x.rrws.json")).unwrap();
        assert!(!String::from_utf8(to_json(&workspace)).unwrap().contains("\"up\""));
    }

    #[test]
    fn damaged_files_are_refused_whole_with_the_reason() {
        let good = String::from_utf8(to_json(&sample())).unwrap();
        let cases = [
            (String::new(), "EOF"),
            ("{}".into(), "format"),
            ("\u{0}\u{1}".into(), "expected"),
            (good[..good.len() / 2].to_owned(), "EOF"),
            (good.replace(FORMAT, "something"), "its format"),
            (good.replace("\"version\": 1", "\"version\": 99"), "update Remote Render"),
            (good.replace("\"target\": \"d1\"", "\"target\": \"nobody\""), "connection \"l\": there is no device"),
            (good.replace("\"scale\": 2.0", "\"scale\": -1.0"), "out of range"),
            (good.replace("\"id\": \"d1\"", "\"id\": \"d0\""), "taken"),
        ];
        for (text, why) in cases {
            let error = parse(text.as_bytes(), Path::new("x.rrws.json")).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("x.rrws.json"), "\"{error}\" lacks \"{why}\"");
        }
    }

    #[test]
    fn a_failed_save_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("no/such/folder.rrws.json");
        let error = save(&path, &sample()).unwrap_err().to_string();
        assert!(error.contains("cannot save") && error.contains("folder.rrws.json"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_says_so() {
        let error = save(Path::new("/dev/full/x"), &sample()).unwrap_err().to_string();
        assert!(error.contains("cannot save"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_other_and_an_old_one_keeps_its_own() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let (ours, other) = (dir.path().join("ours"), dir.path().join("other"));
        fs::write(&other, b"").unwrap();
        write_atomically(&ours, b"1").unwrap();
        assert_eq!(mode(&ours), mode(&other));
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o604)).unwrap();
        write_atomically(&ours, b"2").unwrap();
        assert_eq!((mode(&ours), fs::read(&ours).unwrap()), (0o604, b"2".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
        save(&real, &Workspace::new("old")).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        save(&link, &sample()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(load(&real).unwrap(), sample());
    }
}

//! The committed files are what the generator makes, and `check` sees every difference.

use rr_samples::{line, outputs};
use std::fs;
use std::path::Path;

fn committed() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn committed_files_are_fresh() {
    let wrong = outputs::check(committed()).unwrap();
    assert!(wrong.is_empty(), "run `cargo run -p rr-samples -- --out samples`:\n{}", wrong.join("\n"));
}

#[test]
fn written_files_pass_the_check_and_changes_do_not() {
    let dir = tempfile::tempdir().unwrap();
    outputs::write(dir.path()).unwrap();
    assert_eq!(outputs::check(dir.path()).unwrap(), Vec::<String>::new());

    let pallet = dir.path().join("models/pallet.stl");
    let mut bytes = fs::read(&pallet).unwrap();
    bytes[100] ^= 1;
    fs::write(&pallet, bytes).unwrap();
    fs::remove_file(dir.path().join("models/robot-arm.igs")).unwrap();
    fs::write(dir.path().join("models/old.stl"), "solid old\nendsolid old\n").unwrap();
    let wrong = outputs::check(dir.path()).unwrap();
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    assert!(outputs::files().unwrap() == outputs::files().unwrap());
}

#[test]
fn everything_fits_in_three_megabytes() {
    let total: usize = outputs::files().unwrap().iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total < 3_000_000, "{total} bytes");
}

#[test]
fn the_line_refers_to_models_that_exist() {
    let files = outputs::files().unwrap();
    let w = line::workspace().unwrap();
    assert_eq!((w.devices().len(), w.connections().len(), w.views().len()), (12, 7, 3));
    for device in w.devices() {
        let path = &device.model.as_ref().unwrap().path;
        assert!(files.iter().any(|(p, _)| p == path), "{}: {path}", device.id);
    }
    // What is saved can be opened again.
    assert_eq!(rr_scene::file::load(&committed().join(outputs::WORKSPACE)).unwrap(), w);
}

#[test]
fn a_long_conveyor_is_written_for_load_tests() {
    let dir = tempfile::tempdir().unwrap();
    outputs::write_conveyor(dir.path(), 200, true).unwrap();
    let shared = fs::metadata(dir.path().join("roller-conveyor-200.igs")).unwrap().len();
    outputs::write_conveyor(dir.path(), 200, false).unwrap();
    let unshared = fs::metadata(dir.path().join("roller-conveyor-200.igs")).unwrap().len();
    assert!(unshared > 2 * shared, "{unshared} and {shared}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = format!("{:#}", outputs::write(&file).unwrap_err());
    assert!(error.contains("file/models"), "{error}");
}

//! Workspaces that are opened one after the other, and saved elsewhere: each has its own models.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

mod common;

use common::{Host, line, software};
use rr_engine::{Engine, Input};
use rr_protocol::worker::SessionState;
use rr_scene::{Command, DeviceId, ModelRef, Role, Workspace, file};
use std::path::{Path, PathBuf};

/// A folder with a workspace of one device, and its model beside it: a box of this height.
fn project(folder: &Path, name: &str, height_m: f32) -> PathBuf {
    let dir = folder.join(name);
    std::fs::create_dir_all(dir.join("models")).unwrap();
    tetrahedron(&dir.join("models/part.stl"), height_m);
    let mut workspace = line(&[("part", 0.0)]);
    workspace.apply(&set_model("models/part.stl"), Role::Admin).unwrap();
    let path = dir.join("line.rrws.json");
    file::save(&path, &workspace).unwrap();
    path
}

fn set_model(path: &str) -> Command {
    let model = ModelRef { path: path.into(), unit: Some(rr_scene::Unit::M), up: Default::default() };
    Command::SetModel { id: "part".into(), model: Some(model) }
}

fn tetrahedron(path: &Path, height_m: f32) {
    let corners = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, height_m]];
    let mut text = String::from("solid part\n");
    for face in [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]] {
        text.push_str("facet normal 0 0 0\nouter loop\n");
        for [x, y, z] in face.map(|corner: usize| corners[corner]) {
            text.push_str(&format!("vertex {x} {y} {z}\n"));
        }
        text.push_str("endloop\nendfacet\n");
    }
    std::fs::write(path, text + "endsolid part\n").unwrap();
}

fn height(engine: &Engine) -> Option<f32> {
    let scene = engine.scene();
    let device = scene.workspace.device(&DeviceId::from("part"))?;
    let bounds = scene.models.get(device.model.as_ref()?)?.bounds();
    Some(bounds.size().max_element())
}

fn until_high(host: &Host, metres: f32) {
    host.until(&format!("a part of {metres} m"), |engine| height(engine).is_some_and(|h| (h - metres).abs() < 1e-3));
}

fn paths(workspace: &Workspace) -> Vec<String> {
    workspace.devices().filter_map(|device| Some(device.model.as_ref()?.path.clone())).collect()
}

#[test]
fn models_of_two_workspaces_with_one_name_are_not_mistaken() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, line(&[]));
    let (low, high) = (project(host.folder.path(), "low", 2.0), project(host.folder.path(), "high", 3.0));
    host.engine.open(&low).unwrap();
    until_high(&host, 2.0);
    host.engine.open(&high).unwrap();
    until_high(&host, 3.0);
    // A file that changed is read again.
    tetrahedron(&high.with_file_name("models").join("part.stl"), 4.0);
    host.engine.open(&high).unwrap();
    until_high(&host, 4.0);
    // Opened again while it is still being read.
    for _ in 0..5 {
        host.engine.open(&low).unwrap();
    }
    until_high(&host, 2.0);
}

#[test]
fn a_workspace_saved_elsewhere_finds_its_models_however_often_it_is_saved() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, line(&[]));
    let here = project(host.folder.path(), "here", 2.0);
    let there = host.folder.path().join("there/line.rrws.json");
    std::fs::create_dir_all(there.parent().unwrap()).unwrap();
    let full = [here.with_file_name("models").join("part.stl").to_string_lossy().into_owned()];
    host.engine.open(&here).unwrap();
    until_high(&host, 2.0);
    for _ in 0..2 {
        host.engine.save(Some(&there)).unwrap();
        assert_eq!(paths(&file::load(&there).unwrap()), full);
    }
    host.engine.save(None).unwrap();
    assert_eq!(paths(&file::load(&there).unwrap()), full);
    // And back: below its folder a model has a short name again.
    host.engine.save(Some(&here)).unwrap();
    assert_eq!(paths(&file::load(&here).unwrap()), ["models/part.stl"]);
    host.engine.open(&there).unwrap();
    until_high(&host, 2.0);
}

#[test]
fn what_was_removed_at_one_host_comes_back_at_another_with_its_model() {
    let Some(gpu) = software() else { return };
    let (here, there) = (Host::start(&gpu, None, line(&[])), Host::start(&gpu, None, line(&[])));
    // The same files in another folder, as workers have them.
    here.engine.open(&project(here.folder.path(), "one", 2.0)).unwrap();
    there.engine.open(&project(there.folder.path(), "two", 2.0)).unwrap();
    until_high(&here, 2.0);
    let removed = here.engine.scene().workspace.clone();
    here.engine.input(Input::Edit(Command::RemoveDevice("part".into()))).unwrap();
    let state = here.engine.kept().unwrap().to_state();
    let text = state.document.clone().unwrap();
    assert!(!text.contains(&*here.folder.path().to_string_lossy()), "{text}");

    let restore = |host: &Host, state: &SessionState| {
        let kept = host.engine.kept().unwrap().with(state).unwrap();
        host.engine.restore(kept).unwrap();
    };
    restore(&there, &state);
    there.engine.flush().unwrap();
    assert_eq!(there.engine.scene().workspace.devices().len(), 0);
    there.engine.input(Input::Undo).unwrap();
    until_high(&there, 2.0);
    let model = there.folder.path().join("two/models/part.stl").to_string_lossy().into_owned();
    assert_eq!(paths(&there.engine.scene().workspace), [model]);
    // And on: taken back here, done again at the next one.
    let state = there.engine.kept().unwrap().to_state();
    restore(&here, &state);
    here.engine.flush().unwrap();
    assert_eq!(*here.engine.scene().workspace, *removed);
    here.engine.input(Input::Redo).unwrap();
    here.until("it goes again", |engine| engine.scene().workspace.devices().len() == 0);
    // A history that is none costs only itself.
    let text = state.document.unwrap();
    let odd = text.replacen("\"history\":{", "\"history\":{\"undo\":7,\"x\":{", 1).replacen("}\n", "}}\n", 1);
    assert_ne!(odd, text);
    restore(&there, &SessionState { document: Some(odd), view: None });
    there.engine.flush().unwrap();
    assert_eq!(there.engine.scene().workspace.devices().len(), 1);
    assert!(!there.engine.status().document.can_undo && !there.engine.status().document.can_redo);
}

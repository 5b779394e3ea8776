//! The window's behaviour, driven as a person or a screen reader drives it, without engine, window or GPU.

use super::action::{Action, Reach, Resolution};
use super::look;
use super::settings::Remembered;
use super::state::{HostInfo, ImportDraft, MadeLink, PathPrompt, PathPurpose, Problem, RightPage, UiState, View};
use super::ui;
use egui::accesskit::Role as AccessRole;
use egui::{Key, Modifiers, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use rr_engine::{
    DocumentStatus, EncoderReport, Import, ImportId, ImportState, Input, LogEntry, LogLevel, ParticipantId,
    ParticipantStatus, Pass, RenderStats, ShareStatus, Status,
};
use rr_scene::{
    Command, Connection, Device, DeviceId, DeviceKind, Marks, ModelRef, Role, SceneSnapshot, Transform, Workspace,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) struct Fixture {
    pub status: Status,
    pub scene: SceneSnapshot,
    host: HostInfo,
    pub ui_state: UiState,
    pub actions: Vec<Action>,
    dressed: bool,
}

fn device(id: &str, name: &str, kind: DeviceKind) -> Device {
    Device {
        id: id.into(),
        name: name.to_owned(),
        kind,
        model: None,
        transform: Transform::default(),
        properties: [("power".to_owned(), rr_scene::PropertyValue::Number(2.5))].into(),
    }
}

pub(super) fn workspace() -> Workspace {
    let mut workspace = Workspace::new("Line 4");
    let mut broken = device("broken", "Press", DeviceKind::MachiningCell);
    broken.model = Some(ModelRef { path: "/data/models/press.igs".into(), unit: None, up: Default::default() });
    let commands = [
        Command::AddDevice(device("robot", "Robot 1", DeviceKind::RobotArm)),
        Command::AddDevice(device("belt", "Belt", DeviceKind::Conveyor)),
        Command::AddDevice(device("belt-2", "Second belt", DeviceKind::Conveyor)),
        Command::AddDevice(broken),
        Command::AddConnection(Connection {
            id: "c".into(),
            source: "robot".into(),
            target: "belt".into(),
            kind: "production_flow".into(),
        }),
    ];
    for command in commands {
        workspace.apply(&command, Role::Admin).unwrap();
    }
    workspace
}

impl Fixture {
    pub fn new(workspace: Workspace) -> Self {
        let owner = ParticipantStatus {
            id: ParticipantId(0),
            name: "Engineer".into(),
            role: Role::Admin,
            pointer: None,
            link: None,
        };
        Self {
            status: Status { participants: vec![owner], ..Status::default() },
            scene: SceneSnapshot { workspace: Arc::new(workspace), ..SceneSnapshot::default() },
            host: HostInfo {
                adapter: "Test adapter".into(),
                adapter_warning: None,
                stream_aspect: 16.0 / 9.0,
                stream_size_px: (1280, 720),
                certificate_is_own_made: true,
                sample: Some(PathBuf::from("/samples/line.rrws.json")),
            },
            ui_state: UiState::new(Remembered::default()),
            actions: Vec::new(),
            dressed: false,
        }
    }

    fn selecting(mut self, ids: &[&str]) -> Self {
        let selection = ids.iter().map(|id| DeviceId::from(*id)).collect();
        self.scene.marks = Arc::new(Marks { selection, ..Marks::default() });
        self
    }
}

pub(super) fn harness(fixture: Fixture) -> Harness<'static, Fixture> {
    let draw = |ui: &mut egui::Ui, fixture: &mut Fixture| {
        if !fixture.dressed {
            look::install(ui.ctx());
            fixture.dressed = true;
            return;
        }
        let Fixture { status, scene, host, ui_state, actions, .. } = fixture;
        let view = View { status, scene, host, picture: None };
        ui::show(ui, &view, ui_state, actions);
    };
    let mut harness = Harness::builder().with_size(Vec2::new(1400.0, 860.0)).build_ui_state(draw, fixture);
    harness.run_steps(4);
    harness
}

pub(super) fn inputs(harness: &Harness<'_, Fixture>) -> Vec<Input> {
    let not_pointer = |action: &Action| match action {
        Action::Input(Input::Pointer { .. }) => None,
        Action::Input(input) => Some(input.clone()),
        _ => None,
    };
    harness.state().actions.iter().filter_map(not_pointer).collect()
}

fn selection(ids: &[&str]) -> Input {
    Input::Select(ids.iter().map(|id| DeviceId::from(*id)).collect::<BTreeSet<_>>())
}

#[test]
fn the_bar_asks_for_what_its_buttons_say() {
    let mut harness = harness(Fixture::new(workspace()));
    for (label, action) in [
        ("New", Action::New),
        ("Open", Action::ChooseWorkspace),
        ("Save", Action::Save),
        ("Save as", Action::ChooseSaveFile),
        ("Import", Action::ChooseModels),
    ] {
        harness.get_by_label(label).click();
        harness.run_steps(3);
        assert!(harness.state().actions.contains(&action), "{label}: {:?}", harness.state().actions);
    }
}

#[test]
fn undo_is_offered_only_when_there_is_something_to_undo() {
    let mut fixture = Fixture::new(workspace());
    fixture.status.document = DocumentStatus { can_undo: false, can_redo: true, ..DocumentStatus::default() };
    let mut harness = harness(fixture);
    harness.get_by_label("Undo").click();
    harness.get_by_label("Redo").click();
    harness.run_steps(3);
    assert_eq!(inputs(&harness), [Input::Redo]);
}

#[test]
fn a_click_in_the_tree_selects_and_a_second_with_control_adds() {
    let mut harness = harness(Fixture::new(workspace()).selecting(&["belt"]));
    let row = |harness: &Harness<'_, Fixture>, modifiers: Option<Modifiers>| {
        let node = harness.get_by_role_and_label(AccessRole::Button, "Robot 1");
        match modifiers {
            None => node.click(),
            Some(modifiers) => node.click_modifiers(modifiers),
        }
    };
    row(&harness, None);
    harness.run_steps(3);
    assert_eq!(inputs(&harness), [selection(&["robot"])]);
    harness.state_mut().actions.clear();
    // Long enough after the first not to be a double click.
    harness.run_steps(60);
    row(&harness, Some(Modifiers::COMMAND));
    harness.run_steps(3);
    assert_eq!(inputs(&harness), [selection(&["belt", "robot"])]);
}

#[test]
fn the_search_leaves_what_has_the_text_in_it() {
    let mut harness = harness(Fixture::new(workspace()));
    assert!(harness.query_by_label("Robot 1").is_some());
    harness.state_mut().ui_state.search = "BELT".into();
    harness.run_steps(3);
    assert!(harness.query_by_label("Second belt").is_some());
    assert!(harness.query_by_label("Robot 1").is_none());
    // The connection ends at a belt.
    assert!(harness.query_by_label("Robot 1 \u{2192} Belt").is_some());
    harness.state_mut().ui_state.search = "nothing like it".into();
    harness.run_steps(3);
    assert!(harness.query_by_label("Nothing has this in its name").is_some());
}

#[test]
fn a_thousand_devices_draw_only_what_can_be_seen() {
    let mut workspace = Workspace::new("Big");
    for n in 0..1000 {
        let device = device(&format!("d{n}"), &format!("Device {n}"), DeviceKind::Sensor);
        workspace.apply(&Command::AddDevice(device), Role::Admin).unwrap();
    }
    let harness = harness(Fixture::new(workspace));
    let rows = harness.query_all_by_label_contains("Device ").count();
    assert!((10..100).contains(&rows), "{rows} rows");
}

#[test]
fn a_name_is_changed_when_it_is_done_and_says_why_not() {
    let mut harness = harness(Fixture::new(workspace()).selecting(&["robot"]));
    let type_over = |harness: &mut Harness<'_, Fixture>, text: &str| {
        harness.get_by_role_and_label(AccessRole::TextInput, "Name").click();
        harness.run_steps(3);
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.run_steps(2);
        harness.get_by_role_and_label(AccessRole::TextInput, "Name").type_text(text);
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(3);
    };
    type_over(&mut harness, "Welder");
    let renamed = Input::Edit(Command::RenameDevice { id: "robot".into(), name: "Welder".into() });
    assert_eq!(inputs(&harness).last(), Some(&renamed));
    harness.state_mut().actions.clear();
    type_over(&mut harness, " ");
    assert_eq!(inputs(&harness), []);
    assert!(harness.query_by_label_contains("name is empty").is_some(), "no reason is shown");
}

#[test]
fn connecting_offers_the_other_devices_and_refuses_what_is_there() {
    let mut harness = harness(Fixture::new(workspace()).selecting(&["robot"]));
    let connect = |harness: &mut Harness<'_, Fixture>, to: &str| {
        harness.get_by_label("Connect to\u{2026}").click();
        harness.run_steps(4);
        assert!(harness.query_by_label("Connect to Robot 1").is_none(), "a device is not connected to itself");
        harness.get_by_label(to).click();
        harness.run_steps(4);
    };
    connect(&mut harness, "Connect to Second belt");
    let Some(Input::Edit(Command::AddConnection(made))) = inputs(&harness).pop() else {
        panic!("no connection: {:?}", harness.state().actions);
    };
    assert_eq!((made.source.0.as_str(), made.target.0.as_str()), ("robot", "belt-2"));
    assert_eq!(made.kind, "production_flow");
    harness.state_mut().actions.clear();
    connect(&mut harness, "Connect to Belt");
    assert_eq!(inputs(&harness), []);
    assert!(harness.query_by_label_contains("connected by production_flow already").is_some());
}

#[test]
fn a_model_that_failed_says_so_in_the_details() {
    let mut fixture = Fixture::new(workspace()).selecting(&["broken"]);
    fixture.status.imports.push(Import {
        id: ImportId(7),
        file: PathBuf::from("/data/models/press.igs"),
        state: ImportState::Failed("it ends in the middle of entity 12".into()),
    });
    let harness = harness(fixture);
    let found = harness.query_all_by_label_contains("it ends in the middle of entity 12").count();
    assert!(found >= 2, "in the details and on the card, found {found}");
}

#[test]
fn share_starts_with_what_was_chosen_and_shows_the_link() {
    let mut harness = harness(Fixture::new(workspace()));
    // The bar and the page's own switch both lead there.
    harness.get_all_by_role_and_label(AccessRole::Button, "Share").next().expect("a button").click();
    harness.run_steps(3);
    assert_eq!(harness.state().ui_state.page, RightPage::Share);
    harness.get_by_label("This machine only").click();
    harness.run_steps(3);
    harness.get_by_label("Start sharing").click();
    harness.run_steps(3);
    let choice = harness.state().actions.iter().find_map(|a| if let Action::Share(c) = a { Some(*c) } else { None });
    let choice = choice.expect("sharing was asked for");
    assert_eq!(choice.reach, Reach::ThisMachine);
    assert!(choice.address().ip().is_loopback());

    let viewer = ParticipantStatus {
        id: ParticipantId(3),
        name: "Tablet".into(),
        role: Role::Viewer,
        pointer: None,
        link: None,
    };
    let state = harness.state_mut();
    state.status.share = Some(ShareStatus {
        urls: vec!["https://192.0.2.7:8443".into()],
        loopback_only: false,
        warning: Some("127.0.0.1 is seen from this machine only: give --advertise another".into()),
        encoder: EncoderReport::default(),
    });
    state.status.participants.push(viewer);
    state.ui_state.share.link = Some(MadeLink {
        url: "https://192.0.2.7:8443/#token".into(),
        role: Role::Viewer,
        valid_for: Duration::from_secs(3600),
    });
    harness.run_steps(4);
    assert!(harness.query_by_label("QR code of the link").is_some());
    assert!(harness.query_by_label_contains("Nobody else can watch").is_some());
    assert!(harness.query_by_label_contains("Browsers will warn about the certificate").is_some());
    harness.get_by_label("Copy link").click();
    harness.run_steps(3);
    assert!(harness.state().actions.contains(&Action::Copy("https://192.0.2.7:8443/#token".into())));
    // People are removed by two clicks.
    // The list may lie below the fold; assistive technology clicks it all the same.
    harness.get_by_label("Remove Tablet").click_accesskit();
    harness.run_steps(3);
    assert!(!harness.state().actions.contains(&Action::RemoveParticipant(ParticipantId(3))));
    harness.get_by_label("Remove").click_accesskit();
    harness.run_steps(3);
    assert!(harness.state().actions.contains(&Action::RemoveParticipant(ParticipantId(3))));
}

#[test]
fn a_failed_share_says_why() {
    let mut fixture = Fixture::new(workspace());
    fixture.ui_state.page = RightPage::Share;
    fixture.ui_state.share.error = Some("port 8443 is in use".into());
    assert!(harness(fixture).query_by_label_contains("port 8443 is in use").is_some());
}

#[test]
fn unsaved_changes_are_asked_about() {
    for (label, resolution) in
        [("Save", Resolution::Save), ("Don\u{2019}t save", Resolution::Discard), ("Cancel", Resolution::Cancel)]
    {
        let mut fixture = Fixture::new(workspace());
        fixture.ui_state.unsaved = Some(Action::Quit);
        let mut harness = harness(fixture);
        let button = harness.get_all_by_role_and_label(AccessRole::Button, label).last().expect("a button");
        button.click();
        harness.run_steps(3);
        assert!(harness.state().actions.contains(&Action::Resolve(resolution)), "{label}");
    }
}

#[test]
fn nothing_behind_a_question_takes_keys() {
    let mut fixture = Fixture::new(workspace()).selecting(&["robot"]);
    fixture.ui_state.problem = Some(Problem { title: "It was not opened".into(), text: "It is no workspace".into() });
    let mut harness = harness(fixture);
    harness.key_press(Key::Delete);
    harness.run_steps(3);
    assert_eq!(inputs(&harness), []);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!(harness.state().ui_state.problem, None);
    harness.key_press(Key::Delete);
    harness.run_steps(3);
    assert_eq!(inputs(&harness), [Input::Edit(Command::RemoveDevice("robot".into()))]);
}

#[test]
fn keys_steer_and_leave_text_fields_alone() {
    let mut harness = harness(Fixture::new(workspace()).selecting(&["robot"]));
    harness.key_press(Key::F);
    harness.run_steps(2);
    harness.key_press(Key::Num6);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(2);
    assert_eq!(inputs(&harness), [Input::View("fit".into()), Input::View("top".into()), Input::Undo]);
    harness.state_mut().actions.clear();
    harness.get_by_label("Search the scene").click();
    harness.run_steps(3);
    harness.key_press(Key::F);
    harness.key_press(Key::Delete);
    harness.run_steps(3);
    assert_eq!(inputs(&harness), []);
}

#[test]
fn dropped_files_are_imported_and_workspaces_opened() {
    #[derive(Debug)]
    struct Dropped(PathBuf);
    impl egui::DroppedFile for Dropped {
        fn path(&self) -> &std::path::Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            Err("nothing reads it here".into())
        }
    }
    let mut harness = harness(Fixture::new(Workspace::new("Empty")));
    for path in ["/a/part.igs", "/a/line.rrws.json", "/a/other.stl"] {
        harness.input_mut().dropped_files.push(Arc::new(Dropped(path.into())));
    }
    harness.run_steps(2);
    let actions = &harness.state().actions;
    assert!(actions.contains(&Action::Open("/a/line.rrws.json".into())));
    assert!(actions.contains(&Action::PrepareImport(vec!["/a/part.igs".into(), "/a/other.stl".into()])));
}

#[test]
fn the_import_question_passes_its_options_on() {
    let mut fixture = Fixture::new(Workspace::new("Empty"));
    let options = rr_engine::ImportOptions { unit: Some(rr_scene::Unit::Inch), up: Some(rr_scene::UpAxis::Y) };
    fixture.ui_state.import = Some(ImportDraft { files: vec!["/a/part.stl".into()], options });
    let mut harness = harness(fixture);
    assert!(harness.query_by_label("Import part.stl").is_some());
    harness.get_all_by_role_and_label(AccessRole::Button, "Import").last().expect("a button").click();
    harness.run_steps(3);
    let request = rr_engine::ImportRequest { file: "/a/part.stl".into(), options };
    assert!(harness.state().actions.contains(&Action::Import(vec![request])));
    assert_eq!(harness.state().ui_state.import, None);
}

#[test]
fn a_typed_path_must_exist() {
    let mut fixture = Fixture::new(Workspace::new("Empty"));
    fixture.ui_state.path_prompt = Some(PathPrompt { purpose: PathPurpose::Open, text: "/no/such/file".into() });
    let mut harness = harness(fixture);
    assert!(harness.query_by_label("There is no such file").is_some());
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(!harness.state().actions.iter().any(|a| matches!(a, Action::Open(_))));
    let file = tempfile::NamedTempFile::new().unwrap();
    harness.state_mut().ui_state.path_prompt =
        Some(PathPrompt { purpose: PathPurpose::Open, text: file.path().display().to_string() });
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(harness.state().actions.contains(&Action::Open(file.path().to_owned())));
}

#[test]
fn the_empty_workspace_says_how_to_begin() {
    let mut harness = harness(Fixture::new(Workspace::new("Empty")));
    assert!(harness.query_by_label_contains("Drop model files here").is_some());
    harness.get_by_label("Open the sample line").click();
    harness.run_steps(3);
    assert!(harness.state().actions.contains(&Action::Open("/samples/line.rrws.json".into())));
}

#[test]
fn imports_can_be_stopped_and_failures_stay_until_dismissed() {
    let mut fixture = Fixture::new(workspace());
    let import = |id, state| Import { id: ImportId(id), file: "/a/part.stl".into(), state };
    fixture.status.imports = vec![
        import(1, ImportState::Running { stage: "reading", done: Some(0.4) }),
        import(2, ImportState::Failed("it is empty".into())),
    ];
    let mut harness = harness(fixture);
    assert!(harness.query_by_label_contains("Reading: 40 %").is_some());
    assert!(harness.query_by_label_contains("it is empty").is_some());
    harness.get_by_label("Cancel").click();
    harness.run_steps(3);
    harness.get_by_label("Dismiss").click();
    harness.run_steps(3);
    let dismissed: Vec<_> = harness.state().actions.iter().filter(|a| matches!(a, Action::DismissImport(_))).collect();
    assert_eq!(dismissed, [&Action::DismissImport(ImportId(1)), &Action::DismissImport(ImportId(2))]);
}

#[test]
fn messages_open_from_the_line_at_the_bottom() {
    let mut fixture = Fixture::new(workspace());
    let entry =
        |number, level, text: &str| Arc::new(LogEntry { number, at: SystemTime::UNIX_EPOCH, level, text: text.into() });
    fixture.status.log = vec![
        entry(0, LogLevel::Info, "Opened"),
        entry(1, LogLevel::Warning, "Two faces were left out"),
        entry(2, LogLevel::Error, "The port is in use"),
    ];
    let mut harness = harness(fixture);
    assert!(harness.query_by_label("Opened").is_none());
    harness.get_by_role_and_label(AccessRole::Button, "Messages").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Opened").is_some());
    harness.get_by_label("Warnings and errors only").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Opened").is_none());
    assert!(harness.query_by_label("Two faces were left out").is_some());
}

#[test]
fn the_figures_say_what_was_drawn_and_what_was_left_out() {
    let mut fixture = Fixture::new(workspace());
    fixture.ui_state.remembered.stats_open = true;
    fixture.status.picture.drawn = RenderStats {
        instances: 1_204,
        culled: 342,
        culled_outside: 312,
        culled_small: 30,
        stand_ins: 7,
        triangles: 2_150_000,
        culled_on_device: true,
        times: [(Pass::Main, 3.04), (Pass::Marks, 0.21)].into_iter().collect(),
        ..RenderStats::default()
    };
    let harness = harness(fixture);
    let shown = [
        "Objects drawn",
        "1204",
        "Outside the picture",
        "312",
        "Too small",
        "Devices in coarse shape",
        "2.1 M",
        "3.2 ms",
        "Faces and edges",
        "3.0 ms",
        "Culled on the graphics card",
    ];
    for label in shown {
        assert!(harness.query_by_label(label).is_some(), "{label}");
    }
    for label in ["Behind others", "Cut away", "Shadow"] {
        assert!(harness.query_by_label(label).is_none(), "{label} takes room for nothing");
    }
}

#[test]
fn a_picture_that_cannot_be_drawn_says_why_and_what_to_do() {
    let mut fixture = Fixture::new(workspace());
    fixture.status.picture_fault = Some("out of memory on the graphics device".into());
    fixture.status.document.dirty = true;
    let mut harness = harness(fixture);
    assert!(harness.query_by_label("No new pictures can be drawn").is_some());
    assert!(harness.query_by_label("Out of memory on the graphics device.").is_some());
    assert!(harness.query_by_label_contains("close other programs").is_some());
    harness.get_by_label("Save now").click();
    harness.run_steps(3);
    assert!(harness.state().actions.contains(&Action::Save));
    let state = harness.state_mut();
    state.status.share =
        Some(ShareStatus { urls: vec![], loopback_only: true, warning: None, encoder: EncoderReport::default() });
    harness.run_steps(3);
    assert!(harness.query_by_label("Viewers get no new pictures").is_some());
    let state = harness.state_mut();
    (state.status.window_fault, state.status.picture_fault) = (state.status.picture_fault.take(), None);
    harness.run_steps(3);
    assert!(harness.query_by_label("This window shows no new pictures").is_some());
    harness.state_mut().status.window_fault = None;
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("no new pictures").is_none());
}

#[test]
fn the_picture_takes_clicks_and_drags() {
    let mut fixture = Fixture::new(workspace());
    fixture.ui_state.remembered.tree_open = false;
    fixture.ui_state.remembered.details_open = false;
    let mut harness = harness(fixture);
    let area = harness.get_by_label("3D view of the workspace").rect();
    let centre = area.center();
    harness.hover_at(centre);
    harness.run_steps(2);
    harness.drag_at(centre);
    harness.run_steps(1);
    harness.hover_at(centre + Vec2::new(area.height() / 10.0, 0.0));
    harness.run_steps(1);
    harness.drop_at(centre + Vec2::new(area.height() / 10.0, 0.0));
    harness.run_steps(2);
    let turned: f32 =
        inputs(&harness).iter().map(|i| if let Input::Orbit { delta_px } = i { delta_px.x } else { 0.0 }).sum();
    // Counted for a picture that is 720 high, whatever the window's height.
    assert!((turned - 72.0).abs() < 1.0, "turned by {turned}");

    harness.state_mut().actions.clear();
    harness.run_steps(60);
    harness.drag_at(centre);
    harness.run_steps(1);
    harness.drop_at(centre);
    harness.run_steps(2);
    let clicked = inputs(&harness);
    let [Input::Click { at, device: None, toggle: false }] = clicked[..] else { panic!("{clicked:?}") };
    assert!((at - glam::Vec2::splat(0.5)).length() < 1e-3, "{at}");
}

#[test]
fn a_selected_device_under_the_pointer_is_dragged_over_the_floor() {
    let mut fixture = Fixture::new(workspace()).selecting(&["robot"]);
    let marks = Marks { hover: Some("robot".into()), ..Marks::clone(&fixture.scene.marks) };
    fixture.scene.marks = Arc::new(marks);
    fixture.scene.camera.target = glam::Vec3::ZERO;
    let mut harness = harness(fixture);
    let centre = harness.get_by_label("3D view of the workspace").rect().center();
    harness.hover_at(centre);
    harness.run_steps(2);
    harness.drag_at(centre);
    harness.run_steps(1);
    for step in 1..5_u8 {
        harness.hover_at(centre + Vec2::new(f32::from(step) * 20.0, 0.0));
        harness.run_steps(1);
    }
    harness.drop_at(centre + Vec2::new(80.0, 0.0));
    harness.run_steps(2);
    let moves: Vec<_> = inputs(&harness)
        .into_iter()
        .map(|input| match input {
            Input::Drag { device, position, gesture, .. } => (device, position, gesture),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(moves.len() >= 3, "{moves:?}");
    assert!(moves.iter().all(|(id, position, gesture)| id.0 == "robot" && position.y == 0.0 && *gesture == moves[0].2));
    let (first, last) = (moves[0].1, moves[moves.len() - 1].1);
    assert!(last.length() > first.length(), "it moves away: {first} to {last}");
}

#[test]
fn the_title_shows_name_and_unsaved_changes() {
    let mut fixture = Fixture::new(workspace());
    let title = |fixture: &Fixture| {
        let Fixture { status, scene, host, .. } = fixture;
        View { status, scene, host, picture: None }.title()
    };
    assert_eq!(title(&fixture), "Line 4 \u{2014} Remote Render");
    fixture.status.document.dirty = true;
    assert_eq!(title(&fixture), "\u{25cf} Line 4 \u{2014} Remote Render");
}

#[test]
fn every_control_has_a_name() {
    for page in [RightPage::Details, RightPage::Share] {
        let mut fixture = Fixture::new(workspace()).selecting(&["robot"]);
        fixture.ui_state.page = page;
        fixture.ui_state.log_open = true;
        let harness = harness(fixture);
        harness.check_accessibility();
        // An icon alone is no name.
        let is_icon = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c);
        let nameless: Vec<_> = harness
            .query_all_by_role(AccessRole::Button)
            .filter(|n| n.accesskit_node().label().is_none_or(|l| l.chars().all(|c| is_icon(c) || c.is_whitespace())))
            .map(|n| n.rect())
            .collect();
        assert!(nameless.is_empty(), "buttons without a name at {nameless:?}");
    }
}

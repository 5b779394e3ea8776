//! The keyboard: which keys do what, for tooltips, the help window and the keys themselves.

use super::action::Action;
use super::state::{RightPage, UiState, View};
use super::tools::{self, Tool};
use egui::{Key, KeyboardShortcut, Modifiers};
use glam::Vec2;
use rr_engine::Input;
use rr_scene::{Command, NamedViewKind};
use std::collections::BTreeSet;

/// Pixels of orbit or pan for one press of an arrow key.
const STEP_PX: f32 = 24.0;
/// Wheel movement for one press of + or -.
const ZOOM_STEP: f32 = 120.0;

macro_rules! shortcuts {
    ($($name:ident = $modifiers:expr, $key:ident;)*) => {
        $(pub const $name: KeyboardShortcut = KeyboardShortcut::new($modifiers, Key::$key);)*
    };
}

shortcuts! {
    NEW = Modifiers::COMMAND, N;
    OPEN = Modifiers::COMMAND, O;
    SAVE = Modifiers::COMMAND, S;
    SAVE_AS = Modifiers::COMMAND.plus(Modifiers::SHIFT), S;
    IMPORT = Modifiers::COMMAND, I;
    SHARE = Modifiers::COMMAND, L;
    UNDO = Modifiers::COMMAND, Z;
    REDO = Modifiers::COMMAND, Y;
    REDO_ALSO = Modifiers::COMMAND.plus(Modifiers::SHIFT), Z;
    SELECT_ALL = Modifiers::COMMAND, A;
    QUIT = Modifiers::COMMAND, Q;
    FIT = Modifiers::NONE, F;
    SECTION = Modifiers::NONE, X;
    MEASURE = Modifiers::NONE, M;
    REMOVE = Modifiers::NONE, Delete;
    CLEAR = Modifiers::NONE, Escape;
    STATS = Modifiers::NONE, F3;
    TREE = Modifiers::NONE, F9;
    DETAILS = Modifiers::NONE, F10;
    HELP = Modifiers::NONE, F1;
}

/// Keys of the standard directions, in the order of [`NamedViewKind::ALL`].
const VIEW_KEYS: [Key; 6] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];

/// What the help window says.
pub const HELP_ROWS: &[(&str, &str)] = &[
    ("Left drag", "Orbit"),
    ("Right, middle or Shift + drag", "Pan"),
    ("Wheel or pinch", "Zoom"),
    ("Click / Ctrl + click", "Select / add to the selection"),
    ("Drag a selected device", "Move it on the floor"),
    ("Double click", "Look at a device"),
    ("Arrows / Shift + arrows", "Orbit / pan"),
    ("+ / -", "Zoom in / out"),
    ("F", "Fit everything"),
    ("1 to 6", "Iso, front, back, left, right, top"),
    ("X / M", "Section / measure"),
    ("Esc", "Put the tool away, then clear the selection"),
    ("Del", "Remove the selection"),
    ("Ctrl + Z / Y", "Undo / redo"),
    ("Ctrl + A", "Select everything"),
    ("Ctrl + N / O / S / Shift + S", "New / open / save / save as"),
    ("Ctrl + I", "Import models"),
    ("Ctrl + L", "Share"),
    ("F3 / F9 / F10", "Figures / scene / details"),
];

/// Acts on the keys of this frame.
pub fn handle(ctx: &egui::Context, view: &View<'_>, ui_state: &mut UiState, actions: &mut Vec<Action>) {
    if ui_state.is_modal() {
        return;
    }
    let pressed = |shortcut: &KeyboardShortcut| ctx.input_mut(|i| i.consume_shortcut(shortcut));
    // The longer combination first: egui lets Shift through.
    let commands = [
        (SAVE_AS, Action::ChooseSaveFile),
        (SAVE, Action::Save),
        (NEW, Action::New),
        (OPEN, Action::ChooseWorkspace),
        (IMPORT, Action::ChooseModels),
        (QUIT, Action::Quit),
    ];
    for (shortcut, action) in commands {
        if pressed(&shortcut) {
            actions.push(action);
        }
    }
    if pressed(&SHARE) {
        toggle_share(ui_state);
    }
    for (shortcut, open) in [
        (STATS, &mut ui_state.remembered.stats_open),
        (TREE, &mut ui_state.remembered.tree_open),
        (DETAILS, &mut ui_state.remembered.details_open),
        (HELP, &mut ui_state.help_open),
    ] {
        if pressed(&shortcut) {
            *open = !*open;
        }
    }
    // A text field takes the rest for itself.
    if ctx.text_edit_focused() {
        return;
    }
    if pressed(&REDO_ALSO) || pressed(&REDO) {
        actions.push(Action::Input(Input::Redo));
    }
    if pressed(&UNDO) {
        actions.push(Action::Input(Input::Undo));
    }
    if pressed(&SELECT_ALL) {
        let all = view.scene.workspace.devices().map(|d| d.id.clone()).collect();
        actions.push(Action::Input(Input::Select(all)));
    }
    if pressed(&FIT) {
        actions.push(Action::Input(Input::View(NamedViewKind::Fit.name().to_owned())));
    }
    for (key, kind) in VIEW_KEYS.into_iter().zip(NamedViewKind::ALL) {
        if pressed(&KeyboardShortcut::new(Modifiers::NONE, key)) {
            actions.push(Action::Input(Input::View(kind.name().to_owned())));
        }
    }
    for tool in Tool::ALL {
        if pressed(&tool.shortcut()) {
            tools::toggle(tool, view, ui_state, actions);
        }
    }
    if ui_state.tool.is_some() && !egui::Popup::is_any_open(ctx) && pressed(&CLEAR) {
        tools::leave(ui_state, actions);
    }
    let selection = &view.scene.marks.selection;
    if !selection.is_empty() {
        if pressed(&REMOVE) {
            remove_selection(selection, actions);
        }
        if !egui::Popup::is_any_open(ctx) && pressed(&CLEAR) {
            actions.push(Action::Input(Input::Select(BTreeSet::new())));
        }
    }
    if !ui_state.tool_takes_arrows {
        camera_keys(ctx, actions);
    }
}

fn camera_keys(ctx: &egui::Context, actions: &mut Vec<Action>) {
    let presses = |key: Key, modifiers: Modifiers| -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a handful of key presses")]
        let count = ctx.input_mut(|i| i.count_and_consume_key(modifiers, key)) as f32;
        count
    };
    let arrows = |modifiers: Modifiers| {
        let x = presses(Key::ArrowRight, modifiers) - presses(Key::ArrowLeft, modifiers);
        let y = presses(Key::ArrowDown, modifiers) - presses(Key::ArrowUp, modifiers);
        Vec2::new(x, y) * STEP_PX
    };
    let pan = arrows(Modifiers::SHIFT);
    let orbit = arrows(Modifiers::NONE);
    if pan != Vec2::ZERO {
        // The arrow says where the eye goes, so the scene moves the other way.
        actions.push(Action::Input(Input::Pan { delta_px: -pan }));
    }
    if orbit != Vec2::ZERO {
        actions.push(Action::Input(Input::Orbit { delta_px: orbit }));
    }
    let closer = presses(Key::Plus, Modifiers::NONE) + presses(Key::Equals, Modifiers::NONE);
    let farther = presses(Key::Minus, Modifiers::NONE);
    if closer != farther {
        actions.push(Action::Input(Input::Zoom { delta: (farther - closer) * ZOOM_STEP }));
    }
}

/// Takes the selected devices out of the workspace.
pub fn remove_selection(selection: &BTreeSet<rr_scene::DeviceId>, actions: &mut Vec<Action>) {
    let removals = selection.iter().map(|id| Action::Input(Input::Edit(Command::RemoveDevice(id.clone()))));
    actions.extend(removals);
}

/// Opens the share page, or closes it when it is what is shown.
pub fn toggle_share(state: &mut UiState) {
    let shown = state.remembered.details_open && state.page == RightPage::Share;
    state.page = if shown { RightPage::Details } else { RightPage::Share };
    if !shown {
        state.remembered.details_open = true;
    }
}

/// How a shortcut is written for people.
pub fn written(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    ctx.format_shortcut(shortcut)
}

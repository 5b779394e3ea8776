//! The scene as a list: devices by kind, connections, views. Only the rows that can be seen are drawn, so that
//! thousands of devices cost nothing.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::shortcuts;
use crate::desktop::state::{DeviceModel, UiState, View};
use crate::desktop::widgets::{icon_button, plural};
use egui::{Align2, AtomExt as _, FontId, RichText, Ui, Vec2};
use rr_engine::{ImportState, Input};
use rr_scene::{Command, Connection, Device, DeviceId, DeviceKind, NamedView};
use std::collections::BTreeSet;

const ROW_HEIGHT: f32 = 26.0;

enum Row<'a> {
    Group { key: String, title: String, glyph: &'static str, count: usize },
    Device(&'a Device),
    Connection(&'a Connection),
    View(&'a NamedView),
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    search_field(ui, view, state);
    let rows = rows(view, state);
    if rows.is_empty() {
        let text = if state.search.trim().is_empty() { "Nothing here yet" } else { "Nothing has this in its name" };
        ui.add_space(24.0);
        ui.vertical_centered(|ui| ui.weak(text));
        return;
    }
    // In the order of the list, for shift-click.
    let order: Vec<&DeviceId> =
        rows.iter().filter_map(|r| if let Row::Device(d) = r { Some(&d.id) } else { None }).collect();
    ui.spacing_mut().item_spacing.y = 1.0;
    egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW_HEIGHT, rows.len(), |ui, range| {
        for row in &rows[range] {
            match row {
                Row::Group { key, title, glyph, count } => group_row(ui, state, key, title, glyph, *count),
                Row::Device(device) => device_row(ui, view, state, device, &order, actions),
                Row::Connection(connection) => connection_row(ui, view, connection, actions),
                Row::View(named) => view_row(ui, named, actions),
            }
        }
    });
}

fn search_field(ui: &mut Ui, view: &View<'_>, state: &mut UiState) {
    ui.horizontal(|ui| {
        let room = ui.available_width() - if state.search.is_empty() { 0.0 } else { 36.0 };
        let field = egui::TextEdit::singleline(&mut state.search)
            .hint_text(format!("Search {}", plural(view.scene.workspace.devices().len(), "device")))
            .prefix(icons::sized(icons::MAGNIFIER, 14.0).weak())
            .desired_width(room)
            .min_size(Vec2::new(0.0, 30.0))
            .align(Align2::LEFT_CENTER)
            .char_limit(200);
        ui.add_sized([room, 30.0], field).accessible_name("Search the scene");
        if !state.search.is_empty() && icon_button(ui, icons::X, "Clear the search", None).clicked() {
            state.search.clear();
        }
    });
    ui.add_space(4.0);
}

/// The list as it is shown: folded groups without their rows, and only what has the searched text in it.
fn rows<'a>(view: &View<'a>, state: &UiState) -> Vec<Row<'a>> {
    let needle = state.search.trim().to_lowercase();
    let matches = |texts: &[&str]| needle.is_empty() || texts.iter().any(|t| t.to_lowercase().contains(&needle));
    // A search looks into folded groups too.
    let is_open = |key: &str| !needle.is_empty() || !state.folded.contains(key);
    let mut rows = Vec::new();
    let mut group = |key: &str, title: String, glyph: &'static str, members: Vec<Row<'a>>| {
        if members.is_empty() {
            return;
        }
        rows.push(Row::Group { key: key.to_owned(), title, glyph, count: members.len() });
        if is_open(key) {
            rows.extend(members);
        }
    };

    let workspace: &'a rr_scene::Workspace = &view.scene.workspace;
    let mut kinds: Vec<(&DeviceKind, Vec<&Device>)> = Vec::new();
    for device in workspace.devices().filter(|d| matches(&[&d.name, &d.id.0, &kind_title(&d.kind)])) {
        match kinds.iter_mut().find(|(kind, _)| **kind == device.kind) {
            Some((_, members)) => members.push(device),
            None => kinds.push((&device.kind, vec![device])),
        }
    }
    let rank = |kind: &DeviceKind| DeviceKind::KNOWN.iter().position(|k| k == kind).unwrap_or(usize::MAX);
    kinds.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.name().cmp(b.name())));
    for (kind, mut members) in kinds {
        members.sort_by(|a, b| natural(&a.name).cmp(&natural(&b.name)).then_with(|| a.id.cmp(&b.id)));
        let title = group_title(kind);
        group(kind.name(), title, icons::of_kind(kind), members.into_iter().map(Row::Device).collect());
    }
    let connections = workspace
        .connections()
        .filter(|c| matches(&[&c.kind, name_of(view, &c.source), name_of(view, &c.target)]))
        .map(Row::Connection)
        .collect();
    group("connections", "Connections".into(), icons::FLOW_ARROW, connections);
    let views = workspace.views().iter().filter(|v| matches(&[&v.name])).map(Row::View).collect();
    group("views", "Views".into(), icons::BOOKMARK, views);
    rows
}

/// A key that sorts `Robot 2` before `Robot 10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0u64)];
    let mut in_number = false;
    for c in name.chars() {
        if let Some(digit) = c.to_digit(10) {
            if let Some(last) = parts.last_mut() {
                last.1 = last.1.saturating_mul(10).saturating_add(u64::from(digit));
            }
            in_number = true;
            continue;
        }
        if in_number {
            parts.push((String::new(), 0));
            in_number = false;
        }
        if let Some(last) = parts.last_mut() {
            last.0.extend(c.to_lowercase());
        }
    }
    parts
}

/// Name of a kind for people.
pub fn kind_title(kind: &DeviceKind) -> String {
    let mut words = kind.name().replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

fn group_title(kind: &DeviceKind) -> String {
    match kind {
        DeviceKind::Equipment | DeviceKind::Other(_) => kind_title(kind),
        _ => format!("{}s", kind_title(kind)),
    }
}

/// Name of a device, or its id when it is gone.
pub fn name_of<'a>(view: &View<'a>, id: &'a DeviceId) -> &'a str {
    view.scene.workspace.device(id).map_or(id.0.as_str(), |d| d.name.as_str())
}

fn group_row(ui: &mut Ui, state: &mut UiState, key: &str, title: &str, glyph: &str, count: usize) {
    let is_open = !state.folded.contains(key) || !state.search.trim().is_empty();
    let muted = Tokens::of(ui.ctx()).muted;
    let caret = if is_open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
    let button = egui::Button::new((
        icons::sized(caret, 12.0).color(muted),
        icons::icon(glyph).color(muted),
        RichText::new(title).color(muted).atom_shrink(true),
        egui::Atom::grow(),
        RichText::new(count.to_string()).color(muted).small(),
    ));
    let response = full_row(ui, button).accessible_name(title);
    if response.clicked() && !state.folded.remove(key) {
        state.folded.insert(key.to_owned());
    }
}

fn full_row(ui: &mut Ui, button: egui::Button<'_>) -> egui::Response {
    let size = Vec2::new(ui.available_width(), ROW_HEIGHT);
    ui.add_sized(size, button.frame_when_inactive(false).truncate().min_size(size))
}

fn selectable_row(ui: &mut Ui, is_selected: bool, button: egui::Button<'_>) -> egui::Response {
    let size = Vec2::new(ui.available_width(), ROW_HEIGHT);
    let button = button.selected(is_selected).frame_when_inactive(is_selected).truncate().min_size(size);
    ui.add_sized(size, button)
}

fn device_row(
    ui: &mut Ui,
    view: &View<'_>,
    state: &mut UiState,
    device: &Device,
    order: &[&DeviceId],
    actions: &mut Vec<Action>,
) {
    let tokens = Tokens::of(ui.ctx());
    let selection = &view.scene.marks.selection;
    let is_selected = selection.contains(&device.id);
    let is_hovered = view.scene.marks.hover.as_ref() == Some(&device.id);
    let ink = if is_hovered { tokens.accent } else { tokens.muted };
    let button = egui::Button::new((
        egui::Atom::default().atom_size(Vec2::new(12.0, 0.0)),
        icons::icon(icons::of_kind(&device.kind)).color(ink),
        RichText::new(&device.name).atom_shrink(true),
        egui::Atom::grow(),
        egui::Atom::default().atom_size(Vec2::new(16.0, 0.0)),
    ));
    let mut response = selectable_row(ui, is_selected, button).accessible_name(&device.name);
    response = model_mark(ui, view, device, response);
    if response.double_clicked() {
        actions.push(Action::Input(Input::Focus(device.id.clone())));
    } else if response.clicked() {
        let modifiers = ui.input(|i| i.modifiers);
        let chosen = clicked_selection(selection, &device.id, state.anchor.as_ref(), order, modifiers);
        if !modifiers.shift {
            state.anchor = Some(device.id.clone());
        }
        actions.push(Action::Input(Input::Select(chosen)));
    }
    response.context_menu(|ui| {
        if ui.button((icons::icon(icons::CUBE_FOCUS), "Look at it")).clicked() {
            actions.push(Action::Input(Input::Focus(device.id.clone())));
        }
        let (word, removed) = if is_selected && selection.len() > 1 {
            (format!("Remove {}", plural(selection.len(), "device")), selection.clone())
        } else {
            ("Remove".to_owned(), BTreeSet::from([device.id.clone()]))
        };
        if ui.button((icons::icon(icons::TRASH), word)).clicked() {
            shortcuts::remove_selection(&removed, actions);
        }
    });
}

/// What a click on a row makes of the selection, as in every list: alone, with control added or taken away, with shift
/// everything from where the last plain click was.
fn clicked_selection(
    selection: &BTreeSet<DeviceId>,
    clicked: &DeviceId,
    anchor: Option<&DeviceId>,
    order: &[&DeviceId],
    modifiers: egui::Modifiers,
) -> BTreeSet<DeviceId> {
    let position = |id: &DeviceId| order.iter().position(|o| *o == id);
    if modifiers.shift
        && let (Some(from), Some(to)) = (anchor.and_then(position), position(clicked))
    {
        return order[from.min(to)..=from.max(to)].iter().copied().cloned().collect();
    }
    if modifiers.command {
        let mut chosen = selection.clone();
        if !chosen.remove(clicked) {
            chosen.insert(clicked.clone());
        }
        return chosen;
    }
    BTreeSet::from([clicked.clone()])
}

/// At the right end of a row: still being read, or failed and why.
fn model_mark(ui: &Ui, view: &View<'_>, device: &Device, response: egui::Response) -> egui::Response {
    let tokens = Tokens::of(ui.ctx());
    let centre = egui::pos2(response.rect.right() - 16.0, response.rect.center().y);
    match view.model_of(device) {
        DeviceModel::None | DeviceModel::Ready => response,
        DeviceModel::Loading(state) => {
            let rect = egui::Rect::from_center_size(centre, Vec2::splat(14.0));
            egui::Spinner::new().size(14.0).color(tokens.muted).paint_at(ui, rect);
            let text = match state {
                Some(ImportState::Running { stage, done: Some(done) }) => {
                    format!("The model is being read: {stage}, {:.0} %", done * 100.0)
                }
                Some(ImportState::Running { stage, done: None }) => format!("The model is being read: {stage}"),
                _ => "The model waits to be read".to_owned(),
            };
            response.on_hover_text(text)
        }
        DeviceModel::Failed(reason) => {
            let font = FontId::new(16.0, egui::FontFamily::Name(icons::FAMILY.into()));
            ui.painter().text(centre, Align2::CENTER_CENTER, icons::WARNING_CIRCLE, font, tokens.danger);
            response.on_hover_text(format!("The model could not be read: {reason}"))
        }
    }
}

fn connection_row(ui: &mut Ui, view: &View<'_>, connection: &Connection, actions: &mut Vec<Action>) {
    let tokens = Tokens::of(ui.ctx());
    let colour = connection_colour(&tokens, &connection.kind);
    let (from, to) = (name_of(view, &connection.source), name_of(view, &connection.target));
    let name = format!("{from} \u{2192} {to}");
    let selection = &view.scene.marks.selection;
    let ends = [&connection.source, &connection.target];
    let is_selected = selection.len() == ends.len() && ends.iter().all(|id| selection.contains(*id));
    let button = egui::Button::new((
        egui::Atom::default().atom_size(Vec2::new(12.0, 0.0)),
        icons::icon(icons::FLOW_ARROW).color(colour),
        RichText::new(&name).atom_shrink(true),
        egui::Atom::grow(),
    ));
    let response = selectable_row(ui, is_selected, button).accessible_name(&name);
    let response = response.on_hover_text(connection.kind.replace('_', " "));
    if response.clicked() {
        actions.push(Action::Input(Input::Select(ends.into_iter().cloned().collect())));
    }
    response.context_menu(|ui| {
        if ui.button((icons::icon(icons::TRASH), "Remove")).clicked() {
            actions.push(Action::Input(Input::Edit(Command::RemoveConnection(connection.id.clone()))));
        }
    });
}

/// Colour of a connection's type, as in the picture.
pub fn connection_colour(tokens: &Tokens, kind: &str) -> egui::Color32 {
    let [r, g, b, _] = tokens.picture().connection_colour(kind).0;
    egui::Color32::from_rgb(r, g, b)
}

fn view_row(ui: &mut Ui, named: &NamedView, actions: &mut Vec<Action>) {
    let muted = Tokens::of(ui.ctx()).muted;
    let button = egui::Button::new((
        egui::Atom::default().atom_size(Vec2::new(12.0, 0.0)),
        icons::icon(icons::CAMERA).color(muted),
        RichText::new(&named.name).atom_shrink(true),
        egui::Atom::grow(),
    ));
    let response = full_row(ui, button).accessible_name(&named.name).on_hover_text("Go to this view");
    if response.clicked() {
        actions.push(Action::Input(Input::View(named.name.clone())));
    }
    response.context_menu(|ui| {
        if ui.button((icons::icon(icons::TRASH), "Remove")).clicked() {
            actions.push(Action::Input(Input::Edit(Command::RemoveView(named.name.clone()))));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let mut names = ["Robot 10", "Robot 2", "conveyor", "Robot"];
        names.sort_by_key(|n| natural(n));
        assert_eq!(names, ["conveyor", "Robot", "Robot 2", "Robot 10"]);
    }

    #[test]
    fn clicks_select_as_in_every_list() {
        let ids: Vec<DeviceId> = ["a", "b", "c", "d"].map(DeviceId::from).to_vec();
        let order: Vec<&DeviceId> = ids.iter().collect();
        let set = |names: &[&str]| names.iter().map(|n| DeviceId::from(*n)).collect::<BTreeSet<_>>();
        let click = |selection: &[&str], clicked: usize, anchor: Option<usize>, modifiers| {
            clicked_selection(&set(selection), &ids[clicked], anchor.map(|a| &ids[a]), &order, modifiers)
        };
        use egui::Modifiers as M;
        assert_eq!(click(&["a", "b"], 2, Some(0), M::NONE), set(&["c"]));
        assert_eq!(click(&["a"], 2, Some(0), M::COMMAND), set(&["a", "c"]));
        assert_eq!(click(&["a", "c"], 2, Some(0), M::COMMAND), set(&["a"]));
        assert_eq!(click(&["d"], 0, Some(2), M::SHIFT), set(&["a", "b", "c"]));
        assert_eq!(click(&["d"], 1, None, M::SHIFT), set(&["b"]));
    }
}

//! The whole window, put together from its panels.

use super::action::Action;
use super::look::Tokens;
use super::panels::{cards, details, empty, log, overlay, questions, share, top_bar, tree};
use super::shortcuts;
use super::state::{RightPage, UiState, View};
use super::viewport;
use egui::{Frame, Margin, Panel, Rect, Ui};

/// Draws everything and gives the place of the picture.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) -> Rect {
    let ctx = ui.ctx().clone();
    shortcuts::handle(&ctx, view, state, actions);
    dropped_files(&ctx, actions);
    let tokens = Tokens::of(&ctx);
    let plain = |x: i8, y: i8| Frame::new().fill(tokens.panel).inner_margin(Margin::symmetric(x, y));

    Panel::top("top bar").resizable(false).exact_size(top_bar::HEIGHT).frame(plain(8, 0)).show(ui, |ui| {
        top_bar::show(ui, view, state, actions);
    });
    Panel::bottom("line").resizable(false).exact_size(log::LINE_HEIGHT).frame(plain(8, 0)).show(ui, |ui| {
        log::line(ui, view, state);
    });
    if state.log_open {
        let panel = Panel::bottom("log").default_size(state.remembered.log_height).size_range(80.0..=600.0);
        let shown = panel.frame(plain(12, 8)).show(ui, |ui| contained(ui, |ui| log::show(ui, view, state, actions)));
        state.remembered.log_height = shown.response.rect.height();
    }
    if state.remembered.tree_open {
        let panel = Panel::left("tree").default_size(state.remembered.tree_width).size_range(180.0..=600.0);
        let shown = panel.frame(plain(8, 8)).show(ui, |ui| contained(ui, |ui| tree::show(ui, view, state, actions)));
        state.remembered.tree_width = shown.response.rect.width();
    }
    if state.remembered.details_open {
        let panel = Panel::right("details").default_size(state.remembered.details_width).size_range(260.0..=600.0);
        let shown = panel.frame(plain(12, 8)).show(ui, |ui| contained(ui, |ui| right(ui, view, state, actions)));
        state.remembered.details_width = shown.response.rect.width();
    }
    let area = egui::CentralPanel::no_frame().show(ui, |ui| {
        let area = viewport::show(ui, view, state, actions);
        overlay::show(ui, area, view, state, actions);
        empty::show(ui, area, view, actions);
        cards::show(ui, area, view, state, actions);
        area
    });
    questions::show(&ctx, view, state, actions);
    area.inner
}

/// Draws into all of a panel without ever making it larger: the person alone says how large a panel is.
fn contained(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let room = ui.available_rect_before_wrap();
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(room));
    inside.shrink_clip_rect(room.expand2(egui::vec2(8.0, 4.0)));
    add(&mut inside);
    ui.advance_cursor_after_rect(room);
}

fn right(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let shared = if view.status.share.is_some() {
        format!("Share \u{2022} {}", view.status.participants.len().saturating_sub(1))
    } else {
        "Share".to_owned()
    };
    super::widgets::segmented(
        ui,
        &mut state.page,
        &[(RightPage::Details, "Details", "What is selected"), (RightPage::Share, &shared, "Links and participants")],
    );
    ui.add_space(4.0);
    match state.page {
        RightPage::Details => details::show(ui, view, state, actions),
        RightPage::Share => share::show(ui, view, state, actions),
    }
}

fn dropped_files(ctx: &egui::Context, actions: &mut Vec<Action>) {
    let files: Vec<_> = ctx.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect());
    if files.is_empty() {
        return;
    }
    let is_workspace = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let (workspaces, models): (Vec<_>, Vec<_>) = files.into_iter().partition(is_workspace);
    // One window shows one workspace: the first that was dropped.
    actions.extend(workspaces.into_iter().next().map(Action::Open));
    if !models.is_empty() {
        actions.push(Action::PrepareImport(models));
    }
}

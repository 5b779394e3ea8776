//! Imports on their way, at the lower right of the picture: how far each is, what was found, what went wrong.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::{Tokens, strong};
use crate::desktop::state::{UiState, View};
use crate::desktop::widgets::{capitalised, file_name, icon_button, overlay_card, plural};
use egui::{Align, Layout, ProgressBar, RichText, Ui};
use rr_engine::{Import, ImportState, LoadReport};
use std::time::{Duration, Instant};

/// Most cards at once; the rest is counted.
const MOST: usize = 4;
const WIDTH: f32 = 320.0;
/// A card with nothing to look into goes by itself after this.
const CLEAN_SHOWN: Duration = Duration::from_secs(8);

/// Draws the cards in the corner of `area`.
pub fn show(ui: &Ui, area: egui::Rect, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let imports = &view.status.imports;
    forget_clean(ui.ctx(), imports, state, actions);
    if imports.is_empty() {
        return;
    }
    // What runs is worth the room more than what is over, failures more than successes.
    let mut shown: Vec<&Import> = imports.iter().collect();
    shown.sort_by_key(|i| match i.state {
        ImportState::Failed(_) => 0,
        ImportState::Running { .. } => 1,
        ImportState::Done(_) => 2,
        ImportState::Queued => 3,
        ImportState::Cancelled => 4,
    });
    let layer = egui::Area::new(egui::Id::unique("imports"))
        .order(egui::Order::Middle)
        .pivot(egui::Align2::RIGHT_BOTTOM)
        .fixed_pos(area.right_bottom() - egui::vec2(12.0, 12.0))
        .constrain_to(area);
    layer.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        for import in shown.iter().take(MOST) {
            ui.push_id(import.id.0, |ui| {
                overlay_card(ui).show(ui, |ui| {
                    ui.set_width(WIDTH - 24.0);
                    one(ui, import, actions);
                });
            });
        }
        rest(ui, &shown, actions);
    });
}

fn rest(ui: &mut Ui, shown: &[&Import], actions: &mut Vec<Action>) {
    let over: Vec<_> = shown.iter().filter(|i| i.state.is_over()).collect();
    let hidden = shown.len().saturating_sub(MOST);
    if hidden == 0 && over.len() < 2 {
        return;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if over.len() >= 2 && ui.button("Dismiss finished").clicked() {
            actions.extend(over.iter().map(|i| Action::DismissImport(i.id)));
        }
        if hidden > 0 {
            ui.weak(format!("and {hidden} more"));
        }
    });
}

fn forget_clean(ctx: &egui::Context, imports: &[Import], state: &mut UiState, actions: &mut Vec<Action>) {
    let now = Instant::now();
    state.over_since.retain(|id, _| imports.iter().any(|i| i.id == *id));
    for import in imports {
        let is_clean = match &import.state {
            ImportState::Done(report) => report.warnings.is_empty(),
            ImportState::Cancelled => true,
            _ => false,
        };
        if is_clean {
            let since = *state.over_since.entry(import.id).or_insert(now);
            match CLEAN_SHOWN.checked_sub(now.duration_since(since)) {
                Some(left) => ctx.request_repaint_after(left),
                None => actions.push(Action::DismissImport(import.id)),
            }
        }
    }
}

fn one(ui: &mut Ui, import: &Import, actions: &mut Vec<Action>) {
    let tokens = Tokens::of(ui.ctx());
    let name = file_name(&import.file);
    let (glyph, colour) = match &import.state {
        ImportState::Queued | ImportState::Running { .. } => (icons::IMPORT, tokens.muted),
        ImportState::Done(report) if report.warnings.is_empty() => (icons::CHECK_CIRCLE, tokens.ok),
        ImportState::Done(_) => (icons::WARNING, tokens.warn),
        ImportState::Failed(_) => (icons::WARNING_CIRCLE, tokens.danger),
        ImportState::Cancelled => (icons::STOP, tokens.muted),
    };
    ui.horizontal(|ui| {
        ui.label(icons::icon(glyph).color(colour));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_over = import.state.is_over();
            let (word, tip) = if is_over { ("Dismiss", "Dismiss") } else { ("Cancel", "Stop reading this file") };
            if is_over {
                if icon_button(ui, icons::X, tip, None).clicked() {
                    actions.push(Action::DismissImport(import.id));
                }
            } else if ui.button(word).on_hover_text(tip).clicked() {
                actions.push(Action::DismissImport(import.id));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(strong(&name)).truncate()).on_hover_text(import.file.display().to_string());
            });
        });
    });
    match &import.state {
        ImportState::Queued => {
            ui.weak("Waiting for its turn");
        }
        ImportState::Running { stage, done: Some(done) } => {
            ui.weak(format!("{}: {:.0} %", capitalised(stage), done * 100.0));
            ui.add(ProgressBar::new(*done).desired_height(6.0).fill(tokens.accent));
        }
        ImportState::Running { stage, done: None } => {
            ui.horizontal(|ui| {
                ui.add(egui::Spinner::new().size(14.0).color(tokens.accent));
                ui.weak(capitalised(stage));
            });
        }
        ImportState::Done(report) => found(ui, report),
        ImportState::Failed(reason) => {
            ui.add(egui::Label::new(format!("Nothing was imported: {reason}")).wrap());
        }
        ImportState::Cancelled => {
            ui.weak("Stopped; nothing was imported");
        }
    }
}

fn found(ui: &mut Ui, report: &LoadReport) {
    let mut parts = vec![plural(report.parts, "part")];
    if report.triangles > 0 {
        parts.push(plural(report.triangles, "triangle"));
    }
    if report.lines > 0 {
        parts.push(plural(report.lines, "line"));
    }
    if report.colours > 0 {
        parts.push(plural(report.colours, "colour"));
    }
    ui.weak(parts.join(", "));
    let size: Vec<String> =
        report.bounds_m.max.iter().zip(report.bounds_m.min).map(|(max, min)| format!("{:.2}", max - min)).collect();
    let unit = if report.unit_declared { "said by the file" } else { "assumed" };
    ui.weak(format!("{} m \u{2022} unit {} {unit}", size.join(" \u{00d7} "), report.unit.name()));
    if !report.warnings.is_empty() {
        let title = RichText::new(plural(report.warnings.len(), "warning")).color(Tokens::of(ui.ctx()).warn);
        egui::CollapsingHeader::new(title).id_salt("warnings").show(ui, |ui| {
            egui::ScrollArea::vertical().max_height(140.0).show(ui, |ui| {
                for warning in &report.warnings {
                    ui.add(egui::Label::new(format!("\u{2022} {warning}")).wrap().selectable(true));
                }
            });
        });
    }
}

//! The line at the bottom with the newest message, and the log that opens from it.

use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::state::{UiState, View};
use crate::desktop::widgets::icon_button;
use egui::{Align, Color32, Layout, RichText, Sense, Ui};
use rr_engine::{LogEntry, LogLevel};
use std::time::{SystemTime, UNIX_EPOCH};

/// Height of the line in points.
pub const LINE_HEIGHT: f32 = 28.0;

/// The line: newest warning, counts, speed. A click opens the log.
pub fn line(ui: &mut Ui, view: &View<'_>, state: &mut UiState) {
    let tokens = Tokens::of(ui.ctx());
    let count = |level| view.status.log.iter().filter(|e| e.level == level).count();
    let (warnings, errors) = (count(LogLevel::Warning), count(LogLevel::Error));
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let caret = if state.log_open { icons::CARET_DOWN } else { icons::CARET_UP };
        let mut atoms = egui::Atoms::new((icons::sized(caret, 12.0).color(tokens.muted), "Messages"));
        for (number, glyph, colour) in
            [(warnings, icons::WARNING, tokens.warn), (errors, icons::WARNING_CIRCLE, tokens.danger)]
        {
            if number > 0 {
                atoms.push_right(icons::sized(glyph, 14.0).color(colour));
                atoms.push_right(RichText::new(number.to_string()).color(colour));
            }
        }
        let button = egui::Button::new(atoms).frame_when_inactive(false).small();
        if ui.add(button).accessible_name("Messages").clicked() {
            state.log_open = !state.log_open;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            figures(ui, view, &tokens);
            if !state.log_open
                && let Some(entry) = view.status.log.last()
            {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = RichText::new(&entry.text).small().color(colour(&tokens, entry.level));
                    let label = egui::Label::new(text).truncate().sense(Sense::click());
                    if ui.add(label).clicked() {
                        state.log_open = true;
                    }
                });
            }
        });
    });
}

fn figures(ui: &mut Ui, view: &View<'_>, tokens: &Tokens) {
    let text = |text: String, colour| RichText::new(text).small().color(colour);
    let warning = view.host.adapter_warning.as_deref();
    let adapter = shortened(&view.host.adapter, 34);
    let label = ui.label(text(adapter, if warning.is_some() { tokens.warn } else { tokens.muted }));
    label.on_hover_text(warning.unwrap_or("Graphics adapter"));
    let (width, height) = view.host.stream_size_px;
    ui.label(text(format!("stream {width} \u{00d7} {height}"), tokens.muted))
        .on_hover_text("Size of the picture that viewers get, in pixels");
    let loading = view.status.document.loading;
    if loading > 0 {
        ui.label(text(format!("reading {loading}"), tokens.muted));
        ui.add(egui::Spinner::new().size(12.0).color(tokens.muted));
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('\u{2026}');
    short
}

/// The log itself.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<super::super::action::Action>) {
    let tokens = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.label(crate::desktop::look::strong("Messages"));
        ui.checkbox(&mut state.log_only_problems, "Warnings and errors only");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon_button(ui, icons::X, "Close the messages", None).clicked() {
                state.log_open = false;
            }
            if icon_button(ui, icons::COPY, "Copy all messages", None).clicked() {
                let lines: Vec<String> = view.status.log.iter().map(|e| written(e)).collect();
                actions.push(super::super::action::Action::Copy(lines.join("\n")));
            }
        });
    });
    let shown: Vec<_> =
        view.status.log.iter().filter(|e| !state.log_only_problems || e.level > LogLevel::Info).collect();
    egui::ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        if shown.is_empty() {
            ui.weak("Nothing to report");
        }
        for entry in shown {
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(time_of_day(entry.at)).small().color(tokens.muted));
                ui.label(icons::sized(glyph(entry.level), 14.0).color(colour(&tokens, entry.level)));
                ui.add(egui::Label::new(&entry.text).wrap().selectable(true));
            });
        }
    });
}

fn written(entry: &LogEntry) -> String {
    let level = match entry.level {
        LogLevel::Info => "info",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error",
    };
    format!("{} UTC {level}: {}", time_of_day(entry.at), entry.text)
}

fn glyph(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Info => icons::INFO,
        LogLevel::Warning => icons::WARNING,
        LogLevel::Error => icons::WARNING_CIRCLE,
    }
}

fn colour(tokens: &Tokens, level: LogLevel) -> Color32 {
    match level {
        LogLevel::Info => tokens.muted,
        LogLevel::Warning => tokens.warn,
        LogLevel::Error => tokens.danger,
    }
}

/// Hours, minutes and seconds in UTC: the standard library knows no time zones, and the log of a host is compared with
/// those of other machines.
fn time_of_day(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_written_in_full() {
        assert_eq!(time_of_day(UNIX_EPOCH + Duration::from_secs(86_400 * 3 + 3_661)), "01:01:01");
        assert_eq!(time_of_day(UNIX_EPOCH - Duration::from_secs(1)), "00:00:00");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äö…");
    }
}

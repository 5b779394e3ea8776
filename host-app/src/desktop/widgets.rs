//! Small pieces that several panels use, so that the same thing looks the same everywhere.

use super::icons;
use super::look::{Tokens, mix, strong};
use egui::{Align, Color32, CornerRadius, Frame, Layout, Margin, Response, RichText, Sense, Stroke, Ui, Vec2};

/// A button with an icon alone; `name` is its tooltip and what screen readers say.
pub fn icon_button(ui: &mut Ui, glyph: &str, name: &str, shortcut: Option<&str>) -> Response {
    icon_button_if(ui, true, glyph, name, shortcut)
}

/// The same, perhaps not available now.
pub fn icon_button_if(ui: &mut Ui, enabled: bool, glyph: &str, name: &str, shortcut: Option<&str>) -> Response {
    let button = egui::Button::new(icons::icon(glyph)).frame_when_inactive(false).min_size(Vec2::splat(28.0));
    let response = ui.add_enabled(enabled, button).accessible_name(name);
    tip(response, name, shortcut)
}

/// A tooltip with the shortcut in weak text behind it.
pub fn tip(response: Response, text: &str, shortcut: Option<&str>) -> Response {
    let show = |ui: &mut Ui| {
        ui.horizontal(|ui| {
            ui.label(text);
            if let Some(shortcut) = shortcut {
                ui.weak(shortcut);
            }
        });
    };
    // Both: a tooltip that says why a thing is there helps most when it is greyed out.
    response.on_hover_ui(show).on_disabled_hover_ui(show)
}

/// A button with icon and word.
pub fn labelled_button(ui: &mut Ui, glyph: &str, word: &str) -> Response {
    ui.add(egui::Button::new((icons::icon(glyph), word))).accessible_name(word)
}

/// The one button of a panel or question that goes on.
pub fn primary_button(ui: &mut Ui, enabled: bool, word: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    let text = strong(word).color(tokens.on_accent);
    let button = egui::Button::new(text).fill(tokens.accent).stroke(Stroke::NONE).min_size(egui::vec2(84.0, 30.0));
    ui.scope(|ui| {
        ui.spacing_mut().button_padding.x = 14.0;
        ui.add_enabled(enabled, button).accessible_name(word)
    })
    .inner
}

/// Title of a part of a panel, with room for something at its right end.
pub fn section(ui: &mut Ui, title: &str, right: impl FnOnce(&mut Ui)) {
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        ui.label(strong(title));
        ui.with_layout(Layout::right_to_left(Align::Center), right);
    });
}

/// A name in muted text with its control beside it, the controls of all rows in one column.
pub fn row<R>(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        let (rect, _) = ui.allocate_exact_size(egui::vec2(72.0, 26.0), Sense::hover());
        let label = egui::Label::new(RichText::new(name).color(ui.visuals().weak_text_color())).truncate();
        ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center))).add(label);
        add(ui)
    })
    .inner
}

/// A raised card.
pub fn card(ui: &Ui) -> Frame {
    let tokens = Tokens::of(ui.ctx());
    Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::symmetric(12, 10))
}

/// A card that lies over the picture.
pub fn overlay_card(ui: &Ui) -> Frame {
    let tokens = Tokens::of(ui.ctx());
    let shade = Color32::from_black_alpha(if tokens.is_dark { 70 } else { 28 });
    Frame::new()
        .fill(tokens.panel)
        .stroke(Stroke::new(1.0, tokens.line))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::symmetric(12, 10))
        .shadow(egui::Shadow { offset: [0, 4], blur: 14, spread: 0, color: shade })
}

/// A note in a tinted box: an icon, and text that wraps.
pub fn note(ui: &mut Ui, glyph: &str, colour: Color32, text: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    Frame::new()
        .fill(mix(tokens.panel, colour, 0.12))
        .stroke(Stroke::new(1.0, mix(tokens.panel, colour, 0.35)))
        .corner_radius(CornerRadius::same(6))
        .inner_margin(Margin::symmetric(10, 8))
        .show(ui, |ui| {
            ui.horizontal_top(|ui| {
                ui.label(icons::icon(glyph).color(colour));
                ui.vertical(|ui| {
                    ui.set_min_width(ui.available_width());
                    ui.add(egui::Label::new(text).wrap());
                });
            });
        })
        .response
}

/// A small rounded word, such as a role.
pub fn pill(ui: &mut Ui, text: &str, colour: Color32) -> Response {
    let tokens = Tokens::of(ui.ctx());
    Frame::new()
        .fill(mix(tokens.panel, colour, 0.16))
        .corner_radius(CornerRadius::same(255))
        .inner_margin(Margin::symmetric(8, 1))
        .show(ui, |ui| ui.label(RichText::new(text).size(11.5).color(colour)))
        .response
}

/// Keeps one of several values, as buttons side by side over the whole width.
pub fn segmented<T: PartialEq + Copy>(ui: &mut Ui, value: &mut T, choices: &[(T, &str, &str)]) -> bool {
    let mut changed = false;
    let gap = 4.0;
    #[expect(clippy::cast_precision_loss, reason = "two or three choices")]
    let count = choices.len().max(1) as f32;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        let width = (ui.available_width() - gap * (count - 1.0)) / count;
        for (choice, word, explanation) in choices {
            let is_on = value == choice;
            let button = egui::Button::new(*word).selected(is_on).min_size(egui::vec2(width, 28.0));
            let response = ui.add_sized([width, 28.0], button).on_hover_text(*explanation);
            if response.clicked() && !is_on {
                *value = *choice;
                changed = true;
            }
        }
    });
    changed
}

/// A number for people: 950, 12.4 k, 3.1 M.
pub fn short_count(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = count as f64;
    match count {
        0..=9_999 => count.to_string(),
        10_000..=999_949 => format!("{:.1} k", value / 1e3),
        999_950..=999_949_999 => format!("{:.1} M", value / 1e6),
        _ => format!("{:.1} G", value / 1e9),
    }
}

/// With a capital letter at the beginning.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// One thing or several: `1 part`, `3 parts`.
pub fn plural(count: usize, one: &str) -> String {
    let shown = short_count(count as u64);
    if count == 1 { format!("{shown} {one}") } else { format!("{shown} {one}s") }
}

/// The last part of a path.
pub fn file_name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_and_never_say_1000_of_a_smaller_unit() {
        let cases = [
            (0, "0"),
            (9_999, "9999"),
            (12_345, "12.3 k"),
            (999_949, "999.9 k"),
            (999_950, "1.0 M"),
            (3_140_000, "3.1 M"),
            (999_950_000, "1.0 G"),
        ];
        for (count, text) in cases {
            assert_eq!(short_count(count), text);
        }
        assert_eq!(plural(1, "part"), "1 part");
        assert_eq!(plural(2, "part"), "2 parts");
    }
}

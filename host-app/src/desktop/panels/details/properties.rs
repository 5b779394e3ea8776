//! The table of whatever else is known about a device.

use super::{DetailsState, check, edit};
use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::Tokens;
use crate::desktop::state::View;
use crate::desktop::widgets::{icon_button, icon_button_if, section};
use egui::{RichText, Sense, TextEdit, Ui};
use rr_scene::{Command, Device, PropertyValue};

const KEY_WIDTH: f32 = 96.0;

/// Draws the table.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut DetailsState, device: &Device, actions: &mut Vec<Action>) {
    section(ui, "Properties", |_| {});
    for (key, value) in &device.properties {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(KEY_WIDTH, 26.0), Sense::hover());
            let layout = egui::Layout::left_to_right(egui::Align::Center);
            ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout))
                .add(egui::Label::new(RichText::new(key).weak()).truncate());
            let set = |text: &str| Command::SetProperty {
                id: device.id.clone(),
                key: key.clone(),
                value: Some(parse_value(text)),
            };
            let width = ui.available_width() - 36.0;
            let field = format!("property {key}");
            let changed = state.drafts.text(ui, &field, key, &written(value), width, |text| check(view, &set(text)));
            actions.extend(changed.map(|text| edit(set(&text))));
            if icon_button(ui, icons::X, &format!("Remove {key}"), None).clicked() {
                actions.push(edit(Command::SetProperty { id: device.id.clone(), key: key.clone(), value: None }));
            }
        });
    }
    add_row(ui, view, state, device, actions);
}

fn add_row(ui: &mut Ui, view: &View<'_>, state: &mut DetailsState, device: &Device, actions: &mut Vec<Action>) {
    let (key, value) = &mut state.new_property;
    let mut wanted = false;
    ui.horizontal(|ui| {
        let name = TextEdit::singleline(key).hint_text("name").desired_width(KEY_WIDTH - 16.0).char_limit(1000);
        let first = ui.add(name).accessible_name("Name of a new property");
        let width = ui.available_width() - 52.0;
        let text = TextEdit::singleline(value).hint_text("value").desired_width(width).char_limit(5000);
        let second = ui.add(text).accessible_name("Value of a new property");
        let enter = ui.input(|i| i.key_pressed(egui::Key::Enter));
        wanted = enter && (first.lost_focus() || second.lost_focus()) && !key.trim().is_empty();
        if first.changed() || second.changed() {
            state.property_error = None;
        }
        wanted |= icon_button_if(ui, !key.trim().is_empty(), icons::PLUS, "Add the property", None).clicked();
    });
    if wanted {
        let key = state.new_property.0.trim().to_owned();
        let value = Some(parse_value(&state.new_property.1));
        let command = Command::SetProperty { id: device.id.clone(), key: key.clone(), value };
        let result = if device.properties.contains_key(&key) {
            Err(format!("There is a property \"{key}\" already"))
        } else {
            check(view, &command)
        };
        match result {
            Ok(()) => {
                actions.push(edit(command));
                state.new_property = Default::default();
                state.property_error = None;
            }
            Err(error) => state.property_error = Some(error),
        }
    }
    if let Some(error) = &state.property_error {
        ui.add(egui::Label::new(RichText::new(error).small().color(Tokens::of(ui.ctx()).danger)).wrap());
    }
}

/// Text as people type it: `true` and `false`, numbers, everything else is text. Quotes make text of anything.
pub fn parse_value(text: &str) -> PropertyValue {
    let text = text.trim();
    if text.len() >= 2 && text.starts_with('"') && text.ends_with('"') {
        return PropertyValue::Text(text[1..text.len() - 1].to_owned());
    }
    match text {
        "true" => return PropertyValue::Bool(true),
        "false" => return PropertyValue::Bool(false),
        _ => {}
    }
    // `inf` and `nan` parse as numbers in Rust, and are words here.
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            PropertyValue::Number(number)
        }
        _ => PropertyValue::Text(text.to_owned()),
    }
}

/// The other way round: what [`parse_value`] makes the same value of.
fn written(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Text(text) if parse_value(text) != *value => format!("\"{text}\""),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_people_mean() {
        let cases = [
            ("12.5", PropertyValue::Number(12.5)),
            (" -3e2 ", PropertyValue::Number(-300.0)),
            ("true", PropertyValue::Bool(true)),
            ("inf", PropertyValue::Text("inf".into())),
            ("1e999", PropertyValue::Text("1e999".into())),
            ("12 kW", PropertyValue::Text("12 kW".into())),
            ("\"12\"", PropertyValue::Text("12".into())),
            ("\"", PropertyValue::Text("\"".into())),
            ("", PropertyValue::Text(String::new())),
        ];
        for (text, value) in cases {
            assert_eq!(parse_value(text), value, "{text}");
            assert_eq!(parse_value(&written(&value)), value, "{text} does not survive");
        }
    }
}

//! Text that is applied when the person is done with it, not at each key, and says beside itself why it was refused.

use crate::desktop::look::Tokens;
use egui::{RichText, TextEdit, Ui};
use std::collections::BTreeMap;

/// What is being typed, by the name of its field.
#[derive(Debug, Default)]
pub struct Drafts(BTreeMap<String, Draft>);

#[derive(Debug)]
struct Draft {
    text: String,
    error: Option<String>,
}

impl Drafts {
    /// Draws a field. `check` says why a text is not taken. A text that is new and taken comes out once.
    pub fn text(
        &mut self,
        ui: &mut Ui,
        key: &str,
        name: &str,
        current: &str,
        width: f32,
        check: impl FnOnce(&str) -> Result<(), String>,
    ) -> Option<String> {
        let draft = self.0.entry(key.to_owned()).or_insert_with(|| Draft { text: current.to_owned(), error: None });
        let tokens = Tokens::of(ui.ctx());
        let mut accepted = None;
        let mut is_over = false;
        ui.vertical(|ui| {
            ui.set_width(width);
            let mut field = TextEdit::singleline(&mut draft.text).id_salt(key).char_limit(5000);
            if draft.error.is_some() {
                field = field.text_color(tokens.danger);
            }
            let response = ui.add_sized([width, 26.0], field).accessible_name(name);
            if response.changed() {
                draft.error = None;
            }
            if response.lost_focus() {
                if ui.input(|i| i.key_pressed(egui::Key::Escape)) || draft.text == current {
                    is_over = true;
                } else {
                    match check(&draft.text) {
                        Ok(()) => {
                            accepted = Some(draft.text.clone());
                            is_over = true;
                        }
                        Err(error) => draft.error = Some(error),
                    }
                }
            } else if !response.has_focus() && draft.error.is_none() {
                is_over = true;
            }
            if let Some(error) = &draft.error {
                ui.add(egui::Label::new(RichText::new(error).small().color(tokens.danger)).wrap());
            }
        });
        if is_over {
            self.0.remove(key);
        }
        accepted
    }
}

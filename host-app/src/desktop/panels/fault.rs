//! Why there is no new picture, and what to do about it: over the picture, because the old one still stands there and
//! looks alive.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::{Tokens, mix, strong};
use crate::desktop::panels::overlay::corner;
use crate::desktop::state::View;
use crate::desktop::widgets::{capitalised, overlay_card};
use egui::{Align2, Rect, RichText, Ui, Vec2};

const ADVICE: &str = "Nothing is lost, and it is tried again by itself. If it stays like this: close other programs that \
                      use the graphics card, or save and start again.";

/// What is missing, and why; none while pictures are drawn.
fn fault<'a>(view: &View<'a>) -> Option<(&'static str, &'a str)> {
    let status = view.status;
    match (&status.window_fault, &status.picture_fault) {
        (Some(why), Some(_)) => Some(("No new pictures can be drawn", why)),
        (Some(why), None) => Some(("This window shows no new pictures", why)),
        (None, Some(why)) if status.share.is_some() => Some(("Viewers get no new pictures", why)),
        (None, Some(why)) => Some(("No new pictures can be drawn", why)),
        (None, None) => None,
    }
}

/// Draws the banner below the buttons of the picture while there is a fault.
pub fn show(ui: &Ui, area: Rect, view: &View<'_>, actions: &mut Vec<Action>) {
    let Some((what, why)) = fault(view) else { return };
    let tokens = Tokens::of(ui.ctx());
    // Below the buttons and the note about who presents.
    let at = area.center_top() + Vec2::new(0.0, 64.0);
    let tint = mix(tokens.panel, tokens.danger, 0.10);
    corner("fault", Align2::CENTER_TOP, at, area).show(ui.ctx(), |ui| {
        overlay_card(ui).fill(tint).stroke((1.0, mix(tokens.panel, tokens.danger, 0.5))).show(ui, |ui| {
            ui.set_width((area.width() - 48.0).clamp(220.0, 440.0));
            ui.horizontal_top(|ui| {
                ui.label(icons::icon(icons::WARNING).color(tokens.danger));
                ui.vertical(|ui| {
                    ui.label(strong(what).color(tokens.text));
                    let end = if why.ends_with('.') { "" } else { "." };
                    ui.add(egui::Label::new(format!("{}{end}", capitalised(why))).wrap());
                    ui.add(egui::Label::new(RichText::new(ADVICE).small().weak()).wrap());
                    if view.status.document.dirty && ui.button("Save now").clicked() {
                        actions.push(Action::Save);
                    }
                });
            });
        });
    });
}

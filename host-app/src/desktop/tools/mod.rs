//! Tools of the viewport: what a click in the picture means while one of them is in hand, and the panel it brings.

pub mod measure;
pub mod section;
#[cfg(test)]
mod tests;

use super::action::Action;
use super::icons;
use super::look::{Tokens, strong};
use super::shortcuts::{self, written};
use super::state::{UiState, View};
use super::widgets::{icon_button, overlay_card, tip};
use egui::{Align, Align2, KeyboardShortcut, Layout, Rect, Ui, Vec2};

/// A tool that can be taken in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Cuts everything open.
    Section,
    /// Says how long things are and how far apart.
    Measure,
}

impl Tool {
    /// All of them, in the order of their buttons.
    pub const ALL: [Self; 2] = [Self::Section, Self::Measure];

    fn icon(self) -> &'static str {
        match self {
            Self::Section => icons::SQUARE_HALF,
            Self::Measure => icons::RULER,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Section => "Section",
            Self::Measure => "Measure",
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Self::Section => "Cut everything open along planes",
            Self::Measure => "Lengths, radii, distances and angles",
        }
    }

    /// Takes it in hand or puts it away.
    pub fn shortcut(self) -> KeyboardShortcut {
        match self {
            Self::Section => shortcuts::SECTION,
            Self::Measure => shortcuts::MEASURE,
        }
    }
}

/// Takes a tool in hand, or puts it away when it is in hand already.
pub fn toggle(tool: Tool, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    if state.tool == Some(tool) {
        return leave(state, actions);
    }
    leave(state, actions);
    state.tool = Some(tool);
    match tool {
        Tool::Section => section::begin(view, actions),
        Tool::Measure => {}
    }
}

/// Puts away what is in hand. What it made stays.
pub fn leave(state: &mut UiState, actions: &mut Vec<Action>) {
    if state.tool.take() == Some(Tool::Measure) {
        measure::end(actions);
    }
}

/// The buttons that take tools in hand.
pub fn buttons(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    for tool in Tool::ALL {
        let is_on = state.tool == Some(tool);
        let button = egui::Button::new((icons::icon(tool.icon()), tool.name()))
            .selected(is_on)
            .frame_when_inactive(is_on)
            .min_size(Vec2::new(0.0, 28.0));
        let response = ui.add(button).accessible_name(tool.name());
        if tip(response, tool.purpose(), Some(&written(ui.ctx(), &tool.shortcut()))).clicked() {
            toggle(tool, view, state, actions);
        }
    }
}

/// The panel of the tool in hand, or what reminds of a section that is on.
pub fn show(ui: &Ui, area: Rect, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let place = |name: &str, top: f32| {
        egui::Area::new(egui::Id::unique(name))
            .order(egui::Order::Middle)
            .pivot(Align2::RIGHT_TOP)
            .fixed_pos(area.right_top() + Vec2::new(-12.0, top))
            .constrain_to(area)
    };
    state.tool_takes_arrows = false;
    let mut top = BELOW_THE_BAR;
    if !view.scene.section.is_none() && state.tool != Some(Tool::Section) {
        place("section chip", top).show(ui.ctx(), |ui| section::chip(ui, view, state, actions));
        top += CHIP_HEIGHT;
    }
    if let Some(tool) = state.tool {
        place("tool", top).show(ui.ctx(), |ui| panel(ui, tool, view, state, actions));
    }
}

const BELOW_THE_BAR: f32 = 60.0;
const CHIP_HEIGHT: f32 = 46.0;
const PANEL_WIDTH: f32 = 268.0;

fn panel(ui: &mut Ui, tool: Tool, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    overlay_card(ui).show(ui, |ui| {
        ui.set_width(PANEL_WIDTH);
        ui.horizontal(|ui| {
            ui.label(icons::icon(tool.icon()).color(Tokens::of(ui.ctx()).accent));
            ui.label(strong(tool.name()));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon_button(ui, icons::X, "Put the tool away", Some("Esc")).clicked() {
                    leave(state, actions);
                }
            });
        });
        if let Some(name) = somebody_else_steers(view) {
            ui.weak(format!("{name} is presenting: only they steer."));
        }
        ui.add_enabled_ui(somebody_else_steers(view).is_none(), |ui| match tool {
            Tool::Section => section::panel(ui, view, state, actions),
            Tool::Measure => measure::panel(ui, view, state, actions),
        });
    });
}

/// Who presents, when it is not the person at this window.
fn somebody_else_steers<'a>(view: &View<'a>) -> Option<&'a str> {
    let people = &view.status.participants;
    let presenter = people.iter().skip(1).find(|p| view.status.presenter == Some(p.id))?;
    Some(&presenter.name)
}

//! What lies over the picture: views, other people's pointers, the note about the adapter, the drop target.

use crate::desktop::action::Action;
use crate::desktop::icons;
use crate::desktop::look::{Tokens, mix, strong};
use crate::desktop::panels::share::person_colour;
use crate::desktop::panels::{details, fault, figures};
use crate::desktop::shortcuts::{self, written};
use crate::desktop::state::{UiState, View};
use crate::desktop::tools;
use crate::desktop::viewport::window_from_stream;
use crate::desktop::widgets::{icon_button, overlay_card, tip};
use egui::{Align2, Color32, FontId, Rect, RichText, Stroke, Ui, Vec2};
use rr_engine::Input;
use rr_scene::NamedViewKind;

/// Draws everything over the picture in `area`.
pub fn show(ui: &Ui, area: Rect, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    pointers(ui, area, view);
    views(ui, area, view, state, actions);
    tools::show(ui, area, view, state, actions);
    if state.remembered.stats_open {
        figures::show(ui, area, view);
    }
    fault::show(ui, area, view, actions);
    adapter_note(ui, area, view, state);
    presenter_note(ui, area, view);
    drop_target(ui, area);
}

pub(super) fn corner(name: &str, pivot: Align2, at: egui::Pos2, area: Rect) -> egui::Area {
    egui::Area::new(egui::Id::unique(name)).order(egui::Order::Middle).pivot(pivot).fixed_pos(at).constrain_to(area)
}

fn views(ui: &Ui, area: Rect, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let at = area.right_top() + Vec2::new(-12.0, 12.0);
    corner("views", Align2::RIGHT_TOP, at, area).show(ui.ctx(), |ui| {
        overlay_card(ui).inner_margin(4).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                tools::buttons(ui, view, state, actions);
                ui.separator();
                let buttons = [(NamedViewKind::Iso, "1"), (NamedViewKind::Front, "2"), (NamedViewKind::Top, "6")];
                for (kind, key) in buttons {
                    let word = kind_word(kind);
                    let button = egui::Button::new(word).frame_when_inactive(false);
                    if tip(ui.add(button), &format!("Look from: {}", word.to_lowercase()), Some(key)).clicked() {
                        actions.push(go(kind));
                    }
                }
                let fit = written(ui.ctx(), &shortcuts::FIT);
                if icon_button(ui, icons::CORNERS_OUT, "Fit everything", Some(&fit)).clicked() {
                    actions.push(go(NamedViewKind::Fit));
                }
                more_views(ui, view, state, actions);
            });
        });
    });
}

fn kind_word(kind: NamedViewKind) -> &'static str {
    match kind {
        NamedViewKind::Iso => "Iso",
        NamedViewKind::Front => "Front",
        NamedViewKind::Back => "Back",
        NamedViewKind::Left => "Left",
        NamedViewKind::Right => "Right",
        NamedViewKind::Top => "Top",
        NamedViewKind::Fit => "Fit",
    }
}

fn go(kind: NamedViewKind) -> Action {
    Action::Input(Input::View(kind.name().to_owned()))
}

fn more_views(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    let button =
        egui::Button::new(icons::icon(icons::CARET_DOWN)).frame_when_inactive(false).min_size(Vec2::splat(28.0));
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_min_width(180.0);
        for (kind, key) in NamedViewKind::ALL.into_iter().zip(["1", "2", "3", "4", "5", "6", "F"]) {
            if ui.add(egui::Button::new(kind_word(kind)).shortcut_text(key)).clicked() {
                actions.push(go(kind));
            }
        }
        let named = view.scene.workspace.views();
        if !named.is_empty() {
            ui.separator();
        }
        for named in named {
            if ui.button((icons::icon(icons::CAMERA), named.name.as_str())).clicked() {
                actions.push(Action::Input(Input::View(named.name.clone())));
            }
        }
        ui.separator();
        if ui.button((icons::icon(icons::PLUS), "Save this view\u{2026}")).clicked() {
            state.view_name = Some(details::free_view_name(view));
        }
    });
    tip(response.accessible_name("More views"), "More views", None);
}

/// Where others point, with their names.
fn pointers(ui: &Ui, area: Rect, view: &View<'_>) {
    let tokens = Tokens::of(ui.ctx());
    let painter = ui.painter_at(area);
    for person in view.status.participants.iter().skip(1) {
        let Some(at) = person.pointer else { continue };
        let at = window_from_stream(at, view.host.stream_aspect, area.aspect_ratio());
        let tip = area.min + Vec2::new(at.x * area.width(), at.y * area.height());
        if !area.contains(tip) {
            continue;
        }
        let colour = person_colour(&tokens, person.id.0);
        let arrow = [Vec2::ZERO, Vec2::new(0.0, 15.0), Vec2::new(4.0, 11.5), Vec2::new(10.5, 11.0)].map(|v| tip + v);
        let outline = Stroke::new(1.5, Color32::WHITE);
        painter.add(egui::Shape::convex_polygon(arrow.to_vec(), colour, outline));
        let ink = if tokens.is_dark { tokens.on_accent } else { Color32::WHITE };
        let galley = painter.layout_no_wrap(person.name.clone(), FontId::proportional(11.5), ink);
        let plate = Rect::from_min_size(tip + Vec2::new(12.0, 14.0), galley.size() + Vec2::new(10.0, 4.0));
        painter.rect_filled(plate, 4.0, colour);
        painter.galley(plate.min + Vec2::new(5.0, 2.0), galley, ink);
    }
}

fn adapter_note(ui: &Ui, area: Rect, view: &View<'_>, state: &mut UiState) {
    let Some(warning) = &view.host.adapter_warning else { return };
    if state.adapter_warning_seen {
        return;
    }
    let tokens = Tokens::of(ui.ctx());
    let at = area.left_bottom() + Vec2::new(12.0, -12.0);
    corner("adapter", Align2::LEFT_BOTTOM, at, area).show(ui.ctx(), |ui| {
        overlay_card(ui).fill(mix(tokens.panel, tokens.warn, 0.10)).show(ui, |ui| {
            ui.set_max_width((area.width() - 400.0).clamp(220.0, 420.0));
            ui.horizontal_top(|ui| {
                ui.label(icons::icon(icons::WARNING).color(tokens.warn));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
                    if icon_button(ui, icons::X, "I have read it", None).clicked() {
                        state.adapter_warning_seen = true;
                    }
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::TOP), |ui| {
                        ui.add(egui::Label::new(RichText::new(warning).small()).wrap());
                    });
                });
            });
        });
    });
}

/// Says who steers while it is somebody else.
fn presenter_note(ui: &Ui, area: Rect, view: &View<'_>) {
    let people = &view.status.participants;
    let presenter = people.iter().skip(1).find(|p| view.status.presenter == Some(p.id));
    let Some(presenter) = presenter else { return };
    let at = area.center_top() + Vec2::new(0.0, 12.0);
    corner("presenter", Align2::CENTER_TOP, at, area).interactable(false).show(ui.ctx(), |ui| {
        overlay_card(ui).inner_margin(egui::Margin::symmetric(12, 6)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(icons::icon(icons::PRESENTATION).color(Tokens::of(ui.ctx()).accent));
                ui.label(format!("{} is presenting and moves the camera", presenter.name));
            });
        });
    });
}

fn drop_target(ui: &Ui, area: Rect) {
    let count = ui.input(|i| i.raw.hovered_files.len());
    if count == 0 {
        return;
    }
    let tokens = Tokens::of(ui.ctx());
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(area, 0.0, tokens.bg.gamma_multiply(0.75));
    let frame = area.shrink(16.0);
    let stroke = Stroke::new(2.0, tokens.accent);
    painter.rect_stroke(frame, 12.0, stroke, egui::StrokeKind::Inside);
    let icon_font = FontId::new(40.0, egui::FontFamily::Name(icons::FAMILY.into()));
    let at = area.center();
    painter.text(at - Vec2::new(0.0, 16.0), Align2::CENTER_BOTTOM, icons::IMPORT, icon_font, tokens.accent);
    let title = strong("Drop to import").color(tokens.text).size(18.0);
    let galley = egui::WidgetText::from(title).into_galley(ui, None, f32::INFINITY, egui::TextStyle::Heading);
    painter.galley(at - Vec2::new(galley.size().x / 2.0, 8.0), galley, tokens.text);
    let below = "A workspace is opened instead";
    painter.text(at + Vec2::new(0.0, 22.0), Align2::CENTER_TOP, below, FontId::proportional(13.0), tokens.muted);
}

//! Sharing: from where the session can be reached, links with roles, and who is there.

use crate::desktop::action::{Action, Reach};
use crate::desktop::icons;
use crate::desktop::look::{Tokens, mix, strong};
use crate::desktop::state::{MadeLink, ShareState, UiState, View};
use crate::desktop::widgets::{
    card, icon_button, labelled_button, note, pill, primary_button, row, section, segmented,
};
use egui::{Align, Color32, DragValue, Layout, RichText, Sense, Ui, Vec2};
use rr_engine::{Input, ParticipantStatus, ShareStatus};
use rr_scene::Role;
use rr_signal::QrMatrix;
use std::time::{Duration, Instant};

const HOUR: u64 = 3600;
/// Lives that a link may have.
const LIVES: [(u64, &str); 5] =
    [(HOUR, "1 hour"), (8 * HOUR, "8 hours"), (24 * HOUR, "1 day"), (168 * HOUR, "7 days"), (720 * HOUR, "30 days")];
/// Light modules around the code that a reader needs (ISO/IEC 18004, 9.1).
const QUIET_ZONE: usize = 4;
const COPIED_SHOWN: Duration = Duration::from_secs(2);

/// Draws the page.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut UiState, actions: &mut Vec<Action>) {
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 4.0);
        ui.add_space(4.0);
        match &view.status.share {
            None => start(ui, state, actions),
            Some(share) => shared(ui, view, share, &mut state.share, actions),
        }
        participants(ui, view, &mut state.share, actions);
        ui.add_space(16.0);
    });
}

fn start(ui: &mut Ui, state: &mut UiState, actions: &mut Vec<Action>) {
    ui.heading("Share this workspace");
    ui.add(egui::Label::new("Whoever opens the link in a browser sees what you see, live. Nothing to install.").wrap());
    ui.add_space(8.0);
    let share = &mut state.share;
    segmented(
        ui,
        &mut share.choice.reach,
        &[
            (Reach::LocalNetwork, "Local network", "Tablets and computers in the same network can open the link"),
            (Reach::ThisMachine, "This machine only", "Only programs on this machine can open the link"),
        ],
    );
    row(ui, "Port", |ui| {
        let port = DragValue::new(&mut share.choice.port).range(0..=65535).speed(1.0).update_while_editing(false);
        ui.add(port).accessible_name("Port").on_hover_text("TCP port; 0 takes a free one");
    });
    link_options(ui, share);
    ui.add_space(8.0);
    let word = if share.busy { "Starting\u{2026}" } else { "Start sharing" };
    if primary_button(ui, !share.busy, word).clicked() {
        share.error = None;
        actions.push(Action::Share(share.choice));
    }
    error(ui, share);
    ui.add_space(4.0);
    ui.add(
        egui::Label::new(RichText::new("Until you start, nothing can be reached from outside.").small().weak()).wrap(),
    );
}

fn error(ui: &mut Ui, share: &ShareState) {
    if let Some(error) = &share.error {
        ui.add_space(6.0);
        note(ui, icons::WARNING_CIRCLE, Tokens::of(ui.ctx()).danger, error);
    }
}

fn link_options(ui: &mut Ui, share: &mut ShareState) {
    ui.add_space(4.0);
    ui.weak("People with the link may");
    segmented(
        ui,
        &mut share.role,
        &[
            (Role::Viewer, "Look", "Viewer: looks, points, reads details"),
            (Role::Engineer, "Work", "Engineer: also selects, moves devices and makes connections"),
            (Role::Admin, "Everything", "Admin: also adds and deletes devices and manages people"),
        ],
    );
    row(ui, "Works for", |ui| {
        let word = life_word(share.valid_for);
        let menu = egui::ComboBox::from_id_salt("life").selected_text(word).width(ui.available_width());
        let response = menu.show_ui(ui, |ui| {
            for (seconds, word) in LIVES {
                ui.selectable_value(&mut share.valid_for, Duration::from_secs(seconds), word);
            }
        });
        response.response.accessible_name("How long the link works");
    });
}

fn life_word(life: Duration) -> String {
    let known = LIVES.iter().find(|(seconds, _)| *seconds == life.as_secs());
    known.map_or_else(|| format!("{} hours", life.as_secs() / HOUR), |(_, word)| (*word).to_owned())
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Engineer => "engineer",
        Role::Admin => "admin",
    }
}

fn shared(ui: &mut Ui, view: &View<'_>, status: &ShareStatus, share: &mut ShareState, actions: &mut Vec<Action>) {
    let tokens = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.label(icons::icon(icons::CHECK_CIRCLE).color(tokens.ok));
        ui.label(strong("Sharing is on").size(15.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if labelled_button(ui, icons::STOP, "Stop").on_hover_text("Viewers are told and leave").clicked() {
                actions.push(Action::StopSharing);
            }
        });
    });
    let place = if status.loopback_only { "This machine only" } else { "Local network" };
    ui.weak(format!("{place}: {}", status.urls.join(", ")));
    if let Some(warning) = status.warning.as_ref().filter(|_| !status.loopback_only) {
        note(ui, icons::SHIELD_WARNING, tokens.warn, &format!("Nobody else can watch: {warning}."));
    }
    ui.add_space(4.0);
    if let Some(link) = share.link.clone() {
        link_card(ui, share, &link, actions);
    }
    link_options(ui, share);
    ui.add_space(4.0);
    let is_same = share.link.as_ref().is_some_and(|l| l.role == share.role && l.valid_for == share.valid_for);
    let word = if share.link.is_some() { "Make another link" } else { "Make the link" };
    if primary_button(ui, !share.busy && !is_same, word).clicked() {
        actions.push(Action::IssueLink { role: share.role, valid_for: share.valid_for });
    }
    error(ui, share);
    let is_https = status.urls.first().is_some_and(|u| u.starts_with("https:"));
    if is_https && view.host.certificate_is_own_made {
        ui.add_space(8.0);
        let text = "Browsers will warn about the certificate, because this host made it itself. That is expected in a \
                    local network: choose \"Advanced\", then \"Continue\". A certificate of your own ends the warning.";
        note(ui, icons::SHIELD_WARNING, tokens.warn, text);
    }
}

fn link_card(ui: &mut Ui, share: &mut ShareState, link: &MadeLink, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        qr_code(ui, &link.url);
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            pill(ui, role_word(link.role), Tokens::of(ui.ctx()).accent);
            ui.weak(format!("works for {}", life_word(link.valid_for)));
        });
        ui.horizontal(|ui| {
            let was_copied = share.copied_at.is_some_and(|at| at.elapsed() < COPIED_SHOWN);
            let (glyph, word) = if was_copied { (icons::CHECK_CIRCLE, "Copied") } else { (icons::COPY, "Copy link") };
            if was_copied {
                ui.ctx().request_repaint_after(COPIED_SHOWN);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if labelled_button(ui, glyph, word).clicked() {
                    share.copied_at = Some(Instant::now());
                    actions.push(Action::Copy(link.url.clone()));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let text = RichText::new(&link.url).monospace().size(11.0);
                    ui.add(egui::Label::new(text).truncate().selectable(true)).on_hover_text(&link.url);
                });
            });
        });
    });
    ui.add_space(6.0);
}

/// The code with whole physical pixels to a module, dark on white whatever the theme: cameras need that.
fn qr_code(ui: &mut Ui, text: &str) {
    let Some(code) = QrMatrix::new(text) else {
        ui.weak("The link is too long for a QR code");
        return;
    };
    let pixels_per_point = ui.pixels_per_point();
    let room = ui.available_width().min(244.0);
    #[expect(clippy::cast_precision_loss, reason = "a QR code has at most 177 modules")]
    let edge_modules = (code.size() + 2 * QUIET_ZONE) as f32;
    let module = ((room * pixels_per_point / edge_modules).floor().max(1.0)) / pixels_per_point;
    let edge = module * edge_modules;
    ui.vertical_centered(|ui| {
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(edge), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "QR code of the link"));
        let origin = (rect.min * pixels_per_point).round() / pixels_per_point;
        ui.painter().rect_filled(egui::Rect::from_min_size(origin, rect.size()), 4.0, Color32::WHITE);
        let mut mesh = egui::Mesh::default();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|&x| code.is_dark(x, y)) {
                #[expect(clippy::cast_precision_loss, reason = "a QR code has at most 177 modules")]
                let corner = Vec2::new((x + QUIET_ZONE) as f32, (y + QUIET_ZONE) as f32) * module;
                mesh.add_colored_rect(egui::Rect::from_min_size(origin + corner, Vec2::splat(module)), Color32::BLACK);
            }
        }
        ui.painter().add(mesh);
        response.on_hover_text("Point the camera of a tablet or phone at it");
    });
}

fn participants(ui: &mut Ui, view: &View<'_>, share: &mut ShareState, actions: &mut Vec<Action>) {
    let people = &view.status.participants;
    if people.is_empty() {
        return;
    }
    section(ui, "People", |ui| {
        ui.weak(people.len().to_string());
    });
    let me = people[0].id;
    for (index, person) in people.iter().enumerate() {
        card(ui).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            participant(ui, view, share, person, index == 0, actions);
        });
    }
    ui.add_space(4.0);
    let presenter = view.status.presenter;
    if presenter == Some(me) {
        if labelled_button(ui, icons::PRESENTATION, "Let everybody steer").clicked() {
            actions.push(Action::Input(Input::ReleaseControl));
        }
        ui.weak("You are presenting: only you move the camera.");
    } else if people.len() > 1 || presenter.is_some() {
        if labelled_button(ui, icons::PRESENTATION, "Take control").clicked() {
            actions.push(Action::Input(Input::RequestControl));
        }
        ui.weak("Then only you move the camera.");
    }
}

fn participant(
    ui: &mut Ui,
    view: &View<'_>,
    share: &mut ShareState,
    person: &ParticipantStatus,
    is_me: bool,
    actions: &mut Vec<Action>,
) {
    let tokens = Tokens::of(ui.ctx());
    let colour = person_colour(&tokens, person.id.0);
    ui.horizontal(|ui| {
        ui.label(icons::icon(icons::USER).color(colour));
        let is_presenter = view.status.presenter == Some(person.id);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !is_me {
                let is_asked = share.removing == Some(person.id);
                if is_asked {
                    if ui.add(egui::Button::new(RichText::new("Remove").color(tokens.danger)).small()).clicked() {
                        share.removing = None;
                        actions.push(Action::RemoveParticipant(person.id));
                    }
                    if ui.add(egui::Button::new("Keep").small()).clicked() {
                        share.removing = None;
                    }
                } else if icon_button(ui, icons::X, &format!("Remove {}", person.name), None).clicked() {
                    share.removing = Some(person.id);
                }
            }
            pill(ui, role_word(person.role), tokens.muted);
            if is_presenter {
                pill(ui, "presenting", tokens.accent);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = if is_me { format!("{} (you)", person.name) } else { person.name.clone() };
                ui.add(egui::Label::new(name).truncate());
            });
        });
    });
    if let Some(link) = &person.link {
        let rtt_ms = link.rtt.as_secs_f64() * 1e3;
        let (word, ink) = quality(rtt_ms, link.loss);
        let colour = match ink {
            Quality::Good => tokens.ok,
            Quality::Fair => tokens.warn,
            Quality::Poor => tokens.danger,
        };
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(RichText::new(word).small().color(colour));
            let figures = format!(
                "{rtt_ms:.0} ms \u{2022} {:.1} Mbit/s \u{2022} {:.1} % lost",
                link.bitrate_bps / 1e6,
                link.loss * 100.0
            );
            ui.label(RichText::new(figures).small().weak());
        });
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Quality {
    Good,
    Fair,
    Poor,
}

/// How a link feels: up to 80 ms and 1 % lost it goes unnoticed, beyond 250 ms or 5 % steering is hard.
fn quality(rtt_ms: f64, loss: f32) -> (&'static str, Quality) {
    if rtt_ms > 250.0 || loss > 0.05 {
        ("Poor link", Quality::Poor)
    } else if rtt_ms > 80.0 || loss > 0.01 {
        ("Fair link", Quality::Fair)
    } else {
        ("Good link", Quality::Good)
    }
}

/// The colour of a participant in lists and at their pointer.
pub fn person_colour(tokens: &Tokens, id: u32) -> Color32 {
    const HUES: [Color32; 6] = [
        Color32::from_rgb(0x4c, 0x9a, 0xff),
        Color32::from_rgb(0x3f, 0xb6, 0x8b),
        Color32::from_rgb(0xe5, 0x8f, 0x0a),
        Color32::from_rgb(0xb1, 0x84, 0xf0),
        Color32::from_rgb(0xf0, 0x80, 0x6a),
        Color32::from_rgb(0x35, 0xb8, 0xc9),
    ];
    let hue = HUES[id as usize % HUES.len()];
    if tokens.is_dark { hue } else { mix(hue, Color32::BLACK, 0.3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_follows_delay_and_loss() {
        assert_eq!(quality(20.0, 0.0).1, Quality::Good);
        assert_eq!(quality(100.0, 0.0).1, Quality::Fair);
        assert_eq!(quality(20.0, 0.03).1, Quality::Fair);
        assert_eq!(quality(300.0, 0.0).1, Quality::Poor);
        assert_eq!(quality(20.0, 0.2).1, Quality::Poor);
    }
}

//! How fast the picture is, what is in it and what was left out.

use crate::desktop::panels::overlay::corner;
use crate::desktop::state::View;
use crate::desktop::widgets::{overlay_card, short_count};
use egui::{Align2, Rect, RichText, Ui, Vec2};
use rr_engine::{Pass, PictureStats};

const WIDTH: f32 = 208.0;
/// Room before what belongs to the line above.
const INDENT: f32 = 10.0;

/// One line.
#[derive(Debug, Clone, PartialEq)]
enum Row {
    /// A name and its value.
    Fact(&'static str, String),
    /// A part of the fact above.
    Part(&'static str, String),
    /// Without a number.
    Note(&'static str),
    Gap,
}

/// Draws the figures into the corner of `area`.
pub fn show(ui: &Ui, area: Rect, view: &View<'_>) {
    let at = area.left_top() + Vec2::new(12.0, 12.0);
    corner("figures", Align2::LEFT_TOP, at, area).interactable(false).show(ui.ctx(), |ui| {
        overlay_card(ui).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for row in rows(&view.status.picture, view.status.share.is_some()) {
                draw(ui, row);
            }
        });
    });
}

fn draw(ui: &mut Ui, row: Row) {
    let (indent, name, value) = match row {
        Row::Fact(name, value) => (0.0, name, value),
        Row::Part(name, value) => (INDENT, name, value),
        Row::Note(name) => (0.0, name, String::new()),
        Row::Gap => {
            ui.add_space(4.0);
            return;
        }
    };
    ui.horizontal(|ui| {
        ui.set_width(WIDTH);
        ui.add_space(indent);
        ui.label(RichText::new(name).small().weak());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(value).small());
        });
    });
}

fn rows(picture: &PictureStats, is_shared: bool) -> Vec<Row> {
    let drawn = &picture.drawn;
    let ms = |ms: f32| format!("{ms:.1} ms");
    let mut all = vec![
        Row::Fact("Rendered", format!("{:.0} frames/s", picture.rendered_fps)),
        Row::Fact("Render", ms(picture.render_ms)),
    ];
    let saved = picture.economy.told();
    for (i, part) in saved.split(", ").filter(|s| !s.is_empty()).enumerate() {
        all.push(Row::Fact(if i == 0 { "Saved in motion" } else { "" }, part.to_owned()));
    }
    if drawn.rest_frames > 1 {
        all.push(Row::Fact("Smoothed at rest", format!("{} frames", drawn.rest_frames)));
    }
    for (i, stream) in picture.streams.iter().enumerate().filter(|_| is_shared) {
        let what = format!("{} px, {:.0}/s", stream.size_px.1, stream.fps);
        all.push(Row::Fact(if i == 0 { "Streamed" } else { "" }, what));
        all.push(Row::Part("Bitrate", format!("{:.1} Mbit/s", stream.bitrate_bps / 1e6)));
        all.push(Row::Part("Encode", ms(stream.encode_ms)));
        all.push(Row::Part("Encoder", stream.encoder.clone()));
        all.push(Row::Part("Viewers", stream.viewers.to_string()));
    }
    if let Some(total) = drawn.times.total_ms() {
        all.extend([Row::Gap, Row::Fact("Graphics device", ms(total))]);
        let passes = Pass::ALL.into_iter().filter_map(|pass| Some((pass, drawn.times.ms(pass)?)));
        all.extend(passes.filter(|(_, ms)| *ms > 0.0).map(|(pass, took)| Row::Part(pass_word(pass), ms(took))));
    }
    all.extend([Row::Gap, Row::Fact("Objects drawn", short_count(drawn.instances.into()))]);
    if drawn.stand_ins > 0 {
        all.push(Row::Part("Devices in coarse shape", short_count(drawn.stand_ins.into())));
    }
    if drawn.culled > 0 {
        all.push(Row::Fact("Objects left out", short_count(drawn.culled.into())));
    }
    let reasons = [
        ("Outside the picture", drawn.culled_outside),
        ("Too small", drawn.culled_small),
        ("Behind others", drawn.culled_hidden),
        ("Cut away", drawn.culled_by_section),
    ];
    let reasons = reasons.into_iter().filter(|(_, count)| *count > 0);
    all.extend(reasons.map(|(name, count)| Row::Part(name, short_count(count.into()))));
    if drawn.culled_on_device {
        all.push(Row::Note("Culled on the graphics card"));
    }
    all.extend([
        Row::Gap,
        Row::Fact("Triangles", short_count(drawn.triangles)),
        Row::Fact("Draw calls", drawn.draw_calls.to_string()),
    ]);
    all
}

fn pass_word(pass: Pass) -> &'static str {
    match pass {
        Pass::Shadow => "Shadow",
        Pass::Main => "Faces and edges",
        Pass::Ambient => "Shading of corners",
        Pass::Average => "Smoothing",
        Pass::Connections => "Connections",
        Pass::Marks => "Marks",
        Pass::Overlay => "Labels and outlines",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_engine::{RenderStats, StreamStatus};

    #[test]
    fn only_what_was_measured_and_what_is_left_out_takes_room() {
        let plain = rows(&PictureStats::default(), false);
        assert!(!plain.iter().any(|r| matches!(r, Row::Part(..) | Row::Note(_))), "{plain:?}");
        let times = [(Pass::Main, 2.25), (Pass::Overlay, 0.5)].into_iter().collect();
        let drawn =
            RenderStats { culled: 9, culled_hidden: 9, culled_on_device: true, times, ..RenderStats::default() };
        let stream = StreamStatus { size_px: (1280, 720), fps: 29.6, viewers: 4, ..StreamStatus::default() };
        let full = rows(&PictureStats { drawn, streams: vec![stream], ..PictureStats::default() }, true);
        let has = |row: Row| assert!(full.contains(&row), "{row:?} of {full:?}");
        has(Row::Fact("Graphics device", "2.8 ms".into()));
        has(Row::Part("Labels and outlines", "0.5 ms".into()));
        has(Row::Fact("Streamed", "720 px, 30/s".into()));
        has(Row::Part("Viewers", "4".into()));
        has(Row::Part("Behind others", "9".into()));
        has(Row::Note("Culled on the graphics card"));
        assert!(!full.iter().any(|r| matches!(r, Row::Part("Shadow" | "Too small", _))), "{full:?}");
    }
}

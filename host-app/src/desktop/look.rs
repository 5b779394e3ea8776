//! Colours, fonts and spacing of the window: the tokens of the visual language, for dark and light surroundings.
//!
//! What the viewport draws too (background, text, muted, accent) comes from [`rr_engine::Theme`], so that picture and
//! chrome cannot drift apart.

use super::icons;
use egui::{Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle};
use rr_engine::Theme;
use std::sync::Arc;

/// Family of emphasised text.
const SEMIBOLD: &str = "semibold";

/// The colours everything is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// True for light text on dark ground.
    pub is_dark: bool,
    /// Behind everything, and in text fields.
    pub bg: Color32,
    /// Panels.
    pub panel: Color32,
    /// Buttons and cards.
    pub raised: Color32,
    /// Borders.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text of less weight.
    pub muted: Color32,
    /// Selection, links, the main button.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Good.
    pub ok: Color32,
    /// Needs a look.
    pub warn: Color32,
    /// Went wrong.
    pub danger: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

const fn of_theme(colour: rr_scene::Rgba8) -> Color32 {
    let [r, g, b, _] = colour.0;
    Color32::from_rgb(r, g, b)
}

impl Tokens {
    /// Light on dark.
    pub const DARK: Self = Self {
        is_dark: true,
        bg: of_theme(Theme::DARK.background_top),
        panel: rgb(0x1c_21_28),
        raised: rgb(0x25_2b_34),
        line: rgb(0x32_3a_46),
        text: of_theme(Theme::DARK.label_text),
        muted: of_theme(Theme::DARK.hover),
        accent: of_theme(Theme::DARK.accent),
        on_accent: rgb(0x0b_12_1c),
        ok: rgb(0x3f_b6_8b),
        warn: rgb(0xe5_a5_0a),
        danger: rgb(0xf0_6a_62),
    };

    /// Dark on light.
    pub const LIGHT: Self = Self {
        is_dark: false,
        bg: rgb(0xf6_f7_f9),
        panel: rgb(0xff_ff_ff),
        raised: rgb(0xee_f1_f5),
        line: rgb(0xd5_db_e3),
        text: of_theme(Theme::LIGHT.label_text),
        muted: of_theme(Theme::LIGHT.hover),
        accent: of_theme(Theme::LIGHT.accent),
        on_accent: rgb(0xff_ff_ff),
        ok: rgb(0x1b_76_56),
        warn: rgb(0x8a_60_00),
        danger: rgb(0xc2_33_2c),
    };

    /// The tokens that a context shows.
    pub fn of(ctx: &egui::Context) -> Self {
        match ctx.theme() {
            egui::Theme::Dark => Self::DARK,
            egui::Theme::Light => Self::LIGHT,
        }
    }

    /// Colours of the picture that go with these.
    pub fn picture(&self) -> Theme {
        if self.is_dark { Theme::DARK } else { Theme::LIGHT }
    }

    /// Ground of what is selected.
    pub fn selected(&self) -> Color32 {
        mix(self.panel, self.accent, if self.is_dark { 0.30 } else { 0.16 })
    }
}

/// The way from one colour to another.
pub fn mix(from: Color32, to: Color32, t: f32) -> Color32 {
    from.lerp_to_gamma(to, t)
}

/// Emphasised text.
pub fn strong(text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text).family(FontFamily::Name(SEMIBOLD.into()))
}

/// Puts fonts and both styles into a context.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(egui::Theme::Dark, style(&Tokens::DARK));
    ctx.set_style_of(egui::Theme::Light, style(&Tokens::LIGHT));
    ctx.options_mut(|options| options.fallback_theme = egui::Theme::Dark);
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8]| {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    };
    add("Inter", include_bytes!("../../assets/fonts/Inter-Regular-Tabular.otf"));
    add("Inter SemiBold", include_bytes!("../../assets/fonts/Inter-SemiBold-Tabular.otf"));
    add("Phosphor", include_bytes!("../../assets/fonts/Phosphor.ttf"));
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with_fallback = |name: &str| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(fallback.iter().cloned()).chain(["Phosphor".to_owned()]).collect()
    };
    let families = [
        (FontFamily::Proportional, with_fallback("Inter")),
        (FontFamily::Name(SEMIBOLD.into()), with_fallback("Inter SemiBold")),
        (FontFamily::Name(icons::FAMILY.into()), vec!["Phosphor".to_owned(), "Inter".to_owned()]),
        (FontFamily::Monospace, vec!["Inter".to_owned(), "Phosphor".to_owned()]),
    ];
    fonts.families.extend(families);
    fonts
}

fn style(tokens: &Tokens) -> egui::Style {
    let mut style = egui::Style {
        visuals: if tokens.is_dark { egui::Visuals::dark() } else { egui::Visuals::light() },
        // Nothing moves unless it tells something.
        animation_time: 0.08,
        ..egui::Style::default()
    };
    let sizes = [
        (TextStyle::Small, FontId::proportional(11.5)),
        (TextStyle::Body, FontId::proportional(13.0)),
        (TextStyle::Button, FontId::proportional(13.0)),
        (TextStyle::Monospace, FontId::monospace(12.0)),
        (TextStyle::Heading, FontId::new(15.0, FontFamily::Name(SEMIBOLD.into()))),
    ];
    style.text_styles = sizes.into();
    style.drag_value_text_style = TextStyle::Body;
    style.explanation_tooltips = false;

    let spacing = &mut style.spacing;
    spacing.item_spacing = egui::vec2(8.0, 6.0);
    spacing.button_padding = egui::vec2(8.0, 4.0);
    spacing.interact_size = egui::vec2(28.0, 26.0);
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(6);
    spacing.indent = 16.0;
    spacing.icon_spacing = 6.0;
    spacing.combo_width = 96.0;
    spacing.tooltip_width = 320.0;
    spacing.scroll = egui::style::ScrollStyle { bar_width: 8.0, ..egui::style::ScrollStyle::floating() };

    let interaction = &mut style.interaction;
    interaction.tooltip_delay = 0.35;
    interaction.selectable_labels = false;

    let visuals = &mut style.visuals;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(tokens.muted);
    visuals.hyperlink_color = tokens.accent;
    visuals.faint_bg_color = mix(tokens.panel, tokens.raised, 0.5);
    visuals.extreme_bg_color = tokens.bg;
    visuals.text_edit_bg_color = Some(tokens.bg);
    visuals.code_bg_color = tokens.bg;
    visuals.warn_fg_color = tokens.warn;
    visuals.error_fg_color = tokens.danger;
    visuals.window_fill = tokens.panel;
    visuals.panel_fill = tokens.panel;
    visuals.window_stroke = Stroke::new(1.0, tokens.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    let shade = Color32::from_black_alpha(if tokens.is_dark { 110 } else { 40 });
    visuals.window_shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: shade };
    visuals.popup_shadow = Shadow { offset: [0, 4], blur: 14, spread: 0, color: shade };
    visuals.selection.bg_fill = tokens.selected();
    visuals.selection.stroke = Stroke::new(1.0, tokens.text);
    visuals.text_cursor.stroke = Stroke::new(2.0, tokens.accent);
    visuals.indent_has_left_vline = false;
    visuals.slider_trailing_fill = true;
    visuals.disabled_alpha = 0.45;

    let radius = CornerRadius::same(6);
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = radius;
        widget.expansion = 0.0;
        widget.fg_stroke = Stroke::new(1.0, tokens.text);
        widget.bg_stroke = Stroke::new(1.0, tokens.line);
        widget.bg_fill = tokens.raised;
        widget.weak_bg_fill = tokens.raised;
    }
    widgets.noninteractive.bg_fill = tokens.panel;
    widgets.noninteractive.weak_bg_fill = tokens.panel;
    let pressed = mix(tokens.raised, tokens.accent, 0.22);
    widgets.hovered.bg_fill = mix(tokens.raised, tokens.text, 0.08);
    widgets.hovered.weak_bg_fill = widgets.hovered.bg_fill;
    widgets.hovered.bg_stroke = Stroke::new(1.0, mix(tokens.line, tokens.muted, 0.6));
    widgets.active.bg_fill = pressed;
    widgets.active.weak_bg_fill = pressed;
    widgets.active.bg_stroke = Stroke::new(1.0, tokens.accent);
    widgets.open.bg_fill = widgets.hovered.bg_fill;
    widgets.open.weak_bg_fill = widgets.hovered.bg_fill;
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(c: Color32) -> f32 {
        let linear = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_on_every_ground() {
        for tokens in [Tokens::DARK, Tokens::LIGHT] {
            for ground in [tokens.bg, tokens.panel, tokens.raised] {
                for text in [tokens.text, tokens.muted, tokens.ok, tokens.warn, tokens.danger] {
                    let found = contrast(text, ground);
                    assert!(found >= 4.5, "{text:?} on {ground:?} has {found:.2}");
                }
            }
            assert!(contrast(tokens.text, tokens.selected()) >= 4.5);
            assert!(contrast(tokens.on_accent, tokens.accent) >= 4.5);
            assert!(contrast(tokens.accent, tokens.panel) >= 3.0);
        }
    }

    #[test]
    fn the_picture_and_the_chrome_share_their_colours() {
        assert_eq!(Tokens::DARK.bg, rgb(0x14_17_1c));
        assert_eq!(Tokens::DARK.text, rgb(0xe6_ea_f0));
        assert_eq!(Tokens::LIGHT.accent, rgb(0x1f_6f_eb));
        assert_eq!(Tokens::LIGHT.muted, rgb(0x5b_66_75));
    }

    #[test]
    fn every_icon_is_in_the_font() {
        let ctx = egui::Context::default();
        install(&ctx);
        ctx.run_ui(egui::RawInput::default(), |_| {}).textures_delta.clear();
        let id = FontId::new(16.0, FontFamily::Name(icons::FAMILY.into()));
        ctx.fonts_mut(|fonts| {
            for glyph in icons::ALL {
                assert!(fonts.has_glyphs(&id, glyph), "no icon {:?}", glyph.escape_unicode().to_string());
            }
        });
    }

    #[test]
    fn figures_are_all_equally_wide() {
        let ctx = egui::Context::default();
        install(&ctx);
        ctx.run_ui(egui::RawInput::default(), |_| {}).textures_delta.clear();
        let id = FontId::proportional(13.0);
        ctx.fonts_mut(|fonts| {
            let widths: Vec<f32> = ('0'..='9').map(|c| fonts.glyph_width(&id, c)).collect();
            assert!(widths.iter().all(|w| (w - widths[0]).abs() < 1e-3), "{widths:?}");
        });
    }
}

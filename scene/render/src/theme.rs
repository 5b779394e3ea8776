//! Colours of the viewport, after the tokens of the visual language.

use rr_scene::{DeviceKind, Rgba8};

/// The colours a [`crate::Renderer`] draws with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Theme {
    /// Background at the top of the picture.
    pub background_top: Rgba8,
    /// Background at the bottom of the picture.
    pub background_bottom: Rgba8,
    /// Fine grid lines; alpha is their strength.
    pub grid_minor: Rgba8,
    /// Every tenth grid line; alpha is its strength.
    pub grid_major: Rgba8,
    /// Shadow on the floor; alpha is its strength.
    pub shadow: Rgba8,
    /// Feature edges, laid over the face; alpha is their strength.
    pub edge: Rgba8,
    /// Curves of wireframe models that have no colour of their own.
    pub line: Rgba8,
    /// Faces that have no colour of their own.
    pub material: Rgba8,
    /// Outline of selected devices.
    pub accent: Rgba8,
    /// Outline of the device under the pointer.
    pub hover: Rgba8,
    /// Text of labels.
    pub label_text: Rgba8,
    /// Plate behind labels.
    pub label_plate: Rgba8,
    /// Text of the labels of selected devices, on a plate in [`Theme::accent`].
    pub label_selected: Rgba8,
}

const fn rgb(hex: u32, alpha: u8) -> Rgba8 {
    let [_, r, g, b] = hex.to_be_bytes();
    Rgba8([r, g, b, alpha])
}

impl Theme {
    /// For dark surroundings; the default.
    pub const DARK: Self = Self {
        background_top: rgb(0x14_17_1c, 255),
        background_bottom: rgb(0x2a_30_39, 255),
        grid_minor: rgb(0x9a_a4_b2, 38),
        grid_major: rgb(0x9a_a4_b2, 92),
        shadow: rgb(0x00_00_00, 150),
        edge: rgb(0x0a_0c_10, 150),
        line: rgb(0xe6_ea_f0, 255),
        material: rgb(0xb8_bc_c4, 255),
        accent: rgb(0x4c_9a_ff, 255),
        hover: rgb(0x9a_a4_b2, 255),
        label_text: rgb(0xe6_ea_f0, 255),
        label_plate: rgb(0x32_3a_46, 225),
        label_selected: rgb(0x0b_12_1c, 255),
    };

    /// For bright surroundings.
    pub const LIGHT: Self = Self {
        background_top: rgb(0xff_ff_ff, 255),
        background_bottom: rgb(0xdd_e2_ea, 255),
        grid_minor: rgb(0x5b_66_75, 40),
        grid_major: rgb(0x5b_66_75, 98),
        shadow: rgb(0x1a_1f_27, 105),
        edge: rgb(0x14_18_20, 150),
        line: rgb(0x1a_1f_27, 255),
        material: rgb(0xb8_bc_c4, 255),
        accent: rgb(0x1f_6f_eb, 255),
        hover: rgb(0x5b_66_75, 255),
        label_text: rgb(0x1a_1f_27, 255),
        label_plate: rgb(0xff_ff_ff, 225),
        label_selected: rgb(0xff_ff_ff, 255),
    };

    /// Colour of a device's faces where its file gives none: the material, tinted a little by what the device is.
    pub fn kind_colour(&self, kind: &DeviceKind) -> Rgba8 {
        let tint = match kind {
            DeviceKind::Conveyor => rgb(0x7f_a8_c9, 255),
            DeviceKind::RobotArm => rgb(0xe0_9a_4e, 255),
            DeviceKind::MachiningCell => rgb(0x8f_b5_a3, 255),
            DeviceKind::Pallet => rgb(0xc2_a0_76, 255),
            DeviceKind::Sensor => rgb(0xa9_93_cf, 255),
            DeviceKind::WorkCenter => rgb(0x9f_b0_d0, 255),
            DeviceKind::ProductionLine | DeviceKind::Equipment | DeviceKind::Other(_) => return self.material,
        };
        let mix = |i: usize| {
            let (a, b) = (u16::from(self.material.0[i]), u16::from(tint.0[i]));
            // 9/20 of the tint reads as a hue and stays quiet.
            u8::try_from((a * 11 + b * 9) / 20).unwrap_or(u8::MAX)
        };
        Rgba8([mix(0), mix(1), mix(2), 255])
    }

    /// Colour of a connection of that type; the same type has the same colour everywhere.
    pub fn connection_colour(&self, kind: &str) -> Rgba8 {
        const HUES: [u32; 7] = [0x4c_9a_ff, 0x3f_b6_8b, 0xe5_a5_0a, 0xb1_84_f0, 0xf0_80_6a, 0x35_b8_c9, 0xd4_7f_b8];
        let index = match kind {
            "production_flow" => 0,
            "material" | "material_flow" => 1,
            "power" | "energy" => 2,
            "data" | "signal" | "control" => 3,
            other => other.bytes().fold(5usize, |h, b| h.wrapping_mul(31).wrapping_add(usize::from(b))) % HUES.len(),
        };
        let colour = rgb(HUES[index], 255);
        let is_light = self.background_top.0[1] > 128;
        // Bright hues are too faint on a white floor.
        if is_light { Rgba8([scale(colour.0[0]), scale(colour.0[1]), scale(colour.0[2]), 255]) } else { colour }
    }
}

fn scale(v: u8) -> u8 {
    u8::try_from(u16::from(v) * 3 / 4).unwrap_or(u8::MAX)
}

impl Default for Theme {
    fn default() -> Self {
        Self::DARK
    }
}

/// An sRGB colour as the shaders take it: still encoded, 0 to 1.
pub(crate) fn unit(colour: Rgba8) -> [f32; 4] {
    colour.0.map(|v| f32::from(v) / 255.0)
}

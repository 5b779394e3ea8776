//! The colours that the equipment shares.

use crate::kit::Rgb;

/// Painted frames and doors.
pub const BLUE: Rgb = Rgb(38, 92, 158);
/// Housings.
pub const LIGHT: Rgb = Rgb(222, 225, 228);
/// Second housing colour, machine beds.
pub const GREY: Rgb = Rgb(134, 142, 152);
/// Plinths, inner walls, motors.
pub const DARK: Rgb = Rgb(58, 63, 71);
/// Rubber, belts, cable covers.
pub const BLACK: Rgb = Rgb(32, 34, 38);
/// Turned and ground parts.
pub const STEEL: Rgb = Rgb(186, 191, 197);
/// Anodised profiles.
pub const ALUMINIUM: Rgb = Rgb(204, 208, 212);
/// Robot arms.
pub const ORANGE: Rgb = Rgb(240, 120, 24);
/// Guards, marks on the floor.
pub const YELLOW: Rgb = Rgb(244, 190, 22);
/// Stop buttons, red lamps.
pub const RED: Rgb = Rgb(206, 40, 36);
/// Start buttons, green lamps.
pub const GREEN: Rgb = Rgb(44, 160, 84);
/// Window panes and screens.
pub const GLASS: Rgb = Rgb(86, 128, 152);
/// Screens that are on.
pub const SCREEN: Rgb = Rgb(24, 58, 92);
/// Pallets.
pub const WOOD: Rgb = Rgb(200, 160, 108);
/// Boxes.
pub const CARTON: Rgb = Rgb(181, 136, 88);
/// Strips of tape.
pub const TAPE: Rgb = Rgb(222, 200, 160);
/// Castings of presses and lathes.
pub const MINT: Rgb = Rgb(98, 152, 136);
/// Bright housings with a warm tone.
pub const CREAM: Rgb = Rgb(232, 226, 210);
/// Pipes and coils.
pub const COPPER: Rgb = Rgb(184, 115, 62);
/// Valves and pumps.
pub const PETROL: Rgb = Rgb(22, 104, 116);
/// Cartons of another maker.
pub const PALE_CARTON: Rgb = Rgb(205, 170, 122);

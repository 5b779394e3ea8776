//! Phosphor icons by name: characters of the bundled icon font.

/// Family of the icon font in egui.
pub const FAMILY: &str = "icons";

/// An icon as text, at the size that goes with body text.
pub fn icon(glyph: &str) -> egui::RichText {
    sized(glyph, 16.0)
}

/// An icon of another size.
pub fn sized(glyph: &str, size: f32) -> egui::RichText {
    egui::RichText::new(glyph).font(egui::FontId::new(size, egui::FontFamily::Name(FAMILY.into())))
}

/// The icon of a kind of device.
pub fn of_kind(kind: &rr_scene::DeviceKind) -> &'static str {
    use rr_scene::DeviceKind as K;
    match kind {
        K::ProductionLine => FACTORY,
        K::WorkCenter => HAMMER,
        K::RobotArm => ROBOT,
        K::Conveyor => ROWS,
        K::MachiningCell => GEAR,
        K::Pallet => PACKAGE,
        K::Sensor => BROADCAST,
        K::Equipment | K::Other(_) => CUBE,
    }
}

macro_rules! icons {
    ($($name:ident = $code:literal),* $(,)?) => {
        $(#[doc = concat!("Character ", $code)] pub const $name: &str = $code;)*
        /// Every icon that is used; a test looks each up in the font.
        #[cfg(test)]
        pub const ALL: &[&str] = &[$($name),*];
    };
}

icons! {
    BOOKMARK = "\u{e0ea}",
    BROADCAST = "\u{e0f2}",
    CAMERA = "\u{e10e}",
    CARET_DOWN = "\u{e136}",
    CARET_RIGHT = "\u{e13a}",
    CARET_UP = "\u{e13c}",
    CHECK_CIRCLE = "\u{e184}",
    COPY = "\u{e1ca}",
    CORNERS_OUT = "\u{e1d0}",
    CUBE = "\u{e1da}",
    CUBE_FOCUS = "\u{ed0a}",
    FACTORY = "\u{e760}",
    FILE = "\u{e230}",
    FILE_PLUS = "\u{e236}",
    FLIP = "\u{ed6a}",
    FLOPPY = "\u{e248}",
    FLOPPY_BACK = "\u{eaf4}",
    FLOW_ARROW = "\u{e6ec}",
    FOLDER_OPEN = "\u{e256}",
    GEAR = "\u{e272}",
    HAMMER = "\u{e80e}",
    IMPORT = "\u{e5dc}",
    INFO = "\u{e2ce}",
    LIST = "\u{e2f0}",
    MAGNIFIER = "\u{e30c}",
    MOON = "\u{e330}",
    PACKAGE = "\u{e390}",
    PLUS = "\u{e3d4}",
    PRESENTATION = "\u{e654}",
    REDO = "\u{e08c}",
    ROBOT = "\u{e762}",
    ROWS = "\u{e5a2}",
    RULER = "\u{e6b8}",
    SHARE = "\u{e408}",
    SHIELD_WARNING = "\u{e412}",
    SIDEBAR = "\u{ec24}",
    SQUARE_HALF = "\u{e462}",
    STOP = "\u{e46e}",
    SUN = "\u{e472}",
    TRASH = "\u{e4a6}",
    UNDO = "\u{e08a}",
    USER = "\u{e4c2}",
    WARNING = "\u{e4e0}",
    WARNING_CIRCLE = "\u{e4e2}",
    X = "\u{e4f6}",
}

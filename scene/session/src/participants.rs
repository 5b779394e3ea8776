//! The people in a session.

use glam::Vec2;
use rr_scene::Role;

/// Names a participant for as long as the session lives; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParticipantId(pub u32);

/// Somebody in the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Participant {
    /// Unique in the session.
    pub id: ParticipantId,
    /// Shown to people.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where their pointer is in the picture: 0 to 1 from the top left.
    pub pointer: Option<Vec2>,
    /// Sender's clock of the last pointer or drag message: later ones may arrive earlier and are then ignored.
    pub(crate) last_pointer_ms: f64,
    pub(crate) last_drag_ms: f64,
    pub(crate) last_section_ms: f64,
    /// By which they are known when they come again.
    pub(crate) key: Option<String>,
}

/// Longest name in characters.
const MAX_NAME_CHARS: usize = 40;

/// A name fit to be shown: no control characters, not too long; none is left of an empty one.
pub(crate) fn shown_name(name: &str) -> Option<String> {
    let clean: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// A name for somebody who gave none, which nobody else has.
pub(crate) fn guest_name(id: ParticipantId, is_taken: impl Fn(&str) -> bool) -> String {
    let mut number = id.0;
    loop {
        let name = format!("Guest {number}");
        if !is_taken(&name) {
            return name;
        }
        number = number.wrapping_add(1);
    }
}

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
}

/// Longest name in characters.
const MAX_NAME_CHARS: usize = 40;

/// A name fit to be shown: no control characters, not too long, never empty.
pub(crate) fn shown_name(name: &str, id: ParticipantId) -> String {
    let clean: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    let clean = clean.trim();
    if clean.is_empty() { format!("Guest {}", id.0) } else { clean.to_owned() }
}

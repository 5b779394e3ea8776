//! What a share link says. Signing and checking is done where the keys are, in `rr-signal`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks, points, reads details.
    Viewer,
    /// Selects, moves devices, makes connections, takes control.
    Engineer,
    /// Adds and deletes devices, manages people and links.
    Admin,
}

/// Payload of a share link's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// What its bearer may do.
    pub role: Role,
    /// Seconds since 1970-01-01 UTC after which it is refused.
    pub exp: u64,
    /// Names the link, so that it can be withdrawn.
    pub id: String,
}

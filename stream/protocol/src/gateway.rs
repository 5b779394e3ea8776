//! What a gateway takes and answers over HTTP. The OpenAPI document is made from these types.

use super::token::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Body of `POST /allocate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allocate {
    /// What the session belongs to, and the user has a right in: 1 to 40 small letters, digits and hyphens.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z0-9-]{1,40}$"))]
    pub project: String,
    /// What the link's bearer may do; at most, and without it, what the user may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Answer of `POST /allocate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allocated {
    /// Its name.
    pub session: String,
    /// Opens it in a browser. Whoever has it may come in.
    pub link: String,
    /// What its bearer may do.
    pub role: Role,
    /// Place in the queue, 1 is the next one; none when it need not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u32>,
    /// How long that may take, seconds; none where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_secs: Option<u32>,
}

/// One of `GET /workers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerView {
    /// Its name.
    pub worker: String,
    /// Program and version.
    pub program: String,
    /// The replica that it is connected to, or was.
    pub replica: String,
    /// Its control connection is open.
    pub connected: bool,
    /// It gets no more sessions.
    pub draining: bool,
    /// Most sessions.
    pub capacity: u32,
    /// Sessions that it serves.
    pub sessions: u32,
    /// People who watch there.
    pub viewers: u32,
    /// Busy processors over the last minute; 1 is all of them.
    pub load: f64,
    /// When it first came, milliseconds since 1970 (UTC).
    pub joined_ms: u64,
    /// When it was heard of last, milliseconds since 1970 (UTC).
    pub seen_ms: u64,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SessionState {
    /// For a worker.
    Waiting,
    /// A worker serves it.
    Placed,
}

/// One of `GET /sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Its name.
    pub session: String,
    /// Whose it is; empty where a link without a user began it.
    pub owner: String,
    /// What it belongs to.
    pub project: String,
    /// Where it stands.
    pub state: SessionState,
    /// Place in the queue while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u32>,
    /// Who serves it; administrators see this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// People who watch.
    pub viewers: u32,
    /// When it was wanted first, milliseconds since 1970 (UTC).
    pub opened_ms: u64,
}

/// Answer of `GET /health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Of the program.
    pub version: String,
    /// Which replica answers.
    pub replica: String,
}

/// Body of every answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiError {
    /// For people.
    pub error: String,
}

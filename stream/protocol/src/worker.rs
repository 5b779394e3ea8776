//! Between a worker and its gateway: joining over HTTPS, then one WebSocket with a certificate on either side
//! (`GET /workers/control`), which the worker opens.
//!
//! ```text
//! worker                                     gateway
//!   POST /workers/join {token, csr}   ->     once, trusting whoever has the CA that the token names
//!                                     <-     {ca, certificate, ...}
//!   POST /workers/renew {csr}         ->     with the certificate so far, before that expires
//!   hello {capacity, sessions, ...}   ->
//!                                     <-     welcome {heartbeatSecs}     or  refused {message}, then close
//!   heartbeat {load, sessions}        ->
//!                                     <-     sessionOpen, sessionClose, viewerJoin, viewerOffer, ..., drain
//!   POST /workers/sessions/fetch      ->     when it opens one: what was kept of it
//!   sessionOpened, viewerAnswer, ...  ->
//!   POST /workers/sessions/keep       ->     while it changes, and at last when it is closed
//!   leaving                           ->     no more sessions; those that it has are given back by `keep`
//! ```
//!
//! Names of viewers and sessions are the gateway's; the worker sends them back as they are.

use super::signaling::{Candidate, SignalError, SignalFromHost};
use super::token::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the messages in this module. Worker and gateway of different versions do not talk.
pub const WORKER_VERSION: u32 = 3;
/// Longest message on the control socket, bytes: an offer of the longest kind and what stands around it.
pub const MAX_WORKER_MESSAGE_LEN: usize = 2 * crate::MAX_SIGNAL_LEN;
/// Longest request to join or renew, bytes.
pub const MAX_JOIN_LEN: usize = 16 * 1024;
/// Longest document that is kept of a session, bytes: the largest workspace with some properties takes 10 million.
pub const MAX_DOCUMENT_LEN: usize = 16 << 20;
/// Longest view, bytes: with everything selected it takes 700,000.
pub const MAX_VIEW_LEN: usize = 1 << 20;
/// Longest body around both, bytes: as text in JSON they may be twice as long.
pub const MAX_KEEP_LEN: usize = 2 * (MAX_DOCUMENT_LEN + MAX_VIEW_LEN) + 1024;
/// Most sessions that one worker serves.
pub const MAX_CAPACITY: u32 = 64;

/// Body of `POST /workers/join`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinRequest {
    /// Good once.
    pub token: String,
    /// Certificate signing request (PKCS #10, PEM) for the worker's own key. Names in it are not looked at.
    pub csr: String,
}

/// Body of `POST /workers/renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenewRequest {
    /// As in [`JoinRequest`].
    pub csr: String,
}

/// The answer to both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The worker's name from now on.
    pub worker: String,
    /// The gateway's certificate authority, PEM.
    pub ca: String,
    /// The worker's certificate, PEM.
    pub certificate: String,
    /// Seconds from now after which to renew it.
    pub renew_secs: u64,
    /// Seconds from now after which it is not good any more.
    pub expires_secs: u64,
}

/// What a session would lose with its worker, in two texts that a gateway does not read: the document is large and mostly as
/// it was, the view is small and changes whenever somebody turns the camera.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionState {
    /// The workspace and the steps that can be taken back, [`MAX_DOCUMENT_LEN`] at most.
    pub document: Option<String>,
    /// What people share of the view, and their seats, [`MAX_VIEW_LEN`] at most.
    pub view: Option<String>,
}

impl SessionState {
    /// There is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.document.is_none() && self.view.is_none()
    }

    /// Bytes of its texts.
    #[must_use]
    pub fn len(&self) -> usize {
        [&self.document, &self.view].into_iter().flatten().map(String::len).sum()
    }

    /// With what came before, where this says nothing.
    #[must_use]
    pub fn or(self, before: Self) -> Self {
        Self { document: self.document.or(before.document), view: self.view.or(before.view) }
    }
}

/// Body of `POST /workers/sessions/fetch`; only who has the lease of the session is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchRequest {
    /// Its name.
    pub session: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// As workers sent it last, unchanged; nothing of a session that is new.
    pub state: SessionState,
}

/// Body of `POST /workers/sessions/keep`; only from who has the lease of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepRequest {
    /// Its name.
    pub session: String,
    /// What is not as it was sent last.
    pub changes: SessionState,
    /// The worker does not serve it any more, and gives its lease back.
    pub last: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeepAnswer {}

/// Body of a refusal over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpRefusal {
    /// For people.
    pub error: String,
}

/// A session on a worker, as the worker sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLoad {
    /// Its name.
    pub session: String,
    /// Who watches now.
    pub viewers: u32,
}

/// From the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FromWorker {
    /// First message, also after a lost connection.
    Hello {
        /// [`WORKER_VERSION`].
        version: u32,
        /// Of the program, for people.
        program: String,
        /// Sessions that it serves at once.
        capacity: u32,
        /// Those that it serves now, of before the connection was lost.
        sessions: Vec<SessionLoad>,
    },
    /// As often as `welcome` says.
    Heartbeat {
        /// Busy processors: 1 is all of them.
        load: f32,
        /// All that it serves.
        sessions: Vec<SessionLoad>,
    },
    /// The session serves viewers.
    SessionOpened {
        /// Which.
        session: String,
    },
    /// It does not, and will not.
    SessionFailed {
        /// Which.
        session: String,
        /// Why.
        message: String,
    },
    /// Let in.
    ViewerJoined {
        /// Who.
        viewer: String,
    },
    /// Not let in, or an offer not taken: that is its end.
    ViewerRefused {
        /// Who.
        viewer: String,
        /// For the viewer.
        error: SignalError,
    },
    /// The answer to an offer.
    ViewerAnswer {
        /// To whom.
        viewer: String,
        /// RFC 8866.
        sdp: String,
    },
    /// A candidate or the goodbye, as it goes to the viewer.
    ViewerMessage {
        /// To whom.
        viewer: String,
        /// What.
        message: SignalFromHost,
    },
    /// The machine will be taken away.
    Notice {
        /// In so many seconds.
        in_secs: u32,
    },
    /// The worker ends: it gives its sessions back now, and takes no more.
    Leaving,
}

/// From the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ToWorker {
    /// The answer to `hello`.
    Welcome {
        /// Seconds between two heartbeats.
        heartbeat_secs: u32,
    },
    /// The last message; the gateway closes after it.
    Refused {
        /// For the log of the worker.
        message: String,
    },
    /// A session to be served. One that is served already is no error.
    SessionOpen {
        /// Its name.
        session: String,
    },
    /// A session that nobody needs any more; its viewers are told.
    SessionClose {
        /// Its name.
        session: String,
    },
    /// Somebody wants in, whom the gateway knows.
    ViewerJoin {
        /// Their name from now on.
        viewer: String,
        /// Where to.
        session: String,
        /// What they may do.
        role: Role,
        /// Names the link that they came by.
        link: String,
        /// Shown to others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// By which they are known when they come again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        return_key: Option<String>,
        /// Address and port that they come from.
        remote: String,
    },
    /// Their offer.
    ViewerOffer {
        /// Whose.
        viewer: String,
        /// RFC 8866.
        sdp: String,
    },
    /// A trickled candidate of theirs.
    ViewerCandidate {
        /// Whose.
        viewer: String,
        /// As it came.
        candidate: Candidate,
    },
    /// Their signaling has ended; their pictures may go on.
    ViewerLeft {
        /// Who.
        viewer: String,
        /// They said so: nothing goes on.
        #[serde(default)]
        goodbye: bool,
    },
    /// No more sessions will come; the worker may end when it has none left.
    Drain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_back() {
        let drain = serde_json::to_string(&ToWorker::Drain).unwrap();
        assert_eq!(serde_json::from_str::<ToWorker>(&drain).unwrap(), ToWorker::Drain);
        let hello = FromWorker::Hello { version: 1, program: "p".into(), capacity: 2, sessions: Vec::new() };
        let text = serde_json::to_string(&hello).unwrap();
        assert_eq!(text, r#"{"type":"hello","data":{"version":1,"program":"p","capacity":2,"sessions":[]}}"#);
        assert_eq!(serde_json::from_str::<FromWorker>(&text).unwrap(), hello);
    }
}

//! The conversation on one signaling socket, without the socket: messages and the time go in, [`Action`]s come out.
//!
//! ```text
//!  Hello ──join──► Joining ──welcome──► Welcomed ──offer──► Offering ──answer──► Open ──► Closed
//!    │10 s            │                   │30 s                │                   │         ▲
//!    └────────────────┴── error, close ───┴────────────────────┴── error or bye ───┴─────────┘
//! ```
//!
//! `Joining` may take long where viewers wait for a worker; they are told their place. The driver holds one message of
//! theirs until it is over, which may be the offer; what else they say is refused.
//! While `Offering` the driver does not read the socket, so that no message of the viewer can come in between. Candidates
//! of the host wait for the answer.

use crate::config::Limits;
use crate::handler::{Leave, PeerId, Refusal};
use crate::ice::IceServers;
use crate::throttle::Failures;
use crate::token::{TokenError, TokenKey};
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Bye, Candidate, Hello, Sdp, SignalFromHost, SignalFromViewer, Welcome};
use rr_protocol::token::{Claims, Role};
use rr_protocol::{MAX_SIGNAL_LEN, PROTOCOL_VERSION};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Longest name of a viewer, characters.
pub const MAX_NAME_LEN: usize = 64;
/// Longest candidate, bytes. Real ones are near 120.
pub const MAX_CANDIDATE_LEN: usize = 1024;
/// Messages that may come at once.
pub const MESSAGE_BURST: u32 = 100;
/// Messages a second that may come all the time.
pub const MESSAGE_RATE: u32 = 10;

/// Both clocks: deadlines run on the first, links expire by the second.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Never jumps.
    pub instant: Instant,
    /// The time of day.
    pub system: SystemTime,
}

impl Now {
    /// The clocks of this machine.
    pub fn read() -> Self {
        Self { instant: Instant::now(), system: SystemTime::now() }
    }
}

/// What all sockets of a server have in common.
#[derive(Debug)]
pub struct Shared {
    /// Checks tokens.
    pub key: Arc<TokenKey>,
    /// For `welcome`.
    pub ice: IceServers,
    /// Deadlines and bounds.
    pub limits: Limits,
    /// Refused tokens by address.
    pub failures: Mutex<Failures>,
}

/// What the driver does next, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send the message.
    Send(SignalFromHost),
    /// Send a WebSocket ping.
    Ping,
    /// Call the handler's `join`, then [`Machine::on_joined`].
    Join {
        /// Checked.
        claims: Claims,
        /// Checked.
        name: Option<String>,
        /// Checked.
        return_key: Option<String>,
    },
    /// Call the handler's `offer`, then [`Machine::on_answered`].
    Offer {
        /// Whose.
        peer: PeerId,
        /// As it came.
        sdp: String,
    },
    /// Call the handler's `candidate`.
    Candidate {
        /// Whose.
        peer: PeerId,
        /// Checked for length.
        candidate: Candidate,
    },
    /// Close the socket with this code (RFC 6455, 7.4.1). Nothing comes after it.
    Close(u16),
}

/// RFC 6455: the purpose is fulfilled.
pub const CLOSE_NORMAL: u16 = 1000;
/// RFC 6455: the server goes down.
pub const CLOSE_AWAY: u16 = 1001;
/// RFC 6455: a kind of data that is not accepted.
pub const CLOSE_UNSUPPORTED: u16 = 1003;
/// RFC 6455: a message violates the policy.
pub const CLOSE_POLICY: u16 = 1008;
/// RFC 6455: a message is too big.
pub const CLOSE_TOO_BIG: u16 = 1009;
/// RFC 6455: the server has trouble.
pub const CLOSE_INTERNAL: u16 = 1011;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hello { deadline: Instant },
    Joining { role: Role },
    Welcomed { peer: PeerId, deadline: Instant },
    Offering { peer: PeerId },
    Open { peer: PeerId },
    Closed,
}

/// One socket's conversation.
#[derive(Debug)]
pub struct Machine {
    shared: Arc<Shared>,
    remote: IpAddr,
    state: State,
    answered: bool,
    /// The viewer has closed the socket of its own will.
    goodbye: bool,
    /// Of the host, that came before the answer.
    early: Vec<SignalFromHost>,
    peer: Option<PeerId>,
    heard: Instant,
    pinged: Instant,
    allowance: f32,
    allowance_at: Instant,
}

impl Machine {
    /// A socket that was opened at `now` from `remote`.
    pub fn new(shared: Arc<Shared>, remote: IpAddr, now: Instant) -> Self {
        let deadline = now + shared.limits.hello_timeout;
        Self {
            shared,
            remote,
            state: State::Hello { deadline },
            answered: false,
            goodbye: false,
            early: Vec::new(),
            peer: None,
            heard: now,
            pinged: now,
            allowance: MESSAGE_BURST as f32,
            allowance_at: now,
        }
    }

    /// The peer once it joined, and how it leaves when its socket ends now: for the handler's `left`.
    pub fn peer(&self) -> Option<(PeerId, Leave)> {
        let how = match (self.answered, self.goodbye) {
            (false, _) => Leave::Early,
            (true, false) => Leave::Silent,
            (true, true) => Leave::Goodbye,
        };
        self.peer.map(|peer| (peer, how))
    }

    /// The viewer closes its socket, with this code if it says one.
    pub fn on_close(&mut self, code: Option<u16>) {
        self.goodbye = matches!(code, Some(CLOSE_NORMAL | CLOSE_AWAY));
    }

    /// A text message of the viewer.
    pub fn on_message(&mut self, now: Now, text: &str) -> Vec<Action> {
        if self.state == State::Closed {
            return Vec::new();
        }
        self.heard = now.instant;
        if text.len() > MAX_SIGNAL_LEN {
            return self.on_oversized();
        }
        if !self.take_allowance(now.instant) {
            return self.refuse(ErrorCode::TooMany, "too many signaling messages", CLOSE_POLICY);
        }
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                // Where it is wrong helps whoever writes a client; what it says may be a token and stays out.
                let place = format!("not a signaling message (line {}, column {})", error.line(), error.column());
                return self.refuse(ErrorCode::Malformed, &place, CLOSE_POLICY);
            }
        };
        match (self.state, message) {
            (State::Hello { .. }, SignalFromViewer::Hello(hello)) => self.on_hello(now, &hello),
            (State::Welcomed { peer, .. }, SignalFromViewer::Offer(Sdp { sdp })) => {
                self.state = State::Offering { peer };
                vec![Action::Offer { peer, sdp }]
            }
            (State::Open { peer }, SignalFromViewer::Candidate(candidate)) => self.on_candidate(peer, candidate),
            (State::Open { .. }, SignalFromViewer::Offer(_)) => self.refuse(
                ErrorCode::Malformed,
                "one offer a socket: open another socket for another session",
                CLOSE_POLICY,
            ),
            (State::Hello { .. }, _) => {
                self.refuse(ErrorCode::Malformed, "the first message must be hello", CLOSE_POLICY)
            }
            (_, SignalFromViewer::Hello(_)) => {
                self.refuse(ErrorCode::Malformed, "hello was said already", CLOSE_POLICY)
            }
            _ => self.refuse(ErrorCode::Malformed, "this message comes before the answer", CLOSE_POLICY),
        }
    }

    /// A binary message of the viewer.
    pub fn on_binary(&mut self) -> Vec<Action> {
        self.refuse(ErrorCode::Malformed, "signaling is text; binary messages are not taken", CLOSE_UNSUPPORTED)
    }

    /// A message of the viewer that is longer than [`MAX_SIGNAL_LEN`].
    pub fn on_oversized(&mut self) -> Vec<Action> {
        let text = format!("a signaling message holds at most {MAX_SIGNAL_LEN} bytes");
        self.refuse(ErrorCode::Malformed, &text, CLOSE_TOO_BIG)
    }

    /// A frame that is not of the WebSocket protocol, or text that is not UTF-8.
    pub fn on_protocol_error(&mut self) -> Vec<Action> {
        self.refuse(ErrorCode::Malformed, "the WebSocket data is damaged", CLOSE_POLICY)
    }

    /// A ping or pong of the viewer.
    pub fn on_alive(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The handler's reply to [`Action::Join`].
    pub fn on_joined(&mut self, now: Now, result: Result<PeerId, Refusal>) -> Vec<Action> {
        if let Ok(peer) = result {
            self.peer = Some(peer);
        }
        let State::Joining { role } = self.state else { return Vec::new() };
        match result {
            Ok(peer) => {
                self.state = State::Welcomed { peer, deadline: now.instant + self.shared.limits.offer_timeout };
                vec![Action::Send(SignalFromHost::Welcome(Welcome {
                    protocol_version: PROTOCOL_VERSION,
                    role,
                    ice_servers: self.shared.ice.for_viewer(peer, now.system),
                }))]
            }
            Err(Refusal { code, message }) => self.refuse(code, &message, close_code(code)),
        }
    }

    /// The handler's reply to [`Action::Offer`].
    pub fn on_answered(&mut self, result: Result<String, Refusal>) -> Vec<Action> {
        let State::Offering { peer } = self.state else { return Vec::new() };
        match result {
            Ok(sdp) => {
                self.state = State::Open { peer };
                self.answered = true;
                let mut actions = vec![Action::Send(SignalFromHost::Answer(Sdp { sdp }))];
                actions.extend(self.early.drain(..).map(Action::Send));
                actions
            }
            Err(Refusal { code, message }) => self.refuse(code, &message, close_code(code)),
        }
    }

    /// The handler did not reply in time.
    pub fn on_handler_stuck(&mut self) -> Vec<Action> {
        self.refuse(ErrorCode::Internal, "the host does not react; try again", CLOSE_INTERNAL)
    }

    /// The host sends on its own. A viewer without an answer cannot use candidates: they wait for it here.
    pub fn on_host_message(&mut self, message: SignalFromHost) -> Vec<Action> {
        match (self.state, &message) {
            (State::Closed, _) => Vec::new(),
            (_, SignalFromHost::Bye(_)) => self.end(message, CLOSE_NORMAL),
            (State::Open { .. }, _) | (State::Joining { .. }, SignalFromHost::Waiting(_)) => {
                vec![Action::Send(message)]
            }
            // It came in meanwhile.
            (_, SignalFromHost::Waiting(_)) => Vec::new(),
            _ if self.early.len() < self.shared.limits.outbox => {
                self.early.push(message);
                Vec::new()
            }
            _ => self.refuse(ErrorCode::Internal, "the host said too much before the answer", CLOSE_INTERNAL),
        }
    }

    /// The host ends.
    pub fn on_shutdown(&mut self, message: &str) -> Vec<Action> {
        self.end(SignalFromHost::Bye(Bye { code: ErrorCode::Closing, message: message.to_owned() }), CLOSE_AWAY)
    }

    /// Time has passed; to be called at [`Self::deadline`].
    pub fn on_tick(&mut self, now: Instant) -> Vec<Action> {
        let limits = &self.shared.limits;
        match self.state {
            State::Closed => return Vec::new(),
            State::Hello { deadline } if now >= deadline => {
                return self.refuse(ErrorCode::Malformed, "no hello came in time", CLOSE_POLICY);
            }
            State::Welcomed { deadline, .. } if now >= deadline => {
                return self.refuse(ErrorCode::Malformed, "no offer came in time", CLOSE_POLICY);
            }
            _ => {}
        }
        if now >= self.heard + limits.idle_timeout {
            // Nobody is there to read a message.
            self.state = State::Closed;
            return vec![Action::Close(CLOSE_POLICY)];
        }
        if now >= self.heard.max(self.pinged) + limits.ping_interval {
            self.pinged = now;
            return vec![Action::Ping];
        }
        Vec::new()
    }

    /// When to call [`Self::on_tick`] next.
    pub fn deadline(&self) -> Instant {
        let limits = &self.shared.limits;
        let alive = (self.heard.max(self.pinged) + limits.ping_interval).min(self.heard + limits.idle_timeout);
        match self.state {
            State::Hello { deadline } | State::Welcomed { deadline, .. } => deadline.min(alive),
            _ => alive,
        }
    }

    fn on_hello(&mut self, now: Now, hello: &Hello) -> Vec<Action> {
        if hello.protocol_version != PROTOCOL_VERSION {
            let text = format!(
                "this page speaks version {} and the host version {PROTOCOL_VERSION}: reload the page",
                hello.protocol_version
            );
            return self.refuse(ErrorCode::Invalid, &text, CLOSE_POLICY);
        }
        let claims = match self.shared.key.verify(&hello.token, now.system) {
            Ok(claims) => claims,
            Err(error) => return self.on_bad_token(now.instant, error),
        };
        let name = match hello.name.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(name) if name.chars().count() > MAX_NAME_LEN || name.chars().any(is_unprintable) => {
                let text = format!("a name has at most {MAX_NAME_LEN} characters and no control characters");
                return self.refuse(ErrorCode::Invalid, &text, CLOSE_POLICY);
            }
            Some(name) => Some(name.to_owned()),
        };
        let is_key = |key: &String| {
            (16..=64).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if hello.return_key.as_ref().is_some_and(|key| !is_key(key)) {
            return self.refuse(ErrorCode::Invalid, "returnKey is 16 to 64 letters, digits, - and _", CLOSE_POLICY);
        }
        self.state = State::Joining { role: claims.role };
        vec![Action::Join { claims, name, return_key: hello.return_key.clone() }]
    }

    fn on_bad_token(&mut self, now: Instant, error: TokenError) -> Vec<Action> {
        let refused = {
            let mut failures = self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.record(self.remote, now)
        };
        // The token itself stays out of the log: an expired one may name a link, a cut one may be completed.
        tracing::info!(remote = %self.remote, %error, refused, "share link refused");
        if refused > self.shared.limits.token_failures {
            return self.refuse(
                ErrorCode::TooMany,
                "too many wrong links from your address: wait a minute",
                CLOSE_POLICY,
            );
        }
        self.refuse(ErrorCode::Unauthorized, &error.to_string(), CLOSE_POLICY)
    }

    fn on_candidate(&mut self, peer: PeerId, candidate: Candidate) -> Vec<Action> {
        let mid_len = candidate.sdp_mid.as_ref().map_or(0, String::len);
        if candidate.candidate.len() > MAX_CANDIDATE_LEN || mid_len > MAX_CANDIDATE_LEN {
            let text = format!("a candidate has at most {MAX_CANDIDATE_LEN} bytes");
            return self.refuse(ErrorCode::Invalid, &text, CLOSE_POLICY);
        }
        vec![Action::Candidate { peer, candidate }]
    }

    fn refuse(&mut self, code: ErrorCode, message: &str, close: u16) -> Vec<Action> {
        self.end(SignalFromHost::Error(Refusal { code, message: message.to_owned() }), close)
    }

    fn end(&mut self, message: SignalFromHost, close: u16) -> Vec<Action> {
        if self.state == State::Closed {
            return Vec::new();
        }
        self.state = State::Closed;
        vec![Action::Send(message), Action::Close(close)]
    }

    /// A token bucket: [`MESSAGE_BURST`] at once, [`MESSAGE_RATE`] a second.
    fn take_allowance(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.allowance_at).min(Duration::from_secs(3600));
        self.allowance_at = now;
        self.allowance = (self.allowance + passed.as_secs_f32() * MESSAGE_RATE as f32).min(MESSAGE_BURST as f32);
        let enough = self.allowance >= 1.0;
        if enough {
            self.allowance -= 1.0;
        }
        enough
    }
}

/// Control characters, and those that turn or hide the text around them: a name is shown to others.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn close_code(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::Internal => CLOSE_INTERNAL,
        ErrorCode::Closing => CLOSE_AWAY,
        _ => CLOSE_POLICY,
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

//! The viewers of the session: who is connected, what they are told, what they ask for.

use crate::host::Host;
use crate::log::LogLevel;
use crate::pictures::stages;
use crate::sent_pictures::SentPictures;
use crate::session_thread::{Answer, Message};
use crate::sharing::{PeerEvent, ShareConfig, ShareError, Sharing};
use crate::stats_watch::StatsWatch;
use crate::status::{LinkStatus, ShareStatus};
use crate::wire;
use rr_protocol::client::{ClientBody, ClientMessage};
use rr_protocol::host::{Ack, ErrorCode, HostBody, HostError, HostMessage, Picture, StateUpdate};
use rr_rtc::SentPicture;
use rr_scene::{Role, ViewId};
use rr_session::{Changes, Newcomer, ParticipantId};
use rr_stream::EncoderReport;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Inputs of one viewer that wait for the frame that shows them.
const MAX_UNACKNOWLEDGED: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Applied {
    timestamp: f64,
    seq: Option<u64>,
    /// When its message came.
    received: Instant,
    /// The state that holds it; none until the batch it is in was published.
    revision: Option<u64>,
}

#[derive(Debug, Default)]
struct Viewer {
    /// The state channel is open and the full state was sent.
    open: bool,
    applied: VecDeque<Applied>,
    link: Option<LinkStatus>,
    long_messages: u32,
    stats: StatsWatch,
    /// Whose camera it looks through.
    view: ViewId,
    /// It wants to know what each picture shows.
    watches_pictures: bool,
    /// The last of its messages that pictures show.
    shown_seq: Option<u64>,
}

/// Everybody who joined by signaling.
#[derive(Debug, Default)]
pub(crate) struct Viewers {
    by_id: BTreeMap<ParticipantId, Viewer>,
    /// The network thread notes here what goes out.
    sent: Arc<SentPictures>,
    started: Option<Instant>,
}

impl Viewers {
    pub fn link(&self, id: ParticipantId) -> Option<LinkStatus> {
        self.by_id.get(&id)?.link
    }

    pub fn watches(&mut self) -> impl Iterator<Item = (ParticipantId, &mut StatsWatch)> {
        self.by_id.iter_mut().map(|(id, viewer)| (*id, &mut viewer.stats))
    }

    pub fn all_watches(&self) -> impl Iterator<Item = &StatsWatch> {
        self.by_id.values().map(|viewer| &viewer.stats)
    }

    /// After a viewer's inputs or wishes changed: whether anybody waits for its pictures.
    fn await_pictures(&self, id: ParticipantId) {
        if let Some(viewer) = self.by_id.get(&id) {
            self.sent.await_for(id, viewer.watches_pictures || !viewer.applied.is_empty());
        }
    }

    fn clock_ms(&mut self) -> f64 {
        self.started.get_or_insert_with(Instant::now).elapsed().as_secs_f64() * 1e3
    }
}

impl Host {
    pub fn join(&mut self, newcomer: Newcomer<'_>, answer: &Answer<ParticipantId>) {
        let (id, before) = self.session.come(Instant::now(), newcomer);
        if let Some(before) = before {
            self.remove_viewer(before, ErrorCode::Closing, "you came again");
        }
        self.viewers.by_id.insert(id, Viewer::default());
        self.viewers.sent.add(id);
        if answer.try_send(id).is_err() {
            self.gone(id);
        }
    }

    pub fn peer_event(&mut self, now: Instant, id: ParticipantId, event: PeerEvent) {
        match event {
            PeerEvent::Open => self.opened(id),
            PeerEvent::Message(bytes, received) => self.message(now, id, &bytes, received),
            PeerEvent::Oversized(len) => {
                let error = rr_protocol::client::ParseError::TooLong(len);
                self.refuse(id, ErrorCode::Malformed, error.to_string(), None);
            }
            PeerEvent::Behind => self.send_full_state(id),
            PeerEvent::Link(link) => {
                if let Some(viewer) = self.viewers.by_id.get_mut(&id) {
                    viewer.link = Some(link);
                }
            }
            PeerEvent::Sent(view, picture) => self.pictured(id, view, &picture),
            PeerEvent::Gone(reason) => {
                if let Some(p) = self.session.participant(id) {
                    self.log.add(LogLevel::Info, format!("{} left: {reason}", p.name));
                }
                self.gone(id);
            }
        }
    }

    fn opened(&mut self, id: ParticipantId) {
        let Some(viewer) = self.viewers.by_id.get_mut(&id) else { return };
        viewer.open = true;
        if let Some(p) = self.session.participant(id) {
            self.log.add(LogLevel::Info, format!("{} joined as {}", p.name, p.role));
        }
        self.send_full_state(id);
        let presence = HostBody::Presence(wire::presence(&self.session));
        self.send(id, presence);
        self.tell_picture_fault(Some(id));
    }

    /// Tells one viewer, or all, why there are no new pictures.
    pub fn tell_picture_fault(&mut self, only: Option<ParticipantId>) {
        let Some(reason) = &self.picture_fault else { return };
        let message = format!("the host cannot draw new pictures at the moment: {reason}");
        let body = HostBody::Error(HostError { code: ErrorCode::Internal, message, seq: None });
        let ids: Vec<ParticipantId> = match only {
            Some(id) => vec![id],
            None => self.viewers.by_id.iter().filter(|(_, v)| v.open).map(|(id, _)| *id).collect(),
        };
        self.send_to_all(&ids, body);
    }

    fn send_full_state(&mut self, id: ParticipantId) {
        let Some(role) = self.session.participant(id).map(|p| p.role) else { return };
        let state = wire::full_state(&self.session, self.picture, id, role);
        self.send(id, HostBody::StateFull(state));
    }

    fn message(&mut self, now: Instant, id: ParticipantId, bytes: &[u8], received: Instant) {
        let message = match ClientMessage::parse(bytes) {
            Ok(message) => message,
            Err(error) => return self.refuse(id, ErrorCode::Malformed, error.to_string(), None),
        };
        if let Some(viewer) = self.viewers.by_id.get_mut(&id) {
            match &message.body {
                ClientBody::StatsWatch(watch) => viewer.stats.set(watch.on),
                ClientBody::PictureWatch(watch) => {
                    viewer.watches_pictures = watch.on;
                    let view = viewer.view;
                    // First, so that a picture which goes out meanwhile is told at least once.
                    self.viewers.await_pictures(id);
                    if let Some(last) = self.viewers.sent.last(id, view) {
                        // There may be none for a while.
                        self.tell_picture(id, &last);
                    }
                }
                _ => {}
            }
        }
        let handled = match wire::input_from_wire(&self.session, message.body, message.timestamp) {
            Ok(Some(input)) => self.session.handle(now, id, input).map(|_| ()),
            Ok(None) => Ok(()),
            Err(refusal) => Err(refusal),
        };
        match handled {
            Ok(()) => {
                if let Some(viewer) = self.viewers.by_id.get_mut(&id) {
                    if viewer.applied.len() == MAX_UNACKNOWLEDGED {
                        viewer.applied.pop_front();
                    }
                    let (timestamp, seq) = (message.timestamp, message.seq);
                    viewer.applied.push_back(Applied { timestamp, seq, received, revision: None });
                    self.viewers.await_pictures(id);
                }
            }
            Err(refusal) => self.refuse(id, wire::error_code(&refusal), refusal.to_string(), message.seq),
        }
    }

    fn refuse(&mut self, id: ParticipantId, code: ErrorCode, message: String, seq: Option<u64>) {
        self.send(id, HostBody::Error(HostError { code, message, seq }));
    }

    /// Viewers who left the shared view or came back get the pictures of where they are now.
    pub fn follow_views(&mut self) {
        let Some(sharing) = &self.sharing else { return };
        let mut left = Vec::new();
        for (id, viewer) in &mut self.viewers.by_id {
            let view = self.session.view_of(*id);
            // Whoever comes again may have a camera before there is a connection for its pictures.
            if viewer.view == view || !viewer.open {
                continue;
            }
            viewer.view = view;
            self.viewers.sent.forget(*id);
            sharing.look_at(*id, view);
            // No picture of the old view will show these any more.
            let mut last = None;
            while let Some(applied) = viewer.applied.pop_front_if(|applied| applied.revision.is_some()) {
                last = Some(applied);
            }
            left.push((*id, last));
        }
        for (id, last) in left {
            let camera = Some(wire::camera(self.session.camera_of(id)));
            let revision = self.session.revision();
            self.send(id, HostBody::StateUpdate(StateUpdate { revision, camera, ..StateUpdate::default() }));
            if let Some(applied) = last {
                self.send_ack(id, applied, None);
            }
        }
    }

    /// Called for each published batch: inputs that change no picture are acknowledged at once, the others wait for
    /// their frame.
    pub fn acknowledge(&mut self, changes: &Changes) {
        let revision = self.session.revision();
        let mut at_once = Vec::new();
        for (id, viewer) in &mut self.viewers.by_id {
            if changes.touches_view(viewer.view) {
                viewer.applied.iter_mut().for_each(|a| _ = a.revision.get_or_insert(revision));
            } else if let Some(last) = viewer.applied.pop_back_if(|a| a.revision.is_none()) {
                while viewer.applied.pop_back_if(|a| a.revision.is_none()).is_some() {}
                at_once.push((*id, last));
            }
        }
        for (id, applied) in at_once {
            self.send_ack(id, applied, None);
        }
    }

    /// A picture goes out to a viewer: it will see what was applied before that was drawn.
    fn pictured(&mut self, id: ParticipantId, view: ViewId, picture: &SentPicture) {
        // Those of a view that it has left go on until there are some of the other.
        let Some(viewer) = self.viewers.by_id.get_mut(&id).filter(|viewer| viewer.view == view) else { return };
        let mut last = None;
        while let Some(applied) = viewer.applied.pop_front_if(|a| a.revision.is_some_and(|r| r <= picture.revision)) {
            last = Some(applied);
        }
        viewer.shown_seq = last.and_then(|applied| applied.seq).or(viewer.shown_seq);
        self.viewers.await_pictures(id);
        self.tell_picture(id, picture);
        if let Some(applied) = last {
            self.send_ack(id, applied, Some(picture));
        }
    }

    /// Tells a viewer that asked what a picture shows that went out to it.
    fn tell_picture(&mut self, id: ParticipantId, picture: &SentPicture) {
        let viewer = self.viewers.by_id.get(&id).filter(|viewer| viewer.watches_pictures);
        let Some((view, seq)) = viewer.map(|viewer| (viewer.view, viewer.shown_seq)) else { return };
        if let Some(camera) = self.cameras.get(&view).and_then(|of| of.of(picture.revision)).map(wire::camera) {
            self.send(id, HostBody::Picture(Picture { rtp_timestamp: picture.rtp_timestamp, camera, seq }));
        }
    }

    fn send_ack(&mut self, id: ParticipantId, applied: Applied, picture: Option<&SentPicture>) {
        let ack = Ack {
            input_timestamp: applied.timestamp,
            seq: applied.seq,
            frame: picture.map(|p| p.frame),
            rtp_timestamp: picture.map(|p| p.rtp_timestamp),
            stages: picture.map(|p| stages(applied.received, p)),
        };
        self.send(id, HostBody::Ack(ack));
    }

    /// Tells everybody what changed.
    pub fn broadcast(&mut self, changes: &Changes) {
        let open: Vec<ParticipantId> = self.viewers.by_id.iter().filter(|(_, v)| v.open).map(|(id, _)| *id).collect();
        if open.is_empty() {
            return;
        }
        if changes.everything {
            open.iter().for_each(|id| self.send_full_state(*id));
        } else {
            let update = wire::update(&self.session, changes);
            let (share, own): (Vec<_>, Vec<_>) =
                open.iter().partition(|id| self.session.view_of(**id) == ViewId::SHARED);
            for id in own {
                let moved = changes.own_cameras.contains(&self.session.view_of(id));
                let camera = moved.then(|| wire::camera(self.session.camera_of(id)));
                let mine = StateUpdate { camera, ..update.clone() };
                if !mine.is_empty() {
                    self.send(id, HostBody::StateUpdate(mine));
                }
            }
            if !update.is_empty() {
                self.send_to_all(&share, HostBody::StateUpdate(update));
            }
        }
        if changes.presence {
            self.send_to_all(&open, HostBody::Presence(wire::presence(&self.session)));
        }
    }

    fn send(&mut self, id: ParticipantId, body: HostBody) {
        self.send_to_all(&[id], body);
    }

    /// Serialises once for all.
    pub fn send_to_all(&mut self, ids: &[ParticipantId], body: HostBody) {
        let Some(sharing) = &self.sharing else { return };
        let full = matches!(body, HostBody::StateFull(_));
        let message = HostMessage { timestamp: self.viewers.clock_ms(), body };
        let counter = ids.iter().filter_map(|id| self.viewers.by_id.get(id)).map(|v| v.long_messages).max();
        let texts = match message.to_texts(counter.unwrap_or(0).wrapping_add(1)) {
            Ok(texts) => texts,
            Err(error) => return tracing::error!(%error, "a message could not be written"),
        };
        for id in ids {
            let Some(viewer) = self.viewers.by_id.get_mut(id).filter(|v| v.open) else { continue };
            if texts.len() > 1 {
                viewer.long_messages = counter.unwrap_or(0).wrapping_add(1);
            }
            for (index, text) in texts.iter().enumerate() {
                // The rest of a full state continues its first piece.
                sharing.send_state(*id, text, full && index == 0);
            }
        }
    }

    fn gone(&mut self, id: ParticipantId) {
        self.viewers.by_id.remove(&id);
        self.viewers.sent.remove(id);
        self.session.leave(Instant::now(), id);
    }

    /// All of them; they may come back.
    pub fn end_viewers(&mut self, reason: &str) {
        let all: Vec<ParticipantId> = self.viewers.by_id.keys().copied().collect();
        for id in all {
            self.remove_viewer(id, ErrorCode::Closing, reason);
        }
    }

    pub fn remove_viewer(&mut self, id: ParticipantId, code: ErrorCode, reason: &str) {
        if self.viewers.by_id.contains_key(&id) {
            if let Some(sharing) = &self.sharing {
                sharing.close_peer(id, code, reason);
            }
            self.gone(id);
        }
    }

    /// Binding sockets and making certificates takes its time: the session goes on meanwhile.
    pub fn start_sharing(&mut self, config: ShareConfig, answer: Answer<Result<ShareStatus, ShareError>>) {
        self.stop_sharing("the host moved to another address");
        let (sender, render) = (self.sender.clone(), self.render.clone());
        let (fps, picture, sent, card) = (self.fps, self.picture, self.viewers.sent.clone(), self.card);
        let work = move || {
            let result = Sharing::start(config, fps, picture, sender.clone(), sent, render, card);
            sender.send_blocking(Message::Shared(Box::new(result), answer));
        };
        if let Err(error) = std::thread::Builder::new().name("rr-share".into()).spawn(work) {
            self.log.add(LogLevel::Error, format!("sharing did not start: {error}"));
        }
    }

    pub fn shared(&mut self, result: Result<Sharing, ShareError>, answer: &Answer<Result<ShareStatus, ShareError>>) {
        let result = result.map(|sharing| {
            let status = sharing.status();
            self.log.add(LogLevel::Info, format!("shared at {}", status.urls.join(", ")));
            if let Some(warning) = &status.warning {
                self.log.add(LogLevel::Warning, format!("nobody else can watch: {warning}"));
            }
            self.tell_encoder(&status.encoder);
            self.sharing = Some(sharing);
            status
        });
        if let Err(error) = &result {
            self.log.add(LogLevel::Error, format!("not shared: {error}"));
        }
        let _ = answer.try_send(result);
    }

    /// Which video encoder works from now on, and why not the better ones.
    pub fn tell_encoder(&mut self, report: &EncoderReport) {
        let reasons: Vec<String> = report.not_used.iter().map(ToString::to_string).collect();
        let level = if report.changes > 0 && !reasons.is_empty() { LogLevel::Warning } else { LogLevel::Info };
        let because = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
        self.log.add(level, format!("video encoder: {}{because}", report.in_use));
    }

    pub fn stop_sharing(&mut self, reason: &str) {
        if let Some(sharing) = self.sharing.take() {
            let ids: Vec<ParticipantId> = self.viewers.by_id.keys().copied().collect();
            ids.into_iter().for_each(|id| self.gone(id));
            sharing.stop(reason);
            self.log.add(LogLevel::Info, "sharing ended");
        }
    }

    pub fn issue_link(&self, role: Role, valid_for: Duration) -> Result<String, ShareError> {
        self.sharing.as_ref().ok_or(ShareError::NotShared)?.issue_link(role, valid_for)
    }
}

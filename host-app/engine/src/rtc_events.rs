//! What happens with the peers, on its way from the network thread to the stream and to the session.

use crate::sent_pictures::SentPictures;
use crate::session_thread::{Message, SessionSender};
use crate::sharing::{Outboxes, PeerEvent, lock};
use crate::status::LinkStatus;
use crate::stream_views::StreamViews;
use rr_protocol::host::ErrorCode;
use rr_rtc::{DisconnectReason, PeerId, RtcEvent, Steerings};
use rr_session::ParticipantId;
use rr_stream::SharedReport;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the session hears of the encoders.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Runs on the network thread: must not block.
pub(crate) struct RtcEvents {
    session: SessionSender,
    views: StreamViews,
    /// Frames that encoders had failed on when somebody looked last, and why there was none.
    failed: u64,
    refused: Option<String>,
    reported: Option<Instant>,
    encoder: SharedReport,
    /// Times that another encoder had taken over when somebody looked last.
    encoder_changes: u64,
    outboxes: Arc<Outboxes>,
    sent: Arc<SentPictures>,
}

impl RtcEvents {
    pub fn new(
        session: SessionSender,
        views: StreamViews,
        encoder: SharedReport,
        outboxes: Arc<Outboxes>,
        sent: Arc<SentPictures>,
    ) -> Self {
        let (failed, refused, reported, encoder_changes) = (0, None, None, 0);
        Self { session, views, failed, refused, reported, encoder, encoder_changes, outboxes, sent }
    }

    pub fn handle(&mut self, event: RtcEvent, steerings: &mut Steerings) {
        let now = Instant::now();
        self.views.on_event(now, &event, steerings);
        match event {
            RtcEvent::StateChannelOpen { peer } => self.tell(peer, PeerEvent::Open),
            RtcEvent::StateReady { peer } => self.tell(peer, PeerEvent::Behind),
            RtcEvent::StateBehind { peer } => tracing::debug!(%peer, "does not take its state fast enough"),
            RtcEvent::Message { peer, data, .. } => self.tell(peer, PeerEvent::Message(data, now)),
            RtcEvent::Oversized { peer, len } => self.tell(peer, PeerEvent::Oversized(len)),
            RtcEvent::Sent { peer, picture } => {
                if let (Some(view), Ok(id)) = (self.views.of(picture.rung), u32::try_from(peer.0))
                    && self.sent.note(ParticipantId(id), view, &picture)
                {
                    self.tell(peer, PeerEvent::Sent(view, picture));
                }
            }
            RtcEvent::Stats { peer, stats } => {
                self.report_encoders(now);
                let link = LinkStatus {
                    rtt: stats.rtt.unwrap_or_default(),
                    bitrate_bps: stats.sent.as_f64(),
                    loss: stats.loss.unwrap_or_default(),
                };
                self.tell(peer, PeerEvent::Link(link));
            }
            RtcEvent::Flood { peer } => tracing::warn!(%peer, "sends too many messages and is disconnected"),
            RtcEvent::Disconnected { peer, reason } => self.disconnected(peer, &reason),
            RtcEvent::Connected { .. }
            | RtcEvent::Undecodable { .. }
            | RtcEvent::KeyframeNeeded { .. }
            | RtcEvent::Switched { .. }
            | RtcEvent::ViewWanted { .. }
            | RtcEvent::Path { .. } => {}
        }
    }

    fn disconnected(&mut self, peer: PeerId, reason: &DisconnectReason) {
        if !self.views.is_watched() {
            // Nothing is encoded any more.
            self.session.try_send(Message::EncoderStats(Vec::new()));
        }
        if let Ok(id) = u32::try_from(peer.0)
            && let Some(outbox) = lock(&self.outboxes).remove(&id)
        {
            let _ = outbox.bye(ErrorCode::Closing, "the connection ended");
        }
        self.tell(peer, PeerEvent::Gone(reason.to_string()));
    }

    /// Once a second, however many viewers there are.
    fn report_encoders(&mut self, now: Instant) {
        if self.reported.is_some_and(|at| now < at + REPORT_INTERVAL * 9 / 10) {
            return;
        }
        self.reported = Some(now);
        let rungs = self.views.report();
        let failed: u64 = rungs.iter().map(|rung| rung.stats.failed).sum();
        if failed > self.failed {
            let encoder = rungs.first().map_or("the encoder", |rung| &rung.stats.encoder);
            let text = format!("{encoder} could not encode {} frames", failed - self.failed);
            self.session.try_send(Message::EncoderFailed(text));
        }
        self.failed = failed;
        let refused = rungs.iter().find_map(|rung| rung.stats.refused.clone());
        if let Some(why) = refused.clone().filter(|_| refused != self.refused) {
            self.session.try_send(Message::EncoderFailed(why));
        }
        self.refused = refused;
        let report = self.encoder.get();
        if report.changes != self.encoder_changes {
            self.encoder_changes = report.changes;
            self.session.try_send(Message::EncoderChanged(report));
        }
        self.session.try_send(Message::EncoderStats(rungs));
    }

    fn tell(&self, peer: PeerId, event: PeerEvent) {
        let Ok(id) = u32::try_from(peer.0) else { return };
        let must_arrive = matches!(event, PeerEvent::Gone(_) | PeerEvent::Open | PeerEvent::Behind);
        if !self.session.try_send(Message::Peer(ParticipantId(id), event)) && must_arrive {
            tracing::error!(%peer, "the session does not keep up; a viewer's coming or going was lost");
        }
    }
}

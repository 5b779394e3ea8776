//! What a viewer and we agree on: the answer to its offer, and the str0m instance that keeps to it.

use crate::RtcError;
use crate::address::Locals;
use crate::core::CoreConfig;
use crate::offer::{av1_level, lend_name, lent_name, parity_type, take_name_back, value_of};
use crate::parity::Parity;
use crate::video::offer_codecs;
use rr_encode::Bitrate;
use rr_protocol::MAX_CLIENT_MESSAGE_LEN;
use std::time::{Duration, Instant};
use str0m::change::SdpOffer;
use str0m::format::{Codec, FormatParams};
use str0m::media::{Frequency, Mid, Pt, Rid};
use str0m::rtp::{Extension, RtpWrite, SeqNo, Ssrc};
use str0m::{Rtc, RtcConfig};

/// Most that waits in a peer's data channels before it counts as behind, bytes.
const STATE_LIMIT: usize = 1024 * 1024;
/// How often the path is looked at.
pub(crate) const STATS_INTERVAL: Duration = Duration::from_millis(50);
/// What the two streams are called where str0m tells streams of a section apart: without a name, either would be taken.
const MEDIA_NAME: &str = "v";
const PARITY_NAME: &str = "p";

/// A viewer that was answered.
pub(crate) struct Agreement {
    pub rtc: Rtc,
    pub answer: String,
    pub ufrag: String,
    pub parity: Option<ParityStream>,
}

/// Parity packets of a viewer's video, and the stream that they go by.
pub(crate) struct ParityStream {
    pub parity: Parity,
    name: Pt,
    source: Ssrc,
    sequence: u64,
}

/// Answers an offer.
pub(crate) fn agree(
    offer: &str,
    locals: &Locals,
    ice_lite: bool,
    config: &CoreConfig,
    now: Instant,
) -> Result<Agreement, RtcError> {
    let bad = |e: &dyn std::fmt::Display| RtcError::BadOffer(e.to_string());
    let parity = parity_type(offer);
    let mut settings = settings(config, offer);
    if let Some(parity) = parity {
        let codecs = settings.codec_config();
        codecs.add_config(parity.into(), None, Codec::Vp8, Frequency::NINETY_KHZ, None, FormatParams::default());
    }
    let mut rtc = settings.set_ice_lite(ice_lite).build(now);
    for candidate in locals.candidates()? {
        rtc.add_local_candidate(candidate);
    }
    let lent = parity.map(|parity| lend_name(offer, parity));
    let offer = SdpOffer::from_sdp_string(lent.as_deref().unwrap_or(offer)).map_err(|e| bad(&e))?;
    let mut answer = rtc.sdp_api().accept_offer(offer).map_err(|e| bad(&e))?.to_sdp_string();
    let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
    let parity = parity.and_then(|parity| {
        let stream = ParityStream::begin(&mut rtc, &answer, parity)?;
        answer = take_name_back(&answer, parity, stream.parity.source(), *stream.source);
        Some(stream)
    });
    Ok(Agreement { rtc, answer, ufrag, parity })
}

impl ParityStream {
    fn begin(rtc: &mut Rtc, answer: &str, name: u8) -> Option<Self> {
        let mid = Mid::from(lent_name(answer, name)?);
        let mut api = rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, None)?;
        let (media, repeats) = (stream.ssrc(), stream.rtx());
        let source = api.new_ssrc();
        api.remove_stream_tx(media);
        api.declare_stream_tx(media, repeats, mid, Some(MEDIA_NAME.into()));
        api.declare_stream_tx(source, None, mid, Some(PARITY_NAME.into()));
        let mutable = [Extension::AbsoluteSendTime, Extension::TransportSequenceNumber]
            .iter()
            .filter_map(|extension| value_of(answer, "a=extmap:", extension.as_uri()))
            .collect();
        Some(Self { parity: Parity::new(*media, mutable), name: name.into(), source, sequence: *SeqNo::default() })
    }

    /// What str0m calls the stream of the pictures.
    pub fn media_name() -> Rid {
        MEDIA_NAME.into()
    }

    /// A datagram leaves; the parity packets that end with it leave after it.
    pub fn follow(&mut self, rtc: &mut Rtc, now: Instant, datagram: &[u8]) {
        let Some((time, packets)) = self.parity.leaves(datagram) else { return };
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx(&self.source) else { return };
        for payload in packets {
            self.write(stream, now, time, payload);
        }
    }

    fn write(&mut self, stream: &mut str0m::rtp::StreamTx, now: Instant, time: u32, payload: Vec<u8>) {
        stream.write_rtp(RtpWrite::new(self.name, self.sequence.into(), time, now, payload).nackable(false));
        self.sequence += 1;
    }
}

fn settings(config: &CoreConfig, offer: &str) -> RtcConfig {
    let mut rtc = RtcConfig::new()
        .clear_codecs()
        .enable_bwe(Some(rate(config.initial_bitrate)))
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_sctp_max_buffered_amount(STATE_LIMIT)
        .set_sctp_max_message_size(MAX_CLIENT_MESSAGE_LEN as u32)
        .set_extension(5, Extension::PlayoutDelay);
    offer_codecs(rtc.codec_config(), &config.formats, av1_level(offer));
    rtc
}

pub(crate) fn rate(bitrate: Bitrate) -> str0m::bwe::Bitrate {
    str0m::bwe::Bitrate::bps(bitrate.as_bps())
}

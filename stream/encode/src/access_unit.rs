//! One encoded picture and the clock that names it.

use crate::{Codec, Frame};
use bytes::Bytes;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// One encoded picture. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// What it is encoded with. It changes with a keyframe only.
    pub codec: Codec,
    /// NAL units with start codes (Annex B of H.264 and HEVC), or a temporal unit of AV1 in its low-overhead format. A keyframe
    /// begins with its parameter sets, or its sequence header.
    pub data: Bytes,
    /// Decoding can start here.
    pub keyframe: bool,
    /// [`crate::Frame::number`] of the picture.
    pub frame: u64,
    /// [`crate::Frame::revision`] of the picture.
    pub revision: u64,
    /// [`crate::Frame::captured_at`] of the picture.
    pub captured_at: Instant,
    /// [`crate::Frame::ready_at`] of the picture.
    pub drawn_at: Instant,
    /// When the encoder was done with it.
    pub encoded_at: Instant,
    /// [`rtp_timestamp`] of `captured_at`: the same for all peers, so that a frame has one name everywhere.
    pub rtp_timestamp: u32,
}

impl AccessUnit {
    /// The encoded picture of a frame, named after it.
    pub fn of(frame: &Frame, codec: Codec, data: Bytes, keyframe: bool) -> Self {
        let Frame { number, revision, captured_at, .. } = *frame;
        let drawn_at = frame.ready_at();
        let (encoded_at, rtp_timestamp) = (Instant::now(), rtp_timestamp(captured_at));
        Self { codec, data, keyframe, frame: number, revision, captured_at, drawn_at, encoded_at, rtp_timestamp }
    }
}

/// 90 kHz RTP time of a moment. Counted from one epoch per process, which lies an hour before its first use so that
/// frames taken shortly before that still have a time; wraps as RTP time does.
pub fn rtp_timestamp(at: Instant) -> u32 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let epoch = *EPOCH.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
    });
    let since = at.saturating_duration_since(epoch);
    // Truncation is the wrap of RFC 3550.
    (since.as_nanos() * 9 / 100_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_time_runs_at_90_khz() {
        let t = Instant::now();
        let first = rtp_timestamp(t);
        let step = rtp_timestamp(t + Duration::from_secs(1)).wrapping_sub(first);
        assert!((89_999..=90_001).contains(&step), "{step}");
        // 2^32 ticks later it has wrapped to the same number.
        let wrap = Duration::from_nanos((1u64 << 32) * 100_000 / 9);
        let wrapped = rtp_timestamp(t + wrap).wrapping_sub(first);
        assert!(wrapped <= 1 || wrapped == u32::MAX, "{wrapped}");
    }
}

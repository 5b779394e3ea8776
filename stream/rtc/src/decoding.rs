//! Whether a viewer decodes what it offered to decode. Nobody says so when a decoder fails (a card without room for one
//! more stream, a driver that promises too much): the browser asks for keyframes and shows none of them.

use std::time::{Duration, Instant};

/// Keyframes in a row that arrived and were not enough, before the codec counts as one that is not decoded.
const PATIENCE: u32 = 3;
/// Requests sooner after a keyframe are from before it was there; a round trip more is given.
const TRAVEL: Duration = Duration::from_millis(300);
/// A request later than this after a keyframe is about something that was lost since.
const SHOWN: Duration = Duration::from_secs(2);

/// Requests for keyframes that no loss explains.
#[derive(Debug, Default)]
pub(crate) struct Decoding {
    in_vain: u32,
    /// The keyframe that was found to be in vain last.
    counted: Option<Instant>,
}

impl Decoding {
    /// The viewer asks for a keyframe; the last one was sent at `keyframe`. `lossy`: packets were lost on the way, or waited,
    /// which explains it. `true`: it does not decode this codec.
    pub fn on_request(&mut self, now: Instant, keyframe: Option<Instant>, rtt: Duration, lossy: bool) -> bool {
        let Some(sent) = keyframe else { return false };
        let since = now.saturating_duration_since(sent);
        if lossy || since > SHOWN + rtt {
            // The keyframe was shown, or did not arrive.
            self.in_vain = 0;
        } else if since > TRAVEL + rtt && self.counted != Some(sent) {
            self.counted = Some(sent);
            self.in_vain += 1;
        }
        self.in_vain >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A viewer that asks every 200 ms and gets a keyframe every second, for so long. When it was given up.
    fn given_up(rtt: Duration, lossy: impl Fn(u32) -> bool) -> Option<u32> {
        let (start, mut decoding) = (Instant::now(), Decoding::default());
        (0..50).find(|ask| {
            let now = start + MS * 200 * *ask;
            let keyframe = start + Duration::from_secs((now - start).as_secs());
            decoding.on_request(now, Some(keyframe), rtt, lossy(*ask))
        })
    }

    #[test]
    fn who_shows_no_keyframe_is_given_up_after_three() {
        assert_eq!(given_up(40 * MS, |_| false), Some(12));
        // Where the way alone takes as long, nothing is known.
        assert_eq!(given_up(700 * MS, |_| false), None);
    }

    #[test]
    fn losses_explain_requests() {
        assert_eq!(given_up(40 * MS, |ask| ask % 5 == 0), None);
        let mut decoding = Decoding::default();
        let mut now = Instant::now();
        // One request every ten seconds, long after the keyframe: something was lost, and each keyframe was shown.
        for _ in 0..20 {
            assert!(!decoding.on_request(now + 10_000 * MS, Some(now), 40 * MS, false));
            now += 10_000 * MS;
        }
        assert!(!decoding.on_request(now, None, 40 * MS, false));
    }
}

//! Which codec a rung has: the best that all its viewers decode.
//!
//! One encoder for all of a rung, rather than one for each codec: the better codec saves some bits for those who have it
//! (a third, at best), and a second encoder takes a thread and a session of the card, of which many cards have few. Who has a
//! path of its own kind, for whom bits count, has a rung of its own and so often a codec of its own anyway.
//!
//! A viewer that decodes less is served at once; it could see nothing meanwhile. The way back waits, for each change is a
//! keyframe for everybody.

use rr_encode::{Codec, Codecs};
use rr_rtc::RungId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a better codec has to be possible before a running rung takes it.
const UPGRADE_AFTER: Duration = Duration::from_secs(10);

/// Since when which rung could have a better codec.
#[derive(Debug, Default)]
pub(crate) struct Upgrades(BTreeMap<RungId, (Codec, Instant)>);

impl Upgrades {
    /// What a rung is set to; `decoded` by all its viewers.
    pub fn choose(&mut self, now: Instant, rung: RungId, decoded: Codecs, before: Option<Codec>) -> Codec {
        let best = decoded.best();
        let Some(before) = before.filter(|before| *before != best && decoded.contains(*before)) else {
            self.forget(rung);
            return best;
        };
        let since = self.0.get(&rung).filter(|(codec, _)| *codec == best).map_or(now, |(_, since)| *since);
        self.0.insert(rung, (best, since));
        if now.saturating_duration_since(since) < UPGRADE_AFTER {
            return before;
        }
        self.forget(rung);
        best
    }

    /// The rung has ended.
    pub fn forget(&mut self, rung: RungId) {
        self.0.remove(&rung);
    }
}

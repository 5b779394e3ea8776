//! Pictures from packets, put together as browsers do: a picture is shown as soon as it is whole and what it builds on
//! was shown. A keyframe builds on nothing: it is shown at once, whatever is missing before it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A packet is not asked for again when so many others came after it (str0m), or after several round trips.
const PACKETS: u64 = 100;
const PATIENCE: Duration = Duration::from_millis(300);

struct Part {
    /// The first and the last of its picture.
    first: bool,
    last: bool,
    keyframe: bool,
    bytes: usize,
}

#[derive(Default)]
pub struct Pictures {
    parts: BTreeMap<u64, Part>,
    /// Sequence number of the last packet that was shown.
    shown: Option<u64>,
    newest: u64,
    /// The packet that is missing, and since when others wait for it.
    missing: Option<(u64, Instant)>,
}

/// A picture that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    pub keyframe: bool,
    pub bytes: usize,
    /// Number of its last packet.
    pub last: u64,
}

impl Pictures {
    /// A packet of H.264 with its extended sequence number; calls for each picture that can be shown now.
    pub fn take(&mut self, now: Instant, number: u64, marker: bool, payload: &[u8], mut show: impl FnMut(Whole)) {
        if payload.is_empty() || self.shown.is_some_and(|shown| number <= shown) {
            return;
        }
        self.newest = self.newest.max(number);
        let fragment = payload[0] & 0x1f == 28;
        let kind = if fragment { payload.get(1).copied().unwrap_or(0) } else { payload[0] } & 0x1f;
        let first = !fragment || payload.get(1).is_some_and(|byte| byte & 0x80 != 0);
        let part = Part { first, last: marker, keyframe: kind == 5, bytes: payload.len() };
        self.parts.insert(number, part);
        while let Some((end, whole)) = self.next() {
            self.parts = self.parts.split_off(&(end + 1));
            self.shown = Some(end);
            show(whole);
        }
        let due = self.shown.map_or(0, |shown| shown + 1);
        let gap = (due..).find(|number| !self.parts.contains_key(number)).unwrap_or(due);
        self.missing = match self.missing {
            _ if self.shown.is_some() && gap > self.newest => None,
            Some((number, since)) if number == gap => Some((number, since)),
            _ => Some((gap, now)),
        };
    }

    /// Something is missing that will not come any more: a keyframe is wanted.
    pub fn stuck(&self, now: Instant) -> bool {
        self.missing.is_some_and(|(number, since)| now > since + PATIENCE || self.newest > number + PACKETS)
    }

    /// The next picture that is whole, and its last packet: that which follows, or else a keyframe.
    fn next(&self) -> Option<(u64, Whole)> {
        let follows = self.shown.and_then(|shown| self.whole_from(shown + 1));
        let mut keyframes = self.parts.iter().filter(|(_, part)| part.first && part.keyframe);
        follows.or_else(|| keyframes.find_map(|(number, _)| self.whole_from(*number)))
    }

    fn whole_from(&self, begin: u64) -> Option<(u64, Whole)> {
        let mut whole = Whole { keyframe: self.parts.get(&begin)?.keyframe, bytes: 0, last: begin };
        for number in begin.. {
            let part = self.parts.get(&number)?;
            whole.bytes += part.bytes;
            if part.last {
                whole.last = number;
                return Some((number, whole));
            }
        }
        None
    }
}

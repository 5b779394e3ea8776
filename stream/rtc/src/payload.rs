//! An access unit as the payloads of its RTP packets (RFC 6184, packetization mode 1; RFC 7798; AV1's own), made once for
//! all viewers.
//!
//! str0m packetizes for each peer anew: looking for start codes and copying took a sixth of the network thread's time with
//! twenty viewers. Here all peers share the same bytes, and fragments of a picture have the same length, so that they can
//! go to the system as one run.

mod av1;

use rr_encode::Codec;
use std::sync::Arc;

/// Longest payload, bytes. With 12 bytes of RTP header, up to 20 of extensions, two more of a repeat and 16 of SRTP a
/// packet stays below 1,200 bytes, which every path to a browser carries.
const MAX: usize = 1_120;

/// The payloads of one access unit, in order. The last one is the one that carries the marker.
pub(crate) type Payloads = Arc<[Arc<[u8]>]>;

/// `unit` is in Annex B format (start codes before each NAL unit), or a temporal unit of AV1 whose OBUs have sizes.
pub(crate) fn payloads(codec: Codec, unit: &[u8]) -> Payloads {
    let form = match codec {
        Codec::H264 => Form::H264,
        Codec::Hevc => Form::Hevc,
        Codec::Av1 => return av1::payloads(unit),
    };
    let mut payloads = Vec::with_capacity(unit.len() / MAX + 3);
    // Parameters go together, before what needs them.
    let mut together: Vec<&[u8]> = Vec::new();
    for nal in nal_units(unit).filter(|nal| nal.len() >= form.header()) {
        match form.part(nal) {
            // Packets say by themselves where a picture begins.
            Part::Delimiter => {}
            Part::Parameters if nal.len() <= MAX => {
                if form.aggregated(&together) + 2 + nal.len() > MAX {
                    form.aggregate(&mut together, &mut payloads);
                }
                together.push(nal);
            }
            _ => {
                form.aggregate(&mut together, &mut payloads);
                form.fragment(nal, &mut payloads);
            }
        }
    }
    form.aggregate(&mut together, &mut payloads);
    payloads.into()
}

/// What lies between start codes, without the zeros that may follow. What has no start code is one NAL unit.
fn nal_units(unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> = memchr::memmem::find_iter(unit, &[0, 0, 1]).collect();
    let first = if starts.is_empty() { Some(unit) } else { None };
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([unit.len()]).collect();
    let rest = starts.into_iter().zip(ends).map(|(start, end)| &unit[start + 3..end]);
    first.into_iter().chain(rest).filter_map(|nal| {
        let length = nal.iter().rposition(|byte| *byte != 0)? + 1;
        Some(&nal[..length])
    })
}

/// How a codec's NAL units go into packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    H264,
    Hevc,
}

/// What a NAL unit is for.
enum Part {
    Delimiter,
    Parameters,
    Picture,
}

/// Types of packets: STAP-A and FU-A (RFC 6184, 5.2), AP and FU (RFC 7798, 4.4).
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const AP: u8 = 48;
const FU: u8 = 49;

impl Form {
    /// Bytes of a NAL unit's header.
    fn header(self) -> usize {
        if self == Self::H264 { 1 } else { 2 }
    }

    /// By H.264, table 7-1, and H.265, table 7-1.
    fn part(self, nal: &[u8]) -> Part {
        let kind = if self == Self::H264 { nal[0] & 0x1f } else { nal[0] >> 1 & 0x3f };
        match (self, kind) {
            (Self::H264, 9) | (Self::Hevc, 35) => Part::Delimiter,
            (Self::H264, 6..=8) | (Self::Hevc, 32..=34 | 39 | 40) => Part::Parameters,
            _ => Part::Picture,
        }
    }

    /// Length of an aggregation packet.
    fn aggregated(self, nals: &[&[u8]]) -> usize {
        self.header() + nals.iter().map(|nal| 2 + nal.len()).sum::<usize>()
    }

    /// What was put together: as it is when it is one, else as an aggregation packet (RFC 6184, 5.7.1; RFC 7798, 4.4.2).
    fn aggregate(self, together: &mut Vec<&[u8]>, payloads: &mut Vec<Arc<[u8]>>) {
        match together[..] {
            [] => {}
            [one] => payloads.push(one.into()),
            _ => {
                let mut payload = Vec::with_capacity(self.aggregated(together));
                match self {
                    Self::H264 => {
                        let importance = together.iter().map(|nal| nal[0] & 0x60).max().unwrap_or(0);
                        payload.push(importance | STAP_A);
                    }
                    // Of the base layer, in the lowest temporal layer that is in it.
                    Self::Hevc => {
                        let layer = together.iter().map(|nal| nal[1] & 0x07).min().unwrap_or(1);
                        payload.extend([AP << 1, layer]);
                    }
                }
                for nal in together.iter() {
                    payload.extend((nal.len() as u16).to_be_bytes());
                    payload.extend(*nal);
                }
                payloads.push(payload.into());
            }
        }
        together.clear();
    }

    /// One NAL unit, in fragments of about the same length if it is too long for a packet (RFC 6184, 5.8; RFC 7798, 4.4.3).
    fn fragment(self, nal: &[u8], payloads: &mut Vec<Arc<[u8]>>) {
        if nal.len() <= MAX {
            return payloads.push(nal.into());
        }
        let (header, body) = nal.split_at(self.header());
        let count = body.len().div_ceil(MAX - 3);
        let mut fragments = body.chunks(body.len().div_ceil(count)).peekable();
        let mut begin = 0x80;
        while let Some(fragment) = fragments.next() {
            let end = if fragments.peek().is_none() { 0x40 } else { 0 };
            let mut payload = Vec::with_capacity(3 + fragment.len());
            match self {
                Self::H264 => payload.extend([header[0] & 0xe0 | FU_A, begin | end | header[0] & 0x1f]),
                Self::Hevc => {
                    payload.extend([header[0] & 0x81 | FU << 1, header[1], begin | end | header[0] >> 1 & 0x3f]);
                }
            }
            payload.extend(fragment);
            payloads.push(payload.into());
            begin = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Codec::{H264, Hevc};
    use proptest::prelude::*;

    /// What a receiver makes of the payloads, by the same sections of RFC 6184 and RFC 7798: NAL units.
    fn received(codec: Codec, payloads: &[Arc<[u8]>]) -> Vec<Vec<u8>> {
        let header = if codec == H264 { 1 } else { 2 };
        let kind = |first: u8| if codec == H264 { first & 0x1f } else { first >> 1 & 0x3f };
        // Of a fragment's packet: the header of its NAL unit.
        let whole = |packet: &[u8]| match codec {
            H264 => vec![packet[0] & 0xe0 | packet[1] & 0x1f],
            _ => vec![packet[0] & 0x81 | (packet[2] & 0x3f) << 1, packet[1]],
        };
        let mut nals: Vec<Vec<u8>> = Vec::new();
        let mut open = false;
        for payload in payloads {
            assert!(payload.len() >= header && payload.len() <= MAX, "{} bytes", payload.len());
            match (codec, kind(payload[0])) {
                (H264, STAP_A) | (Hevc, AP) => {
                    let mut rest = &payload[header..];
                    while let [high, low, tail @ ..] = rest {
                        let (nal, tail) = tail.split_at(usize::from(u16::from_be_bytes([*high, *low])));
                        nals.push(nal.to_vec());
                        rest = tail;
                    }
                    assert!(rest.is_empty() && !open);
                }
                (H264, FU_A) | (Hevc, FU) => {
                    let begins = payload[header] & 0x80 != 0;
                    assert_ne!(begins, open, "a fragment out of order");
                    if begins {
                        nals.push(whole(payload));
                    }
                    nals.last_mut().unwrap().extend(&payload[header + 1..]);
                    open = payload[header] & 0x40 == 0;
                }
                _ => {
                    assert!(!open);
                    nals.push(payload.to_vec());
                }
            }
        }
        assert!(!open, "the last fragment is missing");
        nals
    }

    /// A NAL unit has no start code within and does not end with a zero (H.264, 7.4.1).
    fn nal(kind: u8, len: usize) -> Vec<u8> {
        let body = (1..len).map(|i| (i % 251) as u8 | 2);
        [0x60 | kind].into_iter().chain(body).collect()
    }

    fn annex_b(nals: &[Vec<u8>], long: bool, zeros: usize) -> Vec<u8> {
        let mut unit = Vec::new();
        for nal in nals {
            unit.extend(if long { &[0, 0, 0, 1][..] } else { &[0, 0, 1] });
            unit.extend(nal);
            unit.extend(vec![0; zeros]);
        }
        unit
    }

    #[test]
    fn a_keyframe_is_its_parameters_together_and_fragments_of_one_length() {
        let nals = [nal(9, 2), nal(7, 20), nal(8, 6), nal(5, 30_000)];
        let payloads = payloads(H264, &annex_b(&nals, true, 0));
        assert_eq!(received(H264, &payloads), nals[1..]);
        assert_eq!(payloads[0][0] & 0x1f, STAP_A);
        let lengths: Vec<usize> = payloads[1..].iter().map(|payload| payload.len()).collect();
        let (last, same) = lengths.split_last().unwrap();
        assert!(same.iter().all(|length| length == &same[0]) && *last <= same[0] && *last > same[0] - same.len() - 1);
    }

    #[test]
    fn nothing_and_nonsense_are_no_packets_or_one() {
        assert!(payloads(H264, &[]).is_empty());
        assert!(payloads(H264, &[0, 0, 0, 1]).is_empty());
        assert!(payloads(H264, &[0, 0, 1, 0, 0, 1]).is_empty());
        assert_eq!(*payloads(H264, b"\x41no start code")[0], *b"\x41no start code");
    }

    #[test]
    fn hevc_has_headers_of_two_bytes() {
        let nal = |kind: u8, len: usize| -> Vec<u8> {
            [kind << 1, 1].into_iter().chain((2..len).map(|i| (i % 251) as u8 | 2)).collect()
        };
        // Delimiter, VPS, SPS, PPS, IDR; then a picture that refers to others.
        let nals = [nal(35, 3), nal(32, 24), nal(33, 60), nal(34, 8), nal(19, 30_000), nal(1, 1_000)];
        let payloads = payloads(Hevc, &annex_b(&nals, true, 0));
        assert_eq!(received(Hevc, &payloads), nals[1..]);
        assert_eq!(payloads[0][0] >> 1, AP);
        // A unit without a whole header is none.
        assert!(super::payloads(Hevc, &[0, 0, 1, 0x26]).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_received_is_what_was_encoded(
            shapes in prop::collection::vec((1u8..=12, prop_oneof![1usize..60, 1_000usize..1_300, 2_230usize..2_250, 5_000usize..60_000]), 1..6),
            long: bool,
            zeros in 0usize..3,
        ) {
            let nals: Vec<Vec<u8>> = shapes.iter().map(|(kind, len)| nal(*kind, *len)).collect();
            let kept: Vec<Vec<u8>> = nals.iter().filter(|nal| nal[0] & 0x1f != 9).cloned().collect();
            prop_assert_eq!(received(H264, &payloads(H264, &annex_b(&nals, long, zeros))), kept);
        }

        #[test]
        fn any_bytes_give_packets_that_fit(
            codec in prop_oneof![Just(H264), Just(Hevc)],
            bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..4_000),
        ) {
            prop_assert!(payloads(codec, &bytes).iter().all(|payload| !payload.is_empty() && payload.len() <= MAX));
        }
    }
}

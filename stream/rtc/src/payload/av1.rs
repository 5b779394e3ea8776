//! AV1 in RTP ("RTP Payload Format For AV1", version 1.0, 4): each packet has one OBU or a fragment of one.

use super::{MAX, Payloads};
use std::sync::Arc;

/// Types of OBUs (AV1, 6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

/// Bits of the aggregation header: goes on from the last packet, goes on in the next, one element, a new sequence begins.
const CONTINUES: u8 = 0x80;
const CONTINUED: u8 = 0x40;
const ONE: u8 = 0x10;
const NEW: u8 = 0x08;

pub(super) fn payloads(unit: &[u8]) -> Payloads {
    let mut payloads: Vec<Arc<[u8]>> = Vec::with_capacity(unit.len() / MAX + 3);
    let mut rest = unit;
    while let Some((obu, after)) = next(rest) {
        rest = after;
        if matches!(obu.kind, TEMPORAL_DELIMITER | TILE_LIST | PADDING) {
            continue;
        }
        let new = if obu.kind == SEQUENCE_HEADER && payloads.is_empty() { NEW } else { 0 };
        let length = obu.header.len() + obu.body.len();
        let count = length.div_ceil(MAX - 1);
        let share = length.div_ceil(count);
        // The header comes with the first part of the body.
        let first = obu.body.len().min(share - obu.header.len().min(share));
        let (first, others) = obu.body.split_at(first);
        let mut parts = std::iter::once(first).chain(others.chunks(share)).peekable();
        let (mut begins, mut header) = (new, &obu.header[..]);
        while let Some(part) = parts.next() {
            let goes_on = if parts.peek().is_some() { CONTINUED } else { 0 };
            let mut payload = Vec::with_capacity(1 + header.len() + part.len());
            payload.push(ONE | goes_on | begins);
            payload.extend(header);
            payload.extend(part);
            payloads.push(payload.into());
            (begins, header) = (CONTINUES, &[]);
        }
    }
    payloads.into()
}

struct Obu<'a> {
    kind: u8,
    /// Without the size, which the packet tells.
    header: Vec<u8>,
    body: &'a [u8],
}

/// The first OBU, and what follows it. `None`: nothing more, or nothing that makes sense.
fn next(bytes: &[u8]) -> Option<(Obu<'_>, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut header = vec![first & !0x02];
    if first & 0x04 != 0 {
        let (&extension, after) = rest.split_first()?;
        header.push(extension);
        rest = after;
    }
    let mut size = rest.len();
    if first & 0x02 != 0 {
        (size, rest) = leb128(rest)?;
    }
    let (body, after) = rest.split_at_checked(size)?;
    Some((Obu { kind: first >> 3 & 0x0f, header, body }, after))
}

/// AV1, 4.10.5.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (index * 7);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn obu(kind: u8, extension: bool, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind << 3 | 0x02 | u8::from(extension) << 2];
        bytes.extend(extension.then_some(0x28));
        let mut size = body.len();
        while size > 0x7f {
            bytes.push(size as u8 | 0x80);
            size >>= 7;
        }
        bytes.push(size as u8);
        bytes.extend(body);
        bytes
    }

    /// OBUs that a receiver puts together, without sizes; and whether a new sequence begins.
    fn received(payloads: &[Arc<[u8]>]) -> (Vec<Vec<u8>>, bool) {
        let mut obus: Vec<Vec<u8>> = Vec::new();
        let mut open = false;
        for payload in payloads {
            assert!(payload.len() > 1 && payload.len() <= MAX, "{} bytes", payload.len());
            assert_eq!(payload[0] & 0x30, ONE);
            assert_eq!(payload[0] & CONTINUES != 0, open, "a fragment out of order");
            if !open {
                obus.push(Vec::new());
            }
            obus.last_mut().unwrap().extend(&payload[1..]);
            open = payload[0] & CONTINUED != 0;
        }
        assert!(!open, "the last fragment is missing");
        (obus, payloads.first().is_some_and(|first| first[0] & NEW != 0))
    }

    #[test]
    fn a_keyframe_is_a_sequence_header_and_a_frame() {
        let frame: Vec<u8> = (0..30_000).map(|i| (i % 253) as u8).collect();
        let unit = [obu(2, false, &[]), obu(1, false, &[7; 11]), obu(6, true, &frame)].concat();
        let (obus, new) = received(&payloads(&unit));
        assert!(new);
        assert_eq!(obus[0], [&[1 << 3][..], &[7; 11]].concat());
        assert_eq!(obus[1], [&[6 << 3 | 4, 0x28][..], &frame].concat());
        assert_eq!(obus.len(), 2);
        assert!(!received(&payloads(&obu(6, false, &frame))).1);
    }

    proptest! {
        #[test]
        fn what_is_received_is_what_was_encoded(
            shapes in prop::collection::vec((prop_oneof![Just(1u8), Just(3), Just(4), Just(6)], any::<bool>(), prop_oneof![0usize..40, 1_100usize..1_130, 2_200usize..2_260, 5_000usize..20_000]), 1..5),
        ) {
            let unit: Vec<u8> = shapes.iter().flat_map(|(kind, extension, len)| obu(*kind, *extension, &vec![9; *len])).collect();
            let (obus, _) = received(&payloads(&unit));
            prop_assert_eq!(obus.len(), shapes.len());
            for ((_, extension, len), obu) in shapes.iter().zip(obus) {
                prop_assert_eq!(obu.len(), 1 + usize::from(*extension) + len);
            }
        }

        #[test]
        fn any_bytes_give_packets_that_fit(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
            prop_assert!(payloads(&bytes).iter().all(|payload| payload.len() > 1 && payload.len() <= MAX));
        }
    }
}

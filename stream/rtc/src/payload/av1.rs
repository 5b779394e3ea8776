//! AV1 in RTP ("RTP Payload Format For AV1", version 1.0, 4): the OBUs of a temporal unit one after the other, cut into packets
//! of about the same length.
//!
//! Cuts are within OBUs, never between two of them. Chromium takes a packet that does not go on from the one before for the
//! beginning of a picture, unless a header extension says otherwise, so that a sequence header in a packet of its own would
//! be a picture, and the key frame behind it no key frame.

use super::{MAX, Payloads};
use rr_encode::av1::leb128;
use std::ops::Range;
use std::sync::Arc;

/// Types of OBUs (AV1, 6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

/// Bits of the aggregation header: goes on from the last packet, goes on in the next, a new sequence begins. Between them are
/// two bits for the number of elements, of which the last has no length; 0 where all have one.
const CONTINUES: u8 = 0x80;
const CONTINUED: u8 = 0x40;
const NEW: u8 = 0x08;
/// Bytes for the length of an element, which is shorter than a packet.
const LENGTH: usize = 2;
/// An OBU begins in a packet that has room for at least so many bytes of it, or for all of it.
const BEGINNING: usize = 8;

pub(super) fn payloads(unit: &[u8]) -> Payloads {
    let mut obus = Vec::new();
    let mut rest = unit;
    while let Some((obu, after)) = next(rest) {
        rest = after;
        if !matches!(obu.kind, TEMPORAL_DELIMITER | TILE_LIST | PADDING) {
            obus.push(obu);
        }
    }
    let all: usize = obus.iter().map(|obu| LENGTH + obu.len()).sum();
    let count = all.div_ceil(MAX - 1 - LENGTH);
    let mut payloads: Vec<Arc<[u8]>> = Vec::with_capacity(count + 1);
    // The OBU that comes next, and how much of it was taken.
    let mut at = (0, 0);
    let mut pieces = Vec::new();
    while at.0 < obus.len() {
        let after = take(&obus, at, LENGTH + all.div_ceil(count), &mut pieces);
        let begins = if at.1 > 0 { CONTINUES } else { 0 };
        let goes_on = if after.1 > 0 { CONTINUED } else { 0 };
        let new = payloads.is_empty() && pieces.iter().any(|piece| obus[piece.obu].kind == SEQUENCE_HEADER);
        let number = if pieces.len() < 4 { (pieces.len() as u8) << 4 } else { 0 };
        let mut payload = Vec::with_capacity(MAX);
        payload.push(begins | goes_on | number | if new { NEW } else { 0 });
        for (place, Piece { obu, part }) in pieces.iter().enumerate() {
            if number == 0 || place + 1 < pieces.len() {
                // Below 2^14, as LENGTH has it.
                payload.extend([part.len() as u8 | 0x80, (part.len() >> 7) as u8]);
            }
            obus[*obu].put(part.clone(), &mut payload);
        }
        payloads.push(payload.into());
        at = after;
    }
    payloads.into()
}

/// A part of an OBU, which is named by its place in the list.
struct Piece {
    obu: usize,
    part: Range<usize>,
}

/// Finds the pieces of a packet with so much room. What comes next.
fn take(obus: &[Obu], from: (usize, usize), room: usize, pieces: &mut Vec<Piece>) -> (usize, usize) {
    let ((mut index, mut offset), mut room) = (from, room);
    pieces.clear();
    while let Some(obu) = obus.get(index) {
        let left = obu.len() - offset;
        if !pieces.is_empty() && room < LENGTH + left.min(BEGINNING) {
            break;
        }
        let taken = left.min(room - LENGTH);
        pieces.push(Piece { obu: index, part: offset..offset + taken });
        room -= LENGTH + taken;
        if taken < left {
            return (index, offset + taken);
        }
        (index, offset) = (index + 1, 0);
    }
    // The end of an OBU would be the end of the packet: its last byte is left to the next one.
    if let Some(last) = pieces.last_mut().filter(|last| index < obus.len() && last.part.len() > 1) {
        last.part.end -= 1;
        (index, offset) = (last.obu, last.part.end);
    }
    (index, offset)
}

struct Obu<'a> {
    kind: u8,
    /// One byte or two, without the size, which the packet tells.
    header: [u8; 2],
    has_extension: bool,
    body: &'a [u8],
}

impl Obu<'_> {
    fn header(&self) -> &[u8] {
        if self.has_extension { &self.header } else { &self.header[..1] }
    }

    fn len(&self) -> usize {
        self.header().len() + self.body.len()
    }

    /// Writes a part of it.
    fn put(&self, part: Range<usize>, payload: &mut Vec<u8>) {
        let head = self.header().len();
        payload.extend(&self.header()[part.start.min(head)..part.end.min(head)]);
        payload.extend(&self.body[part.start.saturating_sub(head)..part.end.saturating_sub(head)]);
    }
}

/// The first OBU, and what follows it. `None`: nothing more, or nothing that makes sense.
fn next(bytes: &[u8]) -> Option<(Obu<'_>, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut header = [first & !0x02, 0];
    let has_extension = first & 0x04 != 0;
    if has_extension {
        (header[1], rest) = rest.split_first().map(|(extension, after)| (*extension, after))?;
    }
    let mut size = rest.len();
    if first & 0x02 != 0 {
        (size, rest) = leb128(rest)?;
    }
    let (body, after) = rest.split_at_checked(size)?;
    Some((Obu { kind: first >> 3 & 0x0f, header, has_extension, body }, after))
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
            let (header, mut rest) = payload.split_first().unwrap();
            assert_eq!(header & CONTINUES != 0, open, "a fragment out of order");
            let (number, mut place) = (usize::from(header >> 4 & 3), 0);
            while !rest.is_empty() {
                place += 1;
                let length = if place == number {
                    rest.len()
                } else {
                    let (length, after) = leb128(rest).unwrap();
                    rest = after;
                    length
                };
                let (part, after) = rest.split_at(length);
                rest = after;
                if !open {
                    obus.push(Vec::new());
                }
                obus.last_mut().unwrap().extend(part);
                open = false;
            }
            assert!(number == 0 || place == number, "{place} elements instead of {number}");
            open = header & CONTINUED != 0;
        }
        assert!(!open, "the last fragment is missing");
        (obus, payloads.first().is_some_and(|first| first[0] & NEW != 0))
    }

    /// Where a receiver that knows nothing else sees pictures begin.
    fn beginnings(payloads: &[Arc<[u8]>]) -> usize {
        payloads.iter().filter(|payload| payload[0] & CONTINUES == 0).count()
    }

    #[test]
    fn a_keyframe_is_a_sequence_header_and_a_frame() {
        let frame: Vec<u8> = (0..30_000).map(|i| (i % 253) as u8).collect();
        let unit = [obu(2, false, &[]), obu(1, false, &[7; 11]), obu(6, true, &frame)].concat();
        let packets = payloads(&unit);
        let (obus, new) = received(&packets);
        assert!(new);
        assert_eq!(beginnings(&packets), 1);
        // Of one length, but for the first, which has the length of the header in it, and the last.
        let lengths: Vec<usize> = packets.iter().map(|packet| packet.len()).collect();
        assert!(
            lengths[1..lengths.len() - 1].iter().all(|length| length.abs_diff(lengths[0]) <= LENGTH),
            "{lengths:?}"
        );
        assert_eq!(obus[0], [&[1 << 3][..], &[7; 11]].concat());
        assert_eq!(obus[1], [&[6 << 3 | 4, 0x28][..], &frame].concat());
        assert_eq!(obus.len(), 2);
        assert!(!received(&payloads(&obu(6, false, &frame))).1);
    }

    #[test]
    fn packets_are_cut_within_obus() {
        // Whatever the lengths are: the second one begins anywhere at the end of a packet.
        for first in MAX - 40..MAX + 20 {
            let unit = [obu(1, false, &[7; 11]), obu(3, false, &vec![1; first]), obu(4, false, &[2; 900])].concat();
            let packets = payloads(&unit);
            assert_eq!(beginnings(&packets), 1, "{first}");
            let lengths: Vec<usize> = received(&packets).0.iter().map(Vec::len).collect();
            assert_eq!(lengths, [12, first + 1, 901]);
        }
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
            // One of a single byte cannot be cut.
            prop_assume!(shapes.iter().all(|(_, extension, len)| *extension || *len > 0));
            prop_assert_eq!(beginnings(&payloads(&unit)), 1);
        }

        #[test]
        fn any_bytes_give_packets_that_fit(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
            prop_assert!(payloads(&bytes).iter().all(|payload| payload.len() > 1 && payload.len() <= MAX));
        }
    }
}

//! Forward error correction: parity packets from which a viewer makes up for a lost one without asking for it, a round trip
//! sooner. FlexFEC as browsers speak it, `flexfec-03` (draft-ietf-payload-flexible-fec-scheme-03, 4.2): each parity packet is
//! the exclusive or of every so-manieth packet of a picture.
//!
//! Parity is of packets as they leave, with the header extensions that str0m gives them then, so it is made when they do: the
//! header is what was put on the wire, where it is not encrypted, the payload what was handed over before. What changes with
//! each sending counts as zero, as viewers do it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A parity packet for so many packets, at most: a seventh more makes up for most of what a lossy path loses.
const EACH: usize = 7;
/// Packets that one mask of 46 bits names.
const BLOCK: usize = 46;
/// A fixed header of RTP.
const HEADER: usize = 12;
/// A viewer that loses so much of a second's packets, of several looks, gets parity until it has lost nothing for so long.
const LOSES: f32 = 0.004;
const LOOKS: u32 = 3;
const WELL: Duration = Duration::from_secs(10);

/// What parity adds to each byte of pictures, as long as nothing is known of these pictures.
const ADDED: f32 = 0.16;
/// Most packets that wait to leave.
const MOST: usize = 4096;

/// A viewer's parity stream, which it has agreed to.
#[derive(Debug)]
pub(crate) struct Parity {
    /// The stream that is protected.
    source: u32,
    /// Identifiers of header extensions that change with each sending.
    mutable: Vec<u8>,
    /// What was handed over and has not left yet.
    waiting: VecDeque<Waiting>,
    rows: Vec<Row>,
    /// Number of the block's first packet.
    base: u16,
    /// Bytes of the block.
    bytes: usize,
    /// The last header, for its room.
    header: Vec<u8>,
    /// What parity adds to each byte of pictures: less where they have many packets.
    added: f32,
    need: Need,
}

#[derive(Debug)]
struct Waiting {
    number: u16,
    /// Of the first one of its block.
    base: u16,
    payload: Arc<[u8]>,
    /// Place in its block, and the block's parity packets.
    place: usize,
    parities: usize,
    is_last: bool,
}

/// The exclusive or of some packets.
#[derive(Debug, Default)]
struct Row {
    head: [u8; 2],
    length: u16,
    time: [u8; 4],
    /// What follows the fixed header.
    rest: Vec<u8>,
    mask: u64,
}

/// Whether parity is worth its bytes.
#[derive(Debug, Default)]
struct Need {
    looks: u32,
    lost: Option<Instant>,
    on: bool,
}

impl Parity {
    pub fn new(source: u32, mutable: Vec<u8>) -> Self {
        Self {
            source,
            mutable,
            waiting: VecDeque::new(),
            rows: Vec::new(),
            base: 0,
            bytes: 0,
            header: Vec::new(),
            added: ADDED,
            need: Need::default(),
        }
    }

    /// A look at the path: what it lost of the last second's packets, unless they were too many for it.
    pub fn on_look(&mut self, now: Instant, loss: f32) {
        let need = &mut self.need;
        need.looks = if loss > LOSES { need.looks + 1 } else { 0 };
        if loss > 0.0 {
            need.lost = Some(now);
        }
        if need.looks >= LOOKS {
            need.on = true;
        } else if need.lost.is_none_or(|at| now > at + WELL) {
            need.on = false;
        }
    }

    /// The stream that is protected.
    pub fn source(&self) -> u32 {
        self.source
    }

    /// What it adds to each byte of pictures at this moment.
    pub fn adds(&self) -> f32 {
        if self.need.on { self.added } else { 0.0 }
    }

    /// A picture is handed over, beginning with this number.
    pub fn queue(&mut self, first: u16, payloads: &[Arc<[u8]>]) {
        if !self.need.on {
            return;
        }
        if self.waiting.len() > MOST {
            self.waiting.clear();
        }
        let mut number = first;
        for block in payloads.chunks(BLOCK) {
            let base = number;
            let parities = block.len().div_ceil(EACH);
            for (place, payload) in block.iter().enumerate() {
                let is_last = place + 1 == block.len();
                self.waiting.push_back(Waiting { number, base, payload: payload.clone(), place, parities, is_last });
                number = number.wrapping_add(1);
            }
        }
    }

    /// A datagram leaves. At the end of a block its parity packets, for the same time.
    pub fn leaves(&mut self, datagram: &[u8]) -> Option<(u32, Vec<Vec<u8>>)> {
        if self.waiting.is_empty() || source_of(datagram)? != self.source {
            return None;
        }
        let number = u16::from_be_bytes([datagram[2], datagram[3]]);
        let at = self.waiting.iter().position(|waiting| waiting.number == number)?;
        let packet = self.waiting.drain(..=at).next_back()?;
        self.header.clear();
        self.header.extend(datagram.get(..header_len(datagram)?)?);
        zero_mutable(&mut self.header, &self.mutable);
        if packet.base != self.base || self.rows.is_empty() {
            (self.base, self.bytes) = (packet.base, 0);
            self.rows.clear();
            self.rows.resize_with(packet.parities, Row::default);
        }
        self.rows.get_mut(packet.place % packet.parities)?.add(&self.header, &packet.payload, packet.place);
        self.bytes += datagram.len();
        if !packet.is_last {
            return None;
        }
        let time = u32::from_be_bytes([datagram[4], datagram[5], datagram[6], datagram[7]]);
        let (source, base) = (self.source, self.base);
        let made: Vec<Vec<u8>> =
            self.rows.drain(..).filter(|row| row.mask != 0).map(|row| row.packet(source, base)).collect();
        let added = made.iter().map(Vec::len).sum::<usize>() as f32 / self.bytes.max(1) as f32;
        self.added += (added.min(1.0) - self.added) / 16.0;
        Some((time, made))
    }
}

impl Row {
    fn add(&mut self, header: &[u8], payload: &[u8], place: usize) {
        let xor = |to: &mut [u8], of: &[u8]| to.iter_mut().zip(of).for_each(|(to, of)| *to ^= of);
        xor(&mut self.head, &header[..2]);
        xor(&mut self.time, &header[4..8]);
        let extensions = &header[HEADER..];
        let length = extensions.len() + payload.len();
        self.length ^= u16::try_from(length).unwrap_or_default();
        if self.rest.len() < length {
            self.rest.resize(length, 0);
        }
        let (front, back) = self.rest.split_at_mut(extensions.len());
        xor(front, extensions);
        xor(back, payload);
        self.mask |= 1 << place;
    }

    /// The payload of the parity packet.
    fn packet(self, source: u32, base: u16) -> Vec<u8> {
        let mut out = Vec::with_capacity(24 + self.rest.len());
        // Neither a repeat nor a mask of fixed shape.
        out.extend([self.head[0] & 0x3f, self.head[1]]);
        out.extend(self.length.to_be_bytes());
        out.extend(self.time);
        // One stream.
        out.extend([1, 0, 0, 0]);
        out.extend(source.to_be_bytes());
        out.extend(base.to_be_bytes());
        // The first packet has the highest bit behind the one that says whether more of the mask follows.
        let bits = |from: u32, count: u32| {
            (0..count)
                .filter(|bit| self.mask >> (from + bit) & 1 == 1)
                .fold(0u32, |all, bit| all | 1 << (count - 1 - bit))
        };
        let (short, long) = (bits(0, 15) as u16, bits(15, 31));
        if long == 0 {
            out.extend((0x8000 | short).to_be_bytes());
        } else {
            out.extend(short.to_be_bytes());
            out.extend((0x8000_0000 | long).to_be_bytes());
        }
        out.extend(self.rest);
        out
    }
}

/// Whose media a datagram is; `None` for what is none.
fn source_of(datagram: &[u8]) -> Option<u32> {
    let is_media = datagram.len() > HEADER && datagram[0] >> 6 == 2 && !(192..224).contains(&datagram[1]);
    is_media.then(|| u32::from_be_bytes([datagram[8], datagram[9], datagram[10], datagram[11]]))
}

/// The header and its extensions.
fn header_len(packet: &[u8]) -> Option<usize> {
    let fixed = HEADER + usize::from(packet[0] & 0x0f) * 4;
    if packet[0] & 0x10 == 0 {
        return Some(fixed);
    }
    let words = packet.get(fixed + 2..fixed + 4)?;
    Some(fixed + 4 + usize::from(u16::from_be_bytes([words[0], words[1]])) * 4)
}

/// Header extensions of one or two bytes (RFC 8285): what changes with each sending becomes zero.
fn zero_mutable(header: &mut [u8], mutable: &[u8]) {
    let begin = HEADER + usize::from(header[0] & 0x0f) * 4;
    let Some(kind) = header.get(begin..begin + 2).map(|kind| u16::from_be_bytes([kind[0], kind[1]])) else { return };
    let mut at = begin + 4;
    while at < header.len() {
        if header[at] == 0 {
            at += 1;
            continue;
        }
        let (id, length, data) = if kind == 0xbede {
            (header[at] >> 4, usize::from(header[at] & 0x0f) + 1, at + 1)
        } else {
            let Some(length) = header.get(at + 1) else { return };
            (header[at], usize::from(*length), at + 2)
        };
        let end = (data + length).min(header.len());
        if mutable.contains(&id) {
            header[data.min(end)..end].fill(0);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: u32 = 0x1234_5678;
    const ABS_TIME: u8 = 2;
    const NUMBER: u8 = 3;

    /// A packet as it leaves: `sending` is in what changes each time.
    fn packet(number: u16, marker: bool, sending: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0x90, 102 | u8::from(marker) << 7];
        out.extend(number.to_be_bytes());
        out.extend(0x0102_0304u32.to_be_bytes());
        out.extend(SOURCE.to_be_bytes());
        // A section's name in the first ones only, so that lengths differ.
        let mut extensions = vec![ABS_TIME << 4 | 2, sending, 1, 2, NUMBER << 4 | 1, sending, 9, 5 << 4 | 2, 0, 0, 0];
        if number.is_multiple_of(5) {
            extensions.extend([4 << 4, b'0']);
        }
        extensions.resize(extensions.len().next_multiple_of(4), 0);
        out.extend([0xbe, 0xde]);
        out.extend((extensions.len() as u16 / 4).to_be_bytes());
        out.extend(extensions);
        out.extend(payload);
        out
    }

    fn zeroed(packet: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        let end = header_len(&packet).unwrap();
        zero_mutable(&mut packet[..end], &[ABS_TIME, NUMBER]);
        packet
    }

    fn on() -> Parity {
        let mut parity = Parity::new(SOURCE, vec![ABS_TIME, NUMBER]);
        let now = Instant::now();
        (0..LOOKS).for_each(|_| parity.on_look(now, 0.02));
        assert!(parity.adds() > 0.0);
        parity
    }

    /// Sends a picture; the packets, and the parity packets.
    fn send(parity: &mut Parity, first: u16, sizes: &[usize]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let payloads: Vec<Arc<[u8]>> =
            sizes.iter().enumerate().map(|(i, size)| vec![i as u8 + 1; *size].into()).collect();
        parity.queue(first, &payloads);
        let (mut packets, mut made) = (Vec::new(), Vec::new());
        for (at, payload) in payloads.iter().enumerate() {
            let packet = packet(first.wrapping_add(at as u16), at + 1 == payloads.len(), at as u8, payload);
            // Encrypted on the wire.
            let mut wire = packet.clone();
            let header = header_len(&wire).unwrap();
            wire[header..].iter_mut().for_each(|byte| *byte ^= 0xa5);
            wire.extend([7; 10]);
            if let Some((time, parities)) = parity.leaves(&wire) {
                assert_eq!(time, 0x0102_0304);
                made.extend(parities);
            }
            packets.push(packet);
        }
        (packets, made)
    }

    /// As a viewer reads it (draft, 4.2 and 6.3): the packets that it names, and the one that is missing of them.
    fn repair(parity: &[u8], received: &[(u16, Vec<u8>)], missing: u16) -> Option<Vec<u8>> {
        assert_eq!((parity[0] >> 6, &parity[8..12]), (0, &[1, 0, 0, 0][..]));
        assert_eq!(parity[12..16], SOURCE.to_be_bytes());
        let base = u16::from_be_bytes([parity[16], parity[17]]);
        let short = u16::from_be_bytes([parity[18], parity[19]]);
        let mut named: Vec<u16> = (0..15).filter(|bit| short >> (14 - bit) & 1 == 1).collect();
        let mut begin = 20;
        if short & 0x8000 == 0 {
            let long = u32::from_be_bytes(parity[20..24].try_into().unwrap());
            assert_eq!(long >> 31, 1, "there is no third part");
            named.extend((0..31u16).filter(|bit| long >> (30 - bit) & 1 == 1).map(|bit| 15 + bit));
            begin = 24;
        }
        let named: Vec<u16> = named.iter().map(|place| base.wrapping_add(*place)).collect();
        if !named.contains(&missing) {
            return None;
        }
        let mut head = [parity[0] & 0x3f, parity[1]];
        let mut length = u16::from_be_bytes([parity[2], parity[3]]);
        let mut time = [parity[4], parity[5], parity[6], parity[7]];
        let mut rest = parity[begin..].to_vec();
        for (_, packet) in received.iter().filter(|(number, _)| named.contains(number) && *number != missing) {
            let packet = zeroed(packet);
            head[0] ^= packet[0] & 0x3f;
            head[1] ^= packet[1];
            length ^= (packet.len() - 12) as u16;
            (0..4).for_each(|i| time[i] ^= packet[4 + i]);
            packet[12..].iter().enumerate().for_each(|(i, byte)| rest[i] ^= byte);
        }
        let mut out = vec![0x80 | head[0], head[1]];
        out.extend(missing.to_be_bytes());
        out.extend(time);
        out.extend(SOURCE.to_be_bytes());
        out.extend(&rest[..usize::from(length)]);
        Some(out)
    }

    #[test]
    fn each_packet_is_made_up_for() {
        let mut parity = on();
        for (first, count) in [(10, 1), (100, 2), (200, 7), (300, 8), (65_530, 15), (400, 33), (1000, 46), (2000, 130)]
        {
            let sizes: Vec<usize> = (0..count).map(|i| 1100 - i * 3).collect();
            let (packets, made) = send(&mut parity, first, &sizes);
            let blocks = sizes.chunks(BLOCK).map(|block| block.len().div_ceil(EACH)).sum::<usize>();
            assert_eq!(made.len(), blocks, "{count} packets");
            let received: Vec<(u16, Vec<u8>)> =
                packets.iter().enumerate().map(|(i, p)| (first.wrapping_add(i as u16), p.clone())).collect();
            for (missing, packet) in &received {
                let repaired: Vec<_> = made.iter().filter_map(|p| repair(p, &received, *missing)).collect();
                assert_eq!(repaired, [zeroed(packet)], "{missing} of {count}");
            }
        }
    }

    #[test]
    fn other_packets_and_packets_of_before_are_left_alone() {
        let mut parity = on();
        parity.queue(5, &[Arc::from(&b"one"[..]), Arc::from(&b"two"[..])]);
        let mut other = packet(5, false, 0, b"one");
        other[11] ^= 1;
        for datagram in [
            &other[..],
            &[],
            &[0x80],
            &packet(4, true, 0, b"before"),
            &[0x80, 200, 0, 1, 0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0],
        ] {
            assert_eq!(parity.leaves(datagram), None);
        }
        // One that never left is not in it.
        let (_, made) = parity.leaves(&packet(6, true, 0, b"two")).unwrap();
        let received = [(6, packet(6, true, 0, b"two"))];
        assert_eq!(made.len(), 1);
        assert_eq!(repair(&made[0], &received, 5), None);
        assert_eq!(repair(&made[0], &received, 6).map(|packet| packet.len()), Some(received[0].1.len()));
        assert!(parity.leaves(&packet(7, true, 0, b"x")).is_none());
    }

    #[test]
    fn what_it_adds_follows_the_pictures() {
        let mut parity = on();
        (0..60).for_each(|at| _ = send(&mut parity, at * 40, &[1100; 35]));
        assert!((0.13..0.16).contains(&parity.adds()), "{}", parity.adds());
        (0..60).for_each(|at| _ = send(&mut parity, 5000 + at * 2, &[600, 500]));
        assert!((0.45..0.6).contains(&parity.adds()), "{}", parity.adds());
    }

    #[test]
    fn it_is_on_while_packets_are_lost() {
        let (mut parity, start) = (Parity::new(SOURCE, Vec::new()), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        parity.on_look(at(0), 0.01);
        parity.on_look(at(50), 0.01);
        parity.on_look(at(100), 0.0);
        assert_eq!(parity.adds(), 0.0, "a moment is no reason");
        parity.queue(1, &[Arc::from(&b"x"[..])]);
        assert_eq!(parity.leaves(&packet(1, true, 0, b"x")), None);
        (0..3).for_each(|i| parity.on_look(at(150 + i * 50), 0.01));
        assert!(parity.adds() > 0.0);
        parity.on_look(at(9_000), 0.0);
        assert!(parity.adds() > 0.0);
        parity.on_look(at(10_300), 0.0);
        assert_eq!(parity.adds(), 0.0);
    }
}

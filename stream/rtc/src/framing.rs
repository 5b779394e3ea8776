//! Datagrams on a stream: each after its length in two bytes, network order (RFC 4571). Pure, but for the `Write` that
//! what goes out is written to.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};

/// Longest datagram that is taken in, bytes. Those of browsers are below 1,500.
pub(crate) const MAX_FRAME: usize = 2_048;
/// Most bytes that wait for a stalled connection beside those in the system's own buffer.
pub(crate) const OUT_LIMIT: usize = 128 * 1024;
const HEADER: usize = 2;

/// A length that no datagram of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {0} bytes; {MAX_FRAME} are allowed")]
pub(crate) struct TooLong(pub(crate) usize);

/// Takes datagrams out of a stream. Between two calls of [`Deframer::push`] everything that is whole must be taken, then it
/// never holds more than one frame and what was pushed.
#[derive(Debug, Default)]
pub(crate) struct Deframer {
    bytes: Vec<u8>,
    taken: usize,
}

impl Deframer {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole datagram; empty ones are left out.
    ///
    /// # Errors
    /// A length that cannot be: the stream makes no sense from here on.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        loop {
            let rest = &self.bytes[self.taken..];
            let Some((length, rest)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
            let length = usize::from(u16::from_be_bytes(*length));
            if length > MAX_FRAME {
                return Err(TooLong(length));
            }
            if rest.len() < length {
                return Ok(None);
            }
            let begin = self.taken + HEADER;
            self.taken = begin + length;
            if length > 0 {
                return Ok(Some(&self.bytes[begin..begin + length]));
            }
        }
    }
}

/// What waits to be written. It is a queue of bytes with a limit, as a router has: a datagram that does not fit is dropped
/// whole, so that the stream never holds half a frame, and the congestion control sees a loss.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: VecDeque<u8>,
    pub(crate) dropped: u64,
}

impl Outgoing {
    /// Writes a datagram or keeps it for [`Outgoing::flush`]; drops it when too much waits.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) fn send(&mut self, to: &mut impl Write, datagram: &[u8]) -> io::Result<()> {
        let Ok(length) = u16::try_from(datagram.len()) else {
            self.dropped += 1;
            return Ok(());
        };
        let header = length.to_be_bytes();
        let whole = HEADER + datagram.len();
        let mut written = 0;
        if self.bytes.is_empty() {
            written = accepted(to.write_vectored(&[IoSlice::new(&header), IoSlice::new(datagram)]))?;
        } else if self.bytes.len() + whole > OUT_LIMIT {
            self.dropped += 1;
            return Ok(());
        }
        if written < whole {
            self.bytes.extend(header.iter().chain(datagram).skip(written));
        }
        Ok(())
    }

    /// Writes what waits, as far as the connection takes it.
    ///
    /// # Errors
    /// The connection is broken.
    pub(crate) fn flush(&mut self, to: &mut impl Write) -> io::Result<()> {
        while !self.bytes.is_empty() {
            let written = accepted(to.write(self.bytes.as_slices().0))?;
            if written == 0 {
                break;
            }
            self.bytes.drain(..written);
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Bytes that went; none when it would have to wait.
fn accepted(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(datagram: &[u8]) -> Vec<u8> {
        let mut bytes = u16::try_from(datagram.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(datagram);
        bytes
    }

    /// Everything that comes out when a stream arrives in pieces.
    fn deframe(pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, TooLong> {
        let (mut deframer, mut out) = (Deframer::default(), Vec::new());
        for piece in pieces {
            deframer.push(piece);
            while let Some(datagram) = deframer.next()? {
                out.push(datagram.to_vec());
            }
        }
        Ok(out)
    }

    #[test]
    fn frames_come_out_however_the_stream_is_cut() {
        let datagrams = [vec![1; 20], vec![2], vec![3; MAX_FRAME], vec![], vec![4; 700]];
        let stream: Vec<u8> = datagrams.iter().flat_map(|d| frame(d)).collect();
        let wanted: Vec<Vec<u8>> = datagrams.iter().filter(|d| !d.is_empty()).cloned().collect();
        for size in [1, 2, 3, 7, 100, 1_000, stream.len()] {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(deframe(&pieces).unwrap(), wanted, "pieces of {size}");
        }
    }

    #[test]
    fn what_is_cut_off_never_comes_out() {
        let stream = frame(&[9; 50]);
        for length in 0..stream.len() {
            assert_eq!(deframe(&[&stream[..length]]).unwrap(), Vec::<Vec<u8>>::new());
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_seen_at_once() {
        assert_eq!(deframe(&[&[0xff, 0xff]]), Err(TooLong(65_535)));
        assert_eq!(deframe(&[&frame(&[1; 4]), &[0x08, 0x01]]), Err(TooLong(2_049)));
    }

    #[test]
    fn memory_is_one_frame_and_what_was_pushed() {
        let mut deframer = Deframer::default();
        let stream: Vec<u8> = (0..1_000).flat_map(|_| frame(&[7; 1_000])).collect();
        for piece in stream.chunks(4_096) {
            deframer.push(piece);
            while deframer.next().unwrap().is_some() {}
            assert!(deframer.bytes.len() <= 4_096 + HEADER + MAX_FRAME, "{}", deframer.bytes.len());
        }
    }

    /// A connection that takes so many bytes and then none.
    struct Slow {
        room: usize,
        got: Vec<u8>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.room -= taken;
            self.got.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stalled_connection_gets_whole_frames_or_none() {
        let mut out = Outgoing::default();
        let mut slow = Slow { room: 1_500, got: Vec::new() };
        let datagram = |i: u32| [&i.to_be_bytes()[..], &[0; 996]].concat();
        for i in 0..1_000 {
            out.send(&mut slow, &datagram(i)).unwrap();
            assert!(out.bytes.len() <= OUT_LIMIT);
            // Now and then it takes a few bytes, cutting frames anywhere.
            if i % 10 == 0 {
                slow.room += 777;
                out.flush(&mut slow).unwrap();
            }
        }
        assert!(out.dropped > 500, "{}", out.dropped);
        slow.room = usize::MAX;
        out.flush(&mut slow).unwrap();
        assert!(out.is_empty());
        let got = deframe(&[&slow.got]).unwrap();
        let numbers: Vec<u32> = got.iter().map(|d| u32::from_be_bytes(*d.first_chunk().unwrap())).collect();
        assert!(got.iter().all(|d| d.len() == 1_000) && numbers.is_sorted());
        assert_eq!(got.len() as u64 + out.dropped, 1_000);
        // And then it goes on.
        out.send(&mut slow, &datagram(5_000)).unwrap();
        out.flush(&mut slow).unwrap();
        assert!(slow.got.ends_with(&frame(&datagram(5_000))));
    }

    #[test]
    fn a_broken_connection_is_an_error() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Ok(0)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(Outgoing::default().send(&mut Broken, &[1]).is_err());
    }

    proptest::proptest! {
        /// Whatever comes, cut anywhere: the same datagrams or the same error, and never more than was sent.
        #[test]
        fn any_bytes_are_survived(
            bytes in proptest::collection::vec(0u8..12, 0..4_000),
            cuts in proptest::collection::vec(1usize..600, 1..40),
        ) {
            let mut pieces = Vec::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let at = cuts.next().unwrap_or(1).min(rest.len());
                let (piece, after) = rest.split_at(at);
                pieces.push(piece);
                rest = after;
            }
            let whole = deframe(&[&bytes]);
            proptest::prop_assert_eq!(&whole, &deframe(&pieces));
            if let Ok(datagrams) = whole {
                proptest::prop_assert!(datagrams.iter().map(|d| d.len() + HEADER).sum::<usize>() <= bytes.len());
                proptest::prop_assert!(datagrams.iter().all(|d| (1..=MAX_FRAME).contains(&d.len())));
            }
        }
    }
}

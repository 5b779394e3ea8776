//! Connections that carry the datagrams of viewers whom UDP does not reach (ICE-TCP, RFC 6544, passive side).
//!
//! ```text
//! taken over ──► waiting ── first datagram is a binding request of a peer ──► that peer's ──► ended with it
//!                   │ anything else, 5 s, or the oldest of more than 32
//!                   ▼
//!                 ended
//! ```
//!
//! Nothing here waits: connections are read when they have something, written when they have room, and what a stalled one
//! does not take is dropped in whole datagrams ([`Outgoing`]). What is wrong with one connection ends that one only.

use crate::PeerId;
use crate::address::unmapped;
use crate::framing::{Deframer, Outgoing};
use crate::wait::{Registered, Waiter};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// From its taking over to the binding request that tells whose a connection is. Browsers send one at once.
pub(crate) const CLAIM_WITHIN: Duration = Duration::from_secs(5);
/// Connections that may wait for that at once; one more ends the oldest.
pub(crate) const WAITING: usize = 32;
/// Connections of one peer: browsers open one for each pair of addresses. One more is ended.
pub(crate) const PER_PEER: usize = 16;
/// What the system may keep for a connection, bytes. Left alone it grows to megabytes, which are seconds of delay on a slow
/// path; this is 20 Mbit/s at a round trip of 50 ms.
const SEND_BUFFER: usize = 128 * 1024;
/// Most bytes that are read of one connection before others have their turn, and at once.
const READ_PER_TURN: usize = 64 * 1024;
const READ_AT_ONCE: usize = 16 * 1024;

/// A connection on its way to the network thread, and what counts it where it was accepted.
pub(crate) struct Arrival {
    pub(crate) stream: TcpStream,
    /// Dropped when the connection is known to be a peer's, or ends.
    pub(crate) held: Box<dyn Any + Send>,
}

/// All connections, by the key that the waiter knows them by.
#[derive(Default)]
pub(crate) struct Connections {
    all: BTreeMap<usize, Connection>,
    /// Those that are nobody's yet, the oldest first.
    waiting: BTreeSet<usize>,
    /// Those that belong to peers.
    by_remote: HashMap<SocketAddr, usize>,
    last_key: usize,
}

struct Connection {
    registered: Registered,
    remote: SocketAddr,
    since: Instant,
    owner: Option<PeerId>,
    input: Deframer,
    output: Outgoing,
    /// Until it is a peer's.
    held: Option<Box<dyn Any + Send>>,
}

/// What a datagram on a connection means.
pub(crate) enum Heard<'a> {
    /// The first one: whose is it?
    Claim(&'a [u8]),
    /// A further one of this peer.
    Frame(PeerId, &'a [u8]),
}

impl Connections {
    /// Takes a connection over. One that the system does not let be used is dropped.
    pub(crate) fn adopt(&mut self, now: Instant, waiter: &Waiter, arrival: Arrival) {
        let Arrival { stream, held } = arrival;
        let key = self.last_key + 1;
        let outcome = prepare(&stream).and_then(|remote| Ok((waiter.register(stream, key)?, remote)));
        match outcome {
            Ok((registered, remote)) => {
                self.last_key = key;
                if let Some(&oldest) = self.waiting.first().filter(|_| self.waiting.len() >= WAITING) {
                    self.end(oldest, "too many wait for their first datagram");
                }
                let (input, output) = (Deframer::default(), Outgoing::default());
                let connection =
                    Connection { registered, remote, since: now, owner: None, input, output, held: Some(held) };
                self.all.insert(key, connection);
                self.waiting.insert(key);
            }
            Err(error) => tracing::debug!(%error, "a media connection cannot be used"),
        }
    }

    /// Reads and writes what a connection has. `hear` gets each datagram with the viewer's address; to a claim it answers
    /// with the owner.
    pub(crate) fn on_ready(
        &mut self,
        key: usize,
        buffer: &mut [u8],
        mut hear: impl FnMut(SocketAddr, Heard<'_>) -> Option<PeerId>,
    ) {
        let Some(connection) = self.all.get_mut(&key) else { return };
        let outcome = connection.read(buffer, &mut hear).and_then(|()| connection.write());
        let (owner, remote) = (connection.owner, connection.remote);
        if let Err(error) = outcome {
            return self.end(key, &error.to_string());
        }
        if let Some(owner) = owner.filter(|_| self.waiting.remove(&key)) {
            if self.all.values().filter(|c| c.owner == Some(owner)).count() > PER_PEER {
                return self.end(key, "this viewer has too many connections");
            }
            // The same address again: the viewer has a new connection, the old one is of no use to it.
            if let Some(old) = self.by_remote.insert(remote, key) {
                self.end(old, "replaced");
            }
        }
    }

    /// Sends a datagram to a viewer by the connection that came from there. Without one it is lost.
    pub(crate) fn send(&mut self, destination: SocketAddr, datagram: &[u8]) {
        let Some(&key) = self.by_remote.get(&destination) else { return };
        let Some(connection) = self.all.get_mut(&key) else { return };
        let idle = connection.output.is_empty();
        let mut outcome = connection.output.send(connection.registered.stream(), datagram);
        if idle && !connection.output.is_empty() {
            // The rest goes when there is room.
            outcome = outcome.and(connection.arm());
        }
        if let Err(error) = outcome {
            self.end(key, &error.to_string());
        }
    }

    /// A peer is gone.
    pub(crate) fn end_peer(&mut self, peer: PeerId) {
        let theirs: Vec<usize> = self.all.iter().filter(|(_, c)| c.owner == Some(peer)).map(|(key, _)| *key).collect();
        for key in theirs {
            self.end(key, "its viewer is gone");
        }
    }

    /// Ends those that nobody claimed in time.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some((key, _)) = self.first_waiting().filter(|(_, due)| *due <= now) {
            self.end(key, "no first datagram came in time");
        }
    }

    /// When to call [`Connections::expire`] at the latest.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.first_waiting().map(|(_, due)| due)
    }

    fn first_waiting(&self) -> Option<(usize, Instant)> {
        let key = self.waiting.first()?;
        self.all.get(key).map(|connection| (*key, connection.since + CLAIM_WITHIN))
    }

    fn end(&mut self, key: usize, why: &str) {
        let Some(mut connection) = self.all.remove(&key) else { return };
        self.waiting.remove(&key);
        if self.by_remote.get(&connection.remote) == Some(&key) {
            self.by_remote.remove(&connection.remote);
        }
        tracing::debug!(remote = %connection.remote, dropped = connection.output.dropped, why, "media connection ended");
        // A goodbye that was just written goes before the end.
        let _ = connection.registered.stream().shutdown(Shutdown::Write);
    }
}

impl Connection {
    fn read(
        &mut self,
        buffer: &mut [u8],
        hear: &mut impl FnMut(SocketAddr, Heard<'_>) -> Option<PeerId>,
    ) -> io::Result<()> {
        let mut total = 0;
        while total < READ_PER_TURN {
            let length = match self.registered.stream().read(&mut buffer[..READ_AT_ONCE]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            total += length;
            self.input.push(&buffer[..length]);
            while let Some(datagram) = self.input.next().map_err(io::Error::other)? {
                match self.owner {
                    Some(owner) => {
                        hear(self.remote, Heard::Frame(owner, datagram));
                    }
                    None => {
                        let owner = hear(self.remote, Heard::Claim(datagram));
                        self.owner = Some(owner.ok_or_else(|| io::Error::other("its first datagram is nobody's"))?);
                        self.held = None;
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.output.flush(self.registered.stream())?;
        self.arm()
    }

    fn arm(&self) -> io::Result<()> {
        self.registered.arm(!self.output.is_empty())
    }
}

fn prepare(stream: &TcpStream) -> io::Result<SocketAddr> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_send_buffer_size(SEND_BUFFER)?;
    stream.peer_addr().map(unmapped)
}

//! Waiting for a datagram, a connection with something to read or room to write, a wake-up or a moment, whichever comes
//! first.
//!
//! `polling` keeps its deadlines with a timer of the system's finest resolution (timerfd on Linux). The pacer needs
//! that: a socket's read timeout is rounded up to the kernel's tick and starves it.
#![allow(unsafe_code)]

use crate::udp::Udp;
use polling::{Event, Events, Poller};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

/// Wakes the waiting thread from any other.
#[derive(Debug, Clone)]
pub(crate) struct Waker(Arc<Poller>);

impl Waker {
    pub(crate) fn wake(&self) {
        // It fails only when the poller's own descriptors are gone, and then there is nobody to wake.
        let _ = self.0.notify();
    }
}

/// The UDP socket's; connections have others.
const SOCKET: usize = 0;

/// A socket and the means to wait for it.
pub(crate) struct Waiter {
    poller: Arc<Poller>,
    events: Events,
    udp: Udp,
}

impl Waiter {
    pub(crate) fn new(udp: Udp) -> io::Result<Self> {
        let poller = Arc::new(Poller::new()?);
        // SAFETY: `Waiter` owns poller and socket and takes the socket out of the poller (`replace`, `drop`) before it
        // closes it. A `Waker` or a `Registered` may keep the poller longer, but then the socket is not in it.
        unsafe { poller.add(udp.socket(), Event::readable(SOCKET)) }?;
        Ok(Self { poller, events: Events::new(), udp })
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(self.poller.clone())
    }

    pub(crate) fn udp(&mut self) -> &mut Udp {
        &mut self.udp
    }

    /// Closes the socket and waits for another one from now on.
    pub(crate) fn replace(&mut self, make: impl FnOnce() -> io::Result<Udp>) -> io::Result<()> {
        let udp = make()?;
        // SAFETY: as in `new`.
        unsafe { self.poller.add(udp.socket(), Event::readable(SOCKET)) }?;
        self.poller.delete(self.udp.socket())?;
        self.udp = udp;
        Ok(())
    }

    /// Waits for a connection, too, from now on: first for something to read. `key` is the caller's, not 0, and of this
    /// connection alone.
    pub(crate) fn register(&self, stream: TcpStream, key: usize) -> io::Result<Registered> {
        // SAFETY: `Registered` owns the connection, keeps the poller alive and takes the connection out of it before it
        // closes it.
        unsafe { self.poller.add(&stream, Event::readable(key)) }?;
        Ok(Registered { poller: self.poller.clone(), stream, key })
    }

    /// Returns at the deadline, after a wake-up, or when a datagram is there or a connection is ready.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.events.clear();
        // Interest is for one event: it is renewed before each wait.
        self.poller.modify(self.udp.socket(), Event::readable(SOCKET))?;
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        self.poller.wait(&mut self.events, timeout).map(|_| ())
    }

    /// Connections that were ready after the last wait. Each has to be armed again ([`Registered::arm`]).
    pub(crate) fn ready(&self) -> Vec<usize> {
        self.events.iter().map(|event| event.key).filter(|key| *key != SOCKET).collect()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let _ = self.poller.delete(self.udp.socket());
    }
}

/// A connection that a [`Waiter`] waits for.
pub(crate) struct Registered {
    poller: Arc<Poller>,
    stream: TcpStream,
    key: usize,
}

impl Registered {
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The next event: something to read, or also room to write.
    pub(crate) fn arm(&self, writable: bool) -> io::Result<()> {
        self.poller.modify(&self.stream, Event::new(self.key, true, writable))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let _ = self.poller.delete(&self.stream);
    }
}

//! The UDP socket: what goes to one viewer goes to the system at once, and what is there is taken at once.
//!
//! One system call for each packet was a third of the network thread's time. Where the system cuts a run of datagrams of
//! one length apart itself (Linux: `UDP_SEGMENT`, Windows: `UDP_SEND_MSG_SIZE`), a picture costs one call for each viewer; where
//! it does not, or a network card or a path refuses, datagrams go one by one.

use crate::address::{to_v6, unmapped};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};

/// What the system is asked to keep on the way out: pictures of all viewers come at once. It may allow less.
const SEND_BUFFER: usize = 1024 * 1024;
/// On the way in: what viewers report while a picture goes out to all of them.
const RECEIVE_BUFFER: usize = 1024 * 1024;
/// Datagrams of a run, and their bytes: what every system takes.
const RUN: usize = 64;
const RUN_BYTES: usize = 60_000;
/// Buffers that are filled at once; the system may join datagrams of one sender in a buffer.
const BUFFERS: usize = 8;
const BUFFER: usize = 65_536;

/// A socket, and datagrams that wait for [`Udp::flush`].
pub(crate) struct Udp {
    socket: UdpSocket,
    state: UdpSocketState,
    /// The socket speaks IPv6, and IPv4 in its clothes.
    mapped: bool,
    run: Run,
    buffers: Vec<Vec<u8>>,
}

/// Datagrams to one destination, all of the length of the first but the last, which may be shorter.
#[derive(Default)]
struct Run {
    destination: Option<SocketAddr>,
    bytes: Vec<u8>,
    length: usize,
    count: usize,
}

impl Run {
    fn takes(&self, destination: SocketAddr, length: usize, most: usize) -> bool {
        self.destination == Some(destination)
            && self.count < most
            // Behind a shorter one nothing can follow.
            && self.bytes.len() == self.count * self.length
            && length <= self.length
            && self.bytes.len() + length <= RUN_BYTES
    }
}

impl Udp {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(addr)?;
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        // Both are wishes.
        let _ = state.set_send_buffer_size((&socket).into(), SEND_BUFFER);
        let _ = state.set_recv_buffer_size((&socket).into(), RECEIVE_BUFFER);
        let mapped = socket.local_addr()?.is_ipv6();
        let buffers = vec![vec![0; BUFFER]; BUFFERS];
        Ok(Self { socket, state, mapped, run: Run::default(), buffers })
    }

    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Sends a datagram, at the latest with the next [`Udp::flush`]. A full buffer or an unreachable viewer loses it, as
    /// any network may; nothing waits for it.
    pub(crate) fn send(&mut self, destination: SocketAddr, datagram: &[u8]) {
        // Only media is sent in runs. It goes where a viewer has answered from; checks of paths go wherever viewers say, and
        // what the system thinks of such an address must not decide how all others are served.
        let media = datagram.first().is_some_and(|first| (128..192).contains(first));
        let most = if media { RUN.min(self.state.max_gso_segments()) } else { 1 };
        if most < 2 {
            self.flush();
            return self.send_one(destination, datagram);
        }
        if !self.run.takes(destination, datagram.len(), most) {
            self.flush();
            (self.run.destination, self.run.length) = (Some(destination), datagram.len());
        }
        self.run.bytes.extend_from_slice(datagram);
        self.run.count += 1;
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) {
        let Some(destination) = self.run.destination.take() else { return };
        let run = std::mem::take(&mut self.run);
        let outcome = if run.count < 2 {
            Err(io::ErrorKind::Unsupported.into())
        } else {
            let transmit = Transmit {
                destination: self.spoken(destination),
                ecn: None,
                contents: &run.bytes,
                segment_size: Some(run.length),
                src_ip: None,
            };
            self.state.try_send((&self.socket).into(), &transmit)
        };
        if outcome.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
            // Whoever refuses runs may take what they are made of.
            run.bytes.chunks(run.length.max(1)).for_each(|datagram| self.send_one(destination, datagram));
        }
        // Its memory is used again.
        self.run.bytes = run.bytes;
        self.run.bytes.clear();
    }

    fn send_one(&self, destination: SocketAddr, datagram: &[u8]) {
        let _ = self.socket.send_to(datagram, self.spoken(destination));
    }

    fn spoken(&self, destination: SocketAddr) -> SocketAddr {
        if self.mapped { to_v6(destination) } else { destination }
    }

    /// Hands over some of the datagrams that are there, each with its sender. How many came, and whether more may be there.
    ///
    /// # Errors
    /// The system reports that an earlier datagram found nobody, or there is nothing (`WouldBlock`).
    pub(crate) fn receive(&mut self, mut take: impl FnMut(SocketAddr, &[u8])) -> io::Result<(usize, bool)> {
        let mut metas = [RecvMeta::default(); BUFFERS];
        let mut count = 0;
        let filled = {
            let mut rest = self.buffers.iter_mut();
            let mut slices: [IoSliceMut<'_>; BUFFERS] =
                std::array::from_fn(|_| IoSliceMut::new(rest.next().map_or(&mut [], |buffer| &mut buffer[..])));
            self.state.recv((&self.socket).into(), &mut slices, &mut metas)?
        };
        for (buffer, meta) in self.buffers.iter().zip(&metas[..filled]) {
            let datagrams = buffer[..meta.len].chunks(meta.stride.max(1));
            // An empty datagram counts: whoever sends nothing else must not keep the thread here.
            count += datagrams.len().max(1);
            datagrams.for_each(|datagram| take(unmapped(meta.addr), datagram));
        }
        Ok((count, filled == BUFFERS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A viewer that takes one datagram at a time.
    fn viewer() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    }

    fn host() -> Udp {
        Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    fn media(length: usize, number: usize) -> Vec<u8> {
        (0..length).map(|i| if i == 0 { 0x80 } else { (i * 7 + number) as u8 }).collect()
    }

    fn take(viewer: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; BUFFER];
        let mut one = || viewer.recv(&mut buffer).map(|length| buffer[..length].to_vec()).unwrap();
        (0..count).map(|_| one()).collect()
    }

    /// What no path was found to yet, as the first byte says (RFC 7983).
    const NOWHERE: &str = "127.0.0.1:0";

    #[test]
    fn datagrams_arrive_as_they_were_sent() {
        let (mut host, viewers) = (host(), [viewer(), viewer()]);
        let lengths = [vec![1_100; 30], vec![300, 1_100, 1_100, 1_200, 40, 40], vec![700; 80]].concat();
        let sent: Vec<Vec<u8>> = lengths.iter().enumerate().map(|(number, length)| media(*length, number)).collect();
        for part in sent.chunks(17) {
            for viewer in &viewers {
                part.iter().for_each(|datagram| host.send(viewer.local_addr().unwrap(), datagram));
            }
        }
        host.flush();
        for viewer in &viewers {
            assert!(take(viewer, sent.len()) == sent);
        }
    }

    #[test]
    fn what_the_system_joined_is_taken_apart() {
        let (mut from, mut to) = (host(), host());
        let sent: Vec<Vec<u8>> = (0..41).map(|number| media(if number == 40 { 9 } else { 1_000 }, number)).collect();
        let destination = to.socket().local_addr().unwrap();
        sent.iter().for_each(|datagram| from.send(destination, datagram));
        from.flush();
        let (mut got, source) = (Vec::new(), from.socket().local_addr().unwrap());
        while got.len() < sent.len() {
            let outcome = to.receive(|by, datagram| {
                assert_eq!(by, source);
                got.push(datagram.to_vec());
            });
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                outcome => assert!(outcome.unwrap().0 > 0),
            }
        }
        assert!(got == sent);
    }

    #[test]
    fn empty_datagrams_count_so_that_a_flood_of_them_ends() {
        let (mut host, viewer) = (host(), viewer());
        let to = host.socket().local_addr().unwrap();
        (0..BUFFERS).for_each(|_| assert_eq!(viewer.send_to(&[], to).unwrap(), 0));
        let mut came = 0;
        while came < BUFFERS {
            match host.receive(|_, datagram| panic!("{} bytes", datagram.len())) {
                Ok((count, _)) => came += count,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert_eq!(came, BUFFERS);
    }

    #[test]
    fn a_system_that_refuses_runs_gets_single_datagrams() {
        let (mut host, viewer) = (host(), viewer());
        // Port 0 is nobody's: sending there fails as it does where runs cannot be cut apart.
        for number in 0..3 {
            host.send(NOWHERE.parse().unwrap(), &media(1_000, number));
        }
        host.flush();
        assert_eq!(host.state.max_gso_segments(), 1);
        let sent: Vec<Vec<u8>> = (0..20).map(|number| media(1_000, number)).collect();
        sent.iter().for_each(|datagram| host.send(viewer.local_addr().unwrap(), datagram));
        assert!(take(&viewer, sent.len()) == sent, "or what was sent waits");
    }

    #[test]
    fn addresses_that_viewers_name_cannot_end_runs() {
        let mut host = host();
        let before = host.state.max_gso_segments();
        for _ in 0..3 {
            host.send(NOWHERE.parse().unwrap(), &[0, 1, 0, 0]);
        }
        host.flush();
        assert_eq!(host.state.max_gso_segments(), before);
        assert!(host.run.bytes.is_empty());
    }
}

//! Addresses: which ones viewers are told, and which of them the whole internet reaches.

use crate::RtcError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use str0m::Candidate;
use str0m::net::TcpType;

/// What carries a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// As it is.
    Udp,
    /// After its length in two bytes (RFC 4571), on a connection that the viewer opened (RFC 6544, passive).
    Tcp,
}

/// The addresses that peers are told, one host candidate each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locals {
    /// Where the UDP socket is reached.
    pub udp: Vec<SocketAddr>,
    /// Where connections come in; empty: media goes over UDP only. Told with a lower priority than every UDP address.
    pub tcp: Vec<SocketAddr>,
}

impl From<Vec<SocketAddr>> for Locals {
    fn from(udp: Vec<SocketAddr>) -> Self {
        Self { udp, tcp: Vec::new() }
    }
}

impl Locals {
    pub(crate) fn of(&self, transport: Transport) -> &[SocketAddr] {
        match transport {
            Transport::Udp => &self.udp,
            Transport::Tcp => &self.tcp,
        }
    }

    pub(crate) fn candidates(&self) -> Result<Vec<Candidate>, RtcError> {
        let bad = |e: &dyn std::fmt::Display| RtcError::BadCandidate(e.to_string());
        let udp = self.udp.iter().map(|&addr| Candidate::host(addr, "udp").map_err(|e| bad(&e)));
        let tcp = self.tcp.iter().map(|&addr| {
            let candidate = Candidate::builder().tcp().host(addr).tcptype(TcpType::Passive).build();
            candidate.map_err(|e| bad(&e))
        });
        udp.chain(tcp).collect()
    }

    /// Whether every address is one that the whole internet reaches. Loopback does not count: who is on this machine needs
    /// nobody's checks.
    pub(crate) fn are_public(&self) -> bool {
        let all = self.udp.iter().chain(&self.tcp);
        let mut all = all.filter(|addr| !addr.ip().to_canonical().is_loopback()).peekable();
        all.peek().is_some() && all.all(|addr| is_public(addr.ip()))
    }
}

/// Whether an address may be reached from everywhere: not one of those that IANA's registries keep for single machines,
/// links, sites, carriers, documentation, tests or multicast (RFC 6890 and what updates it).
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocols = (a, b, c) == (192, 0, 0);
            let benchmark = a == 198 && (b == 18 || b == 19);
            !(a == 0
                || a >= 240
                || shared
                || protocols
                || benchmark
                || v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast())
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            // 2000::/3 is all that was ever given out; within it 2001::/23 is for protocols.
            let given_out = a & 0xe000 == 0x2000;
            let protocols = a == 0x2001 && b < 0x200;
            let documentation = (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
            given_out && !protocols && !documentation
        }
    }
}

/// What str0m takes as host candidates: `advertise` with the port of `bound` where it is 0, or `bound` itself.
pub(crate) fn usable(bound: SocketAddr, advertise: &[SocketAddr]) -> Result<Vec<SocketAddr>, RtcError> {
    let mut all = if advertise.is_empty() { vec![bound] } else { advertise.to_vec() };
    for addr in all.iter_mut().filter(|addr| addr.port() == 0) {
        addr.set_port(bound.port());
    }
    let all = speakable(all);
    if all.is_empty() { Err(RtcError::NoAddress) } else { Ok(all) }
}

/// Without those that no candidate may name, and without repetitions.
pub(crate) fn speakable(mut all: Vec<SocketAddr>) -> Vec<SocketAddr> {
    all.retain(|addr| match addr.ip() {
        IpAddr::V4(v4) => !(v4.is_link_local() || v4.is_broadcast() || v4.is_multicast() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_multicast() || v6.is_unspecified()),
    });
    let mut seen = Vec::with_capacity(all.len());
    all.retain(|addr| {
        !seen.contains(addr) && {
            seen.push(*addr);
            true
        }
    });
    all
}

/// With one socket for all addresses the system does not say which one a datagram came to, and behind a router it is none
/// of those that were told: the one nearest to its source is right or as good as.
pub(crate) fn closest(locals: &[SocketAddr], source: SocketAddr) -> Option<SocketAddr> {
    let bits = |addr: &SocketAddr| match addr.ip() {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let same_family = locals.iter().filter(|local| local.is_ipv4() == source.is_ipv4());
    same_family.min_by_key(|local| bits(local) ^ bits(&source)).copied()
}

/// A socket on `[::]` gives IPv4 sources as mapped addresses.
pub(crate) fn unmapped(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

pub(crate) fn to_v6(addr: SocketAddr) -> SocketAddr {
    let ip: Ipv6Addr = match addr.ip() {
        IpAddr::V4(v4) => Ipv4Addr::to_ipv6_mapped(&v4),
        IpAddr::V6(v6) => v6,
    };
    SocketAddr::new(ip.into(), addr.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_closest_address_is_of_the_same_net() {
        let locals = ["10.0.0.5:1", "192.168.1.7:1", "127.0.0.1:1", "[fd00::5]:1"].map(at);
        for (source, local) in [
            ("192.168.1.99:7", Some("192.168.1.7:1")),
            ("127.0.0.1:7", Some("127.0.0.1:1")),
            ("10.9.9.9:7", Some("10.0.0.5:1")),
            ("[fd00::9]:7", Some("[fd00::5]:1")),
        ] {
            assert_eq!(closest(&locals, at(source)), local.map(at), "{source}");
        }
        assert_eq!(closest(&locals[..3], at("[fd00::9]:7")), None);
    }

    #[test]
    fn public_addresses_are_told_from_all_the_others() {
        let public = ["8.8.8.8", "1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "223.255.255.255"];
        let public6 = ["2606:4700::1111", "2a01:4f8::1", "2001:4860::8888", "::ffff:8.8.8.8"];
        for text in public.iter().chain(&public6) {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        let kept = [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.9.9",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.7",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ];
        let kept6 = [
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "::ffff:10.0.0.1",
            "64:ff9b::1",
        ];
        for text in kept.iter().chain(&kept6) {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn all_addresses_have_to_be_public() {
        let locals = |udp: &[&str], tcp: &[&str]| Locals {
            udp: udp.iter().map(|a| at(a)).collect(),
            tcp: tcp.iter().map(|a| at(a)).collect(),
        };
        assert!(locals(&["8.8.8.8:1"], &["8.8.8.8:1"]).are_public());
        assert!(!locals(&["8.8.8.8:1", "10.0.0.1:1"], &[]).are_public());
        assert!(!locals(&["8.8.8.8:1"], &["10.0.0.1:1"]).are_public());
        assert!(!locals(&[], &[]).are_public());
        assert!(locals(&["8.8.8.8:1", "127.0.0.1:1", "[::1]:1"], &["127.0.0.1:1"]).are_public());
        assert!(!locals(&["127.0.0.1:1"], &[]).are_public());
    }

    #[test]
    fn tcp_candidates_are_passive_and_come_after_udp() {
        let locals =
            Locals { udp: vec![at("192.0.2.1:4000")], tcp: vec![at("192.0.2.1:4000"), at("[2001:db8::1]:4000")] };
        let lines: Vec<String> = locals.candidates().unwrap().iter().map(Candidate::to_sdp_string).collect();
        let field = |line: &str, i: usize| line.split(' ').nth(i).unwrap().to_owned();
        let priority = |line: &String| field(line, 3).parse::<u32>().unwrap();
        assert_eq!(lines.len(), 3);
        assert!(!lines[0].contains("tcptype"), "{}", lines[0]);
        for line in &lines[1..] {
            assert!(line.ends_with("typ host tcptype passive") && field(line, 2) == "tcp", "{line}");
            assert!(priority(line) < priority(&lines[0]), "{lines:?}");
        }
    }

    #[test]
    fn what_no_candidate_may_name_is_left_out() {
        let all =
            ["10.0.0.1:1", "0.0.0.0:1", "169.254.1.1:1", "224.0.0.1:1", "10.0.0.2:1", "10.0.0.1:1", "[::]:1"].map(at);
        assert_eq!(speakable(all.to_vec()), [at("10.0.0.1:1"), at("10.0.0.2:1")]);
        assert_eq!(usable(at("10.0.0.1:5"), &[at("10.0.0.9:0")]).unwrap(), [at("10.0.0.9:5")]);
        assert!(matches!(usable(at("0.0.0.0:5"), &[]), Err(RtcError::NoAddress)));
    }
}

//! Counts by address, in bounded memory: refused tokens and open connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses remembered at once. When a new one comes the oldest is forgotten.
const MAX_ADDRESSES: usize = 4096;

/// Refused tokens by address within a window of time.
#[derive(Debug)]
pub struct Failures {
    window: Duration,
    by_address: HashMap<IpAddr, (Instant, u32)>,
}

impl Failures {
    /// Counts start again a `window` after the first failure.
    pub fn new(window: Duration) -> Self {
        Self { window, by_address: HashMap::new() }
    }

    /// One more; returns how many there are now.
    pub fn record(&mut self, address: IpAddr, now: Instant) -> u32 {
        let address = network(address);
        if self.by_address.len() >= MAX_ADDRESSES && !self.by_address.contains_key(&address) {
            let window = self.window;
            self.by_address.retain(|_, (since, _)| now.saturating_duration_since(*since) < window);
            if self.by_address.len() >= MAX_ADDRESSES {
                let oldest = self.by_address.iter().min_by_key(|(_, (since, _))| *since).map(|(address, _)| *address);
                oldest.map(|address| self.by_address.remove(&address));
            }
        }
        let (since, count) = self.by_address.entry(address).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= self.window {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count
    }

    /// How many there are.
    pub fn count(&self, address: IpAddr, now: Instant) -> u32 {
        match self.by_address.get(&network(address)) {
            Some((since, count)) if now.saturating_duration_since(*since) < self.window => *count,
            _ => 0,
        }
    }
}

/// Open connections, all together and by address.
#[derive(Debug)]
pub struct Connections {
    max: usize,
    max_per_ip: usize,
    open: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

/// One open connection; dropping it counts it out.
#[derive(Debug)]
pub struct ConnectionGuard {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// So many in all, and so many from one address (IPv6: network).
    pub fn new(max: usize, max_per_ip: usize) -> Arc<Self> {
        Arc::new(Self { max, max_per_ip, open: Mutex::default() })
    }

    /// Counts a connection in, or `None` when there are too many.
    pub fn open(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionGuard> {
        let address = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *open;
        let here = by_address.get(&address).copied().unwrap_or(0);
        if *total >= self.max || here >= self.max_per_ip {
            return None;
        }
        *total += 1;
        by_address.insert(address, here + 1);
        Some(ConnectionGuard { connections: Arc::clone(self), address })
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *open;
        *total = total.saturating_sub(1);
        if let Some(here) = by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// What one person can have many of counts as one: an IPv6 network of 64 bits. IPv4 written as IPv6 is IPv4.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const MINUTE: Duration = Duration::from_secs(60);

    fn v4(n: u32) -> IpAddr {
        Ipv4Addr::from(n).into()
    }

    #[test]
    fn failures_count_by_address_and_are_forgotten() {
        let (mut failures, start) = (Failures::new(MINUTE), Instant::now());
        assert_eq!((1..=3).map(|_| failures.record(v4(1), start)).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((failures.count(v4(1), start), failures.count(v4(2), start)), (3, 0));
        assert_eq!(failures.count(v4(1), start + MINUTE), 0);
        assert_eq!(failures.record(v4(1), start + MINUTE), 1);
    }

    #[test]
    fn ipv6_counts_by_network_and_mapped_ipv4_as_ipv4() {
        let (mut failures, now) = (Failures::new(MINUTE), Instant::now());
        failures.record("2001:db8::1".parse().unwrap(), now);
        assert_eq!(failures.record("2001:db8::2:3".parse().unwrap(), now), 2);
        assert_eq!(failures.record("2001:db8:0:1::1".parse().unwrap(), now), 1);
        failures.record("::ffff:10.0.0.1".parse().unwrap(), now);
        assert_eq!(failures.record("10.0.0.1".parse().unwrap(), now), 2);
        assert_eq!(failures.record("10.0.0.2".parse().unwrap(), now), 1);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let (mut failures, start) = (Failures::new(MINUTE), Instant::now());
        for n in 0..10_000u32 {
            failures.record(v4(n), start + Duration::from_micros(n.into()));
        }
        let end = start + Duration::from_millis(10);
        assert_eq!(failures.by_address.len(), MAX_ADDRESSES);
        assert_eq!((failures.count(v4(0), end), failures.count(v4(9_999), end)), (0, 1));
    }

    #[test]
    fn connections_are_bounded_and_counted_out() {
        let connections = Connections::new(3, 2);
        let first = connections.open(v4(1)).unwrap();
        let _second = connections.open(v4(1)).unwrap();
        assert!(connections.open(v4(1)).is_none(), "two from one address");
        let _other = connections.open(v4(2)).unwrap();
        assert!(connections.open(v4(3)).is_none(), "three in all");
        drop(first);
        let again = connections.open(v4(3)).unwrap();
        drop((again, _second, _other));
        assert_eq!(*connections.open.lock().unwrap(), (0, HashMap::new()));
    }
}

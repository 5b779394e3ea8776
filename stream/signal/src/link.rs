//! Share links: which addresses others can reach this machine by, the link itself, and its QR code.

use qrcode::{EcLevel, QrCode};
use std::fmt;
use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};

/// What people get: `https://host:port/#<token>`. The token is in the fragment, which browsers send to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareLink {
    base: String,
    token: String,
}

impl ShareLink {
    /// `base` without a slash at the end, as [`SignalServer::url_base`](crate::SignalServer::url_base) gives it.
    pub fn new(base: &str, token: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }

    /// The code for a camera to read; `None` when the link is too long for one.
    pub fn qr(&self) -> Option<QrMatrix> {
        QrMatrix::new(&self.to_string())
    }
}

impl fmt::Display for ShareLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/#{}", self.base, self.token)
    }
}

impl fmt::Debug for ShareLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token stays out of logs.
        f.debug_struct("ShareLink").field("base", &self.base).finish_non_exhaustive()
    }
}

/// An address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalAddress {
    /// Such as `eth0`.
    pub interface: String,
    /// Never a loopback or link-local one.
    pub ip: IpAddr,
}

/// Addresses that others can reach this machine by, the most likely first; none when it has no network.
pub fn local_addresses() -> Vec<LocalAddress> {
    let found = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot list the network addresses");
        Vec::new()
    });
    sorted(found.into_iter().map(|found| LocalAddress { ip: found.ip(), interface: found.name }).collect())
}

fn sorted(mut addresses: Vec<LocalAddress>) -> Vec<LocalAddress> {
    addresses.retain(|address| match address.ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
        // Link-local ones need the name of an interface that differs on each machine.
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
    });
    let is_virtual = |name: &str| ["docker", "br-", "veth", "virbr", "vEthernet"].iter().any(|p| name.starts_with(p));
    addresses.sort_by_key(|address| (is_virtual(&address.interface), address.ip.is_ipv6()));
    addresses.dedup_by_key(|address| address.ip);
    addresses
}

/// `scheme://host:port`. Where the server listens on all addresses the first of [`local_addresses`] stands for them.
pub fn url_base(scheme: &str, address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() {
        let same_family = |found: &&LocalAddress| address.is_ipv6() || found.ip.is_ipv4();
        local_addresses().iter().find(same_family).map_or(IpAddr::from([127, 0, 0, 1]), |found| found.ip)
    } else {
        address.ip().to_canonical()
    };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

/// The machine's name, where the system tells it without a lookup.
pub(crate) fn host_name() -> Option<String> {
    #[cfg(target_os = "linux")]
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    #[cfg(not(target_os = "linux"))]
    let name = std::env::var("COMPUTERNAME").or_else(|_| std::env::var("HOSTNAME")).ok();
    name.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty() && name != "localhost")
}

/// The text is too long for a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct QrError;

/// The QR code of `text` for printing on stderr: in colours when that is a terminal.
pub fn terminal_qr(text: &str) -> Result<String, QrError> {
    let code = QrMatrix::new(text).ok_or(QrError)?;
    Ok(code.to_terminal_text(std::io::stderr().is_terminal()))
}

/// Light modules around a QR code that a reader needs to find it (ISO/IEC 18004, 9.1).
pub const QUIET_ZONE: usize = 4;

/// A QR code as squares, without the quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrMatrix {
    size: usize,
    dark: Vec<bool>,
}

impl QrMatrix {
    /// `None` when the text is too long for a code.
    pub fn new(text: &str) -> Option<Self> {
        // The screen is clean: low redundancy makes bigger squares.
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let dark = code.to_colors().into_iter().map(|color| color == qrcode::Color::Dark).collect();
        Some(Self { size: code.width(), dark })
    }

    /// Squares along an edge.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Column `x` from the left, row `y` from the top. Outside it is light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.size && y < self.size && self.dark[y * self.size + x]
    }

    /// Lines for a terminal, two rows of squares in each, quiet zone included. With `colors` black on white by ANSI
    /// codes, right on every background; without, for dark backgrounds.
    pub fn to_terminal_text(&self, colors: bool) -> String {
        let edge = self.size + 2 * QUIET_ZONE;
        let light = |x: usize, y: usize| match (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE)) {
            (Some(x), Some(y)) => !self.is_dark(x, y),
            _ => true,
        };
        let mut text = String::new();
        for y in (0..edge).step_by(2) {
            if colors {
                text.push_str("\x1b[97;40m");
            }
            // The last line's lower half is outside: dark in the terminal's own colour, as is everything around.
            text.extend((0..edge).map(|x| match (light(x, y), y + 1 < edge && light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }));
            if colors {
                text.push_str("\x1b[0m");
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;

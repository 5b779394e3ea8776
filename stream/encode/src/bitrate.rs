//! Bits per second as a type of its own, so that kilobits are never taken for bits.

use std::fmt;

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    /// So many bits per second.
    pub const fn bps(bps: u64) -> Self {
        Self(bps)
    }

    /// So many thousands of bits per second.
    pub const fn kbps(kbps: u64) -> Self {
        Self(kbps.saturating_mul(1_000))
    }

    /// So many millions of bits per second.
    pub const fn mbps(mbps: u64) -> Self {
        Self(mbps.saturating_mul(1_000_000))
    }

    /// Bits per second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// Bits per second.
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// This rate times a factor; a factor that is negative or not a number gives 0.
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor) as u64)
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1_000_000 {
            write!(f, "{:.2} Mbit/s", self.0 as f64 / 1e6)
        } else {
            write!(f, "{:.0} kbit/s", self.0 as f64 / 1e3)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_agree() {
        assert_eq!(Bitrate::mbps(2), Bitrate::kbps(2_000));
        assert_eq!(Bitrate::kbps(3), Bitrate::bps(3_000));
        assert_eq!(Bitrate::mbps(8).scale(0.25), Bitrate::mbps(2));
        assert_eq!(Bitrate::mbps(1).scale(-1.0), Bitrate::bps(0));
        assert_eq!(Bitrate::mbps(1).scale(f64::NAN), Bitrate::bps(0));
        assert_eq!(Bitrate::kbps(2_500).to_string(), "2.50 Mbit/s");
        assert_eq!(Bitrate::kbps(300).to_string(), "300 kbit/s");
    }
}

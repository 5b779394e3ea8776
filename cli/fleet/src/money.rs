//! Money, without the errors of binary fractions.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul};
use std::time::Duration;

/// Millionths of a US dollar. Written as a number of dollars in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub u64);

impl Money {
    /// From dollars; `None` when that is no amount.
    #[must_use]
    pub fn dollars(dollars: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        (dollars.is_finite() && (0.0..1e12).contains(&dollars)).then(|| Self((dollars * 1e6).round() as u64))
    }

    /// In dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "to be read")]
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// What a price per hour comes to in some time.
    #[must_use]
    pub fn over(self, time: Duration) -> Self {
        let micros = u128::from(self.0) * time.as_millis() / 3_600_000;
        Self(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u32> for Money {
    type Output = Self;

    fn mul(self, count: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(count)))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0.is_multiple_of(10_000) { 2 } else { 4 };
        write!(f, "${:.digits$}", self.as_dollars())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_dollars())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Self::dollars(dollars).ok_or_else(|| D::Error::custom(format!("{dollars} is no amount of dollars")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_and_are_read_back() {
        let hour = Money::dollars(1.006).unwrap();
        assert_eq!(hour.over(Duration::from_secs(1_800)), Money(503_000));
        assert_eq!((hour * 3).to_string(), "$3.0180");
        assert_eq!(Money::dollars(2.5).unwrap().to_string(), "$2.50");
        let text = serde_json::to_string(&hour).unwrap();
        assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), hour);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["-1", "1e300", "\"1\""] {
            assert!(serde_json::from_str::<Money>(text).is_err(), "{text}");
        }
        assert_eq!(Money::dollars(f64::NAN), None);
    }
}

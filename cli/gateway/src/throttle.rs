//! How often somebody may ask: a token bucket for each user and each address, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

/// Remembered at once. When a new one comes, those whose buckets are full again are forgotten, and else the oldest.
const MOST: usize = 4096;

/// So many at once, and so many a second all the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// At once.
    pub burst: f64,
    /// All the time.
    pub per_second: f64,
}

/// How often one may ask over HTTP.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// A user.
    pub user: Rate,
    /// An address, behind which several users may be.
    pub address: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self { user: Rate { burst: 20.0, per_second: 1.0 }, address: Rate { burst: 100.0, per_second: 10.0 } }
    }
}

/// Buckets by whom they belong to.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    left: HashMap<K, (Instant, f64)>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, left: HashMap::new() }
    }

    /// Takes one. False when there is none left.
    pub(crate) fn take(&mut self, who: &K, now: Instant) -> bool {
        let Rate { burst, per_second } = self.rate;
        let filled = |(at, left): (Instant, f64)| {
            (left + now.saturating_duration_since(at).as_secs_f64() * per_second).min(burst)
        };
        if self.left.len() >= MOST && !self.left.contains_key(who) {
            self.left.retain(|_, bucket| filled(*bucket) < burst);
            if self.left.len() >= MOST {
                let oldest = self.left.iter().min_by_key(|(_, (at, _))| *at).map(|(who, _)| who.clone());
                oldest.map(|oldest| self.left.remove(&oldest));
            }
        }
        let left = self.left.get(who).map_or(burst, |bucket| filled(*bucket));
        let enough = left >= 1.0;
        self.left.insert(who.clone(), (now, if enough { left - 1.0 } else { left }));
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_and_then_a_rate_for_each() {
        let mut buckets = Buckets::new(Rate { burst: 3.0, per_second: 0.5 });
        let start = Instant::now();
        let taken = |buckets: &mut Buckets<_>, who, secs| {
            (0..10).filter(|_| buckets.take(&who, start + Duration::from_secs(secs))).count()
        };
        assert_eq!(taken(&mut buckets, 1, 0), 3);
        assert_eq!(taken(&mut buckets, 2, 0), 3);
        assert_eq!(taken(&mut buckets, 1, 4), 2);
        assert_eq!(taken(&mut buckets, 1, 1_000), 3);
    }

    #[test]
    fn memory_is_bounded() {
        let mut buckets = Buckets::new(Rate { burst: 1.0, per_second: 0.001 });
        let start = Instant::now();
        for who in 0..10_000u32 {
            buckets.take(&who, start + Duration::from_micros(who.into()));
        }
        assert_eq!(buckets.left.len(), MOST);
        assert!(!buckets.take(&9_999, start + Duration::from_secs(1)));
    }
}

//! How many workers are wanted.

use crate::{FleetSpec, Scaling};

/// Workers that are wanted for so many sessions, with those that wait for a place. Within what is allowed.
#[must_use]
pub fn wanted(spec: &FleetSpec, sessions: u32) -> u32 {
    let count = match spec.scaling {
        Scaling::Fixed(count) => count,
        Scaling::Auto { min, warm } => sessions.div_ceil(spec.sessions_per_worker.max(1)).saturating_add(warm).max(min),
    };
    let affordable = |count: u32| spec.cost_cap.is_none_or(|cap| spec.cost_of(count) <= cap);
    let (mut enough, mut too_many) = (0, count.min(spec.max).saturating_add(1));
    while too_many - enough > 1 {
        let middle = enough + (too_many - enough) / 2;
        if affordable(middle) { enough = middle } else { too_many = middle }
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Money;
    use crate::spec::tests::spec;

    #[test]
    fn sessions_and_a_warm_pool_within_maximum_and_cap() {
        let auto = FleetSpec { scaling: Scaling::Auto { min: 1, warm: 2 }, max: 8, ..spec() };
        let of = |sessions| wanted(&auto, sessions);
        assert_eq!((of(0), of(1), of(2), of(3), of(10), of(1_000), of(u32::MAX)), (2, 3, 3, 4, 7, 8, 8));
        let poor = FleetSpec { cost_cap: Some(Money(3_000_000)), ..auto };
        // Two on demand and two on the spot market are 2.80, one more on demand 3.80.
        assert_eq!(wanted(&poor, 1_000), 4);
        assert_eq!(wanted(&FleetSpec { cost_cap: Some(Money(0)), ..poor }, 1_000), 0);
    }
}

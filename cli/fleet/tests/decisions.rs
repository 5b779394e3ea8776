//! Single decisions, one test for each rule that an operator may want to know.
#![allow(clippy::unwrap_used)]

use rr_fleet::{
    Action, CreateFailure, FleetSpec, Machine, MachineId, MachineState, Market, Money, Observed, Prices, Records,
    Refusal, Scaling, Time, Timing, Token, Why, Worker, place_session, reconcile,
};
use std::time::Duration;

const START: Time = Time(1_000_000_000);

struct Fleet {
    spec: FleetSpec,
    records: Records,
    seen: Observed,
    now: Time,
    made: u32,
}

impl Fleet {
    /// So many workers, all up and well.
    fn of(count: u32) -> Self {
        let spec = FleetSpec {
            name: "test".to_owned(),
            scaling: Scaling::Fixed(count),
            max: 10,
            cost_cap: None,
            sessions_per_worker: 2,
            spot_share: 0,
            places: 2,
            prices: Prices { spot: Money(400_000), on_demand: Money(1_000_000) },
            timing: Timing::default(),
        };
        let seen = Observed { machines: Some(Vec::new()), listening: START, ..Observed::default() };
        let mut fleet = Self { spec, records: Records::default(), seen, now: START, made: 0 };
        for action in fleet.decide() {
            fleet.carry_out(&action);
        }
        fleet
    }

    fn decide(&mut self) -> Vec<Action> {
        self.records.look(self.now, &self.seen);
        let made = &mut self.made;
        reconcile(&self.spec, &self.records, &self.seen, self.now, || {
            *made += 1;
            Token(format!("t{made}"))
        })
    }

    fn carry_out(&mut self, action: &Action) {
        self.records.begin(self.now, action);
        if let Action::Create { token, market, place } = action {
            self.seen.machines.as_mut().unwrap().push(Machine {
                id: MachineId(format!("i-{token}")),
                token: token.clone(),
                state: MachineState::Running,
                market: *market,
                place: *place,
                launched: self.now,
            });
            let (token, seen, idle_since) = (token.clone(), self.now, self.now);
            self.seen.workers.push(Worker { token, seen, sessions: 0, idle_since, notice: None });
        }
    }

    fn pass(&mut self, secs: u64) {
        self.now = self.now + Duration::from_secs(secs);
    }

    /// All but the first so many are heard of.
    fn hear_all_but(&mut self, silent: usize) {
        self.seen.workers.iter_mut().skip(silent).for_each(|worker| worker.seen = self.now);
    }
}

fn token(number: u32) -> Token {
    Token(format!("t{number}"))
}

#[test]
fn a_fleet_that_is_as_wanted_is_left_alone() {
    let mut fleet = Fleet::of(3);
    assert_eq!(fleet.seen.workers.len(), 3);
    fleet.pass(5);
    fleet.hear_all_but(0);
    assert_eq!(fleet.decide(), []);
}

#[test]
fn what_the_spot_market_takes_back_is_replaced_at_once() {
    let mut fleet = Fleet::of(2);
    fleet.seen.workers[0].notice = Some(fleet.now + Duration::from_secs(120));
    let drain = Action::Drain { token: token(1), why: Why::Notice };
    let create = Action::Create { token: token(3), market: Market::OnDemand, place: 0 };
    assert_eq!(fleet.decide(), [drain, create]);
}

#[test]
fn a_silent_worker_is_replaced_but_not_all_of_them_at_once() {
    let mut fleet = Fleet::of(4);
    fleet.pass(90);
    fleet.hear_all_but(1);
    let [Action::Terminate { token: first, why: Why::Silent }, Action::Create { .. }] = &fleet.decide()[..] else {
        panic!("one silent worker is to be replaced");
    };
    assert_eq!(*first, token(1));
    // Now three of four: it is us who do not hear.
    fleet.hear_all_but(4);
    fleet.pass(90);
    fleet.hear_all_but(3);
    assert_eq!(fleet.decide(), []);
    fleet.pass(300);
    fleet.hear_all_but(3);
    assert_eq!(fleet.decide().iter().filter(|action| matches!(action, Action::Terminate { .. })).count(), 3);
}

#[test]
fn a_gateway_that_was_away_blames_nobody() {
    let mut fleet = Fleet::of(2);
    fleet.pass(7_200);
    fleet.seen.listening = fleet.now;
    assert_eq!(fleet.decide(), []);
    fleet.pass(90);
    assert_eq!(fleet.decide().len(), 4, "nobody came back: each is ended and replaced");
}

#[test]
fn nothing_is_made_while_the_provider_cannot_be_asked() {
    let mut fleet = Fleet::of(1);
    fleet.spec.scaling = Scaling::Fixed(3);
    let machines = fleet.seen.machines.take();
    assert_eq!(fleet.decide(), []);
    fleet.seen.machines = machines;
    assert_eq!(fleet.decide().len(), 2);
}

#[test]
fn a_machine_that_nobody_knows_is_adopted_and_lost_records_make_nothing_new_at_first() {
    let mut fleet = Fleet::of(2);
    fleet.records = Records::default();
    fleet.spec.scaling = Scaling::Fixed(3);
    let actions = fleet.decide();
    assert!(actions.len() == 2 && actions.iter().all(|action| matches!(action, Action::Adopt { .. })), "{actions:?}");
    for action in &actions {
        fleet.records.begin(fleet.now, action);
    }
    fleet.pass(130);
    fleet.hear_all_but(0);
    assert!(matches!(fleet.decide()[..], [Action::Create { .. }]));
}

#[test]
fn a_place_without_capacity_is_left_alone_for_a_while_and_then_tried_again() {
    let mut fleet = Fleet::of(0);
    fleet.spec.scaling = Scaling::Fixed(1);
    let next = |fleet: &mut Fleet| match &fleet.decide()[..] {
        [action @ Action::Create { token, market, place }] => {
            let (token, found) = (token.clone(), (*market, *place));
            fleet.records.begin(fleet.now, action);
            fleet.records.failed(fleet.now, &fleet.spec, &token, CreateFailure::Capacity);
            Some(found)
        }
        _ => None,
    };
    let (spot, on_demand) = (Market::Spot, Market::OnDemand);
    let tried: Vec<_> = std::iter::from_fn(|| next(&mut fleet)).collect();
    assert_eq!(tried, [(on_demand, 0), (on_demand, 1), (spot, 0), (spot, 1)]);
    fleet.pass(31);
    assert_eq!(next(&mut fleet), Some((on_demand, 0)));
    fleet.pass(31);
    assert_eq!(next(&mut fleet), Some((on_demand, 1)), "the first rests twice as long now");
    assert_ne!(next(&mut fleet), Some((on_demand, 0)));
    fleet.records.try_again();
    assert_eq!(next(&mut fleet), Some((on_demand, 0)), "somebody asked for it");
}

#[test]
fn fewer_are_wanted_who_serves_nobody_goes_first() {
    let mut fleet = Fleet::of(3);
    (fleet.seen.workers[0].sessions, fleet.seen.workers[2].sessions) = (2, 1);
    fleet.spec.scaling = Scaling::Fixed(1);
    let surplus = |number| Action::Drain { token: token(number), why: Why::Surplus };
    let actions = fleet.decide();
    assert_eq!(actions, [surplus(2), surplus(3)]);
    actions.iter().for_each(|action| fleet.records.begin(fleet.now, action));
    let ended = Action::Terminate { token: token(2), why: Why::Drained };
    assert_eq!(fleet.decide(), [ended], "the other one waits for its session to move");
    fleet.pass(601);
    fleet.hear_all_but(0);
    let ends = fleet.decide();
    assert!(ends.contains(&Action::Terminate { token: token(3), why: Why::DrainedTooLong }), "{ends:?}");
}

#[test]
fn an_idle_worker_goes_after_five_minutes_and_the_warm_pool_stays() {
    let mut fleet = Fleet::of(4);
    fleet.spec.scaling = Scaling::Auto { min: 1, warm: 2 };
    fleet.seen.workers[0].sessions = 1;
    fleet.pass(290);
    fleet.hear_all_but(0);
    assert_eq!(fleet.decide(), []);
    fleet.pass(20);
    fleet.hear_all_but(0);
    // One serves, two are warm.
    assert!(matches!(&fleet.decide()[..], [Action::Drain { token: t, why: Why::Surplus }] if *t != token(1)));
}

#[test]
fn sessions_go_to_the_fullest_worker_that_stays_and_is_heard_of() {
    let mut fleet = Fleet::of(3);
    fleet.seen.workers[1].sessions = 1;
    let place = |fleet: &Fleet| place_session(&fleet.spec, &fleet.records, &fleet.seen.workers, fleet.now);
    assert_eq!(place(&fleet), Ok(token(2)));
    fleet.records.begin(fleet.now, &Action::Drain { token: token(2), why: Why::Asked });
    assert_eq!(place(&fleet), Ok(token(1)));
    fleet.pass(20);
    assert_eq!(place(&fleet), Err(Refusal::NoWorkers), "nobody was heard of for 20 s");
    fleet.hear_all_but(0);
    fleet.seen.workers.iter_mut().for_each(|worker| worker.sessions = 2);
    assert_eq!(place(&fleet), Err(Refusal::Full));
}

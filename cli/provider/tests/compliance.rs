//! What every provider must pass, whatever its machines are.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::front::Front;
use common::{boxed, ec2, options};
use rr_fleet::{MachineId, MachineState, Market, Money, Token};
use rr_provider::local::{Local, LocalOptions};
use rr_provider::{Listed, Order, Provider};
use std::path::Path;
use std::time::{Duration, Instant};

/// Opens a provider for a fleet of that name, as each call of `rrctl` does.
type Open<'a> = &'a dyn Fn(&str) -> Box<dyn Provider>;

fn order(token: &str, market: Market, place: u32) -> Order {
    Order { token: Token(token.to_owned()), market, place, join: "join-me-once".to_owned() }
}

fn is_there(listed: &&Listed) -> bool {
    matches!(listed.machine.state, MachineState::Pending | MachineState::Running)
}

fn there(provider: &dyn Provider) -> Vec<Listed> {
    provider.list().unwrap().iter().filter(is_there).cloned().collect()
}

fn until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn complies(open: Open<'_>, unknown: &str) {
    let provider = open("one");
    let other = open("other");
    assert_eq!(there(&*provider), []);
    let can = provider.capabilities().unwrap();
    assert!(!can.places.is_empty());
    let prices = provider.prices().unwrap();
    assert!(prices.spot <= prices.on_demand);

    // What is prepared is as it was said, once.
    let planned = provider.prepare(true).unwrap();
    assert_eq!(provider.prepare(true).unwrap(), planned, "a dry run changed something");
    assert_eq!(provider.prepare(false).unwrap(), planned);
    assert_eq!(provider.prepare(false).unwrap(), Vec::<String>::new(), "prepared twice");

    // A machine is made once, and is known by its token to whoever looks.
    let first = provider.create(&order("aaaa1111", Market::OnDemand, 0)).unwrap();
    assert_eq!(open("one").create(&order("aaaa1111", Market::OnDemand, 0)).unwrap(), first);
    let listed = there(&*open("one"));
    assert_eq!(listed.len(), 1, "{listed:?}");
    let machine = &listed[0].machine;
    assert_eq!((&machine.id, machine.token.0.as_str(), machine.place), (&first, "aaaa1111", 0));
    assert_eq!(machine.market, Market::OnDemand);
    assert!(machine.launched.0 > 1_600_000_000_000, "{machine:?}");
    assert!(!listed[0].address.is_empty() && !listed[0].kind.is_empty());
    assert_eq!(there(&*other), [], "another fleet's machine was listed");

    // In another place, and of the other market where there is one.
    let place = u32::try_from(can.places.len() - 1).unwrap();
    let market = if can.spot { Market::Spot } else { Market::OnDemand };
    let second = open("one").create(&order("bbbb2222", market, place)).unwrap();
    let listed = there(&*provider);
    let found = listed.iter().find(|listed| listed.machine.id == second).unwrap();
    assert_eq!((found.machine.market, found.machine.place), (market, place));
    until("the machine runs", || {
        let listed = provider.list().unwrap();
        listed.iter().any(|listed| listed.machine.id == second && listed.machine.state == MachineState::Running)
    });
    provider.logs(&second, 10_000).unwrap();

    // Ending is said twice without harm, and hits nobody else.
    provider.terminate(&first).unwrap();
    provider.terminate(&first).unwrap();
    provider.terminate(&MachineId(unknown.to_owned())).unwrap();
    until("the first is gone", || there(&*provider).iter().all(|listed| listed.machine.id == second));
    assert_eq!(there(&*provider).len(), 1);
    // A token that was used makes nothing new.
    assert_eq!(provider.create(&order("aaaa1111", Market::OnDemand, 0)).unwrap(), first);
    assert_eq!(there(&*provider).len(), 1);

    open("one").terminate(&second).unwrap();
    until("all are gone", || there(&*provider).is_empty());
    provider.release().unwrap();
    provider.release().unwrap();
    assert!(provider.doctor().iter().all(|check| check.found.is_ok()), "{:?}", provider.doctor());
}

fn local(folder: &Path, fleet: &str, script: &str) -> Box<dyn Provider> {
    let options = LocalOptions {
        folder: folder.join(fleet),
        command: "/bin/sh".into(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: Vec::new(),
        slots: 3,
        grace: Duration::from_millis(500),
        price: Money::dollars(0.1).unwrap(),
    };
    boxed(Local::open(options).unwrap())
}

const READY: &str = "echo '{\"event\":\"ready\",\"addresses\":[\"http://127.0.0.1:9\"]}'; echo begins >&2; ";

/// What a failed test would leave.
struct Ends<'a>(&'a dyn Fn(&str) -> Box<dyn Provider>);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        for provider in ["one", "other"].map(self.0) {
            for listed in provider.list().unwrap_or_default() {
                let _ = provider.terminate(&listed.machine.id);
            }
        }
    }
}

fn local_complies_with(script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let open = |fleet: &str| local(folder.path(), fleet, script);
    let _ends = Ends(&open);
    complies(&open, "local-nobody");
}

#[test]
fn local_complies() {
    local_complies_with(&format!("{READY} exec sleep 600"));
}

#[test]
fn local_workers_that_do_not_listen_comply() {
    local_complies_with(&format!("trap '' TERM; {READY} while :; do sleep 0.1; done"));
}

#[test]
fn a_log_that_is_too_long_begins_anew_and_its_end_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let lots = "yes 'a line of the log' | head -c 17000000 >&2; echo the last of many >&2; while [ ! -e more ]; do sleep 0.02; done";
    let script = format!("cd \"$RR_WORKER_FOLDER\"; {READY} {lots}; echo and more >&2; exec sleep 600");
    let open = |fleet: &str| local(folder.path(), fleet, &script);
    let _ends = Ends(&open);
    let provider = open("one");
    let machine = provider.create(&order("aaaa1111", Market::OnDemand, 0)).unwrap();
    let kept = folder.path().join("one/aaaa1111");
    let length = |name: &str| std::fs::metadata(kept.join(name)).map_or(0, |meta| meta.len());
    until("it has said a lot", || provider.logs(&machine, 100).unwrap().ends_with("the last of many\n"));
    assert!(length("log") > 16 << 20);
    provider.list().unwrap();
    assert!(length("log") == 0 && length("log.old") > 16 << 20, "{} and {} bytes", length("log"), length("log.old"));
    std::fs::write(kept.join("more"), "").unwrap();
    until("it goes on", || provider.logs(&machine, 100).unwrap().ends_with("the last of many\nand more\n"));
    assert_eq!(length("log"), "and more\n".len() as u64);
    assert!(provider.list().unwrap().iter().any(|listed| listed.machine.state == MachineState::Running));
}

#[test]
fn ec2_complies() {
    let front = Front::start();
    complies(&|fleet| boxed(ec2(front.port(), options(&format!("comply-{fleet}"))).unwrap()), "i-0123456789abcdef0");
}

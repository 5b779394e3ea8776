//! A fleet of real hosts on this machine, by the real command.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use common::{Rrctl, rrhost, signal, until};
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// Hosts that are drawn in software and keep to themselves.
fn hosts() -> Rrctl {
    let rrctl = Rrctl::new("", &[]);
    let config = config_of_hosts(&rrctl);
    rrctl.configure(&config);
    rrctl
}

fn config_of_hosts(rrctl: &Rrctl) -> String {
    let own = rrctl.folder().join("host");
    format!(
        "fleet = \"hall\"\n[local]\ncommand = {:?}\nslots = 3\nprice = 0.5\n\
         args = [\"--headless\", \"--listen\", \"127.0.0.1:0\", \"--adapter\", \"software\", \"--size\", \"320x240\"]\n\
         env = {{ RRHOST_CONFIG_DIR = {:?}, RRHOST_CACHE_DIR = {:?}, XDG_STATE_HOME = {:?}, RRHOST_LOG = \"info\" }}\n",
        rrhost(),
        own.join("config"),
        own.join("cache"),
        own.join("state"),
    )
}

/// Workers that only sleep: for what has nothing to do with hosts.
const SLEEPERS: &str = "[local]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"exec sleep 600\"]\nslots = 8\n";

fn pid(worker: &Value) -> u32 {
    worker["address"].as_str().unwrap().strip_prefix("pid ").unwrap().parse().unwrap()
}

/// Of a process's environment.
fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let mut entries = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    entries.find_map(|entry| Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn name(worker: &Value) -> String {
    worker["name"].as_str().unwrap().to_owned()
}

#[test]
fn hosts_are_started_found_replaced_drained_and_ended() {
    let rrctl = hosts();
    let doctor = rrctl.run(&["doctor", "--json"]).ok().json();
    assert!(doctor["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{doctor}");
    let dry = rrctl.run(&["up", "--count", "2", "--dry-run"]).ok();
    assert_eq!(dry.out.matches("+ start worker").count(), 2, "{dry:?}");
    assert!(dry.out.contains("From $0.00 to $1.00 an hour"), "{dry:?}");
    assert_eq!(rrctl.processes(), [0_u32; 0], "a dry run started something");
    rrctl.run(&["up", "--count", "2"]).fails(2, &["$1.00 an hour", "--yes"]);

    let up = rrctl.run(&["up", "--count", "2", "--yes", "--json"]).ok();
    let first = up.workers();
    assert_eq!((first.len(), &up.json()["up"], &up.json()["cost_per_hour"]), (2, &2.into(), &1.0.into()));
    for worker in &first {
        let exe = fs::read_link(format!("/proc/{}/exe", pid(worker))).unwrap();
        assert_eq!(exe, rrhost().canonicalize().unwrap());
        let health = rrctl.run(&["health", worker["url"].as_str().unwrap()]).ok();
        assert!(health.out.contains("\"ok\""), "{health:?}");
    }
    // Each draws on a card of its own, where there are several.
    let mut cards: Vec<String> = first.iter().filter_map(|worker| variable(pid(worker), "RRHOST_ADAPTER")).collect();
    cards.sort();
    assert_eq!(cards, ["spread-0", "spread-1"]);
    assert_eq!(rrctl.run(&["up", "--yes", "--json"]).ok().workers(), first, "up twice is up once");
    let list = rrctl.run(&["list"]).ok();
    assert!(list.out.contains("2 of 2 workers up, $1.00 an hour"), "{list:?}");
    let log = rrctl.run(&["logs", &name(&first[0])]).ok();
    assert!(!log.out.trim().is_empty(), "{log:?}");

    // Links to the workers' own sessions.
    let open = rrctl.run(&["open", "--role", "viewer"]).ok();
    let link = open.out.trim();
    assert!(first.iter().any(|worker| link.starts_with(worker["url"].as_str().unwrap())), "{open:?}");
    assert!(open.err.contains('\u{2588}'), "no QR code: {open:?}");
    let other = rrctl.run(&["open", "--worker", &name(&first[1]), "--json"]).ok();
    assert!(other.json()["link"].as_str().unwrap().starts_with(first[1]["url"].as_str().unwrap()), "{other:?}");
    assert!(other.err.is_empty(), "{other:?}");
    rrctl.run(&["open", "hall-3"]).fails(2, &["--worker"]);

    // One dies.
    signal(pid(&first[0]), "KILL");
    until("it is gone", || !rrctl.processes().contains(&pid(&first[0])));
    rrctl.run(&["status"]).fails(7, &["--reconcile"]);
    let healed = rrctl.run(&["status", "--reconcile", "--yes", "--json"]).ok().workers();
    assert_eq!(healed.len(), 2);
    let pids: Vec<u32> = healed.iter().map(pid).collect();
    assert!(pids.contains(&pid(&first[1])) && !pids.contains(&pid(&first[0])), "{pids:?}");
    rrctl.run(&["status"]).ok();

    // One hangs: it is there, answers nobody, and does not listen to SIGTERM either.
    let (hangs, well) = (pid(&healed[0]), pid(&healed[1]));
    signal(hangs, "STOP");
    rrctl.run(&["status"]).fails(7, &["1 of 2 workers serve"]);
    let usual = config_of_hosts(&rrctl);
    let strict = usual.replace("[local]", "[local]\ngrace_secs = 1");
    rrctl.configure(&format!("{strict}[timing]\ndead_secs = 3\n"));
    let replaced = rrctl.run(&["status", "--reconcile", "--yes", "--json"]).ok();
    assert!(replaced.err.contains("its worker is silent"), "{replaced:?}");
    let pids: Vec<u32> = replaced.workers().iter().map(pid).collect();
    assert!(pids.len() == 2 && pids.contains(&well) && !pids.contains(&hangs), "{pids:?}");
    assert!(!rrctl.processes().contains(&hangs));
    rrctl.configure(&usual);
    let first = replaced.workers();

    let drained = rrctl.run(&["drain", &name(&first[0]), "--yes", "--json"]).ok().workers();
    assert_eq!(drained.len(), 2);
    assert!(drained.iter().all(|worker| name(worker) != name(&first[0])), "{drained:?}");
    assert_eq!(rrctl.run(&["scale", "1", "--yes", "--json"]).ok().workers().len(), 1);
    assert_eq!(rrctl.processes().len(), 1);
    assert_eq!(rrctl.run(&["up", "--yes", "--json"]).ok().workers().len(), 1, "what scale was told holds");
    let cost = rrctl.run(&["cost", "--json"]).ok().json();
    assert!(cost["cost"].as_f64().unwrap() > 0.0 && cost["cost_per_hour"] == 0.5, "{cost}");

    rrctl.run(&["down"]).fails(2, &["--yes"]);
    rrctl.run(&["down", "--yes"]).ok();
    assert_eq!(rrctl.processes(), [0_u32; 0]);
    rrctl.run(&["open"]).fails(7, &["rrctl up"]);
    assert!(rrctl.run(&["list"]).ok().out.contains("0 of 0 workers up"));
    rrctl.run(&["status"]).ok();
}

#[test]
fn an_rrctl_that_is_killed_anywhere_leaves_no_orphan() {
    let rrctl = Rrctl::new(SLEEPERS, &[]);
    let up = ["up", "--count", "4", "--no-wait"];
    for round in 0..12_u64 {
        let mut child = rrctl.spawn(&up);
        // At another moment each time: before, within and after the starts.
        std::thread::sleep(Duration::from_millis(round * 5));
        child.kill().unwrap();
        child.wait().unwrap();
        let before = rrctl.processes();
        let now = rrctl.run(&["up", "--count", "4", "--no-wait", "--json", "--yes"]).ok();
        assert_eq!(now.workers().len(), 4, "{now:?}");
        let after = rrctl.processes();
        assert_eq!(after.len(), 4, "round {round}: {before:?} became {after:?}");
        assert!(before.iter().all(|pid| after.contains(pid)), "round {round}: {before:?} became {after:?}");
        if round % 2 == 1 {
            rrctl.run(&["down", "--yes"]).ok();
            assert_eq!(rrctl.processes(), [0_u32; 0]);
        }
    }
    rrctl.run(&["down", "--yes"]).ok();
    // And in the middle of the end: the last word was down, and the next call goes on with it.
    let stubborn = "trap '' TERM; while :; do sleep 0.1; done";
    rrctl.configure(&SLEEPERS.replace("exec sleep 600", stubborn).replace("slots", "grace_secs = 1\nslots"));
    rrctl.run(&["up", "--count", "4", "--no-wait"]).ok();
    assert_eq!(rrctl.processes().len(), 4);
    let mut child = rrctl.spawn(&["down", "--yes"]);
    until("the first one is gone", || rrctl.processes().len() < 4);
    child.kill().unwrap();
    child.wait().unwrap();
    let left = rrctl.processes().len();
    assert!((1..4).contains(&left), "{left}");
    let rest = rrctl.run(&["status", "--reconcile", "--yes"]);
    assert_eq!((rest.code, rrctl.processes().len()), (Some(0), 0), "{rest:?}");
}

#[test]
fn lost_records_are_no_lost_workers() {
    let rrctl = Rrctl::new(SLEEPERS, &[]);
    rrctl.run(&["up", "--count", "3", "--no-wait"]).ok();
    let before = rrctl.processes();
    fs::remove_file(rrctl.folder().join("state/main/fleet.json")).unwrap();
    rrctl.run(&["status"]).fails(7, &["rrctl status --reconcile"]);
    let found = rrctl.run(&["up", "--count", "3", "--no-wait"]).ok();
    assert_eq!(found.err.matches("take over worker").count(), 3, "{found:?}");
    assert_eq!(rrctl.processes().len(), 3);
    assert!(rrctl.processes().iter().all(|pid| before.contains(pid)));
    // And those whose process was not written down, as when rrctl died right after the start.
    for entry in fs::read_dir(rrctl.folder().join("state/main/local")).unwrap() {
        fs::remove_file(entry.unwrap().path().join("process.json")).unwrap();
    }
    assert_eq!(rrctl.run(&["list", "--json"]).ok().workers().len(), 3);
    rrctl.run(&["down", "--yes"]).ok();
    assert_eq!(rrctl.processes(), [0_u32; 0]);
}

#[test]
fn two_operators_do_not_act_at_once_and_ctrl_c_is_safe() {
    let rrctl = Rrctl::new(SLEEPERS, &[]);
    // Sleepers never say that they serve: this one waits.
    let mut first = rrctl.spawn(&["up", "--count", "2"]);
    until("workers run", || rrctl.processes().len() == 2);
    let who = format!("pid {}", first.id());
    rrctl.run(&["scale", "5", "--yes"]).fails(6, &["another rrctl", &who]);
    rrctl.run(&["doctor"]).fails(1, &[]);
    assert_eq!(rrctl.run(&["list", "--json"]).ok().workers().len(), 2, "looking needs no lock");
    signal(first.id(), "INT");
    assert_eq!(first.wait().unwrap().code(), Some(130));
    assert_eq!(rrctl.processes().len(), 2, "Ctrl-C was meant for rrctl alone");
    let late = rrctl.run(&["status", "--reconcile", "--timeout-secs", "1"]);
    late.fails(7, &["0 of 2 workers serve"]);
    rrctl.run(&["down", "--yes"]).ok();
    assert_eq!(rrctl.processes(), [0_u32; 0]);
}

#[test]
fn wrong_input_is_told() {
    let rrctl = Rrctl::new("", &[]);
    for (config, says) in [
        ("colour = 1", &["rrctl.toml is wrong", "colour"][..]),
        ("[local]\nslot = 1", &["slot", "slots"]),
        ("[ec2]\nimages = 1", &["images"]),
        ("count = \"two\"", &["count"]),
        ("count = ", &["rrctl.toml is wrong"]),
        ("cost_cap = -1", &["-1 is no amount"]),
        ("provider = \"moon\"", &["moon", "local"]),
        ("fleet = \"a b\"", &["a b", "letters"]),
        ("count = 11", &["11 workers are wanted"]),
        ("[local]\nslots = 1\n[timing]\nboot = 1", &["boot"]),
        ("count = 2\n[local]\nslots = 1", &["2 workers", "1 slots"]),
        ("cost_cap = 0.1\n[local]\nprice = 1", &["cap", "$0.10"]),
    ] {
        rrctl.configure(config);
        rrctl.run(&["up", "--yes"]).fails(2, says);
    }
    rrctl.run(&["up", "--config", "none.toml"]).fails(2, &["none.toml"]);
    rrctl.configure("[local]\ncommand = \"/nonexistent/rrhost\"\n");
    rrctl.run(&["up"]).fails(1, &["/nonexistent/rrhost", "set command in [local]"]);
    rrctl.run(&["doctor"]).fails(1, &["things are wrong"]);
    rrctl.configure(SLEEPERS);
    rrctl.run(&["drain", "nobody", "--yes"]).fails(2, &["nobody"]);
    rrctl.run(&["up", "--cost-cap", "nan"]).fails(2, &["no amount"]);
    let error = rrctl.run(&["up", "--fleet", "../x", "--json"]).fails(2, &["exit_code"]);
    assert!(serde_json::from_str::<Value>(&error.err).is_ok(), "{error:?}");
    fs::create_dir_all(rrctl.folder().join("state/main")).unwrap();
    fs::write(rrctl.folder().join("state/main/fleet.json"), "{").unwrap();
    rrctl.run(&["up"]).fails(1, &["damaged", "move it away"]);
    assert_eq!(rrctl.processes(), [0_u32; 0]);
}

#[test]
fn flags_come_before_the_environment_before_the_file() {
    let rrctl = Rrctl::new("count = 3\nmax = 5\n", &[("RRCTL_MAX", "6")]);
    let value = |args: &[&str], key: &str| {
        let shown = rrctl.run(args).ok().json()["values"][key].clone();
        (shown["value"].clone(), shown["from"].as_str().unwrap().to_owned())
    };
    let config = ["config", "--json"];
    assert_eq!(value(&config, "count"), (3.into(), "rrctl.toml".to_owned()));
    assert_eq!(value(&config, "provider"), ("local".into(), "default".to_owned()));
    let region = ["config", "--json", "--region", "eu-west-1"];
    assert_eq!(value(&region, "ec2.region"), ("eu-west-1".into(), "flag or environment".to_owned()));
    let plan = |args: &[&str]| rrctl.run(args).ok().json()["steps"].as_array().unwrap().len();
    assert_eq!(plan(&["up", "--dry-run", "--json"]), 3);
    assert_eq!(plan(&["up", "--dry-run", "--json", "--count", "4"]), 4);
    rrctl.run(&["up", "--dry-run", "--count", "6", "--max", "5"]).fails(2, &["slots"]);
    let shells = ["bash", "zsh", "fish"];
    assert!(shells.iter().all(|shell| rrctl.run(&["completions", shell]).ok().out.contains("rrctl")));
}

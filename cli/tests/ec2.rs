//! The real command against a real emulator of EC2 (moto).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod cloud;
mod common;
#[path = "../provider/tests/common/mod.rs"]
mod emulator;

use cloud::Cloud;
use common::{Rrctl, signal, until};
use emulator::front::Front;
use emulator::{IMAGE_PARAMETER, REGION};
use rr_fleet::MachineState;
use rr_provider::Provider;
use serde_json::Value;
use std::sync::Arc;

fn config(fleet: &str) -> String {
    format!(
        "fleet = \"{fleet}\"\nprovider = \"ec2\"\nspot_share = 50\nmax = 4\n[ec2]\nregion = \"{REGION}\"\n\
         image_parameter = \"{IMAGE_PARAMETER}\"\nallow = [\"203.0.113.0/24\"]\n\
         [prices.\"g5.xlarge\"]\non_demand = 1.0\nspot = 0.4\n"
    )
}

fn operator(front: &Front, fleet: &str) -> Rrctl {
    let endpoint = format!("http://127.0.0.1:{}", front.port());
    let env: Vec<_> = emulator::variables(&endpoint).into_iter().chain([("AWS_MAX_ATTEMPTS", "2")]).collect();
    Rrctl::new(&config(fleet), &env)
}

/// Machines that EC2 has, whatever rrctl knows of them.
fn machines(front: &Front, fleet: &str) -> Vec<String> {
    let provider = emulator::ec2(front.port(), emulator::options(fleet)).unwrap();
    let listed = provider.list().unwrap().into_iter();
    let there = listed.filter(|l| matches!(l.machine.state, MachineState::Pending | MachineState::Running));
    there.map(|l| l.machine.id.0).collect()
}

fn of_market(workers: &[Value], market: &str) -> usize {
    workers.iter().filter(|worker| worker["market"] == market).count()
}

#[test]
fn a_fleet_in_the_cloud_from_the_first_look_to_the_last_machine() {
    let front = Front::start();
    let rrctl = operator(&front, "cloud");
    let doctor = rrctl.run(&["doctor"]).ok();
    for part in
        ["arn:aws:", "from the environment", "eu-central-1a", "ami-", "starting machines: allowed", "$1.00 an hour"]
    {
        assert!(doctor.out.contains(part), "{part} is not in {doctor:?}");
    }
    let dry = rrctl.run(&["up", "--count", "3", "--dry-run"]).ok();
    for part in ["create security group rr-cloud", "create launch template rr-cloud", "of the spot market", "on demand"]
    {
        assert!(dry.out.contains(part), "{part} is not in {dry:?}");
    }
    // One of three from the spot market: 50 % of whole machines.
    assert!(dry.out.contains("From $0.00 to $2.40 an hour"), "{dry:?}");
    for action in ["RunInstances", "CreateSecurityGroup", "CreateLaunchTemplate"] {
        let real = front.seen(action).into_iter().filter(|request| request.param("DryRun").is_none());
        assert_eq!(real.count(), 0, "a dry run called {action}");
    }
    rrctl.run(&["up", "--count", "3"]).fails(2, &["$2.40", "--yes"]);

    let up = rrctl.run(&["up", "--count", "3", "--yes", "--json"]).ok();
    let workers = up.workers();
    assert_eq!((of_market(&workers, "spot"), of_market(&workers, "on-demand")), (1, 2), "{up:?}");
    assert_eq!(up.json()["cost_per_hour"], 2.4);
    assert_eq!(machines(&front, "cloud").len(), 3);
    rrctl.run(&["status"]).ok();
    // All spot now: what is there stays, and what comes is bought so.
    let all = rrctl.run(&["up", "--count", "4", "--spot", "--yes", "--json"]).ok().workers();
    assert_eq!((all.len(), of_market(&all, "spot")), (4, 2));
    rrctl.run(&["up", "--count", "5", "--yes"]).fails(2, &["5 workers are wanted", "at most 4"]);

    // Somebody ends one by hand.
    let provider = emulator::ec2(front.port(), emulator::options("cloud")).unwrap();
    provider.terminate(&rr_fleet::MachineId(all[0]["machine"].as_str().unwrap().to_owned())).unwrap();
    rrctl.run(&["status"]).fails(7, &["3 of 4 workers serve", "--reconcile"]);
    rrctl.run(&["status", "--reconcile", "--yes"]).ok();
    assert_eq!(machines(&front, "cloud").len(), 4);
    let left = rrctl.run(&["scale", "1", "--yes", "--json"]).ok().workers();
    assert_eq!((left.len(), machines(&front, "cloud").len()), (1, 1));
    let cost = rrctl.run(&["cost", "--json"]).ok().json();
    assert!(cost["cost"].as_f64().unwrap() > 0.0 && cost["spot"]["machine_hours"].as_f64().unwrap() > 0.0, "{cost}");
    rrctl.run(&["logs", left[0]["name"].as_str().unwrap()]).ok();

    // The fleet is not forgotten for another place.
    rrctl.run(&["up", "--provider", "local", "--yes"]).fails(2, &["ec2 in eu-central-1", "rrctl down"]);
    rrctl.run(&["list", "--region", "us-east-1"]).fails(2, &["ec2 in eu-central-1"]);

    let down = rrctl.run(&["down", "--yes"]).ok();
    assert!(down.err.contains("removed launch template rr-cloud") && down.err.contains("removed security group"));
    assert_eq!(machines(&front, "cloud"), [""; 0]);
    rrctl.run(&["status"]).ok();
}

#[test]
fn an_rrctl_that_is_killed_leaves_no_machine_behind() {
    let front = Front::start();
    let rrctl = operator(&front, "killed");
    for round in 1..=3 {
        let mut child = rrctl.spawn(&["up", "--count", "3", "--yes"]);
        // After that many requests for machines, whatever became of the last one.
        let before = front.seen("RunInstances").len();
        until("machines are asked for", || front.seen("RunInstances").len() >= before + round);
        child.kill().unwrap();
        child.wait().unwrap();
        let now = rrctl.run(&["up", "--count", "3", "--yes", "--json"]).ok();
        assert_eq!((now.workers().len(), machines(&front, "killed").len()), (3, 3), "round {round}: {now:?}");
        rrctl.run(&["down", "--yes"]).ok();
        assert_eq!(machines(&front, "killed"), [""; 0], "round {round}");
    }
    // Killed while nobody writes anything down any more: lost with the laptop, and found by the tag.
    rrctl.run(&["up", "--count", "2", "--yes"]).ok();
    let other = operator(&front, "killed");
    let found = other.run(&["down", "--yes"]).ok();
    assert_eq!(found.err.matches("take over worker").count(), 2, "{found:?}");
    assert_eq!(machines(&front, "killed"), [""; 0]);
}

#[test]
fn errors_of_aws_have_their_codes_and_leave_nothing() {
    let front = Front::start();
    let rrctl = operator(&front, "errors");
    let up = ["up", "--yes", "--count", "1", "--on-demand"];
    for (action, code, status, exit, says) in [
        ("DescribeSubnets", "ExpiredToken", 400, 3, "new credentials"),
        ("DescribeSubnets", "AuthFailure", 401, 3, "get-caller-identity"),
        ("DescribeInstances", "UnauthorizedOperation", 403, 3, "administrator"),
        ("DescribeInstances", "RequestLimitExceeded", 503, 5, "wait a minute"),
        ("CreateSecurityGroup", "UnauthorizedOperation", 403, 3, "administrator"),
        ("RunInstances", "UnauthorizedOperation", 403, 3, "administrator"),
        ("RunInstances", "RequestLimitExceeded", 503, 5, "wait a minute"),
        ("RunInstances", "InsufficientInstanceCapacity", 500, 4, "more zones"),
        ("RunInstances", "VcpuLimitExceeded", 400, 4, "Service Quotas"),
        ("RunInstances", "InvalidParameterValue", 400, 1, "InvalidParameterValue"),
    ] {
        // Of all places and both markets, and its repetitions.
        let faults = front.fail(action, 100, status, code, "So it is.");
        let failed = rrctl.run(&up).fails(exit, &[code, says]);
        assert!(!failed.err.contains("secret"), "{failed:?}");
        front.heal(faults);
        assert_eq!(machines(&front, "errors"), [""; 0], "{action} {code}");
    }
    // Who calls again does not wait for what rests after the failures.
    rrctl.run(&up).ok();
    rrctl.run(&["down", "--yes"]).ok();
    // Only the first zone has none.
    front.fail("RunInstances", 1, 500, "InsufficientInstanceCapacity", "None left.");
    let up = rrctl.run(&["up", "--yes", "--count", "1", "--on-demand", "--json"]).ok();
    assert_eq!((of_market(&up.workers(), "on-demand"), up.err.matches("! cannot start").count()), (1, 1), "{up:?}");
    let runs = front.seen("RunInstances");
    let subnet = |at: usize| runs[at].param("SubnetId").unwrap();
    assert_ne!(subnet(runs.len() - 1), subnet(runs.len() - 2), "the same zone was tried again");
    rrctl.run(&["down", "--yes"]).ok();

    for (args, exit, says) in [
        (["list", "--region", "moonbase"], 1, "\"moonbase\" is no region"),
        (["list", "--profile", "nobody"], 3, "no profile \"nobody\""),
    ] {
        rrctl.run(&args).fails(exit, &[says]);
    }
    rrctl.run(&["up", "--instance-type", "x9.huge", "--yes"]).fails(1, &["[prices.\"x9.huge\"]"]);
}

#[test]
fn ctrl_c_in_the_middle_is_gone_on_from() {
    let front = Front::start();
    let rrctl = operator(&front, "ctrl-c");
    let mut child = rrctl.spawn(&["up", "--count", "4", "--yes"]);
    until("machines are asked for", || !front.seen("RunInstances").is_empty());
    signal(child.id(), "INT");
    let code = child.wait().unwrap().code();
    assert!(code == Some(130), "{code:?}");
    let there = machines(&front, "ctrl-c").len();
    assert!(there >= 1, "the step at hand is finished");
    rrctl.run(&["down", "--yes"]).ok();
    assert_eq!(machines(&front, "ctrl-c"), [""; 0]);
}

/// Sessions come and go, EC2 takes a machine back, and the pool follows. What machines would do is done here: their workers are
/// real ones, started as their user data says.
#[test]
fn a_pool_in_the_cloud_follows_its_sessions_and_its_losses() {
    let front = Arc::new(Front::start());
    let rrctl = operator(&front, "pool");
    rrctl.configure(
        &(config("pool").replace("max = 4", "max = 3\nsessions_per_worker = 1") + "[timing]\nidle_secs = 3\n"),
    );
    let gateway = cloud::Gateway::start(&rrctl, &["--pool", "--warm", "1", "--linger-secs", "2"]);
    let cloud = Cloud::start(&front, "pool");
    until("one is warm", || gateway.workers() == 1);
    let first = machines(&front, "pool");
    assert_eq!(first.len(), 1);

    let one = gateway.viewer(&rrctl, "one");
    assert!(one.is_let_in(), "by the machine that was warm");
    until("another one is warm", || gateway.workers() == 2);
    let two = gateway.viewer(&rrctl, "two");
    assert!(two.is_let_in());
    until("the last one that there may be", || gateway.workers() == 3);
    let all = rrctl.run(&["list", "--json"]).ok();
    assert_eq!(all.workers().len(), 3, "{all:?}");

    // EC2 wants one back that serves somebody: they go on at the warm one, and another one comes.
    let begun = cloud.begun();
    cloud.notice(&first[0]);
    until("it is gone", || !machines(&front, "pool").contains(&first[0]));
    until("another one comes", || cloud.begun() > begun);
    assert!(one.is_let_in_again());
    until("three again", || gateway.workers() == 3);

    drop((one, two));
    until("all but the warm one go", || machines(&front, "pool").len() == 1 && gateway.workers() == 1);
    let cost = rrctl.run(&["cost", "--json"]).ok().json();
    assert!(cost["cost"].as_f64().unwrap() > 0.0, "{cost}");
    gateway.end();
    // Machines stay when the gateway ends, until somebody says otherwise.
    assert_eq!(machines(&front, "pool").len(), 1);
    rrctl.run(&["down", "--yes"]).ok();
    assert_eq!(machines(&front, "pool"), [""; 0]);
}

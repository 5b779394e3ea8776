//! The folder tree is the architecture: which crate may depend on which, held by `cargo metadata`.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Normal and build dependencies of every package, by name; tests may use what they like.
fn graph() -> (Graph, BTreeSet<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let meta: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let name_of: BTreeMap<&str, &str> = meta["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["id"].as_str().unwrap(), p["name"].as_str().unwrap()))
        .collect();
    let members = meta["workspace_members"].as_array().unwrap();
    let own = members.iter().map(|m| name_of[m.as_str().unwrap()].to_owned()).collect();
    let mut graph = Graph::new();
    for node in meta["resolve"]["nodes"].as_array().unwrap() {
        let deps = graph.entry(name_of[node["id"].as_str().unwrap()].to_owned()).or_default();
        for dep in node["deps"].as_array().unwrap() {
            let for_build = dep["dep_kinds"].as_array().unwrap().iter().any(|k| k["kind"].as_str() != Some("dev"));
            if for_build {
                deps.insert(name_of[dep["pkg"].as_str().unwrap()].to_owned());
            }
        }
    }
    (graph, own)
}

/// Every crate that is built into one of ours, on this platform and without what only tests need.
fn reachable(name: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", name, "-e", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next()).filter(|n| *n != name);
    names.map(str::to_owned).collect()
}

#[test]
fn dependencies_point_one_way() {
    let (graph, own) = graph();
    // Every crate with the own crates that it may name itself. A new crate has to be entered here.
    let allowed: BTreeMap<&str, &[&str]> = [
        ("rr-scene", &[][..]),
        ("rr-gpu-share", &[]),
        ("rr-render", &["rr-gpu-share", "rr-scene"]),
        ("rr-session", &["rr-scene"]),
        ("rr-load", &["rr-scene"]),
        ("rr-occt", &[]),
        ("rr-formats", &["rr-load", "rr-scene"]),
        ("rr-export", &["rr-scene"]),
        ("rr-import", &["rr-formats", "rr-load", "rr-occt", "rr-scene"]),
        ("rr-protocol", &[]),
        ("rr-encode", &[]),
        ("rr-rtc", &["rr-encode", "rr-protocol"]),
        ("rr-signal", &["rr-protocol"]),
        ("rr-nvenc-sys", &[]),
        ("rr-nvenc", &["rr-encode", "rr-nvenc-sys"]),
        // For tests: nothing may be built on it.
        ("rr-nvenc-double", &[]),
        ("rr-stream", &["rr-encode", "rr-nvenc", "rr-protocol", "rr-rtc"]),
        (
            "rr-engine",
            &[
                "rr-encode",
                "rr-load",
                "rr-protocol",
                "rr-render",
                "rr-rtc",
                "rr-scene",
                "rr-session",
                "rr-signal",
                "rr-stream",
            ],
        ),
        ("rrhost", &["rr-engine", "rr-export", "rr-load", "rr-render", "rr-scene", "rr-signal"]),
        ("rr-fleet", &[]),
        ("rr-provider", &["rr-fleet"]),
        // The front door: what a host and a gateway have in common at their doors is rr-signal's.
        ("rr-gateway", &["rr-fleet", "rr-protocol", "rr-signal"]),
        ("rrctl", &["rr-fleet", "rr-gateway", "rr-provider", "rr-signal"]),
        ("rr-samples", &["rr-scene"]),
        ("rr-tests", &["rr-formats", "rr-load"]),
    ]
    .into();
    for name in &own {
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the list of this test"));
        for dep in graph[name].iter().filter(|d| own.contains(*d)) {
            assert!(allowed.contains(&dep.as_str()), "{name} must not depend on {dep}");
        }
    }
}

#[test]
fn big_dependencies_stay_where_they_belong() {
    let (_, own) = graph();
    let may: [(&str, &[&str]); 11] = [
        // A host keeps no database.
        ("sqlx", &["rr-gateway", "rrctl"]),
        // Memory that wgpu and CUDA share is made on wgpu's own device.
        ("wgpu", &["rr-gpu-share", "rr-render", "rr-engine", "rrhost"]),
        ("egui", &["rrhost"]),
        ("eframe", &["rrhost"]),
        ("str0m", &["rr-rtc", "rr-stream", "rr-engine", "rrhost"]),
        ("axum", &["rr-signal", "rr-engine", "rr-gateway", "rrctl", "rrhost"]),
        ("tokio", &["rr-signal", "rr-engine", "rr-gateway", "rrctl", "rrhost"]),
        ("rr-occt", &["rr-import"]),
        ("rr-formats", &["rr-import", "rr-tests"]),
        ("rr-nvenc-sys", &["rr-nvenc", "rr-stream", "rr-engine", "rrhost"]),
        ("rr-nvenc-double", &[]),
    ];
    let reached: BTreeMap<&str, BTreeSet<String>> = own.iter().map(|n| (n.as_str(), reachable(n))).collect();
    for (dep, users) in may {
        for name in own.iter().filter(|n| reached[n.as_str()].contains(dep)) {
            assert!(users.contains(&name.as_str()), "{name} reaches {dep}");
        }
    }
}

#[test]
fn there_is_one_wgpu_and_one_crypto_provider() {
    let (_, own) = graph();
    let all: BTreeSet<String> = own.iter().flat_map(|n| reachable(n)).collect();
    assert!(!all.contains("ring"), "ring is a second crypto provider beside aws-lc-rs");
    assert!(!all.contains("openssl-sys"), "openssl is a second TLS stack");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock = std::fs::read_to_string(root).unwrap();
    for one in ["wgpu", "wgpu-core", "naga", "egui", "rustls", "tokio", "glam"] {
        let count = lock.matches(&format!("name = \"{one}\"\n")).count();
        assert!(count <= 1, "{count} versions of {one}");
    }
}

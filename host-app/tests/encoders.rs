//! `--encoder` and `rrhost doctor` of the real program, on machines with and without NVENC. The card is the test double
//! of NVIDIA's driver, which the program finds where it would find the driver.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_nvenc_double::Double;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

/// The program with folders of its own, and with a card that plays what `card` says, or with none.
fn rrhost(folder: &tempfile::TempDir, card: Option<&[(&str, &str)]>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rrhost"));
    command
        .env("XDG_CACHE_HOME", folder.path().join("cache"))
        .env("XDG_CONFIG_HOME", folder.path().join("config"))
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .env_remove("RRHOST_ENCODER")
        .stdin(Stdio::null());
    if let Some(settings) = card {
        command.env("LD_LIBRARY_PATH", Double::folder()).envs(settings.iter().copied());
    }
    command
}

fn doctor(card: Option<&[(&str, &str)]>, args: &[&str]) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = rrhost(&folder, card);
    command.args(["doctor", "--json"]).args(args);
    if !args.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    let out = command.output().unwrap();
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {words}")))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

fn text(value: &Value) -> String {
    value.to_string()
}

#[test]
fn a_machine_in_order_has_no_problem() {
    let (code, report) = doctor(None, &[]);
    assert_eq!(code, Some(0), "{report}");
    assert_ne!(report["state"], "problem");
    for name in [
        "graphics",
        "video encoder",
        "pictures",
        "port",
        "addresses",
        "import helper",
        "model cache",
        "settings folder",
    ] {
        assert_ne!(check(&report, name)["state"], "problem", "{report}");
    }
    // Loopback is no address for others.
    let addresses = check(&report, "addresses");
    assert!(addresses["state"] == "warning" && text(addresses).contains("--listen 0.0.0.0:"), "{report}");
}

#[test]
fn the_encoder_that_will_be_used_is_named_and_why_not_the_other() {
    let found = |card, args: &[&str]| {
        let (code, report) = doctor(card, args);
        let encoder = check(&report, "video encoder").clone();
        (code, encoder["state"].as_str().unwrap().to_owned(), encoder)
    };
    let (code, state, said) = found(Some(&[]), &[]);
    assert_eq!((code, state.as_str(), said["found"].as_str().unwrap()), (Some(0), "ok", "nvenc will be used"));
    assert!(
        text(&said).contains("Test double of a card: H.264 up to 3840x2160, HEVC up to 3840x2160, AV1 up to 3840x2160"),
        "{said}"
    );

    assert!(text(&said).contains("browsers decode AV1 or HEVC get that, the others H.264"), "{said}");
    let (_, state, said) = found(Some(&[("NVENC_DOUBLE_NO_AV1", "1")]), &[]);
    assert!(state == "ok" && text(&said).contains("no AV1: Test double of a card does not encode AV1"), "{said}");
    assert!(text(&said).contains("browsers decode HEVC get that"), "{said}");
    let none = [("NVENC_DOUBLE_NO_AV1", "1"), ("NVENC_DOUBLE_NO_HEVC", "1")];
    let (_, state, said) = found(Some(&none), &[]);
    assert!(state == "ok" && text(&said).contains("no HEVC: Test double of a card does not encode HEVC"), "{said}");
    assert!(text(&said).contains("H.264 for all viewers"), "{said}");

    let (code, state, said) = found(Some(&[("NVENC_DOUBLE_API_VERSION", "10.0")]), &[]);
    assert_eq!((code, state.as_str(), said["found"].as_str().unwrap()), (Some(0), "warning", "openh264 will be used"));
    assert!(said["advice"].as_str().unwrap().contains("install driver 53"), "{said}");

    let (code, state, said) = found(Some(&[("NVENC_DOUBLE_NO_ENCODER", "1")]), &["--encoder", "nvenc"]);
    assert_eq!((code, state.as_str()), (Some(1), "problem"));
    assert!(said["found"].as_str().unwrap().contains("has no video encoder"), "{said}");

    // It is there, opens, and fails on the first picture.
    let (_, state, said) = found(Some(&[("NVENC_DOUBLE_FAIL", "nvEncEncodePicture:1:20")]), &[]);
    assert!(state == "warning" && text(&said).contains("an internal error of the driver"), "{said}");

    let (code, state, said) = found(Some(&[("NVENC_DOUBLE_NO_DEVICE", "1")]), &["--encoder", "openh264"]);
    assert_eq!((code, state.as_str(), said["found"].as_str().unwrap()), (Some(0), "ok", "openh264 will be used"));
}

#[test]
fn how_pictures_come_to_the_encoder_is_told() {
    let said = |card: Option<&[(&str, &str)]>, args: &[&str]| {
        let (_, report) = doctor(card, args);
        check(&report, "pictures")["found"].as_str().unwrap().to_owned()
    };
    assert_eq!(said(None, &[]), "go to the encoder through memory, because it works on the processor");
    // The double is another card than the one that draws.
    let other = said(Some(&[]), &["--adapter", "software"]);
    assert!(other.contains("through memory, because"), "{other}");
    // And now it is that card, and sees what was drawn there.
    let Ok(gpu) = rr_engine::Gpu::headless(rr_engine::AdapterChoice::Software) else { return };
    let Ok(share) = gpu.share() else { return };
    let uuid: String = share.card().iter().map(|byte| format!("{byte:02x}")).collect();
    let same = said(Some(&[("NVENC_DOUBLE_UUID", &uuid)]), &["--adapter", "software"]);
    assert_eq!(same, "go to the encoder on the card");
    let fails = [("NVENC_DOUBLE_UUID", uuid.as_str()), ("NVENC_DOUBLE_FAIL", "cuImportExternalMemory:1:2")];
    let refused = said(Some(&fails), &["--adapter", "software"]);
    assert!(refused.ends_with("through memory, because CUDA: cuImportExternalMemory failed with error 2"), "{refused}");
}

#[test]
fn problems_end_with_code_1_and_say_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, report) = doctor(None, &["--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!((code, report["state"].as_str()), (Some(1), Some("problem")));
    assert!(check(&report, "port")["advice"].as_str().unwrap().contains("another program"), "{report}");

    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none");
    let mut command = rrhost(&folder, None);
    command.env("RR_IMPORT", &none).env("VK_ICD_FILENAMES", &none).env("VK_DRIVER_FILES", &none);
    let out = command.args(["doctor", "--listen", "127.0.0.1:0"]).output().unwrap();
    let table = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{table}");
    for words in ["problem  graphics", "mesa-vulkan-drivers", "problem  import helper", "RR_IMPORT", "Problems: 2"] {
        assert!(table.contains(words), "{words} is missing: {table}");
    }
}

#[test]
fn a_helper_that_is_no_helper_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let out = rrhost(&folder, None).env("RR_IMPORT", "/bin/false").args(["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(check(&report, "import helper")["state"], "problem", "{report}");
}

/// What a host says of its encoder when it is ready; it is ended at once.
fn ready(card: Option<&[(&str, &str)]>, choice: &str) -> Result<Value, Output> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = rrhost(&folder, card);
    command.args(["--headless", "--listen", "127.0.0.1:0", "--encoder", choice]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        return Err(child.wait_with_output().unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    Ok(serde_json::from_str::<Value>(&line).unwrap()["encoder"].clone())
}

#[test]
fn a_host_says_which_encoder_it_took() {
    let card: Option<&[(&str, &str)]> = Some(&[]);
    assert_eq!(ready(card, "auto").unwrap()["name"], "NVENC (Test double of a card)");
    assert_eq!(ready(card, "openh264").unwrap()["name"], "openh264 (software)");
    let full = ready(Some(&[("NVENC_DOUBLE_MAX_SESSIONS", "0")]), "auto").unwrap();
    assert_eq!(full["name"], "openh264 (software)");
    assert!(full["notUsed"][0].as_str().unwrap().contains("limit of sessions"), "{full}");
    // Who wants nothing else gets nothing else.
    let refused = ready(Some(&[("NVENC_DOUBLE_NO_DEVICE", "1")]), "nvenc").unwrap_err();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(words.contains("no encoder can be used") && words.contains("finds no card"), "{words}");
}

//! What `rrhost doctor` looks at, one function a matter. Nothing is changed but folders that a host would make, too.

use super::{Check, State};
use crate::cli::{DoctorArgs, NetworkArgs};
use crate::start;
use rr_engine::{EncoderChoice, Gpu, Reach, SurveyedEncoder, survey_encoders, try_pictures_on_card};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Less than this and a cache of large models fills the disk.
const LOW_DISK_BYTES: u64 = 2 << 30;

pub(super) fn all(args: &DoctorArgs) -> Vec<Check> {
    let encoders = survey_encoders();
    vec![
        graphics(args),
        encoder(args.encoder, &encoders),
        pictures(args.encoder, &encoders, || try_pictures_on_card(args.adapter, (640, 360))),
        port(args.listen),
        addresses(Reach::of(args.listen, &args.advertise)),
        relays(&args.network),
        helper(),
        cache(args),
        settings(&start::config_dir(args.config_dir.as_deref())),
    ]
}

fn graphics(args: &DoctorArgs) -> Check {
    const NAME: &str = "graphics";
    let describe = |info: &rr_engine::GpuInfo| {
        let kind = if info.is_software { "software" } else { "hardware" };
        format!("{} ({kind}, {}, {})", info.name, info.backend, info.driver)
    };
    let others: Vec<String> = Gpu::adapters(args.adapter).iter().map(describe).collect();
    match Gpu::headless(args.adapter) {
        Ok(gpu) => {
            let found = describe(gpu.info());
            let others =
                others.into_iter().filter(|other| *other != found).map(|o| format!("also there: {o}")).collect();
            let check = Check::new(NAME, if gpu.info().is_software { State::Warning } else { State::Ok }, found);
            let check = check.with(others);
            match gpu.warning() {
                Some(warning) => check.advise(warning),
                None => check,
            }
        }
        Err(error) => Check::new(NAME, State::Problem, error.to_string()).with(others).advise(
            "install the Vulkan driver of the graphics card, or mesa-vulkan-drivers for drawing on the processor",
        ),
    }
}

/// Which encoder a choice would use, of those that were tried.
fn encoder(choice: EncoderChoice, all: &[SurveyedEncoder]) -> Check {
    const NAME: &str = "video encoder";
    let wanted = |e: &&SurveyedEncoder| choice == EncoderChoice::Auto || e.name == choice.to_string();
    let used = all.iter().find(|e| wanted(e) && e.usable.is_ok());
    let mut details = Vec::new();
    for encoder in all {
        match &encoder.usable {
            Ok(()) if used.is_some_and(|used| used.name == encoder.name) => {}
            Ok(()) => details.push(format!("{}: can be used, too", encoder.name)),
            Err(reason) => details.push(format!("{}: {reason}", encoder.name)),
        }
        details.extend(encoder.facts.iter().map(|fact| format!("{}: {fact}", encoder.name)));
    }
    let Some(used) = used else {
        let reason = all.iter().find(wanted).and_then(|e| e.usable.clone().err()).unwrap_or_default();
        return Check::new(NAME, State::Problem, format!("{choice} cannot be used: {reason}"))
            .with(details)
            .advise("use --encoder auto or openh264, or do what stands above");
    };
    // What is installed and does not work is worth a word; what is not installed is not.
    let broken = all.iter().take_while(|e| e.name != used.name).find(|e| wanted(e) && !e.absent);
    let state = if broken.is_some() { State::Warning } else { State::Ok };
    let check = Check::new(NAME, state, format!("{} will be used", used.name)).with(details);
    match broken.and_then(|e| Some((e.name, e.usable.as_ref().err()?))) {
        Some((name, reason)) => check.advise(format!("{name} would be faster: {reason}")),
        None => check,
    }
}

/// How pictures come to the encoder that will be used.
fn pictures(
    choice: EncoderChoice,
    all: &[SurveyedEncoder],
    on_card: impl FnOnce() -> Result<&'static str, String>,
) -> Check {
    const NAME: &str = "pictures";
    let wanted = |e: &&SurveyedEncoder| choice == EncoderChoice::Auto || e.name == choice.to_string();
    match all.iter().find(|e| wanted(e) && e.usable.is_ok()) {
        Some(used) if used.name == "nvenc" => match on_card() {
            Ok(how) => Check::new(NAME, State::Ok, "go to the encoder on the card").with(vec![how.to_owned()]),
            // Works, at the price of a copy for each picture.
            Err(reason) => Check::new(NAME, State::Ok, format!("go to the encoder through memory, because {reason}")),
        },
        _ => Check::new(NAME, State::Ok, "go to the encoder through memory, because it works on the processor"),
    }
}

/// The page and the video want the same number, of TCP and of UDP.
fn port(listen: SocketAddr) -> Check {
    const NAME: &str = "port";
    if let Err(error) = TcpListener::bind(listen) {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program has the port, perhaps another rrhost: end it or take another port with --listen"
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have the address: see addresses, and --listen",
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 are for the administrator: take another one with --listen"
            }
            _ => "take another address or port with --listen",
        };
        return Check::new(NAME, State::Problem, format!("{listen} cannot be listened on (TCP): {error}"))
            .advise(advice);
    }
    match UdpSocket::bind(listen) {
        Ok(_) if listen.port() == 0 => Check::new(NAME, State::Ok, format!("{listen}: a free one is taken")),
        Ok(_) => Check::new(NAME, State::Ok, format!("{listen} is free (TCP for the page, UDP for the video)")),
        Err(error) => Check::new(NAME, State::Warning, format!("{listen} is taken for UDP: {error}"))
            .advise("the video takes another port, which firewalls may not let through"),
    }
}

/// Whether browsers elsewhere can get here.
fn addresses(reach: Reach) -> Check {
    let check = Check::new("addresses", if reach.advice.is_some() { State::Warning } else { State::Ok }, reach.found);
    Check { advice: reach.advice, ..check.with(reach.details) }
}

/// What browsers are told of TURN servers. None of them is asked: whether one answers the browsers it cannot tell from here.
fn relays(args: &NetworkArgs) -> Check {
    const NAME: &str = "relays";
    let turn: Vec<String> = args.turn.iter().map(ToString::to_string).collect();
    match args.ice_servers() {
        Ok(_) if turn.is_empty() => Check::new(NAME, State::Ok, "none: browsers need a direct way, of UDP or TCP"),
        Ok(ice) => {
            let word = if ice.turn.is_some() {
                format!("each browser gets credentials for {} hours", args.turn_hours)
            } else {
                "all browsers get the same password".to_owned()
            };
            Check::new(NAME, State::Ok, format!("{}; {word}", turn.join(", ")))
        }
        Err(error) => Check::new(NAME, State::Problem, error.to_string())
            .advise("give --turn-secret-file a file with the secret that the TURN servers share"),
    }
}

/// The child process that reads all formats but STL.
fn helper() -> Check {
    const NAME: &str = "import helper";
    let missing = |reason: String| {
        Check::new(NAME, State::Problem, reason)
            .advise("install Remote Render anew, or set RR_IMPORT to the path of rr-import")
    };
    let path = match rr_load::cad::helper() {
        Ok(path) => path,
        Err(reason) => return missing(reason),
    };
    match Command::new(&path).arg("--version").output() {
        Ok(out) if out.status.success() => {
            let version = String::from_utf8_lossy(&out.stdout).trim().to_owned();
            Check::new(NAME, State::Ok, format!("{version} at {}", path.display()))
        }
        Ok(out) => {
            let words = String::from_utf8_lossy(&out.stderr).trim().to_owned();
            missing(format!("{} ends with {}: {words}", path.display(), out.status))
        }
        Err(error) => missing(format!("{} does not run: {error}", path.display())),
    }
}

fn cache(args: &DoctorArgs) -> Check {
    const NAME: &str = "model cache";
    let Some(cache) = args.cache.open() else {
        return Check::new(NAME, State::Warning, "off: every file is read anew").advise("leave --no-cache out");
    };
    let folder = cache.folder();
    if let Err(error) = writable(folder) {
        return Check::new(NAME, State::Warning, format!("{} cannot be written: {error}", folder.display()))
            .advise("every file is read anew; name another folder with --cache-dir");
    }
    match free_bytes(folder) {
        Some(free) if free < LOW_DISK_BYTES => {
            Check::new(NAME, State::Warning, format!("{} has {} left", folder.display(), gib(free)))
                .advise("make room, or name another folder with --cache-dir")
        }
        Some(free) => Check::new(NAME, State::Ok, format!("{}, {} free", folder.display(), gib(free))),
        None => Check::new(NAME, State::Ok, folder.display().to_string()),
    }
}

/// Where the key of share links and the certificate are kept: nothing is shared without.
fn settings(folder: &Path) -> Check {
    const NAME: &str = "settings folder";
    match writable(folder) {
        Ok(()) => Check::new(NAME, State::Ok, folder.display().to_string()),
        Err(error) => Check::new(NAME, State::Problem, format!("{} cannot be written: {error}", folder.display()))
            .advise("name another folder with --config-dir"),
    }
}

/// Makes the folder, and a file in it that goes again.
fn writable(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe: PathBuf = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

fn gib(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let gib = bytes as f64 / f64::from(1 << 30);
    format!("{gib:.1} GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, CommandLine};
    use clap::Parser;

    fn surveyed(name: &'static str, usable: Result<(), &str>, absent: bool) -> SurveyedEncoder {
        SurveyedEncoder { name, usable: usable.map_err(str::to_owned), absent, facts: vec!["fact".into()] }
    }

    #[test]
    fn an_encoder_that_is_broken_is_a_warning_and_one_that_is_absent_is_not() {
        let software = surveyed("openh264", Ok(()), false);
        let state = |choice, nvenc: SurveyedEncoder| {
            let check = encoder(choice, &[nvenc, software.clone()]);
            (check.state, check.found, check.advice.unwrap_or_default())
        };
        let (auto, nvenc) = (EncoderChoice::Auto, EncoderChoice::Nvenc);
        assert_eq!(state(auto, surveyed("nvenc", Ok(()), false)).1, "nvenc will be used");
        let absent = state(auto, surveyed("nvenc", Err("no driver"), true));
        assert_eq!((absent.0, absent.1.as_str()), (State::Ok, "openh264 will be used"));
        let broken = state(auto, surveyed("nvenc", Err("too old: install 530"), false));
        assert_eq!((broken.0, broken.2.as_str()), (State::Warning, "nvenc would be faster: too old: install 530"));
        let only = state(nvenc, surveyed("nvenc", Err("no driver"), true));
        assert_eq!((only.0, only.1.as_str()), (State::Problem, "nvenc cannot be used: no driver"));
        // Whoever wants openh264 need not hear of a broken driver.
        assert_eq!(state(EncoderChoice::OpenH264, surveyed("nvenc", Err("too old"), false)).0, State::Ok);
    }

    #[test]
    fn pictures_stay_on_the_card_for_an_encoder_there_only() {
        let both = [surveyed("nvenc", Ok(()), false), surveyed("openh264", Ok(()), false)];
        let said = |choice, all: &[SurveyedEncoder], on_card: Result<&'static str, &str>| {
            pictures(choice, all, || on_card.map_err(str::to_owned)).found
        };
        assert_eq!(said(EncoderChoice::Auto, &both, Ok("fenced")), "go to the encoder on the card");
        let refused = said(EncoderChoice::Auto, &both, Err("the graphics driver does not export buffers"));
        assert_eq!(refused, "go to the encoder through memory, because the graphics driver does not export buffers");
        for (choice, all) in [(EncoderChoice::OpenH264, &both[..]), (EncoderChoice::Auto, &both[1..])] {
            assert!(said(choice, all, Ok("fenced")).ends_with("because it works on the processor"));
        }
    }

    #[test]
    fn an_address_that_nobody_reaches_is_a_warning() {
        let at = |listen: &str| addresses(Reach::of(listen.parse().unwrap(), &[]));
        let loopback = at("127.0.0.1:8443");
        assert!(loopback.state == State::Warning && loopback.advice.unwrap().contains("--listen 0.0.0.0:8443"));
        let one = at("192.0.2.7:8443");
        assert!(one.state == State::Ok && one.advice.is_none() && one.found.contains("192.0.2.7"));
    }

    #[test]
    fn a_turn_server_without_its_secret_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "north").unwrap();
        let check = |args: &[&str]| {
            let args = ["rrhost", "doctor"].iter().chain(args);
            match Cli::parse_from(args).command {
                Some(CommandLine::Doctor(args)) => relays(&args.network),
                _ => unreachable!("doctor was asked for"),
            }
        };
        assert_eq!(check(&[]).state, State::Ok);
        let told = check(&["--turn", "turn:turn.example", "--turn-secret-file", secret.to_str().unwrap()]);
        assert!(told.state == State::Ok && told.found.contains("turn:turn.example") && !told.found.contains("north"));
        let missing = check(&["--turn", "turn:turn.example", "--turn-secret-file", "/none"]);
        assert!(missing.state == State::Problem && missing.found.contains("/none"));
        assert_eq!(check(&["--turn", "turn:turn.example"]).state, State::Problem);
    }

    #[test]
    fn taken_ports_and_foreign_addresses_are_problems() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let check = port(taken.local_addr().unwrap());
        assert!(check.state == State::Problem && check.advice.unwrap().contains("another program"));
        let foreign = port("192.0.2.1:0".parse().unwrap());
        assert!(foreign.state == State::Problem && foreign.advice.unwrap().contains("does not have the address"));
        let video = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(port(video.local_addr().unwrap()).state, State::Warning);
        assert_eq!(port("127.0.0.1:0".parse().unwrap()).state, State::Ok);
    }

    #[test]
    fn folders_that_cannot_be_written_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(settings(&folder.path().join("new")).state, State::Ok);
        // A file in the place of the folder stops everybody, the administrator as well.
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        assert_eq!(settings(&file.join("below")).state, State::Problem);
    }
}

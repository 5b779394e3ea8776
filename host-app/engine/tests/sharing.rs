//! Sharing that ends: what it took is given back at once, and it can begin again. And while nobody watches, nothing is drawn.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, line, software};
use rr_scene::{Command, Connection, Role, Workspace};
use std::net::UdpSocket;
#[cfg(target_os = "linux")]
use std::time::Duration;

/// The port of a link, `http://host:port/#token`.
fn port(link: &str) -> u16 {
    link.split_once("/#").unwrap().0.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Names of the threads of this process that are ours.
#[cfg(target_os = "linux")]
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
    let all = tasks.filter_map(name).map(|name| name.trim().to_owned());
    all.filter(|name| name.starts_with("rr-") || name.starts_with("encode-")).collect()
}

/// Processor time of the threads that draw, those of the software device as well, in ticks of the kernel.
#[cfg(target_os = "linux")]
fn drawing() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let ticks = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let draws = name.starts_with("rr-render") || name.starts_with("llvmpipe");
        // utime and stime: proc_pid_stat(5).
        draws.then(|| Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?))?
    };
    tasks.filter_map(ticks).sum()
}

/// Products flow along a connection, so that there is always something to draw.
fn flowing() -> Workspace {
    let mut workspace = line(&[("press", -1.0), ("robot", 2.0)]);
    let flow =
        Connection { id: "flow".into(), source: "press".into(), target: "robot".into(), kind: "material".into() };
    workspace.apply(&Command::AddConnection(flow), Role::Admin).unwrap();
    workspace
}

#[test]
fn a_share_that_ends_gives_back_what_it_took() {
    let Some(gpu) = software() else { return };
    let host = Host::with(&gpu, flowing(), |config| config.settings.reduced_motion = false);
    for _ in 0..2 {
        let link = host.share();
        let at = ("127.0.0.1", port(&link));
        // A number that is free for the page is so for the video but for a rare chance.
        assert!(UdpSocket::bind(at).is_err(), "the video is not there");
        let mut viewer = Viewer::join(&link);
        viewer.sees_new_pictures("a picture");
        #[cfg(target_os = "linux")]
        assert!(threads().iter().any(|name| name.starts_with("encode-")), "{:?}", threads());
        host.engine.stop_sharing().unwrap();
        // Whoever looks holds the port meanwhile, but only for a moment.
        host.until("its port is free", |_| UdpSocket::bind(at).is_ok());
    }
    #[cfg(target_os = "linux")]
    {
        // While somebody watches it draws all the time.
        let mut viewer = Viewer::join(&host.share());
        let begin = drawing();
        viewer.until("it is drawn on", |_| drawing() > begin + 10);
        viewer.closes_the_page();
        host.until("nothing is drawn for a second", |_| {
            let before = drawing();
            std::thread::sleep(Duration::from_secs(1));
            drawing() == before
        });
        host.engine.stop_sharing().unwrap();
    }
    // In the middle of a picture, as programs end.
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("a picture");
    drop(host);
    // A thread that holds the device while the process ends may crash in the driver.
    #[cfg(target_os = "linux")]
    assert_eq!(threads(), <[String; 0]>::default());
}

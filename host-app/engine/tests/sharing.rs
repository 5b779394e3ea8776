//! Sharing that ends: what it took is given back at once, and it can begin again.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, press_line, software};
use std::net::UdpSocket;

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

#[test]
fn a_share_that_ends_gives_back_what_it_took() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, press_line());
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
    // In the middle of a picture, as programs end.
    let mut viewer = Viewer::join(&host.share());
    viewer.sees_new_pictures("a picture");
    drop(host);
    // A thread that holds the device while the process ends may crash in the driver.
    #[cfg(target_os = "linux")]
    assert_eq!(threads(), <[String; 0]>::default());
}

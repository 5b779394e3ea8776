//! One encode, many receivers on this machine's loopback: what each costs the host, and what those that misbehave cost
//! the others.
//!
//! `receivers [--good 100] [--mbps 7] [--seconds 10] [--bad all] [--soak MINUTES] [--plain yes]`
//!
//! The host side is the real one (network thread, adaptation); its encoder is a model that makes pictures of the size
//! it is told, so that the figures are those of the fan-out. The receivers are str0m peers with a socket each, in a
//! process of their own; they take the datagrams of a picture from the system at once, or with `--plain yes` one by one, as
//! most browsers do (then cutting them apart is the network thread's work on loopback, which a network card or the
//! receiving machine does elsewhere). Pictures carry the moment they were handed over; a receiver notes when it has them whole.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks and gives up")]

mod figures;
mod receiver;
mod source;

use figures::{Cpu, Latency};
use rr_encode::Bitrate;
use rr_rtc::{PeerId, RtcConfig, RtcServer};
use source::Source;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How a receiver may misbehave once it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It takes what comes.
    Good,
    /// It neither reads nor answers any more, with its socket open.
    Stalled,
    /// Its link carries 1 Mbit/s.
    Slow,
    /// It sends messages and garbage as fast as it can, and asks for keyframes.
    Flooding,
    /// Its socket is gone without a word.
    Vanished,
}

impl Manner {
    const BAD: [(&str, Self); 4] =
        [("stalled", Self::Stalled), ("slow", Self::Slow), ("flooding", Self::Flooding), ("vanished", Self::Vanished)];
}

struct Options {
    good: usize,
    mbps: u64,
    seconds: u64,
    bad: Vec<(&'static str, Manner)>,
    soak: Option<u64>,
    plain: bool,
}

/// What a process of receivers is told so that they take one datagram at a time.
pub const PLAIN: &str = "--plain";

fn options() -> Options {
    let mut options = Options { good: 100, mbps: 7, seconds: 10, bad: Vec::new(), soak: None, plain: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match name.as_str() {
            "--good" => options.good = value.parse().unwrap(),
            "--mbps" => options.mbps = value.parse().unwrap(),
            "--seconds" => options.seconds = value.parse().unwrap(),
            "--bad" => {
                options.bad = Manner::BAD.into_iter().filter(|(name, _)| value == "all" || value == *name).collect();
                assert!(!options.bad.is_empty(), "--bad all, stalled, slow, flooding or vanished");
            }
            "--soak" => options.soak = Some(value.parse().unwrap()),
            "--plain" => options.plain = value == "yes",
            _ => panic!("--good, --mbps, --seconds, --bad, --soak, --plain; not {name}"),
        }
    }
    options
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--receive") {
        return receiver::main();
    }
    let options = options();
    let source = Source::new(Bitrate::mbps(options.mbps));
    let config = RtcConfig {
        bind: "127.0.0.1:0".parse().unwrap(),
        // Those that vanished count until that is noticed.
        max_peers: options.good + MORE,
        ..RtcConfig::default()
    };
    let server = RtcServer::start(config, source.on_event()).unwrap();
    let mut crowd = Crowd::start(&server, 0, &vec![Manner::Good; options.good], options.plain);
    let publishing = source.publish(&server);
    std::thread::scope(|scope| {
        scope.spawn(|| publishing.run());
        // Connecting, and the search for what the paths carry.
        std::thread::sleep(Duration::from_secs(6));
        println!("{} receivers, {} Mbit/s each", options.good, options.mbps);
        match options.soak {
            Some(minutes) => soak(&server, &mut crowd, &options, minutes),
            None => {
                let (alone, _) = measure("alone", &mut crowd, &options);
                for (name, manner) in &options.bad {
                    beside(&server, &mut crowd, &options, (name, *manner), &alone);
                }
            }
        }
        publishing.stop();
    });
}

/// Most that come and go beside the good ones at once.
const MORE: usize = 64;
/// Receivers of each kind that misbehave together.
const PER_MANNER: usize = 5;

/// The good ones while others misbehave.
fn beside(server: &RtcServer, crowd: &mut Crowd, options: &Options, bad: (&str, Manner), alone: &Latency) {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
    let first = 100_000 * NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut others = Crowd::start(server, first, &[bad.1; PER_MANNER], options.plain);
    std::thread::sleep(Duration::from_secs(3));
    others.tell("misbehave");
    let (beside, _) = measure(&format!("beside {PER_MANNER} {}", bad.0), crowd, options);
    println!("    latency P50 x{:.2}, P95 x{:.2}", beside.p50 / alone.p50, beside.p95 / alone.p95);
    others.end();
}

/// One row of figures.
fn measure(name: &str, crowd: &mut Crowd, options: &Options) -> (Latency, f64) {
    let cpu = Cpu::now();
    crowd.tell("begin");
    std::thread::sleep(Duration::from_secs(options.seconds));
    let latency = crowd.report();
    let used = cpu.until_now();
    let each = used.network * 100.0 / options.good as f64;
    println!(
        "{name:22} network thread {:5.1} % of a core, {each:.2} % each; {:.1} pictures/s (fewest {:.1}), {:.2} Mbit/s; \
         latency P50 {:.1}, P95 {:.1}, P99 {:.1} ms; memory {:.1} MB",
        used.network * 100.0,
        latency.rate,
        latency.fewest,
        latency.mbps,
        latency.p50,
        latency.p95,
        latency.p99,
        used.memory_mb,
    );
    (latency, used.memory_mb)
}

/// A row a minute, while receivers of all kinds come and go.
fn soak(server: &RtcServer, crowd: &mut Crowd, options: &Options, minutes: u64) {
    let mut rows = Vec::new();
    for minute in 0..minutes {
        let manners: Vec<Manner> = Manner::BAD.iter().map(|(_, manner)| *manner).collect();
        let mut others = Crowd::start(server, 1_000_000 + minute as usize * 1_000, &manners, options.plain);
        std::thread::sleep(Duration::from_secs(2));
        others.tell("misbehave");
        rows.push(measure(
            &format!("minute {}", minute + 1),
            crowd,
            &Options { bad: Vec::new(), soak: None, seconds: 50, ..*options },
        ));
        others.end();
        std::thread::sleep(Duration::from_secs(8));
    }
    let (Some(first), Some(last)) = (rows.get(1), rows.last()) else { return };
    println!(
        "from minute 2 to {minutes}: memory x{:.3}, latency P50 x{:.2}, P95 x{:.2}",
        last.1 / first.1,
        last.0.p50 / first.0.p50,
        last.0.p95 / first.0.p95
    );
}

/// Receivers in a process of their own.
struct Crowd {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Crowd {
    fn start(server: &RtcServer, first: usize, manners: &[Manner], plain: bool) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--receive")
            .args(plain.then_some(PLAIN))
            .args(manners.iter().map(|manner| format!("{manner:?}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut crowd = Self { child, stdin, stdout };
        for index in 0..manners.len() {
            let offer = crowd.line().replace('\u{1}', "\r\n");
            let answer = server.accept(PeerId((first + index) as u64), &offer).unwrap();
            crowd.tell(&answer.replace("\r\n", "\u{1}"));
        }
        crowd
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What was received since `begin`.
    fn report(&mut self) -> Latency {
        self.tell("report");
        Latency::parse(&self.line())
    }

    fn end(mut self) {
        drop(self.stdin);
        self.child.wait().unwrap();
    }
}

//! The host's side without a picture: the adaptation decides, and a model of an encoder obeys.

use bytes::Bytes;
use rr_encode::{AccessUnit, Bitrate, Codecs};
use rr_rtc::{RtcEvent, RtcServer, RungId, Steerings};
use rr_stream::{Action, Ladder, LadderConfig, Setting};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const FRAME: Duration = Duration::from_nanos(33_333_333);

/// What each encoder is set to, and whether a keyframe is wanted of it.
type Rungs = Arc<Mutex<BTreeMap<RungId, (Setting, bool)>>>;

pub struct Source {
    max: Bitrate,
    rungs: Rungs,
}

impl Source {
    pub fn new(max: Bitrate) -> Self {
        Self { max, rungs: Rungs::default() }
    }

    pub fn on_event(&self) -> impl FnMut(RtcEvent, &mut Steerings) + Send + 'static {
        let config = LadderConfig {
            size: (1280, 720),
            frames_per_second: 30.0,
            max: self.max,
            start: Bitrate::mbps(3).min(self.max),
            rungs: 3,
            codecs: Codecs::H264,
            first_rung: RungId::default(),
        };
        let (mut ladder, rungs) = (Ladder::new(config), self.rungs.clone());
        move |event, steerings| {
            ladder.on_event(Instant::now(), &event);
            let mut rungs = rungs.lock().unwrap();
            for action in ladder.take_actions() {
                match action {
                    Action::Set(id, setting) => rungs.entry(id).or_insert((setting, true)).0 = setting,
                    Action::Close(id) => _ = rungs.remove(&id),
                    Action::Keyframe(id) => rungs.get_mut(&id).into_iter().for_each(|(_, keyframe)| *keyframe = true),
                    Action::Steer(peer, steering) => steerings.push((peer, steering)),
                }
            }
        }
    }

    pub fn publish<'a>(&self, server: &'a RtcServer) -> Publishing<'a> {
        Publishing { server, rungs: self.rungs.clone(), stop: AtomicBool::new(false) }
    }
}

/// A picture of each rung, 30 times a second.
pub struct Publishing<'a> {
    server: &'a RtcServer,
    rungs: Rungs,
    stop: AtomicBool,
}

impl Publishing<'_> {
    pub fn run(&self) {
        let (mut next, mut number) = (Instant::now(), 0u64);
        while !self.stop.load(Ordering::Relaxed) {
            next += FRAME;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            number += 1;
            let due: Vec<(RungId, Setting, bool)> = {
                let mut rungs = self.rungs.lock().unwrap();
                rungs.iter_mut().map(|(id, (setting, key))| (*id, *setting, std::mem::take(key))).collect()
            };
            for (id, setting, keyframe) in due {
                let every = (30.0 / setting.frames_per_second).round().max(1.0) as u64;
                if setting.paused || (!number.is_multiple_of(every) && !keyframe) {
                    continue;
                }
                let bytes = setting.bitrate.as_f64() / 8.0 * FRAME.as_secs_f64() * every as f64;
                self.server.publish(id, &unit(number, bytes as usize, keyframe));
            }
        }
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Where in a picture the moment stands at which it was handed over, as 16 hexadecimal digits.
pub const STAMP: std::ops::Range<usize> = 5..21;

pub fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

fn unit(number: u64, bytes: usize, keyframe: bool) -> AccessUnit {
    let now = Instant::now();
    let mut data = vec![0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }];
    data.extend(format!("{:016x}", micros()).into_bytes());
    data.resize(bytes.max(64), 0xaa);
    AccessUnit {
        codec: rr_encode::Codec::H264,
        data: Bytes::from(data),
        keyframe,
        frame: number,
        revision: 0,
        captured_at: now,
        drawn_at: now,
        encoded_at: now,
        rtp_timestamp: rr_encode::rtp_timestamp(now),
    }
}

//! What viewers are told about the pictures that they get.

use rr_protocol::host::HostStages;
use rr_rtc::SentPicture;
use rr_scene::Camera;
use std::collections::VecDeque;
use std::time::Instant;

/// Cameras that are remembered: some seconds of a camera that moves with every message. A picture that waited longer for
/// its way to become free is not told of.
const CAMERAS: usize = 512;

/// From where recent states were seen, by their revision. A picture is named by its state, and so is its camera.
#[derive(Debug, Default)]
pub(crate) struct Cameras {
    /// With the revision from which on each holds.
    recent: VecDeque<(u64, Camera)>,
}

impl Cameras {
    /// A state was handed to the renderer.
    pub fn note(&mut self, revision: u64, camera: &Camera) {
        if self.recent.back().is_some_and(|(_, last)| last == camera) {
            return;
        }
        if self.recent.len() == CAMERAS {
            self.recent.pop_front();
        }
        self.recent.push_back((revision, *camera));
    }

    /// The camera of a state; none when that is forgotten.
    pub fn of(&self, revision: u64) -> Option<&Camera> {
        let after = self.recent.partition_point(|(from, _)| *from <= revision);
        self.recent.get(after.checked_sub(1)?).map(|(_, camera)| camera)
    }
}

/// Where an input was on its way through the host, from the moment at which its message came.
pub(crate) fn stages(received: Instant, picture: &SentPicture) -> HostStages {
    // A picture that rests may be encoded again for a newcomer, with a time of its own: no stage ends before it began.
    let mut last = 0.0f32;
    let mut since = |at: Instant| {
        last = last.max(at.saturating_duration_since(received).as_secs_f32() * 1e3);
        last
    };
    HostStages {
        begun_ms: since(picture.captured_at),
        drawn_ms: since(picture.drawn_at),
        encoded_ms: since(picture.encoded_at),
        sent_ms: since(picture.sent_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_camera_of_a_state_is_that_of_the_last_change() {
        let mut cameras = Cameras::default();
        let at = |distance| Camera { distance, ..Camera::default() };
        assert_eq!(cameras.of(7), None);
        for (revision, distance) in [(3, 1.0), (4, 1.0), (5, 2.0), (9, 3.0)] {
            cameras.note(revision, &at(distance));
        }
        let found = [2, 3, 4, 5, 8, 9, 100].map(|revision| cameras.of(revision).map(|c| c.distance));
        assert_eq!(found, [None, Some(1.0), Some(1.0), Some(2.0), Some(2.0), Some(3.0), Some(3.0)]);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let mut cameras = Cameras::default();
        for revision in 0..CAMERAS as u64 * 2 {
            cameras.note(revision, &Camera { yaw: revision as f32 * 1e-3, ..Camera::default() });
        }
        assert_eq!(cameras.recent.len(), CAMERAS);
        assert_eq!(cameras.of(CAMERAS as u64 - 1), None);
        assert!(cameras.of(CAMERAS as u64).is_some());
    }

    fn picture(start: Instant, [captured, drawn, encoded, sent]: [u64; 4]) -> SentPicture {
        let at = |ms| start + Duration::from_millis(ms);
        SentPicture {
            rung: rr_rtc::RungId::default(),
            frame: 1,
            revision: 1,
            rtp_timestamp: 1,
            captured_at: at(captured),
            drawn_at: at(drawn),
            encoded_at: at(encoded),
            sent_at: at(sent),
        }
    }

    fn found(received_ms: u64, stations: [u64; 4]) -> [f32; 4] {
        let start = Instant::now();
        let of = stages(start + Duration::from_millis(received_ms), &picture(start, stations));
        [of.begun_ms, of.drawn_ms, of.encoded_ms, of.sent_ms].map(f32::round)
    }

    #[test]
    fn stations_count_from_the_reception() {
        assert_eq!(found(100, [104, 130, 139, 140]), [4.0, 30.0, 39.0, 40.0]);
    }

    #[test]
    fn no_stage_ends_before_it_began() {
        // Drawn long ago, and encoded again: its time of capture is that of the second encoding.
        assert_eq!(found(100, [150, 90, 160, 161]), [50.0, 50.0, 60.0, 61.0]);
    }
}

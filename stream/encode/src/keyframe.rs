//! How coarse a keyframe in the middle of a stream may be: as good as the pictures before it, and not larger than a
//! moment of the rate.
//!
//! Left to itself, openh264 makes it much better than its neighbours, gives it three to seven times as much as them, and
//! has the next dozen pictures pay for it: every newcomer and every loss would cost all viewers half a second of blur.

/// Luma PSNR that one step of the quantizer costs an intra picture, dB.
const STEP_DB: f64 = 0.8;
/// Steps of the quantizer that halve the size of an intra picture (a turn around the sample line; 6 to 9).
const HALF: f64 = 7.5;
/// No keyframe takes more than so many pictures of its rate, nor longer than so many seconds of it, as far as that can be
/// known before.
const MOST: f64 = 4.0;
const LONGEST: f64 = 0.2;
/// How often a moving picture is judged, in pictures.
const JUDGED: u32 = 8;

/// A keyframe by its quantizer, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Keyframe {
    pub quantizer: u8,
    pub bits: u64,
    /// Of luma, dB.
    pub psnr: f32,
}

/// What is known of the pictures of a stream.
#[derive(Debug, Default)]
pub(crate) struct Keyframes {
    last: Option<Keyframe>,
    /// Luma PSNR of the last moving picture that was judged, dB.
    moving: Option<f32>,
    since: u32,
}

impl Keyframes {
    /// Whether the quality of the next picture is wanted.
    pub fn judges(&mut self, keyframe: bool) -> bool {
        self.since += 1;
        let due = keyframe || self.moving.is_none() || self.since >= JUDGED;
        if due {
            self.since = 0;
        }
        due
    }

    /// A moving picture was so good.
    pub fn moved(&mut self, psnr: f32) {
        self.moving = Some(psnr);
    }

    /// A keyframe was made. `None`: nothing is known of it.
    pub fn made(&mut self, keyframe: Option<Keyframe>) {
        self.last = keyframe;
    }

    /// What the next one takes, at so many bits and pictures a second. `None`: nothing is known yet.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn quantizer(&self, rate: f64, frames_per_second: f64) -> Option<u8> {
        let last = self.last?;
        let as_good = f64::from(last.psnr - self.moving?) / STEP_DB;
        let most = rate * LONGEST.min(MOST / frames_per_second);
        let fits = HALF * (last.bits as f64 / most.max(1.0)).log2();
        Some((f64::from(last.quantizer) + as_good.max(fits)).round().clamp(10.0, 45.0) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_good_as_its_neighbours_and_no_larger_than_allowed() {
        let mut keyframes = Keyframes::default();
        let at = |keyframes: &Keyframes, bits: f64| keyframes.quantizer(bits * 30.0, 30.0);
        assert_eq!(at(&keyframes, 1e5), None);
        keyframes.made(Some(Keyframe { quantizer: 24, bits: 400_000, psnr: 42.0 }));
        assert_eq!(at(&keyframes, 1e5), None);
        keyframes.moved(36.0);
        let coarser = at(&keyframes, 1e5).unwrap();
        assert!((30..34).contains(&coarser), "{coarser}");
        // Neighbours that are better want a finer one, which is too large.
        keyframes.moved(46.0);
        assert_eq!(at(&keyframes, 1e5), Some(24));
        assert_eq!(at(&keyframes, 5e4), Some(32));
        assert_eq!(at(&keyframes, 0.0), Some(45));
        // Four pictures of ten a second would be 0.4 s.
        assert_eq!(keyframes.quantizer(1e6, 10.0), Some(32));
    }

    #[test]
    fn only_some_pictures_are_judged() {
        let mut keyframes = Keyframes::default();
        assert!(keyframes.judges(true));
        assert!(keyframes.judges(false));
        keyframes.moved(36.0);
        let judged = (0..80).filter(|_| keyframes.judges(false)).count();
        assert_eq!(judged, 10);
    }
}

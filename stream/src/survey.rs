//! What encoders this machine has, tried out, for whoever asks before there is a stream.

use rr_encode::{Bitrate, Encoder, FramePool, SoftwareConfig, SoftwareEncoder};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder, NvencError, probe};

/// An encoder and what came of trying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name, as in choices.
    pub name: &'static str,
    /// It encoded a picture; or why not, and what to do.
    pub usable: Result<(), String>,
    /// Nothing of it is installed, so that nothing is wrong when it cannot be used.
    pub absent: bool,
    /// What is known of it, a line each.
    pub facts: Vec<String>,
}

/// All encoders, best first. Each that is there encodes a picture.
pub fn survey() -> Vec<Surveyed> {
    vec![nvenc(), openh264()]
}

fn nvenc() -> Surveyed {
    let driver = match Driver::load() {
        Ok(driver) => driver,
        Err(error) => {
            let absent = matches!(error, NvencError::NoDriver(_));
            return Surveyed { name: "nvenc", usable: Err(error.to_string()), absent, facts: Vec::new() };
        }
    };
    let (api, cuda) = (driver.api_version(), driver.cuda_version());
    let mut facts = vec![format!("driver: NVENC {}.{}, CUDA {}.{}", api.0, api.1, cuda.0, cuda.1)];
    for card in probe::cards(&driver) {
        facts.push(match &card.encoder {
            Ok(can) => {
                let codecs: Vec<String> = can.codecs.iter().map(ToString::to_string).collect();
                let (width, height) = can.max_size;
                let engines = can.engines.max(1);
                format!("{}: {} up to {width}x{height}; encoding units: {engines}", card.name, codecs.join(", "))
            }
            Err(error) => error.to_string(),
        });
    }
    let tried = NvencEncoder::new(&driver, NvencConfig::default());
    let usable = tried.map_err(|e| e.to_string()).and_then(|mut encoder| try_out(&mut encoder));
    // Not twice.
    facts.retain(|fact| usable.as_ref() != Err(fact));
    Surveyed { name: "nvenc", usable, absent: false, facts }
}

fn openh264() -> Surveyed {
    let config = SoftwareConfig { bitrate: Bitrate::mbps(2), frames_per_second: 30.0 };
    let usable = try_out(&mut SoftwareEncoder::new(config));
    Surveyed { name: "openh264", usable, absent: false, facts: vec!["H.264 up to 3840x2160, on the processor".into()] }
}

/// Encodes one picture.
fn try_out(encoder: &mut dyn Encoder) -> Result<(), String> {
    let mut frame = FramePool::with_frames(1).take().ok_or("no frame")?;
    frame.resize(640, 360).map_err(|e| e.to_string())?;
    match encoder.encode(&frame, true).map_err(|e| e.to_string())? {
        Some(unit) if unit.keyframe => Ok(()),
        _ => Err("the first picture was not encoded".into()),
    }
}

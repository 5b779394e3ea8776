//! What encoders this machine has, tried out, for whoever asks before there is a stream.

use rr_encode::{
    Bitrate, CardId, CardPicture, Codec, Encoder, FramePool, SoftwareConfig, SoftwareEncoder, VideoFormat,
};
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
                let up_to =
                    |of: &probe::CodecAbility| format!("{} up to {}x{}", of.codec, of.max_size.0, of.max_size.1);
                let codecs: Vec<String> = can.codecs.iter().map(up_to).collect();
                format!("{}: {}; encoding units: {}", card.name, codecs.join(", "), can.engines.max(1))
            }
            Err(error) => error.to_string(),
        });
    }
    let attempt = |format| {
        let tried = NvencEncoder::new(&driver, NvencConfig { format, ..NvencConfig::default() });
        tried.map_err(|e| e.to_string()).and_then(|mut encoder| try_out(&mut encoder))
    };
    let usable = attempt(VideoFormat::default());
    // Not twice.
    facts.retain(|fact| usable.as_ref() != Err(fact));
    if usable.is_ok() {
        let mut made = Vec::new();
        for codec in [Codec::Av1, Codec::Hevc] {
            match attempt(VideoFormat::of(codec)) {
                Ok(()) => made.push(codec.to_string()),
                Err(reason) => facts.push(format!("no {codec}: {reason}")),
            }
        }
        facts.push(if made.is_empty() {
            "H.264 for all viewers".to_owned()
        } else {
            format!("viewers whose browsers decode {} get that, the others H.264 (--codec)", made.join(" or "))
        });
    }
    Surveyed { name: "nvenc", usable, absent: false, facts }
}

fn openh264() -> Surveyed {
    let config = SoftwareConfig { bitrate: Bitrate::mbps(2), frames_per_second: 30.0 };
    let usable = try_out(&mut SoftwareEncoder::new(config));
    Surveyed { name: "openh264", usable, absent: false, facts: vec!["H.264 up to 3840x2160, on the processor".into()] }
}

/// Whether an encoder on NVIDIA's cards could take pictures of a device where they lie: it is one of them, and CUDA sees the
/// same bytes in a picture of it as a copy in memory has.
///
/// # Errors
/// What stands in the way.
pub fn try_card_picture(picture: &dyn CardPicture, width: u32, height: u32) -> Result<(), String> {
    let seen = probe::seen_by_cuda(probe::cuda_library(), picture, height).map_err(|e| e.to_string())?;
    let (width, height, pitch) = (width as usize, height as usize, picture.pitch() as usize);
    let mut planes = [vec![0; width * height], vec![0; width * height / 4], vec![0; width * height / 4]];
    let [y, u, v] = &mut planes;
    picture.read([y, u, v]).map_err(|e| e.to_string())?;
    let mut rest = &seen[..];
    for (plane, (width, height, pitch)) in planes.iter().zip([
        (width, height, pitch),
        (width / 2, height / 2, pitch / 2),
        (width / 2, height / 2, pitch / 2),
    ]) {
        let (this, others) = rest.split_at_checked(pitch * height).ok_or("CUDA sees less than the picture")?;
        if !plane.chunks_exact(width).zip(this.chunks_exact(pitch)).all(|(row, seen)| *row == seen[..width]) {
            return Err("CUDA sees another picture in the same memory".into());
        }
        rest = others;
    }
    Ok(())
}

/// Whether a card is one of NVIDIA's, for whoever draws on it.
///
/// # Errors
/// There is no driver, or it is another card.
pub fn is_nvidia_card(card: CardId) -> Result<(), String> {
    let cards = probe::cuda_cards(probe::cuda_library()).map_err(|e| e.to_string())?;
    if cards.contains(&card) { Ok(()) } else { Err("pictures are drawn on another card than NVIDIA's".into()) }
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

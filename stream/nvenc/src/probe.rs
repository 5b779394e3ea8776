//! What NVIDIA's encoder could do on this machine, for whoever asks before there is a stream.

use crate::session::Session;
use crate::{Driver, NvencError};
use rr_encode::Codec;
use rr_nvenc_sys::{guids, nvenc};

/// A card and what came of opening a session on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// What its encoder can do, or why there is none to be had now.
    pub encoder: Result<Abilities, NvencError>,
}

/// What an encoder can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// Codecs it makes.
    pub codecs: Vec<Codec>,
    /// The smallest H.264 picture.
    pub min_size: (u32, u32),
    /// The largest H.264 picture.
    pub max_size: (u32, u32),
    /// Encoding units on the card.
    pub engines: u32,
}

/// Opens a session on each card and closes it.
pub fn cards(driver: &Driver) -> Vec<Card> {
    let look = |index| {
        let name = driver.device_name(index).unwrap_or_else(|_| format!("card {index}"));
        Card { name, encoder: abilities(driver, index) }
    };
    (0..driver.device_count()).map(look).collect()
}

fn abilities(driver: &Driver, index: usize) -> Result<Abilities, NvencError> {
    let session = Session::open(driver, index)?;
    let ask = |which| Ok(u32::try_from(session.capability(guids::CODEC_H264, which)?).unwrap_or(0));
    Ok(Abilities {
        codecs: session.codecs()?,
        min_size: (ask(nvenc::NV_ENC_CAPS_WIDTH_MIN)?.max(16), ask(nvenc::NV_ENC_CAPS_HEIGHT_MIN)?.max(16)),
        max_size: (ask(nvenc::NV_ENC_CAPS_WIDTH_MAX)?, ask(nvenc::NV_ENC_CAPS_HEIGHT_MAX)?),
        engines: ask(nvenc::NV_ENC_CAPS_NUM_ENCODER_ENGINES)?,
    })
}

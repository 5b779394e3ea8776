//! The encoder on a real card: the rules of all encoders. Where there is none, it says why and passes.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_encode::{Av1Format, H264Format, HevcFormat, VideoFormat, compliance};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder, NvencError, probe};

#[test]
fn a_real_card_complies() {
    let driver = match Driver::load() {
        Ok(driver) => driver,
        Err(reason) => return println!("skipped: {reason}"),
    };
    for (gpu, card) in probe::cards(&driver).into_iter().enumerate() {
        let abilities = match card.encoder {
            Ok(abilities) => abilities,
            // A full or an encoderless card is no fault of ours; anything else is.
            Err(reason @ (NvencError::NoEncoder { .. } | NvencError::SessionLimit { .. })) => {
                println!("skipped: {reason}");
                continue;
            }
            Err(reason) => panic!("{}: {reason}", card.name),
        };
        println!("{}: {abilities:?}", card.name);
        for ability in &abilities.codecs {
            let usual = VideoFormat::of(ability.codec);
            let formats: Vec<VideoFormat> = match usual {
                VideoFormat::H264(_) => {
                    ["42e01f", "42e028", "4d001f", "4d0033"].map(|id| id.parse::<H264Format>().unwrap().into()).into()
                }
                VideoFormat::Hevc(_) => [93, 120].map(|level| HevcFormat { max_level_idc: Some(level) }.into()).into(),
                VideoFormat::Av1(_) => [5, 8].map(|level| Av1Format { max_level_idx: Some(level) }.into()).into(),
            };
            for slices in [1, 4] {
                compliance::check(&compliance::Subject {
                    make: &|format, bitrate, frames_per_second| {
                        let config =
                            NvencConfig { gpu, format, bitrate, frames_per_second, slices, ..Default::default() };
                        Ok(Box::new(NvencEncoder::new(&driver, config).map_err(|e| e.to_string())?))
                    },
                    usual,
                    formats: &formats,
                    smallest: ability.min_size,
                })
                .unwrap_or_else(|wrong| panic!("{}, {}, {slices} slices: {wrong}", card.name, ability.codec));
            }
        }
    }
}

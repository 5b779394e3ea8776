//! A running stream allocates nothing for a frame. What the driver does is not counted; it is the test double.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

#[path = "../../encode/tests/counting/mod.rs"]
mod counting;

use rr_encode::{Codec, VideoFormat};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder};
use rr_nvenc_double::Double;

#[test]
fn a_running_stream_allocates_nothing() {
    let double = Double::load();
    let driver = Driver::load_from(double.cuda().as_os_str(), double.nvenc().as_os_str()).unwrap();
    for codec in Codec::ALL {
        let format = VideoFormat::of(codec);
        let config = NvencConfig { format, ..NvencConfig::default() };
        counting::allocates_nothing(&mut NvencEncoder::new(&driver, config).unwrap());
    }
}

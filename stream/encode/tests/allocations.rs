//! A running stream allocates nothing for a frame. What the codec does in C is not counted.

mod counting;

use rr_encode::{Bitrate, SoftwareConfig, SoftwareEncoder};

#[test]
fn a_running_stream_allocates_nothing() {
    let config = SoftwareConfig { bitrate: Bitrate::mbps(4), frames_per_second: 30.0 };
    counting::allocates_nothing(&mut SoftwareEncoder::new(config).with_slices(2));
}

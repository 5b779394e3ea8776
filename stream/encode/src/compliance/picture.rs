//! Pictures of our own for tests and benchmarks, and how close a decoded picture is to one.

use crate::Frame;
use openh264::formats::YUVSource;

/// A moving test picture of our own as RGBA: gradients, sharp edges, a turning disc of spokes.
pub fn test_picture(width: usize, height: usize, step: u64) -> Vec<u8> {
    let mut rgba = Vec::with_capacity(width * height * 4);
    let turn = step as f32 * 0.02;
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let radius = cy * 0.8;
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            let pixel = if dx * dx + dy * dy < radius * radius {
                let spoke = ((dy.atan2(dx) + turn) * 6.0 / std::f32::consts::PI).rem_euclid(2.0);
                if spoke < 1.0 { [210, 90, 40, 255] } else { [40, 120, 200, 255] }
            } else {
                let shade = (x * 255 / width) as u8;
                [shade, (y * 255 / height) as u8, 255 - shade / 2, 255]
            };
            rgba.extend_from_slice(&pixel);
        }
    }
    rgba
}

/// As [`test_picture`], with grain that is another one in every picture: it takes as many bits as there are, so that it
/// shows which rate an encoder keeps to.
pub fn grainy_picture(width: usize, height: usize, step: u64) -> Vec<u8> {
    let mut rgba = test_picture(width, height, step);
    // xorshift64*, seeded by the step.
    let mut state = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for pixel in rgba.chunks_exact_mut(4) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let grain = (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 59) as u8;
        for channel in &mut pixel[..3] {
            *channel = channel.saturating_add(grain).saturating_sub(16);
        }
    }
    rgba
}

/// Peak signal-to-noise ratio of luma in dB between a frame and a decoded picture.
pub fn luma_psnr(frame: &Frame, decoded: &impl YUVSource) -> f64 {
    luma_psnr_of(frame, decoded.y(), decoded.strides().0)
}

/// The same for bytes of luma, `stride` a row.
pub fn luma_psnr_of(frame: &Frame, luma: &[u8], stride: usize) -> f64 {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let row = |y: usize| frame.y()[y * frame.luma_stride()..][..width].iter().zip(&luma[y * stride..][..width]);
    psnr_of((0..height).flat_map(row))
}

/// The same for pairs of samples.
pub(super) fn psnr_of<'a>(samples: impl Iterator<Item = (&'a u8, &'a u8)>) -> f64 {
    let (mut sum, mut count) = (0u64, 0u64);
    for (&a, &b) in samples {
        sum += u64::from(a.abs_diff(b)).pow(2);
        count += 1;
    }
    10.0 * (255.0f64.powi(2) / (sum.max(1) as f64 / count as f64)).log10()
}

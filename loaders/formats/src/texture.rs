//! Images on surfaces, as far as this product shows them: each triangle takes the mean colour of what lies on it.
//!
//! An image is decoded once, within limits, and kept as a pyramid of means of 256 pixels a side at most, in linear light.

use crate::surroundings::Surroundings;
use glam::{Vec2, Vec3, Vec4};
use rr_scene::Rgba8;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest file of one image, bytes.
pub const MAX_BYTES: u64 = 64 << 20;
/// Most pixels of one image, and of all of one file: they cost some nanoseconds each.
const MAX_PIXELS: u64 = 1 << 26;
const MAX_PIXELS_OF_ALL: u64 = 1 << 28;
/// What is said of images that gave nothing, before the reason.
pub const UNREAD_IMAGES: &str = "images are not read, what has them is shown plain";
/// Edge of what is kept of an image, pixels.
const EDGE: usize = 256;

/// What lies beyond the edges of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    /// The image again.
    #[default]
    Repeat,
    /// The image mirrored.
    Mirror,
    /// The colour of the edge.
    Clamp,
}

/// Decodes the images of one file.
#[derive(Debug, Default)]
pub struct Decoder {
    pixels: u64,
}

/// An image, reduced.
#[derive(Debug)]
pub struct Texture {
    /// From fine to coarse; the last has one pixel.
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    width: usize,
    height: usize,
    /// Linear light.
    colours: Vec<Vec3>,
}

impl Decoder {
    /// The image in `bytes`, PNG or JPEG. The error says why there is none, such as "it is damaged".
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Texture, String> {
        // Libraries of others on data from anywhere: what they fail on costs this image.
        let decoded = catch_unwind(AssertUnwindSafe(|| match bytes {
            [0x89, b'P', b'N', b'G', ..] => self.png(bytes),
            [0xff, 0xd8, 0xff, ..] => self.jpeg(bytes),
            _ => Err("it is neither PNG nor JPEG".to_owned()),
        }));
        decoded.unwrap_or_else(|_| Err("the reader gave up on it".to_owned()))
    }

    /// The image in a file beside the model.
    pub fn open(&mut self, name: &str, around: &Surroundings) -> Result<Texture, String> {
        self.decode(&around.read_at_most(name, MAX_BYTES).map_err(|e| e.to_string())?)
    }

    /// Counts the pixels before there is memory for them.
    fn admit(&mut self, width: u64, height: u64) -> Result<(), String> {
        let pixels = width.saturating_mul(height);
        self.pixels = self.pixels.saturating_add(pixels);
        if pixels == 0 || pixels > MAX_PIXELS || self.pixels > MAX_PIXELS_OF_ALL {
            return Err(format!("{width}x{height} pixels are too many"));
        }
        Ok(())
    }

    fn png(&mut self, bytes: &[u8]) -> Result<Texture, String> {
        let damaged = |e: png::DecodingError| e.to_string();
        let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), png::Limits { bytes: 1 << 28 });
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(damaged)?;
        let (width, height) = (reader.info().width, reader.info().height);
        self.admit(width.into(), height.into())?;
        let size = reader.output_buffer_size().ok_or("it is too large")?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
        Ok(Texture::of((width, height), &pixels, frame.color_type.samples()))
    }

    fn jpeg(&mut self, bytes: &[u8]) -> Result<Texture, String> {
        use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(|e| e.to_string())?;
        let info = decoder.info().ok_or("it has no size")?;
        self.admit(info.width.into(), info.height.into())?;
        let pixels = decoder.decode().map_err(|e| e.to_string())?;
        Ok(Texture::of((info.width.into(), info.height.into()), &pixels, 3))
    }
}

impl Texture {
    /// Rows of `channels` bytes a pixel: grey, grey and alpha, RGB or RGBA; missing rows are left out.
    fn of((width, height): (u32, u32), pixels: &[u8], channels: usize) -> Self {
        let light: [f32; 256] = std::array::from_fn(|i| linear(i as f32 / 255.0));
        let (width, height) = (width as usize, height as usize);
        let (across, down) = (width.min(EDGE), height.min(EDGE));
        let mut sums = vec![Vec4::ZERO; across * down];
        for (y, row) in pixels.chunks_exact(width * channels).take(height).enumerate() {
            let line = &mut sums[y * down / height * across..][..across];
            for (x, pixel) in row.chunks_exact(channels).enumerate() {
                let (red, green, blue, alpha) = match *pixel {
                    [grey] => (grey, grey, grey, 255),
                    [grey, alpha] => (grey, grey, grey, alpha),
                    [red, green, blue] => (red, green, blue, 255),
                    [red, green, blue, alpha, ..] => (red, green, blue, alpha),
                    [] => continue,
                };
                let colour = Vec3::new(light[red as usize], light[green as usize], light[blue as usize]);
                // What is transparent has no colour. A trace of it counts, lest all be transparent.
                let weight = f32::from(alpha) / 255.0 + 1e-4;
                line[x * across / width] += (colour * weight).extend(weight);
            }
        }
        let colours = sums.iter().map(|s| if s.w > 0.0 { s.truncate() / s.w } else { Vec3::ONE }).collect();
        let mut levels = vec![Level { width: across, height: down, colours }];
        while let Some(next) = levels.last().and_then(Level::halved) {
            levels.push(next);
        }
        Self { levels }
    }

    /// Mean colour of a triangle with these corners in the image, in linear light.
    pub fn mean(&self, corners: [Vec2; 3], wrap: [Wrap; 2]) -> Vec3 {
        let corners = corners.map(|c| if c.is_finite() { c } else { Vec2::ZERO });
        let middle = (corners[0] + corners[1] + corners[2]) / 3.0;
        // Four samples of a level on which the triangle is a few pixels large.
        let (low, high) = (corners[0].min(corners[1]).min(corners[2]), corners[0].max(corners[1]).max(corners[2]));
        let extent =
            ((high - low) * Vec2::new(self.levels[0].width as f32, self.levels[0].height as f32)).max_element();
        let level = (extent / 4.0).max(1.0).log2().min((self.levels.len() - 1) as f32) as usize;
        let points = [middle, (middle + corners[0]) / 2.0, (middle + corners[1]) / 2.0, (middle + corners[2]) / 2.0];
        points.iter().map(|p| self.levels[level].at(*p, wrap)).sum::<Vec3>() / 4.0
    }
}

impl Level {
    fn at(&self, at: Vec2, wrap: [Wrap; 2]) -> Vec3 {
        let pixel = |t: f32, wrap: Wrap, count: usize| {
            let t = match wrap {
                Wrap::Repeat => t.rem_euclid(1.0),
                Wrap::Mirror => 1.0 - (t.rem_euclid(2.0) - 1.0).abs(),
                Wrap::Clamp => t.clamp(0.0, 1.0),
            };
            ((t * count as f32) as usize).min(count - 1)
        };
        self.colours[pixel(at.y, wrap[1], self.height) * self.width + pixel(at.x, wrap[0], self.width)]
    }

    /// With half the pixels in both directions; none for a single one.
    fn halved(&self) -> Option<Self> {
        if self.width * self.height == 1 {
            return None;
        }
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let from = |x: usize, y: usize| self.colours[y.min(self.height - 1) * self.width + x.min(self.width - 1)];
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x * 2, y * 2)));
        let mean = |(x, y)| (from(x, y) + from(x + 1, y) + from(x, y + 1) + from(x + 1, y + 1)) / 4.0;
        Some(Self { width, height, colours: places.map(mean).collect() })
    }
}

/// From sRGB to linear light (IEC 61966-2-1).
fn linear(c: f32) -> f32 {
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// From linear light to sRGB bytes (IEC 61966-2-1).
pub fn to_srgb(linear: Vec4) -> Rgba8 {
    let curve = |c: f32| if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = |c: f32| (c.clamp(0.0, 1.0) * 255.0).round() as u8;
    let [red, green, blue, alpha] = linear.to_array();
    Rgba8([byte(curve(red)), byte(curve(green)), byte(curve(blue)), byte(alpha)])
}

/// In 32 steps a channel: neighbours in a photograph differ always, and each colour of its own costs corners and a run.
pub fn in_steps(colour: Rgba8) -> Rgba8 {
    let step = |c: u8| {
        let step = (u16::from(c) * 31 + 127) / 255;
        u8::try_from((step * 255 + 15) / 31).unwrap_or(u8::MAX)
    };
    let [red, green, blue, alpha] = colour.0;
    Rgba8([step(red), step(green), step(blue), alpha])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red on the left, blue on the right.
    fn halves() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 8, 4);
        encoder.set_color(png::ColorType::Rgb);
        let row = [[255, 0, 0].repeat(4), [0, 0, 255].repeat(4)].concat();
        encoder.write_header().unwrap().write_image_data(&row.repeat(4)).unwrap();
        bytes
    }

    fn triangle(at: Vec2, size: f32) -> [Vec2; 3] {
        [at, at + Vec2::X * size, at + Vec2::Y * size]
    }

    #[test]
    fn a_triangle_has_the_colour_of_what_lies_on_it() {
        let texture = Decoder::default().decode(&halves()).unwrap();
        let repeat = [Wrap::Repeat; 2];
        let at = |x: f32| texture.mean(triangle(Vec2::new(x, 0.5), 0.1), repeat);
        assert_eq!((at(0.1), at(0.7)), (Vec3::X, Vec3::Z));
        assert_eq!((at(3.1), at(-0.3)), (Vec3::X, Vec3::Z), "it repeats");
        let over = |x: f32, wrap| texture.mean(triangle(Vec2::new(x, 0.5), 0.1), [wrap; 2]);
        assert_eq!((over(1.1, Wrap::Mirror), over(1.7, Wrap::Mirror)), (Vec3::Z, Vec3::X));
        assert_eq!((over(-5.0, Wrap::Clamp), over(5.0, Wrap::Clamp)), (Vec3::X, Vec3::Z));
        let all = texture.mean(triangle(Vec2::ZERO, 100.0), repeat);
        assert!((all - Vec3::new(0.5, 0.0, 0.5)).length() < 1e-3, "{all}");
        assert!(texture.mean([Vec2::NAN; 3], repeat).is_finite());
    }

    #[test]
    fn what_is_no_image_or_too_large_is_an_error() {
        let good = halves();
        let mut decoder = Decoder::default();
        for end in 0..good.len() - 12 {
            let _ = decoder.decode(&good[..end]);
        }
        assert!(decoder.decode(b"RIFFxxxxWEBPVP8 ").unwrap_err().contains("neither"));
        // The size in the header, with a checksum that fits.
        let mut huge = good.clone();
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let crc = crc32(&huge[12..29]);
        huge[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(decoder.decode(&huge).unwrap_err().contains("too many"), "{:?}", decoder.decode(&huge));
        // A JPEG that is only a header.
        assert!(decoder.decode(&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xd9]).is_err());
    }

    /// As PNG has it (ISO/IEC 15948, annex D).
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
        })
    }
}

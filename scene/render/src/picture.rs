//! Pictures as PNG files.

use crate::gpu::GpuError;
use crate::target::RenderTarget;
use std::path::Path;

impl RenderTarget {
    /// The picture as tightly packed RGBA rows.
    ///
    /// # Errors
    /// As for [`RenderTarget::read_back`].
    pub fn to_rgba(&mut self) -> Result<Vec<u8>, GpuError> {
        let row = self.size().0 as usize * 4;
        self.read_back(|bytes, stride| bytes.chunks_exact(stride).flat_map(|r| &r[..row]).copied().collect())
    }

    /// The picture as a PNG file in memory.
    ///
    /// # Errors
    /// As for [`RenderTarget::read_back`], and [`GpuError::Picture`].
    pub fn to_png(&mut self) -> Result<Vec<u8>, GpuError> {
        let (width, height) = self.size();
        let pixels = self.to_rgba()?;
        encode(width, height, &pixels).map_err(|e| GpuError::Picture { path: "memory".into(), reason: e.to_string() })
    }

    /// Writes the picture as a PNG file.
    ///
    /// # Errors
    /// As for [`RenderTarget::to_png`]; [`GpuError::Picture`] names the file.
    pub fn save_png(&mut self, path: impl AsRef<Path>) -> Result<(), GpuError> {
        let bytes = self.to_png()?;
        let path = path.as_ref();
        std::fs::write(path, bytes)
            .map_err(|e| GpuError::Picture { path: path.display().to_string(), reason: e.to_string() })
    }
}

fn encode(width: u32, height: u32, rgba: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgba)?;
    writer.finish()?;
    Ok(out)
}

//! For tests and benchmarks alone: pictures of the stream that come from a file instead of the renderer, and pictures
//! of the stream written to a file before they are encoded. Whoever starts the host asks for it by two variables that
//! nobody sets by accident.
//!
//! - `RRHOST_PLAY_PICTURES=FILE`: raw RGBA pictures of the stream's size, one behind the other, which show a whole turn
//!   of the camera. The camera's turn chooses one, so that an input takes the same way as ever. Others can be shown the
//!   same pictures then, and what is measured is streaming without drawing.
//! - `RRHOST_KEEP_PICTURES=FILE`: what the encoders are given, as YUV4MPEG2, which every video tool reads.

use rr_encode::Frame;
use rr_render::GpuError;
use std::f32::consts::TAU;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

pub(crate) struct RawPictures {
    played: Option<Played>,
    kept: Option<Kept>,
}

struct Played {
    file: File,
    count: usize,
    rgba: Vec<u8>,
}

struct Kept {
    file: BufWriter<File>,
    has_head: bool,
}

impl RawPictures {
    /// What was asked for. A file that cannot be used is told of, and is left alone.
    pub fn from_environment((width, height): (u32, u32)) -> Self {
        let named = |name| std::env::var_os(name).filter(|file| !file.is_empty());
        let told = |error: std::io::Error| tracing::error!(%error, "raw pictures");
        let played = named("RRHOST_PLAY_PICTURES").and_then(|file| {
            let bytes = width as usize * height as usize * 4;
            let file = File::open(file).map_err(told).ok()?;
            let count = usize::try_from(file.metadata().map_err(told).ok()?.len()).unwrap_or(0) / bytes.max(1);
            tracing::warn!(count, "the stream shows pictures of a file, not the scene");
            (count > 0).then(|| Played { file, count, rgba: vec![0; bytes] })
        });
        let kept = named("RRHOST_KEEP_PICTURES").and_then(|file| {
            tracing::warn!("all pictures of the stream are written to a file");
            Some(Kept { file: BufWriter::new(File::create(file).map_err(told).ok()?), has_head: false })
        });
        Self { played, kept }
    }

    /// Puts the picture that belongs to this turn of the camera into the frame; `false`: the renderer is to draw it.
    pub fn play(&mut self, yaw: f32, (width, height): (u32, u32), frame: &mut Frame) -> Result<bool, GpuError> {
        let Some(Played { file, count, rgba }) = &mut self.played else { return Ok(false) };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a turn of a handful of pictures"
        )]
        let at = ((yaw / TAU).rem_euclid(1.0) * *count as f32).round() as usize % *count;
        let failed = |error: String| GpuError::ReadBack(error);
        file.seek(SeekFrom::Start((at * rgba.len()) as u64)).map_err(|e| failed(e.to_string()))?;
        file.read_exact(rgba).map_err(|e| failed(e.to_string()))?;
        frame.fill_from_rgba(rgba, width as usize * 4, width, height).map_err(|e| failed(e.to_string()))?;
        Ok(true)
    }

    /// Writes the frame down when that was asked for. After a failure no more are written.
    pub fn keep(&mut self, frame: &Frame) {
        let Some(kept) = &mut self.kept else { return };
        if let Err(error) = kept.write(frame) {
            tracing::error!(%error, "raw pictures");
            self.kept = None;
        }
    }
}

impl Kept {
    fn write(&mut self, frame: &Frame) -> std::io::Result<()> {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        if !self.has_head {
            self.has_head = true;
            writeln!(self.file, "YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420mpeg2")?;
        }
        self.file.write_all(b"FRAME\n")?;
        let (luma, chroma) = (frame.luma_stride(), frame.chroma_stride());
        for (plane, stride, width, height) in [
            (frame.y(), luma, width, height),
            (frame.u(), chroma, width / 2, height / 2),
            (frame.v(), chroma, width / 2, height / 2),
        ] {
            for row in plane.chunks(stride).take(height) {
                self.file.write_all(&row[..width])?;
            }
        }
        // A picture is in the file before a viewer has it.
        self.file.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]
mod tests {
    use super::*;
    use rr_encode::FramePool;

    #[test]
    fn the_turn_of_the_camera_chooses_the_picture_and_it_is_kept_as_it_is_encoded() {
        let folder = tempfile::tempdir().unwrap();
        let shades = [10u8, 90, 170, 250];
        let path = folder.path().join("pictures.rgba");
        std::fs::write(&path, shades.map(|shade| [shade; 16 * 16 * 4]).concat()).unwrap();
        let played = Some(Played { file: File::open(path).unwrap(), count: 4, rgba: vec![0; 16 * 16 * 4] });
        let path = folder.path().join("kept.y4m");
        let kept = Some(Kept { file: BufWriter::new(File::create(&path).unwrap()), has_head: false });
        let mut pictures = RawPictures { played, kept };
        let mut frame = FramePool::new().take().unwrap();
        let mut lumas = Vec::new();
        for turn in [0.0, 0.25, 0.5, 0.75, 0.99, -0.25, 7.5] {
            assert!(pictures.play(turn * TAU, (16, 16), &mut frame).unwrap());
            pictures.keep(&frame);
            lumas.push(frame.y()[0]);
        }
        let [a, b, c, d] = [lumas[0], lumas[1], lumas[2], lumas[3]];
        assert!(a < b && b < c && c < d, "{lumas:?}");
        assert_eq!(lumas[4..], [a, d, c]);
        let file = std::fs::read(path).unwrap();
        let head = b"YUV4MPEG2 W16 H16 F30:1 Ip A1:1 C420mpeg2\n";
        assert!(file.starts_with(head));
        let pictures: Vec<_> = file[head.len()..].chunks(6 + 16 * 16 * 3 / 2).map(|frame| frame[6]).collect();
        assert_eq!(pictures, lumas);
    }
}

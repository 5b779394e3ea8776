//! The independent judge: ffmpeg as a child process. It is given one access unit and has to hand out its picture before
//! it gets the next, so that a stream whose pictures come late or in another order fails.

use crate::Codec;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Long enough for a loaded machine; only a picture that never comes takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running decoder.
pub(super) struct Ffmpeg {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    errors: Option<JoinHandle<String>>,
    /// Bytes that came and belong to no picture yet.
    rest: Vec<u8>,
    sent: u64,
}

impl Ffmpeg {
    pub fn start(codec: Codec) -> Result<Self, String> {
        let mut child = Command::new("ffmpeg")
            // Every doubt is an error.
            .args(["-hide_banner", "-nostdin", "-v", "warning", "-xerror", "-err_detect", "explode"])
            // Nothing is read ahead, and no thread holds pictures back.
            .args(["-threads", "1", "-nofind_stream_info", "-r", "30"])
            // IVF has a name for H.264 and none for HEVC.
            .args(["-codec:v", decoder_of(codec), "-f", "ivf", "-i", "pipe:0"])
            .args(["-map", "0:v", "-fps_mode", "passthrough", "-autoscale", "0", "-threads", "1"])
            .args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-flush_packets", "1", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot run ffmpeg, which has to be installed: {e}"))?;
        let (Some(mut input), Some(mut stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("ffmpeg has no pipes".into());
        };
        // A few chunks; the reader waits when nobody takes them.
        let (output_tx, output) = sync_channel(16);
        std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            while let Ok(read @ 1..) = stdout.read(&mut chunk) {
                if output_tx.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        input.write_all(&ivf_header(codec)).map_err(|e| format!("ffmpeg: {e}"))?;
        Ok(Self { child, input: Some(input), output, errors: Some(errors), rest: Vec::new(), sent: 0 })
    }

    /// The picture of this unit as I420, `width` x `height`.
    pub fn decode(&mut self, unit: &[u8], width: usize, height: usize) -> Result<Vec<u8>, String> {
        let mut packet = Vec::with_capacity(unit.len() + 12);
        let len = u32::try_from(unit.len()).map_err(|e| e.to_string())?;
        packet.extend_from_slice(&len.to_le_bytes());
        packet.extend_from_slice(&self.sent.to_le_bytes());
        packet.extend_from_slice(unit);
        self.sent += 1;
        let input = self.input.as_mut().ok_or("ffmpeg has ended")?;
        if input.write_all(&packet).and_then(|()| input.flush()).is_err() {
            return Err(self.complaint());
        }
        let bytes = width * height * 3 / 2;
        while self.rest.len() < bytes {
            match self.output.recv_timeout(PATIENCE) {
                Ok(chunk) => self.rest.extend_from_slice(&chunk),
                Err(_) => return Err(self.complaint()),
            }
        }
        Ok(self.rest.drain(..bytes).collect())
    }

    /// Ends it. Pictures that were not asked for and words of any kind are errors.
    pub fn finish(mut self) -> Result<(), String> {
        self.input = None;
        let mut more = self.rest.len();
        while let Ok(chunk) = self.output.recv_timeout(PATIENCE) {
            more += chunk.len();
        }
        let status = self.child.wait().map_err(|e| e.to_string())?;
        let words = self.words();
        if more > 0 {
            return Err(format!("ffmpeg gave {more} bytes more than went in"));
        }
        if !status.success() || !words.is_empty() {
            return Err(format!("ffmpeg ended with {status} and says: {words}"));
        }
        Ok(())
    }

    fn complaint(&mut self) -> String {
        self.input = None;
        let _ = self.child.kill();
        let words = self.words();
        format!("ffmpeg gave no picture for unit {} at once: {words}", self.sent)
    }

    fn words(&mut self) -> String {
        self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default()
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// ffmpeg's own decoders, but for AV1, of which it has none.
fn decoder_of(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "h264",
        Codec::Hevc => "hevc",
        Codec::Av1 => "libdav1d",
    }
}

/// IVF: the simplest container that says where an access unit ends, so that no parser waits for the next one. Its size
/// is a hint that the stream overrides.
fn ivf_header(codec: Codec) -> [u8; 32] {
    let mut header = [0; 32];
    header[..4].copy_from_slice(b"DKIF");
    header[6] = 32;
    header[8..12].copy_from_slice(match codec {
        Codec::H264 => b"H264",
        Codec::Hevc => b"HEVC",
        Codec::Av1 => b"AV01",
    });
    header[12..16].copy_from_slice(&[16, 0, 16, 0]);
    header[16] = 30;
    header[20] = 1;
    header
}

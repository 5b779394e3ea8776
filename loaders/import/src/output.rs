//! Turns what the kernel finds into frames.

use crate::convert;
use rr_load::cad::wire::{self, Message};
use rr_occt::{Header, Part, Placement, Sink, Stage};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

/// Progress is told at most this often: the kernel reports thousands of times a second.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);

/// The writing end of the stream.
pub struct Output {
    stream: BufWriter<File>,
    /// The first failure to write; nothing is written after it.
    error: Option<io::Error>,
    last_progress: Option<(Instant, Stage)>,
}

impl Output {
    /// Begins a stream.
    pub fn new(stream: File) -> Self {
        let mut output = Self { stream: BufWriter::new(stream), error: None, last_progress: None };
        let magic = output.stream.write_all(&wire::MAGIC);
        output.keep(magic);
        output
    }

    /// Writes one frame.
    pub fn send(&mut self, message: &Message) {
        if self.error.is_none() {
            let result = message.write_to(&mut self.stream);
            self.keep(result);
        }
    }

    /// True once nobody reads any more.
    pub fn is_broken(&self) -> bool {
        self.error.is_some()
    }

    /// Writes what is still held back.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.error.map_or(Ok(()), Err)
    }

    fn flush(&mut self) {
        if self.error.is_none() {
            let result = self.stream.flush();
            self.keep(result);
        }
    }

    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }
}

impl Sink for Output {
    fn header(&mut self, header: Header) {
        self.send(&Message::Header(wire::Header {
            unit_flag: header.unit_flag,
            unit_name: header.unit_name,
            mm_per_unit: header.mm_per_unit,
            system: header.system,
            entities: header.entities,
            steps: header.steps,
        }));
    }

    fn progress(&mut self, stage: Stage, done: Option<f32>) -> bool {
        let due = self.last_progress.is_none_or(|(at, last)| last != stage || at.elapsed() >= PROGRESS_EVERY);
        if due {
            self.last_progress = Some((Instant::now(), stage));
            let stage = if stage == Stage::Reading { wire::Stage::Reading } else { wire::Stage::Translating };
            self.send(&Message::Progress(stage, done));
            self.flush();
        }
        !self.is_broken()
    }

    fn step_begins(&mut self, step: u32, entity: String) {
        self.send(&Message::StepBegins(step, entity));
        // It must be known outside if this step brings the process down.
        self.flush();
    }

    fn batch_begins(&mut self) {
        self.send(&Message::BatchBegins);
        self.flush();
    }

    fn step_done(&mut self, step: u32) {
        self.send(&Message::StepDone(step));
    }

    fn part(&mut self, part: Part) {
        let (part, dropped) = convert::part(part);
        if dropped > 0 {
            self.warning(format!("part \"{}\": {dropped} triangles or lines lead to infinity: left out", part.name));
        }
        self.send(&Message::Part(part));
    }

    fn placement(&mut self, placement: Placement) {
        match convert::placement(placement) {
            Some(placement) => self.send(&Message::Placement(placement)),
            None => self.warning("a part is placed at infinity: left out".to_owned()),
        }
    }

    fn warning(&mut self, text: String) {
        self.send(&Message::Warning(text));
    }
}

//! Bridge to OpenCASCADE (OCCT), the geometry kernel that reads CAD formats.
//!
//! OCCT crashes and hangs on damaged files, so only the import helper links this crate: a process of its own that its
//! client can end. [`load`] hands over what it finds piece by piece, so that what was found before a crash is
//! not lost: the file is translated in steps, and a [`Sink`] hears when a step begins and when all of it was
//! delivered.
//!
//! Coordinates are those of the file, in the file's unit and axes.

#![expect(unsafe_code, reason = "the bridge to C++; cxx checks that both sides agree on every type")]
#![expect(unused_qualifications, reason = "in the code that cxx generates")]

mod scene;

pub use ffi::{FaceRun, Header, PartData as Part, Placement, Settings, Stage};
pub use scene::CadScene;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

#[cxx::bridge(namespace = "rr_occt")]
mod ffi {
    /// How a file is read.
    #[derive(Debug, Clone, PartialEq)]
    struct Settings {
        /// Largest distance between a curve and its chords, as a share of the diagonal of the part.
        relative_deflection: f64,
        /// Largest angle between neighbouring chords, in radians.
        angle_rad: f64,
        /// Threads that triangulate.
        threads: u32,
        /// No new part is triangulated once there are that many triangles.
        max_triangles: u64,
        /// Placements beyond this number are left out.
        max_placements: u64,
        /// Steps that are left out, because they were delivered by an earlier run or brought it down.
        skip: Vec<u32>,
        /// Steps that are replaced by their faces. The steps of the faces follow after all others.
        split: Vec<u32>,
        /// Largest number of loose faces and curves (steps) that are delivered together, at least 1.
        batch: u32,
        /// Whether what leads to damaged entities is taken out first (STEP). The kernel reads much that is only a
        /// little wrong, and this costs it; but it crashes on the rest.
        repair: bool,
    }

    /// What is being done.
    #[derive(Debug, PartialEq, Eq)]
    enum Stage {
        /// The file is being read; how far is not known.
        Reading,
        /// Entities become shapes, shapes become triangles.
        Translating,
    }

    /// What the file says about itself.
    #[derive(Debug, Clone, PartialEq)]
    struct Header {
        /// Unit flag of the global section (IGES 5.3, 2.2.4.3.14); 0 in other formats, -1 where there is no unit.
        unit_flag: i32,
        /// Unit name of the file.
        unit_name: String,
        /// Millimetres in one unit of the coordinates that are delivered.
        mm_per_unit: f64,
        /// The program that wrote the file.
        system: String,
        /// Number of entities.
        entities: u32,
        /// Number of steps.
        steps: u32,
    }

    /// The triangles of one face.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct FaceRun {
        /// First triangle of the face.
        first_triangle: u32,
        /// Number of its triangles.
        triangle_count: u32,
        /// Whether the file gives it a colour.
        has_colour: bool,
        /// The colour, sRGB.
        rgba: [u8; 4],
    }

    /// Triangles and lines of one shape. Points are three numbers each.
    #[derive(Debug, Clone, PartialEq, Default)]
    struct PartData {
        /// Name in the file, or empty.
        name: String,
        /// Points of the triangles.
        positions: Vec<f32>,
        /// One unit vector per point.
        normals: Vec<f32>,
        /// Three per triangle, counter-clockwise seen from outside.
        indices: Vec<u32>,
        /// One run per face, in order, covering all triangles.
        faces: Vec<FaceRun>,
        /// Boundaries between faces as pairs of points.
        edges: Vec<f32>,
        /// Curves that bound no face as pairs of points.
        lines: Vec<f32>,
    }

    /// Where a part stands.
    #[derive(Debug, Clone, PartialEq)]
    struct Placement {
        /// Number of the part, counted from 0 in the order of delivery.
        part: u32,
        /// Names from the group down to the part, joined by `/`; or empty.
        name: String,
        /// Three rows of four: rotation (and perhaps reflection) and translation.
        matrix: [f64; 12],
        /// Whether there is a colour for faces without one.
        has_colour: bool,
        /// The colour, sRGB.
        rgba: [u8; 4],
    }

    extern "Rust" {
        type Observer<'a>;
        fn header(self: &mut Observer<'_>, header: Header);
        fn progress(self: &mut Observer<'_>, stage: Stage, done: f64) -> bool;
        fn step_begins(self: &mut Observer<'_>, step: u32, entity: String);
        fn batch_begins(self: &mut Observer<'_>);
        fn step_done(self: &mut Observer<'_>, step: u32);
        fn part(self: &mut Observer<'_>, part: PartData);
        fn placement(self: &mut Observer<'_>, placement: Placement);
        fn warning(self: &mut Observer<'_>, text: String);
    }

    unsafe extern "C++" {
        include!("read.h");
        fn read_iges(path: &str, settings: &Settings, observer: &mut Observer<'_>) -> Result<()>;
        fn read_step(path: &str, settings: &Settings, observer: &mut Observer<'_>) -> Result<()>;
        fn read_brep(path: &str, settings: &Settings, observer: &mut Observer<'_>) -> Result<()>;
        fn kernel_version() -> String;
    }
}

/// Why a file gave nothing (more).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcctError {
    /// The sink asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The process may not have as much memory as the file needs.
    #[error("out of memory")]
    OutOfMemory,
    /// The kernel cannot open such a name.
    #[error("the path is not valid UTF-8")]
    Path,
    /// What the kernel, or our reading of its results, says.
    #[error("{0}")]
    Unreadable(String),
}

/// Hears what is found, in this order: [`Sink::header`] once; then for each step its beginning, parts, placements and
/// its end. Loose faces and curves of a group are delivered together, so that several steps may end at once.
pub trait Sink {
    /// What the file says about itself.
    fn header(&mut self, header: Header);
    /// How far the work is, 0 to 1 if known. `false` asks to stop.
    fn progress(&mut self, stage: Stage, done: Option<f32>) -> bool;
    /// A step begins: if the process dies now, this step brought it down. `entity` says which entity it is.
    fn step_begins(&mut self, step: u32, entity: String);
    /// Several steps, begun but not done, are delivered together now: one of them, if the process dies.
    fn batch_begins(&mut self);
    /// Everything of this step was delivered.
    fn step_done(&mut self, step: u32);
    /// A new part; its number is the count of parts before it.
    fn part(&mut self, part: Part);
    /// A placement of a part that was delivered before.
    fn placement(&mut self, placement: Placement);
    /// What is wrong with the file, in words.
    fn warning(&mut self, text: String);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            relative_deflection: 1e-3,
            angle_rad: 20f64.to_radians(),
            threads: 1,
            max_triangles: 50_000_000,
            max_placements: 1_000_000,
            skip: Vec::new(),
            split: Vec::new(),
            batch: u32::MAX,
            repair: false,
        }
    }
}

/// A format that the kernel reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// IGES 5.3 and older. A step is an entity.
    Iges,
    /// STEP: ISO 10303-21 with the application protocols 203, 214 and 242. A step is a product with all its places.
    Step,
    /// The kernel's own format, as text and binary. A step is a solid, shell or loose geometry of one compound.
    Brep,
}

/// Reads a file and tells `sink` what is in it. One file at a time: a second call waits.
pub fn load(format: Format, path: &Path, settings: &Settings, sink: &mut dyn Sink) -> Result<(), OcctError> {
    // The kernel's readers keep global state: two at once crash.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let path = path.to_str().ok_or(OcctError::Path)?;
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut observer = Observer(sink);
    let result = match format {
        Format::Iges => ffi::read_iges(path, settings, &mut observer),
        Format::Step => ffi::read_step(path, settings, &mut observer),
        Format::Brep => ffi::read_brep(path, settings, &mut observer),
    };
    result.map_err(|error| match error.what() {
        "cancelled" => OcctError::Cancelled,
        "out of memory" => OcctError::OutOfMemory,
        other => OcctError::Unreadable(other.to_owned()),
    })
}

/// Reads an IGES file, see [`load`].
pub fn load_iges(path: &Path, settings: &Settings, sink: &mut dyn Sink) -> Result<(), OcctError> {
    load(Format::Iges, path, settings, sink)
}

/// Version of OCCT, such as `7.6.3`.
pub fn kernel_version() -> String {
    ffi::kernel_version()
}

/// What C++ sees of a [`Sink`].
struct Observer<'a>(&'a mut dyn Sink);

impl Observer<'_> {
    fn header(&mut self, header: Header) {
        self.0.header(header);
    }

    #[expect(clippy::cast_possible_truncation, reason = "a share of the work needs no more digits")]
    fn progress(&mut self, stage: Stage, done: f64) -> bool {
        self.0.progress(stage, (done >= 0.0).then_some(done.min(1.0) as f32))
    }

    fn step_begins(&mut self, step: u32, entity: String) {
        self.0.step_begins(step, entity);
    }

    fn batch_begins(&mut self) {
        self.0.batch_begins();
    }

    fn step_done(&mut self, step: u32) {
        self.0.step_done(step);
    }

    fn part(&mut self, part: Part) {
        self.0.part(part);
    }

    fn placement(&mut self, placement: Placement) {
        self.0.placement(placement);
    }

    fn warning(&mut self, text: String) {
        self.0.warning(text);
    }
}

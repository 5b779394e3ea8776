//! Formats that a library reads: the import helper runs it in a process of its own, because the geometry kernel crashes
//! on damaged files, and readers of mesh formats take counts in a header for memory. This module is the client of that
//! process.
//!
//! The helper ([`wire`] is what it speaks) delivers a file step by step; what is complete is kept. When a helper dies,
//! hangs or runs out of memory within a step, the next one is told to leave that step out: a damaged file gives what
//! could be read, plus warnings that name what could not.

mod assembly;
mod cut_off;
mod format;
mod process;
mod repair;
mod retry;
mod units;
pub mod wire;

use crate::{Confidence, Import, LoadContext, LoadError, Loader, Source};
use assembly::Assembly;
use process::{Heard, Helper};
use retry::{Ending, Retry};
use rr_scene::UpAxis;
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::NamedTempFile;
use wire::{Failure, Message, Stage};

/// Environment variable that names the helper.
const HELPER_VARIABLE: &str = "RR_IMPORT";
/// How soon a cancel is noticed.
const POLL: Duration = Duration::from_millis(40);
/// Share of the time limit that a helper may be silent within one step.
const SILENT_SHARE: u32 = 4;
/// The same while it reads the file, of which it tells no progress.
const SILENT_SHARE_READING: u32 = 2;
/// More threads bring little, because most parts are small.
const MAX_THREADS: usize = 4;

/// Formats behind the import helper.
#[derive(Debug, Clone, Copy)]
pub struct CadLoader {
    format: &'static str,
    extensions: &'static [&'static str],
    sniff: fn(&[u8]) -> Confidence,
    /// Flavour of the format, by the first bytes of a file.
    variant: fn(&[u8]) -> String,
    up: Option<UpAxis>,
}

impl Loader for CadLoader {
    fn format(&self) -> &'static str {
        self.format
    }

    fn extensions(&self) -> &'static [&'static str] {
        self.extensions
    }

    fn sniff(&self, head: &[u8], _file_bytes: u64) -> Confidence {
        (self.sniff)(head)
    }

    fn cache_key(&self) -> Option<String> {
        Some(format!("{}-4", self.format))
    }

    fn declared_up(&self) -> Option<UpAxis> {
        self.up
    }

    fn load(&self, source: &Source, context: &LoadContext) -> Result<Import, LoadError> {
        let file = source.path();
        let session = Session {
            format: self.format,
            source,
            file,
            context,
            helper: find_helper(context, file)?,
            deadline: Instant::now() + context.limits.helper_time,
        };
        let mut import = session.load()?;
        import.variant = (self.variant)(source.head());
        Ok(import)
    }
}

/// What a damaged file is replaced by before the kernel reads it (again), if we know better: IGES files with missing
/// entities, STEP files without an end.
pub fn mended(loader: &CadLoader, bytes: &[u8]) -> Option<Vec<u8>> {
    match loader.format {
        "iges" => repair::repair(bytes).map(|repaired| repaired.bytes),
        "step" => cut_off::closed(bytes),
        _ => None,
    }
}

/// One load, with as many helpers as it takes.
struct Session<'a> {
    format: &'static str,
    source: &'a Source,
    file: &'a Path,
    context: &'a LoadContext,
    helper: PathBuf,
    deadline: Instant,
}

impl Session<'_> {
    fn load(&self) -> Result<Import, LoadError> {
        let mut assembly = Assembly::default();
        let mut retry = Retry::default();
        let mut repaired = self.close(&mut assembly)?;
        let ending = loop {
            assembly.begin();
            let file = repaired.as_ref().map_or(self.file, |copy| copy.path());
            let ending = self.run(file, &mut assembly, &retry)?;
            tracing::debug!(file = %self.file.display(), attempt = retry.attempts(), ?ending, "import helper ended");
            if self.needs_repair(&assembly, &ending) && retry.repair() {
                // From the beginning, but for the warnings.
                let (_, warnings) = std::mem::take(&mut assembly).finish();
                warnings.into_iter().for_each(|text| assembly.warn(text));
                continue;
            }
            if !ending.is_worth_a_retry() {
                break ending;
            }
            // Without a header the kernel did not get past reading.
            if self.format == CadLoader::IGES.format && assembly.header().is_none() && repaired.is_none() {
                repaired = self.repair(&mut assembly)?;
                if repaired.is_some() {
                    continue;
                }
            }
            if !retry.learn(&mut assembly, &ending) {
                break ending;
            }
        };
        if assembly.is_empty() {
            // Half a file brings most kernels down; that is the fault of the file.
            let is_half = self.format == CadLoader::STEP.format && repaired.is_some();
            return Err(match ending {
                Ending::Crashed(_) if is_half => {
                    self.malformed("it is cut off, and what is left of it cannot be read".to_owned())
                }
                ending => self.error(ending),
            });
        }
        let missing = assembly.missing(&retry.given_up());
        if ending != Ending::Finished {
            assembly.warn(match missing {
                0 => format!("reading did not end well: {ending}"),
                _ => format!("{missing} entities are missing: {ending}"),
            });
        }
        Ok(units::import(assembly))
    }

    /// Whether the kernel may get further once the damage is taken out: it died before the first step, or found nothing.
    fn needs_repair(&self, assembly: &Assembly, ending: &Ending) -> bool {
        let died_early = ending.is_worth_a_retry() && assembly.header().is_none();
        let found_nothing = *ending == Ending::Finished && assembly.is_empty();
        self.format == CadLoader::STEP.format && (died_early || found_nothing)
    }

    /// A repaired copy of the file, if there is something to repair.
    fn repair(&self, assembly: &mut Assembly) -> Result<Option<NamedTempFile>, LoadError> {
        let Some(repaired) = repair::repair(self.source.bytes()) else { return Ok(None) };
        let copy = self.copy(&repaired.bytes, ".igs")?;
        assembly.warn(format!(
            "the file is damaged: {} entities whose data is missing or cut off are left out",
            repaired.replaced
        ));
        Ok(Some(copy))
    }

    /// A copy with an end of a file that lost its own.
    fn close(&self, assembly: &mut Assembly) -> Result<Option<NamedTempFile>, LoadError> {
        let closed = (self.format == CadLoader::STEP.format).then(|| cut_off::closed(self.source.bytes())).flatten();
        let Some(closed) = closed else { return Ok(None) };
        assembly.warn("the file is cut off: what stood behind its last whole entity is missing".to_owned());
        self.copy(&closed, ".step").map(Some)
    }

    fn copy(&self, bytes: &[u8], suffix: &str) -> Result<NamedTempFile, LoadError> {
        let written = tempfile::Builder::new().suffix(suffix).tempfile().and_then(|mut copy| {
            copy.write_all(bytes)?;
            Ok(copy)
        });
        written.map_err(|error| LoadError::Io {
            file: self.file.to_owned(),
            reason: format!("a repaired copy cannot be written: {error}"),
        })
    }

    /// Runs one helper to its end.
    fn run(&self, file: &Path, assembly: &mut Assembly, retry: &Retry) -> Result<Ending, LoadError> {
        let limits = &self.context.limits;
        self.context.report("starting the import helper", None);
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Ok(Ending::TimeLimit(limits.helper_time));
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let arguments = retry.arguments(self.format, assembly, file, limits, remaining, threads);
        let helper = Helper::start(&self.helper, &arguments, limits.helper_memory_bytes).map_err(|error| {
            LoadError::HelperMissing {
                file: self.file.to_owned(),
                reason: format!("{}: {error}", self.helper.display()),
            }
        })?;
        let ending = self.listen(&helper, assembly)?;
        if let Some(ending) = ending {
            return Ok(ending);
        }
        let ended = helper.end().map_err(|error| LoadError::from_io(self.file, &error))?;
        if !ended.stderr.is_empty() {
            tracing::info!(file = %self.file.display(), stderr = %ended.stderr.trim_end(), "import helper said");
        }
        Ok(Ending::of_process(&ended, limits.helper_time))
    }

    /// Listens until the helper says that it is through (an ending) or falls silent for good (`None`).
    fn listen(&self, helper: &Helper, assembly: &mut Assembly) -> Result<Option<Ending>, LoadError> {
        let limit = self.context.limits.helper_time;
        let mut last_heard = Instant::now();
        loop {
            // The error drops the helper, and that ends it.
            self.source.check(self.context)?;
            if Instant::now() >= self.deadline {
                return Ok(Some(Ending::TimeLimit(limit)));
            }
            let message = match helper.next(POLL) {
                Heard::Message(message) => message,
                Heard::Silence => {
                    // Reading says nothing, however long it takes.
                    let reading = assembly.culprit() == assembly::Culprit::None;
                    let allowed = limit / if reading { SILENT_SHARE_READING } else { SILENT_SHARE };
                    if last_heard.elapsed() > allowed {
                        return Ok(Some(Ending::Silent(allowed)));
                    }
                    continue;
                }
                Heard::End => return Ok(None),
                Heard::Nonsense(reason) => return Ok(Some(Ending::Nonsense(reason))),
                Heard::TooMuch => return Ok(Some(Ending::TooMuchOutput)),
            };
            last_heard = Instant::now();
            match message {
                Message::Finished => return Ok(Some(Ending::Finished)),
                Message::Failed(Failure::OutOfMemory, _) => return Ok(Some(Ending::OutOfMemory)),
                Message::Failed(Failure::Unreadable, reason) => return Ok(Some(Ending::Unreadable(reason))),
                Message::Progress(Stage::Reading, _) => self.context.report("reading", None),
                Message::Progress(Stage::Translating, done) => self.context.report("translating", done),
                other => {
                    if let Err(reason) = assembly.take(other) {
                        return Ok(Some(Ending::Nonsense(reason)));
                    }
                }
            }
        }
    }

    fn malformed(&self, reason: String) -> LoadError {
        LoadError::Malformed { file: self.file.to_owned(), format: self.format, offset: None, reason }
    }

    /// The error for a file of which nothing came through.
    fn error(&self, ending: Ending) -> LoadError {
        let file = self.file.to_owned();
        let limits = &self.context.limits;
        match ending {
            Ending::Finished => self.malformed("it holds nothing that can be shown".to_owned()),
            Ending::Unreadable(reason) => self.malformed(reason),
            Ending::OutOfMemory => LoadError::MemoryLimit { file, limit_mib: limits.helper_memory_bytes >> 20 },
            Ending::TimeLimit(limit) | Ending::Silent(limit) => {
                LoadError::TimeLimit { file, seconds: limit.as_secs_f64().ceil() as u64 }
            }
            Ending::TooMuchOutput => LoadError::TooLarge { file, reason: Ending::TooMuchOutput.to_string() },
            Ending::Refused(reason) => LoadError::HelperMissing { file, reason },
            Ending::Crashed(reason) | Ending::Nonsense(reason) => LoadError::Crashed { file, reason },
        }
    }
}

/// The import helper that the environment names, else the one beside the running executable.
///
/// # Errors
/// It is not there; says where it should be.
pub fn helper() -> Result<PathBuf, String> {
    helper_or(None)
}

fn find_helper(context: &LoadContext, file: &Path) -> Result<PathBuf, LoadError> {
    let missing = |reason| LoadError::HelperMissing { file: file.to_owned(), reason };
    helper_or(context.import_helper.clone()).map_err(missing)
}

/// The helper that is named, else that of [`helper`].
fn helper_or(named: Option<PathBuf>) -> Result<PathBuf, String> {
    let name = format!("rr-import{}", std::env::consts::EXE_SUFFIX);
    let named = named.or_else(|| std::env::var_os(HELPER_VARIABLE).map(PathBuf::from));
    let helper = named.unwrap_or_else(|| {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned())).unwrap_or_default();
        // Cargo puts the executables of tests one folder below the others.
        let above = beside.parent().filter(|_| beside.ends_with("deps")).map(|dir| dir.join(&name));
        above.filter(|path| path.is_file()).unwrap_or_else(|| beside.join(&name))
    });
    if helper.is_file() {
        return Ok(helper);
    }
    Err(format!("{} is not there (set {HELPER_VARIABLE} to where it is)", helper.display()))
}

//! Orders on disk and the processes that were started for them.

use super::LocalOptions;
use super::process::{self, Identity};
use crate::{Capabilities, Check, Kind, Links, Listed, Order, Provider, ProviderError, WorkerHint, replace_file};
use rr_fleet::{Machine, MachineId, MachineState, Market, Prices, Time, Token};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Folders of workers that ended are kept for their logs, so many.
const ENDED_KEPT: usize = 20;
/// The ready line is at the beginning of what a worker says.
const READY_WITHIN: u64 = 64 * 1024;
/// A log that is longer begins anew, and what it said until then is kept once: a worker may run for years.
const MOST_LOG: u64 = 16 << 20;
/// Between two looks at a process that should end.
const LOOK: Duration = Duration::from_millis(20);
/// A killed process is gone after this, or nothing can be done about it.
const KILLED: Duration = Duration::from_secs(5);

/// Workers on this machine.
#[derive(Debug)]
pub struct Local {
    options: LocalOptions,
    /// Those that this process started: they must be waited for, or they would stay as zombies.
    children: Mutex<Vec<Child>>,
}

/// What is known before a process starts.
#[derive(Debug, Serialize, Deserialize)]
struct Ordered {
    token: Token,
    market: Market,
    slot: u32,
    launched: Time,
}

/// An order and what became of it.
struct Known {
    folder: PathBuf,
    order: Ordered,
    /// Its process, which may have ended.
    process: Option<Identity>,
    runs: bool,
}

impl Known {
    fn id(&self) -> MachineId {
        MachineId(format!("local-{}", self.order.token))
    }

    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn old_log(&self) -> PathBuf {
        self.folder.join("log.old")
    }

    /// The worker appends to what it has open, so that it goes on at the beginning of an empty file.
    fn turn_log_over(&self) {
        let log = self.log();
        if fs::metadata(&log).is_ok_and(|meta| meta.len() > MOST_LOG) {
            // Where there is no room for a copy, the log is the least that is missed.
            if fs::copy(&log, self.old_log()).is_err() {
                let _ = fs::remove_file(self.old_log());
            }
            let _ = fs::OpenOptions::new().write(true).truncate(true).open(&log);
        }
    }
}

impl Local {
    /// # Errors
    /// The folder cannot be made.
    pub fn open(options: LocalOptions) -> Result<Self, ProviderError> {
        let make = |folder: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        make(&options.folder).map_err(|error| disk("cannot keep workers", &options.folder, &error))?;
        // Processes are recognized by this path: it must be the same from wherever it is called.
        let folder = options.folder.canonicalize();
        let folder = folder.map_err(|error| disk("cannot keep workers", &options.folder, &error))?;
        Ok(Self { options: LocalOptions { folder, ..options }, children: Mutex::default() })
    }

    fn known(&self) -> Result<Vec<Known>, ProviderError> {
        // Whoever ended is waited for first, or it would be seen as a process still.
        self.children.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|child| {
            // An error means that it was waited for already.
            matches!(child.try_wait(), Ok(None))
        });
        let failed = |error: &std::io::Error| disk("cannot list workers", &self.options.folder, error);
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.options.folder).map_err(|error| failed(&error))? {
            let folder = entry.map_err(|error| failed(&error))?.path();
            // A folder without an order is one that was not finished: nothing was started for it.
            let Some(order) = read_json::<Ordered>(&folder.join("order.json")) else { continue };
            let written = read_json::<Identity>(&folder.join("process.json"));
            let process = written.or_else(|| process::started_for(&folder));
            let runs = process.as_ref().is_some_and(Identity::runs);
            all.push(Known { folder, order, process, runs });
        }
        all.sort_by_key(|known| (known.order.launched, known.order.slot));
        Ok(all)
    }

    fn find(&self, machine: &MachineId) -> Result<Option<Known>, ProviderError> {
        Ok(self.known()?.into_iter().find(|known| known.id() == *machine))
    }

    fn start(&self, order: &Ordered, folder: &Path, join: &str) -> Result<(), ProviderError> {
        let what = "cannot start a worker";
        let open = |name: &str| {
            let path = folder.join(name);
            let file = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
            file.map_err(|error| disk(what, &path, &error))
        };
        let (out, log) = (open("out")?, open("log")?);
        let slot = order.slot.to_string();
        let filled = |text: &String| text.replace("{slot}", &slot);
        let child = Command::new(&self.options.command)
            .args(self.options.args.iter().map(filled))
            .envs(self.options.env.iter().map(|(name, value)| (name, filled(value))))
            .env(process::FOLDER, folder)
            .env("RR_JOIN_TOKEN", join)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(log)
            // A group of its own: Ctrl-C at the operator's terminal is not meant for it.
            .process_group(0)
            .spawn();
        let child = child.map_err(|error| {
            let program = self.options.command.display();
            let advice =
                "set command in [local] of rrctl.toml to the program of the worker, or build rrhost beside rrctl";
            ProviderError::other(what, format!("{program}: {error}"), advice)
        })?;
        let identity = Identity::of(child.id());
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        // Without one the process has ended already, and is found to be gone.
        if let Some(identity) = identity {
            write_json(&folder.join("process.json"), &identity).map_err(|error| disk(what, folder, &error))?;
        }
        Ok(())
    }

    /// Removes folders of workers that ended long ago.
    fn tidy(&self, known: &[Known]) {
        let ended: Vec<&Known> = known.iter().filter(|known| !known.runs && known.process.is_some()).collect();
        for old in ended.iter().take(ended.len().saturating_sub(ENDED_KEPT)) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(&old.folder);
        }
    }
}

impl Provider for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn capabilities(&self) -> Result<Capabilities, ProviderError> {
        Ok(Capabilities {
            places: vec!["this machine".to_owned()],
            most: Some(self.options.slots),
            // An order is on disk before its process starts.
            appears: Duration::from_secs(1),
            spot: false,
        })
    }

    fn prices(&self) -> Result<Prices, ProviderError> {
        Ok(Prices { spot: self.options.price, on_demand: self.options.price })
    }

    fn prepare(&self, _dry: bool) -> Result<Vec<String>, ProviderError> {
        Ok(Vec::new())
    }

    fn list(&self) -> Result<Vec<Listed>, ProviderError> {
        let listed = |known: Known| {
            // An order that was never carried out is no machine.
            let process = known.process.as_ref()?;
            let state = if known.runs { MachineState::Running } else { MachineState::Gone };
            let serves = known.runs.then(|| ready(&known.out())?.addresses.into_iter().next()).flatten();
            Some(Listed {
                worker: match serves {
                    // Its certificate is its own: that it said so and still runs has to do.
                    Some(url) if url.starts_with("https:") => WorkerHint::Runs,
                    Some(url) => WorkerHint::Serves(url),
                    None => WorkerHint::Unknown,
                },
                notice: None,
                address: format!("pid {}", process.pid),
                kind: format!("slot {}", known.order.slot),
                machine: Machine {
                    id: known.id(),
                    token: known.order.token,
                    state,
                    market: known.order.market,
                    place: 0,
                    launched: known.order.launched,
                },
            })
        };
        let all = self.known()?;
        all.iter().filter(|known| known.runs).for_each(Known::turn_log_over);
        Ok(all.into_iter().filter_map(listed).collect())
    }

    fn create(&self, order: &Order) -> Result<MachineId, ProviderError> {
        let what = "cannot start a worker";
        if !order.token.0.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || order.token.0.is_empty() {
            return Err(ProviderError::other(what, format!("\"{}\" is no token", order.token), ""));
        }
        let known = self.known()?;
        self.tidy(&known);
        if let Some(there) = known.iter().find(|known| known.order.token == order.token && known.process.is_some()) {
            return Ok(there.id());
        }
        let taken = |slot: &u32| known.iter().any(|known| known.runs && known.order.slot == *slot);
        let Some(slot) = (0..self.options.slots).find(|slot| !taken(slot)) else {
            let said = format!("all {} slots of this machine are taken", self.options.slots);
            return Err(ProviderError::new(Kind::Capacity, what, said, "raise slots in [local] of rrctl.toml"));
        };
        let folder = self.options.folder.join(&order.token.0);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| disk(what, &folder, &error))?;
        let ordered =
            Ordered { token: order.token.clone(), market: order.market, slot, launched: SystemTime::now().into() };
        write_json(&folder.join("order.json"), &ordered).map_err(|error| disk(what, &folder, &error))?;
        self.start(&ordered, &folder, &order.join).inspect_err(|_| {
            // Nothing was started for it, and nobody has to look for it.
            let _ = fs::remove_dir_all(&folder);
        })?;
        Ok(MachineId(format!("local-{}", order.token)))
    }

    fn terminate(&self, machine: &MachineId) -> Result<(), ProviderError> {
        let Some(known) = self.find(machine)? else { return Ok(()) };
        let Some(process) = known.process.filter(|_| known.runs) else { return Ok(()) };
        let failed = |error: std::io::Error| {
            let said = format!("pid {}: {error}", process.pid);
            ProviderError::new(Kind::Permission, "cannot end a worker", said, "is it another user's?")
        };
        process.ask_to_end().map_err(failed)?;
        let gone = |within: Duration| {
            let until = Instant::now() + within;
            while process.runs() {
                if Instant::now() >= until {
                    return false;
                }
                std::thread::sleep(LOOK);
                self.children
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            }
            true
        };
        if gone(self.options.grace) {
            return Ok(());
        }
        process.kill().map_err(failed)?;
        if gone(KILLED) {
            return Ok(());
        }
        let said = format!("pid {} is still there after it was killed", process.pid);
        Err(ProviderError::other("cannot end a worker", said, "it waits for a device or a disk; look at dmesg"))
    }

    fn logs(&self, machine: &MachineId, most_bytes: usize) -> Result<String, ProviderError> {
        let what = "no log";
        let Some(known) = self.find(machine)? else {
            return Err(ProviderError::other(what, format!("there is no {machine}"), "rrctl list shows what there is"));
        };
        let path = known.log();
        let log = tail(&path, most_bytes).map_err(|error| disk(what, &path, &error))?;
        let older = most_bytes.saturating_sub(log.len());
        Ok(tail(&known.old_log(), older).unwrap_or_default() + &log)
    }

    fn links(&self, machine: &MachineId) -> Result<Links, ProviderError> {
        let ready = self.find(machine)?.filter(|known| known.runs).and_then(|known| ready(&known.out()));
        ready.and_then(|ready| ready.links).ok_or_else(|| {
            let what = format!("no link to {machine}");
            ProviderError::other(what, "it does not serve (yet)", "rrctl logs says what it does")
        })
    }

    fn release(&self) -> Result<Vec<String>, ProviderError> {
        let known = self.known()?;
        if known.iter().any(|known| known.runs) {
            return Err(ProviderError::other("cannot tidy up", "there are workers still", "end them by rrctl down"));
        }
        Ok(Vec::new())
    }

    fn doctor(&self) -> Vec<Check> {
        let command = &self.options.command;
        let program = match process::find_program(command) {
            Some(path) => Ok(path.display().to_string()),
            None => Err(format!(
                "{} is no program: set command in [local] of rrctl.toml, or build rrhost beside rrctl",
                command.display()
            )),
        };
        let probe = self.options.folder.join(".doctor");
        let folder = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
        let folder = match folder {
            Ok(()) => Ok(self.options.folder.display().to_string()),
            Err(error) => Err(disk("cannot write", &self.options.folder, &error).to_string()),
        };
        let slots = match self.options.slots {
            0 => Err("none: set slots in [local] of rrctl.toml to 1 or more".to_owned()),
            slots => Ok(slots.to_string()),
        };
        let check = |what: &str, found| Check { what: what.to_owned(), found };
        vec![check("worker program", program), check("folder of workers", folder), check("slots", slots)]
    }
}

fn disk(what: &str, path: &Path, error: &std::io::Error) -> ProviderError {
    let advice = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "make the folder yours, or choose another one by --state-dir",
        std::io::ErrorKind::StorageFull => "make room on the disk",
        _ => "",
    };
    ProviderError::other(what, format!("{}: {error}", path.display()), advice)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write_json(path: &Path, value: &impl Serialize) -> std::io::Result<()> {
    replace_file(path, &serde_json::to_vec(value)?)
}

/// What a worker says when it serves.
#[derive(Deserialize)]
struct Ready {
    event: String,
    addresses: Vec<String>,
    /// Of a program that is no rrhost there may be none.
    links: Option<Links>,
}

fn ready(out: &Path) -> Option<Ready> {
    let mut text = Vec::new();
    fs::File::open(out).ok()?.take(READY_WITHIN).read_to_end(&mut text).ok()?;
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice::<Ready>(line).ok()).find(|line| line.event == "ready")
}

fn tail(path: &Path, most_bytes: usize) -> std::io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let begin = length.saturating_sub(u64::try_from(most_bytes).unwrap_or(u64::MAX));
    file.seek(SeekFrom::Start(begin))?;
    let mut text = Vec::new();
    file.take(u64::try_from(most_bytes).unwrap_or(u64::MAX)).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    // Not from the middle of a line.
    Ok(match text.split_once('\n') {
        Some((_, rest)) if begin > 0 => rest.to_owned(),
        _ => text.into_owned(),
    })
}

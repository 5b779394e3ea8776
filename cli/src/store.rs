//! What rrctl remembers of a fleet: one file, replaced whole, and a lock for whoever acts.
//!
//! The file is written before anything is asked of a provider. Should it be lost, machines are found by their tag.

use crate::exit::{Exit, Failure};
use crate::settings::{Told, home};
use rr_fleet::{Market, Money, Records, Time, Token};
use rr_provider::replace_file;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of the file's form.
const VERSION: u32 = 1;
/// In the lock's file, after the number of the process.
const GATEWAY: &str = ", a gateway";
/// Folder of wishes.
const WISHES: &str = "wishes";
/// Runs of machines that ended are kept one by one, so many; older ones are added up.
const RUNS_KEPT: usize = 1_000;

/// A fleet, as it is remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// Where its machines are: provider and region. Another one is refused while there are records.
    pub at: Option<String>,
    /// The last word was `down`: nothing is wanted until the next `up`.
    #[serde(default)]
    pub down: bool,
    /// By flags of `up` and `scale`.
    #[serde(default)]
    pub told: Told,
    /// Machines that were asked for.
    #[serde(default)]
    pub records: Records,
    /// 32 random bytes in hexadecimal digits: join tokens are made from it.
    #[serde(default)]
    secret: String,
    /// What ran how long at which price.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// Of runs that are not listed any more.
    #[serde(default)]
    pub older: Sum,
    /// Time of all people who watched, milliseconds, as far as a gateway kept the fleet.
    #[serde(default)]
    pub watched_ms: u64,
}

/// A machine's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub token: Token,
    pub market: Market,
    /// An hour of it.
    pub price: Money,
    pub from: Time,
    pub to: Option<Time>,
}

/// Time and money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    pub secs: u64,
    pub money: Money,
}

impl Sum {
    fn add(&mut self, run: &Run, now: Time) {
        let time = run.time(now);
        self.secs += time.as_secs();
        self.money = self.money + run.price.over(time);
    }
}

impl Run {
    pub fn time(&self, now: Time) -> Duration {
        self.to.unwrap_or(now).since(self.from)
    }
}

impl State {
    /// Makes the fleet's secret, if it has none.
    pub fn have_secret(&mut self, random: impl FnOnce() -> [u8; 32]) {
        if self.secret.is_empty() {
            self.secret = blake3::Hash::from_bytes(random()).to_hex().to_string();
        }
    }

    /// What a worker joins with, once. The same for the same worker, so that asking for its machine again is the same
    /// request; nobody without this file can make or check one.
    pub fn join(&self, token: &Token) -> String {
        let key = blake3::derive_key("remote-render 2026 join token of a worker", self.secret.as_bytes());
        blake3::keyed_hash(&key, token.0.as_bytes()).to_hex().to_string()
    }

    pub fn begin_run(&mut self, token: &Token, market: Market, price: Money, from: Time) {
        self.runs.push(Run { token: token.clone(), market, price, from, to: None });
    }

    /// It never was.
    pub fn drop_run(&mut self, token: &Token) {
        self.runs.retain(|run| run.token != *token || run.to.is_some());
    }

    pub fn end_run(&mut self, token: &Token, now: Time) {
        for run in self.runs.iter_mut().filter(|run| run.token == *token && run.to.is_none()) {
            run.to = Some(now);
        }
        let ended = self.runs.iter().filter(|run| run.to.is_some()).count();
        for _ in RUNS_KEPT..ended {
            let Some(at) = self.runs.iter().position(|run| run.to.is_some()) else { break };
            let run = self.runs.remove(at);
            self.older.add(&run, now);
        }
    }

    /// So many people have watched for so long.
    pub fn watched(&mut self, people: u32, time: Duration) {
        let time = u64::try_from((time * people).as_millis()).unwrap_or(u64::MAX);
        self.watched_ms = self.watched_ms.saturating_add(time);
    }

    /// What an hour of one person has cost; `None` as long as nobody has watched for a minute.
    pub fn per_user_hour(&self, now: Time) -> Option<Money> {
        let micros = u128::from(self.spent(now).money.0) * 3_600_000;
        let known = self.watched_ms >= 60_000;
        known.then(|| Money(u64::try_from(micros / u128::from(self.watched_ms)).unwrap_or(u64::MAX)))
    }

    /// All that was ever used.
    pub fn spent(&self, now: Time) -> Sum {
        self.runs.iter().fold(self.older, |mut sum, run| {
            sum.add(run, now);
            sum
        })
    }
}

/// What somebody wants of whoever keeps the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Workers that are to be drained.
    pub drain: Vec<Token>,
}

/// Who holds a fleet's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A command, which ends soon.
    Command,
    /// A gateway, for as long as it runs; it takes [`Wish`]es.
    Gateway,
}

/// The folder of a fleet.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// While it is held nobody else acts on the fleet. The system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub struct Lock {
    _file: fs::File,
}

impl Store {
    /// # Errors
    /// The folder cannot be made.
    pub fn open(chosen: Option<&Path>, fleet: &str) -> anyhow::Result<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if fleet.is_empty() || fleet.len() > 40 || !fleet.chars().all(allowed) {
            return Err(rr_fleet::SpecError::Name(fleet.chars().take(60).collect()).into());
        }
        let all = chosen.map_or_else(|| home("XDG_STATE_HOME", ".local/state").join("fleets"), Path::to_owned);
        let folder = all.join(fleet);
        fs::create_dir_all(&folder).map_err(|error| cannot("keep the fleet's state in", &folder, &error))?;
        Ok(Self { folder })
    }

    pub fn local(&self) -> PathBuf {
        self.folder.join("local")
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("fleet.json")
    }

    /// # Errors
    /// The file is damaged, or of a later version.
    pub fn load(&self) -> anyhow::Result<State> {
        let path = self.path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(State { version: VERSION, ..State::default() });
            }
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        let state: State = serde_json::from_slice(&text).map_err(|error| {
            let text = format!(
                "{} is damaged ({error}): move it away, and rrctl up finds the machines by their tag",
                path.display()
            );
            Failure::error(Exit::Failed, text)
        })?;
        if state.version > VERSION {
            let text = format!("{} was written by a newer rrctl: use that one", path.display());
            return Err(Failure::error(Exit::Failed, text));
        }
        Ok(state)
    }

    /// On disk when it returns, whole or as before.
    pub fn save(&self, state: &State) -> anyhow::Result<()> {
        let path = self.path();
        replace_file(&path, &serde_json::to_vec(state)?).map_err(|error| cannot("write", &path, &error))
    }

    /// # Errors
    /// Somebody else holds it.
    pub fn lock(&self, holder: Holder) -> anyhow::Result<Lock> {
        let path = self.folder.join("lock");
        let open = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(|error| cannot("lock", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let who = first_line(file);
                let text = if who.ends_with(GATEWAY) {
                    format!("a gateway keeps this fleet ({who}): it goes by what is needed, until it is ended")
                } else {
                    format!("another rrctl is at work on this fleet ({who}): wait for it, or end it")
                };
                return Err(Failure::error(Exit::Locked, text));
            }
            Err(fs::TryLockError::Error(error)) => return Err(cannot("lock", &path, &error)),
        }
        let mut who = format!("pid {}", std::process::id());
        if holder == Holder::Gateway {
            who.push_str(GATEWAY);
        }
        let told = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| writeln!(file, "{who}"));
        told.map_err(|error| cannot("lock", &path, &error))?;
        Ok(Lock { _file: file })
    }

    /// A gateway holds the lock.
    pub fn is_kept(&self) -> bool {
        let path = self.folder.join("lock");
        let open = || fs::File::open(&path);
        // Its line stays where it was killed. Whoever tries the lock has it for a moment, in which a command would be refused:
        // only where the line does not say it already.
        open().is_ok_and(|file| first_line(file).ends_with(GATEWAY))
            && open().is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
    }

    /// Leaves a wish for whoever keeps the fleet.
    pub fn wish(&self, wish: &Wish) -> anyhow::Result<Wished> {
        let folder = self.folder.join(WISHES);
        fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
        let path = folder.join(format!("{}.json", crate::fleet::fresh_token().0));
        replace_file(&path, &serde_json::to_vec(wish)?).map_err(|error| cannot("write", &path, &error))?;
        Ok(Wished(path))
    }

    /// All wishes, which are nobody else's then.
    pub fn take_wishes(&self) -> Vec<Wish> {
        let Ok(entries) = fs::read_dir(self.folder.join(WISHES)) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path());
        // Those that are being written have another name.
        let whole = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let take = |path: PathBuf| {
            let bytes = fs::read(&path).ok()?;
            // One that stays would be granted again and again.
            fs::remove_file(&path).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        whole.filter_map(take).collect()
    }
}

/// A wish that was left. Dropped before it was taken, it is taken back.
#[must_use]
pub struct Wished(PathBuf);

impl Wished {
    pub fn is_taken(&self) -> bool {
        !self.0.exists()
    }
}

impl Drop for Wished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Who it is only helps; the lock holds without it.
fn first_line(file: fs::File) -> String {
    let mut who = String::new();
    let _ = file.take(100).read_to_string(&mut who);
    who.lines().next().unwrap_or_default().to_owned()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> anyhow::Error {
    Failure::error(Exit::Failed, format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path()), "hall-3").unwrap();
        let mut state = store.load().unwrap();
        state.begin_run(&Token("a".into()), Market::Spot, Money(1_000_000), Time(0));
        state.end_run(&Token("a".into()), Time(1_800_000));
        store.save(&state).unwrap();
        let sum = store.load().unwrap().spent(Time(9_000_000));
        assert_eq!((sum.secs, sum.money), (1_800, Money(500_000)));
        fs::write(store.path(), "{\"version\":1,").unwrap();
        assert!(store.load().unwrap_err().to_string().contains("move it away"));
        fs::write(store.path(), "{\"version\":99}").unwrap();
        assert!(store.load().unwrap_err().to_string().contains("newer"));
        assert!(Store::open(Some(folder.path()), "../x").is_err());
    }

    #[test]
    fn wishes_are_taken_once_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path()), "hall-3").unwrap();
        assert!(!store.is_kept() && store.take_wishes().is_empty());
        {
            let _command = store.lock(Holder::Command).unwrap();
            assert!(!store.is_kept(), "a command takes no wishes");
        }
        let gateway = store.lock(Holder::Gateway).unwrap();
        assert!(store.is_kept());
        let error = store.lock(Holder::Command).unwrap_err();
        assert!(error.to_string().contains("a gateway keeps this fleet"), "{error}");
        let wish = |name: &str| Wish { drain: vec![Token(name.to_owned())] };
        let wished = store.wish(&wish("a")).unwrap();
        // Whoever gives up takes it back.
        drop(store.wish(&wish("b")).unwrap());
        fs::write(folder.path().join("hall-3/wishes/damaged.json"), "{").unwrap();
        assert!(!wished.is_taken());
        assert_eq!(store.take_wishes(), [wish("a")]);
        assert!(wished.is_taken() && store.take_wishes().is_empty());
        drop(gateway);
        assert!(!store.is_kept());
    }

    #[test]
    fn an_hour_of_one_person_has_its_price() {
        let mut state = State::default();
        state.begin_run(&Token("a".into()), Market::OnDemand, Money(1_000_000), Time(0));
        let now = Time(2 * 3_600_000);
        state.watched(5, Duration::from_secs(10));
        assert_eq!(state.per_user_hour(now), None, "too little to say");
        // Four people for an hour, on a machine that ran for two.
        state.watched(4, Duration::from_secs(3600) - Duration::from_millis(12_500));
        assert_eq!(state.per_user_hour(now), Some(Money(500_000)));
    }

    #[test]
    fn a_join_token_is_one_workers_of_one_fleet() {
        let state = |byte| {
            let mut state = State::default();
            state.have_secret(|| [byte; 32]);
            state.have_secret(|| [9; 32]);
            state
        };
        let join = |byte, token: &str| state(byte).join(&Token(token.into()));
        assert_eq!(join(1, "a"), join(1, "a"));
        assert!(join(1, "a") != join(1, "b") && join(1, "a") != join(2, "a"));
        assert_eq!(join(1, "a").len(), 64);
    }

    #[test]
    fn one_acts_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path()), "one").unwrap();
        let held = store.lock(Holder::Command).unwrap();
        let error = store.lock(Holder::Command).unwrap_err();
        assert_eq!(crate::exit::code(&error), Exit::Locked);
        assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
        drop(held);
        store.lock(Holder::Command).unwrap();
    }

    #[test]
    fn long_histories_are_added_up() {
        let mut state = State::default();
        for n in 0..RUNS_KEPT as u64 + 5 {
            let token = Token(n.to_string());
            state.begin_run(&token, Market::Spot, Money(1_000_000), Time(0));
            state.end_run(&token, Time(3_600_000));
        }
        assert_eq!(state.runs.len(), RUNS_KEPT);
        assert_eq!(state.spent(Time(0)).money, Money(1_005_000_000));
    }
}

//! The one configuration: defaults, `rrctl.toml`, what the last `up` was told, the environment, flags.

use crate::args::{FleetArgs, MarketArgs, ProviderName};
use crate::exit::{Exit, Failure};
use rr_fleet::{FleetSpec, Money, Prices, Scaling, Timing};
use rr_provider::ec2::Ec2Options;
use rr_provider::local::LocalOptions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `rrctl.toml`. What is not in it has a default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    fleet: Option<String>,
    provider: Option<ProviderName>,
    count: Option<u32>,
    max: Option<u32>,
    cost_cap: Option<Money>,
    spot_share: Option<u32>,
    sessions_per_worker: Option<u32>,
    local: LocalFile,
    ec2: Ec2File,
    /// By instance type.
    prices: BTreeMap<String, PriceFile>,
    timing: TimingFile,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LocalFile {
    command: Option<PathBuf>,
    args: Option<Vec<String>>,
    env: BTreeMap<String, String>,
    slots: Option<u32>,
    grace_secs: Option<u64>,
    price: Option<Money>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ec2File {
    region: Option<String>,
    profile: Option<String>,
    instance_type: Option<String>,
    image: Option<String>,
    image_parameter: Option<String>,
    subnets: Vec<String>,
    security_groups: Vec<String>,
    allow: Vec<String>,
    port: Option<u16>,
    instance_profile: Option<String>,
    key_name: Option<String>,
    volume_gib: Option<u32>,
    kms_key: Option<String>,
    max_price: Option<Money>,
    command: Option<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    install: Vec<String>,
    gateway: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    on_demand: Money,
    spot: Option<Money>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TimingFile {
    boot_secs: Option<u64>,
    dead_secs: Option<u64>,
    drain_secs: Option<u64>,
    retry_secs: Option<u64>,
    idle_secs: Option<u64>,
}

/// What `up` and `scale` were told by flags and the environment: it holds for the fleet until `down`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    pub provider: Option<ProviderName>,
    pub region: Option<String>,
    pub profile: Option<String>,
    pub instance_type: Option<String>,
    pub count: Option<u32>,
    pub spot_share: Option<u32>,
    pub max: Option<u32>,
    pub cost_cap: Option<Money>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// `rrctl.toml`.
    File,
    /// The last `up` or `scale`.
    Told,
    /// The command line, or a variable of the environment, which clap reads alike.
    Call,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "rrctl.toml",
            Self::Told => "told to the last up or scale",
            Self::Call => "flag or environment",
        })
    }
}

/// A value, as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub key: &'static str,
    pub value: serde_json::Value,
    pub origin: Origin,
}

/// All of it, resolved.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file that was read.
    pub file: Option<PathBuf>,
    pub fleet: String,
    pub provider: ProviderName,
    pub count: u32,
    max: u32,
    cost_cap: Option<Money>,
    spot_share: u32,
    sessions_per_worker: u32,
    timing: Timing,
    region: Option<String>,
    profile: Option<String>,
    instance_type: String,
    raw: File,
    /// What this call says itself, to be remembered.
    pub said: Told,
    pub shown: Vec<Shown>,
}

/// Prices per hour on demand in us-east-1 (AWS's price list, Linux); other regions cost up to half as much again, and
/// `[prices]` says what is right.
const PRICES: [(&str, f64); 8] = [
    ("g4dn.xlarge", 0.526),
    ("g4dn.2xlarge", 0.752),
    ("g5.xlarge", 1.006),
    ("g5.2xlarge", 1.212),
    ("g5.4xlarge", 1.624),
    ("g6.xlarge", 0.8048),
    ("g6.2xlarge", 0.9776),
    ("g6.4xlarge", 1.3232),
];

/// By which a worker is told its graphics card.
const ADAPTER: &str = "RRHOST_ADAPTER";

impl File {
    /// The file that is meant, read. None at the usual places is an empty one.
    pub fn read(chosen: Option<&Path>) -> anyhow::Result<(Option<PathBuf>, Self)> {
        let usual = [PathBuf::from("rrctl.toml"), home("XDG_CONFIG_HOME", ".config").join("rrctl.toml")];
        let path = chosen.map(Path::to_owned).or_else(|| usual.into_iter().find(|path| path.exists()));
        let Some(path) = path else { return Ok((None, Self::default())) };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::error(Exit::Wrong, format!("cannot read {}: {error}", path.display())))?;
        let file = toml::from_str(&text).map_err(|error| {
            Failure::error(Exit::Wrong, format!("{} is wrong: {}", path.display(), error.to_string().trim_end()))
        })?;
        Ok((Some(path), file))
    }

    /// The fleet's name, before anything else can be known.
    pub fn fleet(&self, args: &FleetArgs) -> String {
        args.fleet.clone().or_else(|| self.fleet.clone()).unwrap_or_else(|| "main".to_owned())
    }
}

/// Values in their order, and where the last one was found.
struct Picker {
    shown: Vec<Shown>,
}

impl Picker {
    fn maybe<T: Serialize + Clone>(
        &mut self,
        key: &'static str,
        call: Option<&T>,
        told: Option<&T>,
        file: Option<&T>,
    ) -> Option<T> {
        let found = call.map(|value| (value, Origin::Call));
        let found = found.or_else(|| told.map(|value| (value, Origin::Told)));
        let found = found.or_else(|| file.map(|value| (value, Origin::File)));
        let origin = found.map_or(Origin::Default, |(_, origin)| origin);
        let value = found.map(|(value, _)| value.clone());
        self.show(key, &value, origin);
        value
    }

    fn show(&mut self, key: &'static str, value: &impl Serialize, origin: Origin) {
        self.shown.push(Shown { key, value: serde_json::to_value(value).unwrap_or_default(), origin });
    }

    fn pick<T: Serialize + Clone>(
        &mut self,
        key: &'static str,
        (call, told, file): (Option<&T>, Option<&T>, Option<&T>),
        default: T,
    ) -> T {
        if let Some(value) = self.maybe(key, call, told, file) {
            return value;
        }
        if let Some(shown) = self.shown.last_mut() {
            shown.value = serde_json::to_value(&default).unwrap_or_default();
        }
        default
    }
}

impl Settings {
    /// # Errors
    /// What contradicts itself.
    pub fn resolve(
        (path, file): (Option<PathBuf>, File),
        told: &Told,
        args: &FleetArgs,
        market: &MarketArgs,
        count: Option<u32>,
    ) -> anyhow::Result<Self> {
        let share = match (market.spot, market.on_demand) {
            (true, _) => Some(100),
            (_, true) => Some(0),
            _ => market.spot_share,
        };
        let cap = |dollars: f64| {
            let text = format!("--cost-cap {dollars} is no amount of dollars");
            Money::dollars(dollars).ok_or_else(|| Failure::error(Exit::Wrong, text))
        };
        let said = Told {
            provider: args.provider,
            region: args.region.clone(),
            profile: args.profile.clone(),
            instance_type: market.instance_type.clone(),
            count,
            spot_share: share,
            max: market.max,
            cost_cap: market.cost_cap.map(cap).transpose()?,
        };
        let mut picker = Picker { shown: Vec::new() };
        let p = &mut picker;
        let fleet = p.pick("fleet", (args.fleet.as_ref(), None, file.fleet.as_ref()), "main".to_owned());
        macro_rules! layers {
            ($field:ident, $file:expr) => {
                (said.$field.as_ref(), told.$field.as_ref(), $file.as_ref())
            };
        }
        let ec2 = &file.ec2;
        let provider = p.pick("provider", layers!(provider, file.provider), ProviderName::Local);
        // A machine of the cloud has a graphics card for several; this one draws what else it does, too.
        let sessions = if provider == ProviderName::Ec2 { 4 } else { 1 };
        let settings = Self {
            fleet,
            provider,
            count: p.pick("count", layers!(count, file.count), 1),
            max: p.pick("max", layers!(max, file.max), 10),
            cost_cap: {
                let (call, told, file) = layers!(cost_cap, file.cost_cap);
                p.maybe("cost_cap", call, told, file)
            },
            spot_share: p.pick("spot_share", layers!(spot_share, file.spot_share), 0),
            sessions_per_worker: p.pick(
                "sessions_per_worker",
                (None, None, file.sessions_per_worker.as_ref()),
                sessions,
            ),
            timing: timing(p, &file.timing),
            region: {
                let (call, told, file) = layers!(region, ec2.region);
                p.maybe("ec2.region", call, told, file)
            },
            profile: {
                let (call, told, file) = layers!(profile, ec2.profile);
                p.maybe("ec2.profile", call, told, file)
            },
            instance_type: p.pick(
                "ec2.instance_type",
                layers!(instance_type, ec2.instance_type),
                "g5.xlarge".to_owned(),
            ),
            file: path,
            said: said.clone(),
            raw: file.clone(),
            shown: Vec::new(),
        };
        let of_file = |p: &mut Picker, key, value: &dyn erased::Shows, set: bool| {
            p.shown.push(Shown { key, value: value.json(), origin: if set { Origin::File } else { Origin::Default } });
        };
        let local = settings.local(Path::new(""), None);
        of_file(p, "local.command", &local.command, file.local.command.is_some());
        of_file(p, "local.args", &local.args, file.local.args.is_some());
        of_file(p, "local.slots", &local.slots, file.local.slots.is_some());
        of_file(p, "local.grace_secs", &local.grace.as_secs(), file.local.grace_secs.is_some());
        of_file(p, "local.price", &local.price, file.local.price.is_some());
        let cloud = settings.ec2(None);
        of_file(p, "ec2.image", &cloud.image, ec2.image.is_some());
        of_file(p, "ec2.image_parameter", &cloud.image_parameter, ec2.image_parameter.is_some());
        of_file(p, "ec2.subnets", &cloud.subnets, !ec2.subnets.is_empty());
        of_file(p, "ec2.security_groups", &cloud.security_groups, !ec2.security_groups.is_empty());
        of_file(p, "ec2.allow", &cloud.allow, !ec2.allow.is_empty());
        of_file(p, "ec2.port", &cloud.port, ec2.port.is_some());
        of_file(p, "ec2.instance_profile", &cloud.instance_profile, ec2.instance_profile.is_some());
        of_file(p, "ec2.volume_gib", &cloud.volume_gib, ec2.volume_gib.is_some());
        of_file(p, "ec2.max_price", &cloud.max_price, ec2.max_price.is_some());
        of_file(p, "ec2.command", &cloud.command, ec2.command.is_some());
        of_file(p, "ec2.install", &cloud.install, !ec2.install.is_empty());
        of_file(p, "ec2.gateway", &cloud.gateway, ec2.gateway.is_some());
        let known = file.prices.contains_key(&settings.instance_type);
        of_file(p, "price.on_demand", &cloud.on_demand_price, known);
        of_file(p, "price.spot", &cloud.spot_price, known && cloud.spot_price.is_some());
        Ok(Self { shown: picker.shown, ..settings })
    }

    /// What the reconciler wants to know.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn spec(&self, places: u32, most: Option<u32>, appears: Duration, prices: Prices) -> anyhow::Result<FleetSpec> {
        if let Some(most) = most.filter(|most| self.count > *most) {
            let text = format!(
                "{} workers are wanted, and this machine has {most} slots: raise slots in [local] of rrctl.toml, or \
                 want fewer",
                self.count
            );
            return Err(Failure::error(Exit::Wrong, text));
        }
        let spec = FleetSpec {
            name: self.fleet.clone(),
            scaling: Scaling::Fixed(self.count),
            max: most.map_or(self.max, |most| most.min(self.max)),
            cost_cap: self.cost_cap,
            sessions_per_worker: self.sessions_per_worker,
            spot_share: if self.provider == ProviderName::Local { 0 } else { self.spot_share },
            places,
            prices,
            timing: Timing { appears, ..self.timing },
        };
        spec.check()?;
        Ok(spec)
    }

    /// How local workers are started; `folder` is where their orders are kept, `gateway` whom they join.
    pub fn local(&self, folder: &Path, gateway: Option<&str>) -> LocalOptions {
        let file = &self.raw.local;
        let gateway = gateway.map(|url| {
            let sessions = ("RRHOST_SESSIONS".to_owned(), self.sessions_per_worker.to_string());
            [("RR_GATEWAY".to_owned(), url.to_owned()), sessions]
        });
        let usual = || ["--headless", "--listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
        // A card for each, unless somebody said otherwise.
        let adapter = std::env::var_os(ADAPTER).is_none().then(|| (ADAPTER.to_owned(), "spread-{slot}".to_owned()));
        LocalOptions {
            folder: folder.to_owned(),
            command: file.command.clone().unwrap_or_else(usual_worker),
            args: file.args.clone().unwrap_or_else(usual),
            env: gateway.into_iter().flatten().chain(adapter).chain(file.env.clone()).collect(),
            slots: file.slots.unwrap_or(4),
            grace: Duration::from_secs(file.grace_secs.unwrap_or(10)),
            price: file.price.unwrap_or_default(),
        }
    }

    /// What machines of EC2 are, and whom they join where the file does not say.
    pub fn ec2(&self, gateway: Option<&str>) -> Ec2Options {
        let file = self.raw.ec2.clone();
        let price = self.raw.prices.get(&self.instance_type);
        let usual =
            || PRICES.iter().find(|(kind, _)| *kind == self.instance_type).and_then(|(_, p)| Money::dollars(*p));
        Ec2Options {
            fleet: self.fleet.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
            instance_type: self.instance_type.clone(),
            image: file.image,
            image_parameter: file.image_parameter,
            subnets: file.subnets,
            security_groups: file.security_groups,
            allow: file.allow,
            port: file.port.unwrap_or(8443),
            sessions: u16::try_from(self.sessions_per_worker).unwrap_or(u16::MAX),
            instance_profile: file.instance_profile,
            key_name: file.key_name,
            volume_gib: file.volume_gib.unwrap_or(60),
            kms_key: file.kms_key,
            max_price: file.max_price,
            on_demand_price: price.map(|price| price.on_demand).or_else(usual),
            spot_price: price.and_then(|price| price.spot),
            command: file.command.unwrap_or_else(|| "/usr/bin/rrhost".to_owned()),
            args: file.args,
            env: file.env.into_iter().collect(),
            install: file.install,
            gateway: file.gateway.or_else(|| gateway.map(str::to_owned)),
        }
    }
}

/// Serializable things behind one reference.
mod erased {
    use serde::Serialize;

    pub trait Shows {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: Serialize> Shows for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap_or_default()
        }
    }
}

fn timing(p: &mut Picker, file: &TimingFile) -> Timing {
    let usual = Timing::default();
    let mut secs =
        |key, set: Option<&u64>, usual: Duration| Duration::from_secs(p.pick(key, (None, None, set), usual.as_secs()));
    Timing {
        boot: secs("timing.boot_secs", file.boot_secs.as_ref(), usual.boot),
        dead: secs("timing.dead_secs", file.dead_secs.as_ref(), usual.dead),
        drain: secs("timing.drain_secs", file.drain_secs.as_ref(), usual.drain),
        retry: secs("timing.retry_secs", file.retry_secs.as_ref(), usual.retry),
        idle: secs("timing.idle_secs", file.idle_secs.as_ref(), usual.idle),
        ..usual
    }
}

/// `rrhost` beside this program, else wherever it is found.
fn usual_worker() -> PathBuf {
    let name = format!("rrhost{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(&name)));
    beside.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from(name))
}

/// A folder of ours below one of the user's.
pub fn home(variable: &str, below_home: &str) -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(variable)
        .or_else(|| set("HOME").map(|home| home.join(below_home)))
        .unwrap_or_else(std::env::temp_dir)
        .join("remote-render")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readmes_example_is_right() {
        let readme = include_str!("../../README.md");
        let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        let file: File = toml::from_str(example).unwrap();
        let (args, market) = (FleetArgs::default(), MarketArgs::default());
        let settings = Settings::resolve((None, file), &Told::default(), &args, &market, None).unwrap();
        assert_eq!((settings.fleet.as_str(), settings.provider, settings.count), ("hall-3", ProviderName::Ec2, 3));
        let ec2 = settings.ec2(None);
        assert_eq!(ec2.on_demand_price, Money::dollars(1.258));
        let prices = Prices { spot: Money(500_000), on_demand: Money(1_258_000) };
        let spec = settings.spec(1, None, Duration::from_secs(120), prices).unwrap();
        assert_eq!((spec.max, spec.spot_share, spec.cost_cap), (6, 70, Money::dollars(5.0)));
    }
}

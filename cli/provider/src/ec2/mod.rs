//! Amazon EC2 by its query API: signed requests over HTTPS, blocking, no SDK.
//!
//! ```text
//! credentials, region, endpoint (environment.rs, credentials.rs, imds.rs) ─┐
//! Ec2 (this file) ─► kit.rs: security group, launch template               ├─► wire.rs: sign, send, retry ─► http.rs
//!                 └► machines: run, list, end; user_data.rs                ┘
//! ```
//!
//! Every machine, disk, spot request, group and template carries the tag `rr-fleet`; machines carry `rr-token`, too, which
//! is also EC2's client token, so that asking twice makes one.

mod codes;
mod credentials;
mod date;
mod environment;
mod imds;
mod kit;
mod profile;
mod sign;
mod user_data;
mod wire;
mod xml;

pub use environment::Environment;
pub use wire::Retries;

use crate::{Capabilities, Check, Kind, Listed, Order, Provider, ProviderError, WorkerHint};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use credentials::Credentials;
use kit::Template;
use rr_fleet::{Machine, MachineId, MachineState, Market, Money, Prices, Time, Token};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wire::{Params, Wire};
use xml::Node;

const VERSION: &str = "2016-11-15";
const TAG_FLEET: &str = "rr-fleet";
const TAG_TOKEN: &str = "rr-token";
/// From the notice of the spot market to the end.
const NOTICE: Duration = Duration::from_secs(120);
/// Machines of one answer to a list, and of one question about their health.
const PAGE: usize = 1_000;
const HEALTH_PAGE: usize = 100;
/// Pages of a list; more machines no fleet has.
const MOST_PAGES: usize = 100;

/// What a fleet's machines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ec2Options {
    /// The fleet's name: the value of its tag.
    pub fleet: String,
    /// Instead of what the environment and the profile say.
    pub region: Option<String>,
    /// Profile of `~/.aws`, instead of what the environment says.
    pub profile: Option<String>,
    /// As `g5.xlarge`.
    pub instance_type: String,
    /// Image, as `ami-0123`.
    pub image: Option<String>,
    /// Name of an SSM parameter that holds the image.
    pub image_parameter: Option<String>,
    /// Subnets, best first; none: the default ones.
    pub subnets: Vec<String>,
    /// Security groups; none: one of the fleet's own.
    pub security_groups: Vec<String>,
    /// Networks that may reach the workers, as `203.0.113.0/24`.
    pub allow: Vec<String>,
    /// The port of a worker's first session, TCP and UDP; the others have those after it.
    pub port: u16,
    /// Sessions that a worker has at once, where it is a gateway that hands them out.
    pub sessions: u16,
    /// Name or ARN of the machines' instance profile.
    pub instance_profile: Option<String>,
    /// Key pair for SSH; usually none.
    pub key_name: Option<String>,
    /// Size of the disk.
    pub volume_gib: u32,
    /// Key of the disk's encryption; the account's own without one.
    pub kms_key: Option<String>,
    /// Most to pay for an hour of the spot market; up to the price on demand without one.
    pub max_price: Option<Money>,
    /// An hour on demand.
    pub on_demand_price: Option<Money>,
    /// An hour on the spot market; asked of EC2 when it is not said.
    pub spot_price: Option<Money>,
    /// Program of the worker on the image, a whole path.
    pub command: String,
    /// Its arguments beside `--headless`.
    pub args: Vec<String>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
    /// Commands that run once before the worker starts.
    pub install: Vec<String>,
    /// Where workers join.
    pub gateway: Option<String>,
}

impl Ec2Options {
    /// First and last port of a worker.
    fn ports(&self) -> Result<(u16, u16), ProviderError> {
        let more = if self.gateway.is_some() { self.sessions.saturating_sub(1) } else { 0 };
        let last = self.port.checked_add(more).ok_or_else(|| {
            let said = format!("there are not {} ports from {} on", u32::from(more) + 1, self.port);
            ProviderError::other("cannot open ports", said, "lower port or sessions_per_worker in rrctl.toml")
        })?;
        Ok((self.port, last))
    }
}

/// A subnet: a place of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subnet {
    id: String,
    zone: String,
    vpc: String,
}

/// Machines of EC2.
#[derive(Debug)]
pub struct Ec2 {
    options: Ec2Options,
    wire: Wire,
    credentials: Credentials,
    subnets: Mutex<Option<Vec<Subnet>>>,
    template: Mutex<Option<Template>>,
    /// Group or template were made by this process: for some seconds EC2 may not find them.
    fresh: AtomicBool,
    retries: Retries,
}

impl Ec2 {
    /// # Errors
    /// No region is named, or profiles cannot be read.
    pub fn open(options: Ec2Options, environment: Environment, retries: Retries) -> Result<Self, ProviderError> {
        let profiles = environment.profiles()?;
        let (profile, region) = (options.profile.as_deref(), options.region.as_deref());
        let wire = Wire::open(environment.clone(), profiles.clone(), profile, region, retries)?;
        let credentials = Credentials::new(environment, profiles, options.profile.clone());
        Ok(Self {
            options,
            wire,
            credentials,
            subnets: Mutex::default(),
            template: Mutex::default(),
            fresh: AtomicBool::new(false),
            retries,
        })
    }

    /// The region that is used.
    #[must_use]
    pub fn region(&self) -> &str {
        self.wire.region()
    }

    fn ask(&self, action: &str, params: &Params, what: &str) -> Result<Node, ProviderError> {
        let mut attempt = 0;
        loop {
            let keys = self.credentials.keys(&self.wire)?.keys;
            let answer = self.wire.query("ec2", VERSION, action, params, Some(&keys), what);
            let unseen = |error: &ProviderError| {
                let kinds = ["InvalidGroup.NotFound", "InvalidLaunchTemplate", "InvalidGroupId.NotFound"];
                error.said.contains("NotFound") && kinds.iter().any(|kind| error.said.contains(kind))
            };
            match answer {
                Err(error)
                    if !action.starts_with("Describe")
                        && unseen(&error)
                        && self.fresh.load(Ordering::Relaxed)
                        && attempt < self.retries.attempts =>
                {
                    std::thread::sleep(self.retries.longest.min(self.retries.first * (1 << attempt.min(8))));
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    fn subnets(&self) -> Result<Vec<Subnet>, ProviderError> {
        let mut held = self.subnets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subnets) = held.as_ref() {
            return Ok(subnets.clone());
        }
        Ok(held.insert(self.find_subnets()?).clone())
    }

    fn template(&self) -> Result<Template, ProviderError> {
        let held = self.template.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(template) = held {
            return Ok(template);
        }
        self.prepare(false)?;
        let held = self.template.lock().unwrap_or_else(PoisonError::into_inner).clone();
        held.ok_or_else(|| ProviderError::other("cannot start a machine", "there is no launch template", ""))
    }

    fn add_tags(&self, params: &mut Params, number: usize, of: &str, more: &[(&str, &str)]) {
        params.add(format!("TagSpecification.{number}.ResourceType"), of);
        let name = format!("remote-render {}", self.options.fleet);
        let own = [("Name", name.as_str()), (TAG_FLEET, self.options.fleet.as_str())];
        for (index, (key, value)) in own.iter().chain(more).enumerate() {
            params.add(format!("TagSpecification.{number}.Tag.{}.Key", index + 1), *key);
            params.add(format!("TagSpecification.{number}.Tag.{}.Value", index + 1), *value);
        }
    }

    /// How to buy it and where.
    fn add_market(&self, params: &mut Params, market: Market, subnet: &Subnet) {
        params.add("SubnetId", &subnet.id);
        if market == Market::Spot {
            params.add("InstanceMarketOptions.MarketType", "spot");
            params.add("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
            params.add("InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate");
            if let Some(most) = self.options.max_price {
                params.add("InstanceMarketOptions.SpotOptions.MaxPrice", format!("{:.6}", most.as_dollars()));
            }
        }
    }

    fn all_instances(&self) -> Result<Vec<Node>, ProviderError> {
        let what = "cannot list machines";
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut params = Params::default();
            params.filter(1, &format!("tag:{TAG_FLEET}"), &[&self.options.fleet]);
            params.add("MaxResults", PAGE.to_string());
            params.0.extend(next.map(|next| ("NextToken".to_owned(), next)));
            let answer = self.ask("DescribeInstances", &params, what)?;
            let reservations = answer.items("reservationSet");
            all.extend(reservations.flat_map(|reservation| reservation.items("instancesSet").cloned()));
            next = answer.at("nextToken").map(str::to_owned);
            if next.is_none() {
                return Ok(all);
            }
        }
        // Half a list would be taken for machines that are gone.
        Err(ProviderError::other(what, "the list does not end", ""))
    }

    /// Those of them that EC2 finds impaired.
    fn impaired(&self, running: &[&str]) -> Result<BTreeSet<String>, ProviderError> {
        let mut impaired = BTreeSet::new();
        for some in running.chunks(HEALTH_PAGE) {
            let mut params = Params::default();
            for (index, id) in some.iter().enumerate() {
                params.add(format!("InstanceId.{}", index + 1), *id);
            }
            let answer = self.ask("DescribeInstanceStatus", &params, "cannot ask how machines are")?;
            for item in answer.items("instanceStatusSet") {
                let bad = |path: &str| item.at(path) == Some("impaired");
                if bad("instanceStatus/status") || bad("systemStatus/status") {
                    impaired.extend(item.at("instanceId").map(str::to_owned));
                }
            }
        }
        Ok(impaired)
    }

    /// Machines that the spot market takes back, and when.
    fn notices(&self) -> Result<Vec<(String, Time)>, ProviderError> {
        let mut params = Params::default();
        params.filter(1, &format!("tag:{TAG_FLEET}"), &[&self.options.fleet]);
        let answer = self.ask("DescribeSpotInstanceRequests", &params, "cannot ask for notices of the spot market")?;
        let notice = |item: &Node| {
            let code = item.at("status/code")?;
            if !matches!(code, "marked-for-termination" | "marked-for-stop" | "marked-for-hibernation") {
                return None;
            }
            let at = item.at("status/updateTime").and_then(date::parse).unwrap_or_default();
            Some((item.at("instanceId")?.to_owned(), at + NOTICE))
        };
        Ok(answer.items("spotInstanceRequestSet").filter_map(notice).collect())
    }

    fn spot_price(&self) -> Result<Option<Money>, ProviderError> {
        let mut params = Params::default();
        params.add("InstanceType.1", &self.options.instance_type);
        params.add("ProductDescription.1", "Linux/UNIX");
        params.add("StartTime", date::iso(Time::from(std::time::SystemTime::now())));
        params.add("MaxResults", "100");
        let answer = self.ask("DescribeSpotPriceHistory", &params, "cannot ask for prices of the spot market")?;
        let zones: BTreeSet<String> = self.subnets()?.into_iter().map(|subnet| subnet.zone).collect();
        let ours = |item: &&Node| item.at("availabilityZone").is_some_and(|zone| zones.contains(zone));
        let prices = answer.items("spotPriceHistorySet").filter(ours).filter_map(|item| item.at("spotPrice"));
        // The most expensive place: it is what counts against the cap.
        Ok(prices.filter_map(|price| Money::dollars(price.parse().ok()?)).max())
    }

    fn try_run(&self) -> Result<String, ProviderError> {
        let mut params = Params::default();
        params.add("DryRun", "true");
        params.add("ImageId", self.image()?.id);
        params.add("InstanceType", &self.options.instance_type);
        params.add("MinCount", "1");
        params.add("MaxCount", "1");
        let subnets = self.subnets()?;
        let first = subnets.first().ok_or_else(|| ProviderError::other("cannot start machines", "no subnet", ""))?;
        params.add("SubnetId", &first.id);
        self.add_tags(&mut params, 1, "instance", &[]);
        match self.ask("RunInstances", &params, "cannot start machines") {
            Err(error) if error.said.contains("DryRunOperation") => Ok("allowed".to_owned()),
            Err(error) => Err(error),
            Ok(_) => Ok("allowed".to_owned()),
        }
    }
}

impl Provider for Ec2 {
    fn name(&self) -> &'static str {
        "ec2"
    }

    fn capabilities(&self) -> Result<Capabilities, ProviderError> {
        let places = self.subnets()?.into_iter().map(|subnet| format!("{} ({})", subnet.id, subnet.zone)).collect();
        Ok(Capabilities { places, most: None, appears: Duration::from_secs(120), spot: true })
    }

    fn prices(&self) -> Result<Prices, ProviderError> {
        let kind = &self.options.instance_type;
        let on_demand = self.options.on_demand_price.ok_or_else(|| {
            let advice = format!("add [prices.\"{kind}\"] with on_demand = dollars an hour to rrctl.toml");
            ProviderError::other("cannot tell the cost", format!("no price of {kind} is known"), advice)
        })?;
        let spot = match (self.options.spot_price, self.options.max_price) {
            (Some(price), _) => price,
            (None, Some(most)) => most,
            // Not being allowed to ask for it is no reason to do nothing.
            (None, None) => self.spot_price().ok().flatten().unwrap_or(on_demand),
        };
        Ok(Prices { spot, on_demand })
    }

    fn prepare(&self, dry: bool) -> Result<Vec<String>, ProviderError> {
        let (changes, template) = self.fit(dry)?;
        if !dry && !changes.is_empty() {
            self.fresh.store(true, Ordering::Relaxed);
        }
        *self.template.lock().unwrap_or_else(PoisonError::into_inner) = template;
        Ok(changes)
    }

    fn list(&self) -> Result<Vec<Listed>, ProviderError> {
        let instances = self.all_instances()?;
        let is = |node: &Node, state: &str| node.at("instanceState/name") == Some(state);
        let running: Vec<&str> =
            instances.iter().filter(|node| is(node, "running")).filter_map(|node| node.at("instanceId")).collect();
        let impaired = self.impaired(&running)?;
        let is_spot = |node: &Node| node.at("instanceLifecycle") == Some("spot");
        let notices = if instances.iter().any(is_spot) { self.notices()? } else { Vec::new() };
        let subnets = self.subnets()?;
        let listed = |node: &Node| {
            let id = node.at("instanceId")?.to_owned();
            let state = match node.at("instanceState/name")? {
                // What somebody stopped costs its disk and serves nobody: it is replaced as a worker that is silent.
                "pending" | "stopped" => MachineState::Pending,
                "running" => MachineState::Running,
                "terminated" => MachineState::Gone,
                _ => MachineState::Ending,
            };
            let tag = |name: &str| node.items("tagSet").find(|tag| tag.at("key") == Some(name))?.at("value");
            let place = subnets.iter().position(|subnet| Some(subnet.id.as_str()) == node.at("subnetId"));
            let well = state == MachineState::Running && !impaired.contains(&id);
            Some(Listed {
                worker: if well { WorkerHint::Runs } else { WorkerHint::Unknown },
                notice: notices.iter().find(|(of, _)| *of == id).map(|(_, at)| *at),
                address: node.at("ipAddress").or_else(|| node.at("privateIpAddress")).unwrap_or_default().to_owned(),
                kind: node.at("instanceType").unwrap_or_default().to_owned(),
                machine: Machine {
                    token: Token(tag(TAG_TOKEN).unwrap_or(&id).to_owned()),
                    id: MachineId(id),
                    state,
                    market: if is_spot(node) { Market::Spot } else { Market::OnDemand },
                    place: place.and_then(|place| u32::try_from(place).ok()).unwrap_or_default(),
                    launched: node.at("launchTime").and_then(date::parse).unwrap_or_default(),
                },
            })
        };
        Ok(instances.iter().filter_map(listed).collect())
    }

    fn create(&self, order: &Order) -> Result<MachineId, ProviderError> {
        let what = "cannot start a machine";
        let template = self.template()?;
        let subnets = self.subnets()?;
        let subnet = usize::try_from(order.place).ok().and_then(|place| subnets.get(place));
        let subnet = subnet.ok_or_else(|| ProviderError::other(what, format!("no place {}", order.place), ""))?;
        let what = &format!("cannot start a {} in {}", self.options.instance_type, subnet.zone);
        let user_data = user_data::user_data(&self.options, &order.token.0, &order.join)?;
        let mut params = Params::default();
        params.add("ClientToken", &order.token.0);
        params.add("MinCount", "1");
        params.add("MaxCount", "1");
        params.add("LaunchTemplate.LaunchTemplateId", &template.id);
        params.add("LaunchTemplate.Version", &template.version);
        params.add("UserData", STANDARD.encode(user_data));
        self.add_market(&mut params, order.market, subnet);
        let token = [(TAG_TOKEN, order.token.0.as_str())];
        self.add_tags(&mut params, 1, "instance", &token);
        self.add_tags(&mut params, 2, "volume", &token);
        if order.market == Market::Spot {
            self.add_tags(&mut params, 3, "spot-instances-request", &token);
        }
        let answer = self.ask("RunInstances", &params, what)?;
        let made = answer.items("instancesSet").next().and_then(|node| node.at("instanceId"));
        let made = made.ok_or_else(|| ProviderError::new(Kind::Network, what, "the answer names no machine", ""))?;
        Ok(MachineId(made.to_owned()))
    }

    fn terminate(&self, machine: &MachineId) -> Result<(), ProviderError> {
        let mut params = Params::default();
        params.add("InstanceId.1", &machine.0);
        match self.ask("TerminateInstances", &params, &format!("cannot end {machine}")) {
            Err(error) if error.said.contains("InvalidInstanceID.NotFound") => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    fn logs(&self, machine: &MachineId, most_bytes: usize) -> Result<String, ProviderError> {
        let what = format!("no console output of {machine}");
        let mut params = Params::default();
        params.add("InstanceId", &machine.0);
        params.add("Latest", "true");
        let answer = self.ask("GetConsoleOutput", &params, &what)?;
        let Some(output) = answer.at("output") else {
            let advice = "EC2 has it some minutes after the start";
            return Err(ProviderError::other(what, "there is none yet", advice));
        };
        let packed: String = output.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let text = STANDARD.decode(packed).map_err(|error| ProviderError::other(what, error, ""))?;
        let begin = text.len().saturating_sub(most_bytes);
        Ok(String::from_utf8_lossy(text.get(begin..).unwrap_or_default()).into_owned())
    }

    fn release(&self) -> Result<Vec<String>, ProviderError> {
        self.template.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.unfit()
    }

    fn doctor(&self) -> Vec<Check> {
        let check = |what: &str, found: Result<String, ProviderError>| Check {
            what: what.to_owned(),
            found: found.map_err(|error| error.to_string()),
        };
        let who = || {
            let found = self.credentials.keys(&self.wire)?;
            let arn = credentials::identity(&self.wire, &found.keys)?;
            Ok(format!("{arn}, from {}", found.from))
        };
        let who = check("credentials", who());
        let known = who.found.is_ok();
        let mut checks = vec![check("region", Ok(format!("{} at {}", self.region(), self.wire.endpoint("ec2")))), who];
        if known {
            let subnets = self.subnets().map(|subnets| {
                let names = subnets.iter().map(|subnet| format!("{} ({})", subnet.id, subnet.zone));
                names.collect::<Vec<_>>().join(", ")
            });
            checks.push(check("subnets", subnets));
            checks.push(check("image", self.image().map(|image| image.id)));
            checks.push(check(
                "changes to make",
                self.fit(true).map(|(changes, _)| match changes.len() {
                    0 => "none".to_owned(),
                    _ => changes.join("; "),
                }),
            ));
            checks.push(check("starting machines", self.try_run()));
        }
        checks
    }
}

//! The command line. What can also stand in `rrctl.toml` or the environment is an `Option` here.

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Looks after hosts of Remote Render: one machine's workers, or a fleet of them in the cloud.
///
/// A fleet is what rrctl.toml says (./rrctl.toml, else ~/.config/remote-render/rrctl.toml). Flags come before the
/// environment (RRCTL_*), that before what the last up was told, that before the file, that before the defaults.
#[derive(Debug, Parser)]
#[command(name = "rrctl", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  rrctl up --count 2                             two workers on this machine
  rrctl up --provider ec2 --count 3 --spot-share 70 --dry-run
                                                 what it would do, and what that costs an hour
  rrctl list                                     the workers, where they are and what they cost
  rrctl scale 1                                  one is enough; those that are not up yet go first
  rrctl drain 3f9a                               this one takes no more viewers, goes, and is replaced
  rrctl status --reconcile                       replace what has died
  rrctl down --yes                               end all of them

Exit codes:
  0 all went well            5 throttled, or the provider cannot be reached
  1 something else failed    6 another rrctl is at work on this fleet
  2 the command line or      7 the fleet is not (yet) as it is wanted
    rrctl.toml is wrong      130 interrupted; the next call goes on from there
  3 credentials or permission
  4 no capacity, or a quota";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes the fleet as it is wanted: starts, adopts, replaces and ends workers.
    Up(UpArgs),
    /// Lists the workers.
    List(LookArgs),
    /// Says whether the fleet is as it is wanted. Exit code 7 when it is not.
    Status(StatusArgs),
    /// Sets how many workers there are.
    Scale(ScaleArgs),
    /// Lets workers finish: no more viewers, then the end; others replace them.
    Drain(DrainArgs),
    /// Ends all workers and removes what was made for them.
    Down(DownArgs),
    /// Shows the end of a worker's log (EC2: of its console).
    Logs(LogsArgs),
    /// Says what the fleet costs and has cost.
    Cost(LookArgs),
    /// Looks at all that is needed, and says what is wrong. Starts nothing.
    Doctor(LookArgs),
    /// Shows the configuration in use and where each value comes from.
    Config(LookArgs),
    /// Prints completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Asks a host whether it is well. Exit code 0 when it is.
    Health {
        /// Host and port, such as 127.0.0.1:8443; the host must serve plain HTTP (on loopback, or --tls off).
        host: String,
        /// Give up after this many seconds.
        #[arg(long, default_value_t = 5)]
        timeout_secs: u64,
    },
}

/// Where machines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// Processes of this machine.
    Local,
    /// Amazon EC2.
    Ec2,
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Ec2 => "ec2",
        })
    }
}

/// Which fleet, and what of it differs from the file.
#[derive(Debug, Clone, Default, Args)]
pub struct FleetArgs {
    /// Configuration file.
    #[arg(long, env = "RRCTL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for what rrctl remembers [default: the user's state folder].
    #[arg(long, env = "RRCTL_STATE_DIR", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Name of the fleet [default: main].
    #[arg(long, env = "RRCTL_FLEET", value_name = "NAME")]
    pub fleet: Option<String>,
    /// Where machines come from [default: local].
    #[arg(long, env = "RRCTL_PROVIDER")]
    pub provider: Option<ProviderName>,
    /// EC2: region [default: as the AWS CLI].
    #[arg(long, env = "RRCTL_REGION")]
    pub region: Option<String>,
    /// EC2: profile of ~/.aws [default: as the AWS CLI].
    #[arg(long, env = "RRCTL_PROFILE")]
    pub profile: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// How the fleet is bought.
#[derive(Debug, Clone, Default, Args)]
pub struct MarketArgs {
    /// EC2: type of the machines [default: g5.xlarge].
    #[arg(long, env = "RRCTL_INSTANCE_TYPE", value_name = "TYPE")]
    pub instance_type: Option<String>,
    /// EC2: all from the spot market, as --spot-share 100.
    #[arg(long, conflicts_with_all = ["on_demand", "spot_share"])]
    pub spot: bool,
    /// EC2: none from the spot market, as --spot-share 0.
    #[arg(long, conflicts_with = "spot_share")]
    pub on_demand: bool,
    /// EC2: share from the spot market, per cent [default: 0].
    #[arg(long, env = "RRCTL_SPOT_SHARE", value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub spot_share: Option<u32>,
    /// Most machines at any moment [default: 10].
    #[arg(long, env = "RRCTL_MAX")]
    pub max: Option<u32>,
    /// Most dollars per hour at any moment.
    #[arg(long, env = "RRCTL_COST_CAP", value_name = "DOLLARS")]
    pub cost_cap: Option<f64>,
}

/// How something is done.
#[derive(Debug, Clone, Default, Args)]
pub struct ActArgs {
    /// Say what would be done and what it would cost an hour, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Return as soon as everything was asked for.
    #[arg(long)]
    pub no_wait: bool,
    /// Give up waiting after this many seconds; nothing is undone.
    #[arg(long, default_value_t = 900, value_name = "SECS")]
    pub timeout_secs: u64,
}

#[derive(Debug, Args)]
pub struct UpArgs {
    /// Workers [default: 1].
    #[arg(long, env = "RRCTL_COUNT")]
    pub count: Option<u32>,
    #[command(flatten)]
    pub market: MarketArgs,
    #[command(flatten)]
    pub act: ActArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct LookArgs {
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Do what is missing, as up does.
    #[arg(long)]
    pub reconcile: bool,
    #[command(flatten)]
    pub act: ActArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct ScaleArgs {
    /// Workers.
    pub count: u32,
    #[command(flatten)]
    pub act: ActArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct DrainArgs {
    /// Workers: their names of rrctl list, or the beginnings of these.
    #[arg(required = true)]
    pub workers: Vec<String>,
    #[command(flatten)]
    pub act: ActArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct DownArgs {
    /// End workers that still have viewers, too, instead of waiting for these.
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub act: ActArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Worker: its name of rrctl list, or the beginning of it.
    pub worker: String,
    /// Last lines to show.
    #[arg(long, short = 'n', default_value_t = 100)]
    pub lines: usize,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

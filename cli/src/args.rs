//! The command line. What can also stand in `rrctl.toml` or the environment is an `Option` here.

use crate::keys::KeySource;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
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
  rrctl gateway --listen 0.0.0.0:8443            the door that tablets come in by
  rrctl gateway token > token && rrhost --headless --gateway https://gw:8444 --join-token-file token
                                                 a worker behind it
  rrctl open hall-3                              a link for the tablets, and its QR code

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
    /// Prints a link for tablets, and its QR code: to a session of the gateway here, or to a worker of a fleet without one.
    Open(OpenArgs),
    /// Says what the fleet costs and has cost.
    Cost(LookArgs),
    /// Looks at all that is needed, and says what is wrong. Starts nothing.
    Doctor(LookArgs),
    /// Shows the configuration in use and where each value comes from.
    Config(LookArgs),
    /// Serves a fleet's front door: tablets come in here, and each session gets a worker.
    Gateway(Box<GatewayArgs>),
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

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct GatewayArgs {
    #[command(subcommand)]
    pub command: Option<GatewayCommand>,
    #[command(flatten)]
    pub serve: GatewayServe,
}

#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Prints a token by which one worker joins once: for rrhost --join-token-file.
    Token(TokenArgs),
    /// Prints a link to a session. The session begins when somebody opens it.
    Link(LinkArgs),
}

/// Where a gateway keeps its secrets.
#[derive(Debug, Clone, Args)]
pub struct GatewayState {
    /// Folder for the gateway's secrets and its database; replicas have the same one, or copies of it [default: gateway in
    /// the user's state folder].
    #[arg(long, env = "RRCTL_GATEWAY_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct GatewayServe {
    #[command(flatten)]
    pub state: GatewayState,
    /// Where viewers come in: address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8443", env = "RRCTL_GATEWAY_LISTEN", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,
    /// Where workers come in [default: the same address, and the port after that of viewers].
    #[arg(long, env = "RRCTL_GATEWAY_WORKERS", value_name = "ADDR:PORT")]
    pub workers: Option<SocketAddr>,
    /// Encryption of the page and its signaling: auto (HTTPS with a certificate of our own, except on loopback), on, off.
    /// That of workers is always on.
    #[arg(long, default_value = "auto", env = "RRCTL_GATEWAY_TLS")]
    pub tls: GatewayTls,
    /// Certificate chain (PEM) for viewers instead of our own.
    #[arg(long, requires = "key", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of --cert.
    #[arg(long, requires = "cert", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Names and addresses by which workers and viewers know this gateway, besides its own. Several are separated by commas.
    #[arg(long, env = "RRCTL_GATEWAY_NAMES", value_name = "NAME", value_delimiter = ',')]
    pub name: Vec<String>,
    /// Database of several replicas: postgres://user:password@host/name [default: SQLite in the state folder].
    #[arg(long, env = "RRCTL_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// STUN servers that viewers are told. Several are separated by commas.
    #[arg(long, env = "RRCTL_STUN", value_name = "URL", value_delimiter = ',')]
    pub stun: Vec<String>,
    /// TURN servers that relay the video. Several are separated by commas.
    #[arg(long, env = "RRCTL_TURN", value_name = "URL", value_delimiter = ',', requires = "turn_secret_file")]
    pub turn: Vec<String>,
    /// File with the secret that the TURN servers share with us (coturn: static-auth-secret). Each viewer gets credentials of
    /// its own that expire.
    #[arg(long, env = "RRCTL_TURN_SECRET_FILE", value_name = "FILE", requires = "turn")]
    pub turn_secret_file: Option<PathBuf>,
    /// How long these credentials can be used, hours.
    #[arg(long, default_value_t = 12, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=8784))]
    pub turn_hours: u64,
    /// File with the secret that users' tokens are signed with (JWT, HS256).
    #[arg(long, env = "RRCTL_JWT_SECRET_FILE", value_name = "FILE", conflicts_with = "jwks")]
    pub jwt_secret_file: Option<PathBuf>,
    /// Public keys that users' tokens are signed with (JWKS: RS256, ES256, EdDSA): a file, which may be replaced meanwhile, or
    /// the https:// address of the sign-on, which is asked again and when a token names a new key.
    #[arg(long, env = "RRCTL_JWKS", value_name = "FILE|URL")]
    pub jwks: Option<KeySource>,
    /// Certificates (PEM) to trust there instead of the public ones.
    #[arg(long, env = "RRCTL_JWKS_CA", value_name = "FILE", requires = "jwks")]
    pub jwks_ca: Option<PathBuf>,
    /// Take only tokens of this issuer.
    #[arg(long, env = "RRCTL_JWT_ISSUER", value_name = "TEXT")]
    pub jwt_issuer: Option<String>,
    /// Take only tokens for this audience.
    #[arg(long, env = "RRCTL_JWT_AUDIENCE", value_name = "TEXT")]
    pub jwt_audience: Option<String>,
    /// Keep the fleet of rrctl.toml: as many workers as sessions need, and some that wait ready.
    #[arg(long, env = "RRCTL_POOL")]
    pub pool: bool,
    /// A session that nobody watches any more keeps its worker for so long, seconds.
    #[arg(long, env = "RRCTL_LINGER_SECS", default_value_t = 60, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub linger_secs: u64,
    /// With --pool: workers that wait for the next session, ready.
    #[arg(long, env = "RRCTL_WARM", default_value_t = 2, requires = "pool")]
    pub warm: u32,
    /// With --pool: never fewer workers.
    #[arg(long, env = "RRCTL_MIN", default_value_t = 0, requires = "pool")]
    pub min: u32,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// Encryption towards viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GatewayTls {
    /// HTTPS, but plain HTTP on loopback addresses.
    Auto,
    /// HTTPS.
    On,
    /// Plain HTTP, behind a proxy that encrypts.
    Off,
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub state: GatewayState,
    /// Name of the worker [default: a random one].
    #[arg(long, value_name = "NAME")]
    pub worker: Option<String>,
    /// How long the token can be used, hours.
    #[arg(long, default_value_t = 1, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=720))]
    pub hours: u64,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// What a link of a gateway is good for.
#[derive(Debug, Args)]
pub struct LinkTo {
    #[command(flatten)]
    pub state: GatewayState,
    /// What its bearer may do.
    #[arg(long, default_value = "engineer")]
    pub role: RoleName,
    /// How long the link can be used, hours [default: 12; a worker's own: as the worker was told].
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=8784))]
    pub hours: Option<u64>,
    /// Where viewers reach the gateway [default: as it was told when it started].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

#[derive(Debug, Args)]
pub struct OpenArgs {
    /// Session of the gateway: all links to it lead to the same one [default: main].
    pub session: Option<String>,
    /// A worker's own session instead, by its name of rrctl list or the beginning of it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["session", "url", "hours"])]
    pub worker: Option<String>,
    #[command(flatten)]
    pub to: LinkTo,
    /// Print the link only.
    #[arg(long)]
    pub no_qr: bool,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub struct LinkArgs {
    /// Name of the session: all links to it lead to the same one.
    #[arg(long, default_value = "main", value_name = "NAME")]
    pub session: String,
    #[command(flatten)]
    pub to: LinkTo,
    /// Print the link as a QR code on stderr, too.
    #[arg(long)]
    pub qr: bool,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// A role, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Looks.
    Viewer,
    /// Moves things.
    Engineer,
    /// Adds and deletes things.
    Admin,
}

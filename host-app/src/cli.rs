//! The command line: every option with its default and its environment variable.

use anyhow::bail;
use clap::{Args, Parser, Subcommand, ValueEnum};
use rr_engine::{
    AdapterChoice, CodecChoice, EncoderChoice, IceServer, IceServers, IceUrl, ImportOptions, PictureSize, Secret,
    TimeLimitedTurn,
};
use rr_scene::{NamedViewKind, Unit, UpAxis};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Opens equipment models (STEP, IGES, BREP, STL, glTF, OBJ, PLY), shows it and serves it live to browsers.
///
/// Without --headless a window opens. Files are model files, which become devices side by side, or one workspace
/// (*.rrws.json).
#[derive(Debug, Parser)]
#[command(name = "rrhost", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<CommandLine>,
    #[command(flatten)]
    pub host: HostArgs,
}

const EXAMPLES: &str = "\
Examples:
  rrhost line.rrws.json                          open a workspace in a window
  rrhost robot.stl conveyor.igs                  open models side by side
  rrhost --headless --listen 0.0.0.0:8443 line.rrws.json
                                                 serve without a window; the link is printed as JSON
  rrhost inspect conveyor.igs --json             say what a file holds
  rrhost render line.rrws.json -o line.png       make a picture
  rrhost convert robot.step robot.glb            write compact glTF for browsers
  rrhost doctor                                  say what this machine can do and what is wrong
  rrhost config --template > rrhost.toml         write a file with all settings to begin with

Exit codes: 0 all went well, 1 it did not (the reason is on stderr), 2 the command line is wrong.";

#[derive(Debug, Subcommand)]
pub enum CommandLine {
    /// Says what model files hold: parts, triangles, bounds, colours, warnings.
    Inspect(InspectArgs),
    /// Writes models as compact binary glTF.
    Convert(ConvertArgs),
    /// Makes a picture of a model or a workspace.
    Render(RenderArgs),
    /// Says what this machine can do, what a host would use, and what is wrong.
    Doctor(DoctorArgs),
    /// Says what a host would be set to and where each setting comes from.
    Config(Box<ConfigArgs>),
}

/// The file with settings.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// File with settings [default: rrhost.toml in the folder of --config-dir, else /etc/remote-render/rrhost.toml]. Flags and
    /// the environment count for more.
    #[arg(long, env = "RRHOST_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Takes the options that a host takes.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// A file with all settings, what they are for, and what they have by themselves.
    #[arg(long, conflicts_with = "json")]
    pub template: bool,
    #[command(flatten)]
    pub host: HostArgs,
}

/// How models are read.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// Unit of the models instead of what they declare (STL: millimetres): mm, cm, m, inch, ...
    #[arg(long, env = "RRHOST_UNIT")]
    pub unit: Option<Unit>,
    /// Axis of the models that points up: z or y [default: what the format says, else z].
    #[arg(long, env = "RRHOST_UP")]
    pub up: Option<UpAxis>,
    /// Longest time the reader of one CAD file may take, seconds.
    #[arg(long, default_value_t = 300, env = "RRHOST_IMPORT_TIME_SECS", value_name = "SECS")]
    pub import_time_secs: u64,
    /// Most memory the reader of one CAD file may use, MiB.
    #[arg(long, default_value_t = 4096, env = "RRHOST_IMPORT_MEMORY_MIB", value_name = "MIB")]
    pub import_memory_mib: u64,
}

impl ImportArgs {
    pub fn options(&self) -> ImportOptions {
        ImportOptions { unit: self.unit, up: self.up }
    }

    pub fn limits(&self) -> rr_engine::Limits {
        rr_engine::Limits {
            helper_time: Duration::from_secs(self.import_time_secs),
            helper_memory_bytes: self.import_memory_mib << 20,
            ..rr_engine::Limits::default()
        }
    }
}

/// Where models that were read are kept for the next time.
#[derive(Debug, Clone, Args)]
pub struct CacheArgs {
    /// Folder for parsed models [default: the user's cache folder].
    #[arg(long, env = "RRHOST_CACHE_DIR", value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Parse every file anew and keep nothing.
    #[arg(long)]
    pub no_cache: bool,
}

impl CacheArgs {
    pub fn open(&self) -> Option<rr_engine::Cache> {
        const CACHE_BYTES: u64 = 4 << 30;
        match &self.cache_dir {
            _ if self.no_cache => None,
            Some(folder) => Some(rr_engine::Cache::at(folder, CACHE_BYTES)),
            None => rr_engine::Cache::of_user(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TlsMode {
    /// HTTPS with a certificate of our own, except on loopback addresses.
    Auto,
    /// HTTPS with a certificate of our own.
    On,
    /// Plain HTTP: on loopback, or behind a proxy that encrypts.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThemeChoice {
    /// Bright text on dark ground.
    Dark,
    /// Dark text on bright ground.
    Light,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OwnCamerasChoice {
    /// All see the same.
    Nobody,
    /// Engineers and administrators.
    Engineers,
    /// Viewers, too.
    Everybody,
}

impl From<OwnCamerasChoice> for rr_engine::OwnCameras {
    fn from(choice: OwnCamerasChoice) -> Self {
        match choice {
            OwnCamerasChoice::Nobody => Self::Nobody,
            OwnCamerasChoice::Engineers => Self::Engineers,
            OwnCamerasChoice::Everybody => Self::Everybody,
        }
    }
}

#[derive(Debug, Args)]
pub struct HostArgs {
    /// Model files, or one workspace.
    pub files: Vec<PathBuf>,
    /// Run without a window and serve at once.
    #[arg(long, env = "RRHOST_HEADLESS")]
    pub headless: bool,
    /// Where to serve: address and port; port 0 takes a free one. The window serves only when somebody shares.
    #[arg(long, default_value = "127.0.0.1:8443", env = "RRHOST_LISTEN", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,
    /// Addresses that browsers are told to fetch the video from, where they are not this machine's own: the public address
    /// of a router, with the port that it forwards. Several are separated by commas.
    #[arg(long, env = "RRHOST_ADVERTISE", value_name = "ADDR[:PORT]", value_delimiter = ',', value_parser = parse_advertised)]
    pub advertise: Vec<SocketAddr>,
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Size of the stream's picture.
    #[arg(long, default_value = "1280x720", env = "RRHOST_SIZE", value_name = "WxH")]
    pub size: PictureSize,
    /// Most frames per second of the stream.
    #[arg(long, default_value_t = 30.0, env = "RRHOST_FPS", value_parser = parse_fps)]
    pub fps: f32,
    /// Graphics adapter: auto (hardware, else software), hardware, software, the number of a card from 0, or spread-N: the
    /// card with that number of those of the fastest kind, counted around.
    #[arg(long, default_value = "auto", env = "RRHOST_ADAPTER")]
    pub adapter: AdapterChoice,
    /// Video encoder: auto (NVENC, else openh264), nvenc (NVIDIA's, or nothing), openh264 (on the processor).
    #[arg(long, default_value = "auto", env = "RRHOST_ENCODER")]
    pub encoder: EncoderChoice,
    /// Codec of the video: auto (AV1 or HEVC for viewers that decode it where NVENC makes it, else H.264), h264 (for all),
    /// hevc, av1 (only these beside H.264). H.264 stays for everybody who has no other.
    #[arg(long, default_value = "auto", env = "RRHOST_CODEC")]
    pub codec: CodecChoice,
    /// Encryption of the page and its signaling; the video is always encrypted.
    #[arg(long, default_value = "auto", env = "RRHOST_TLS")]
    pub tls: TlsMode,
    /// Certificate chain (PEM) to use instead of our own.
    #[arg(long, requires = "key", env = "RRHOST_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of --cert.
    #[arg(long, requires = "cert", env = "RRHOST_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// How long the printed links are good, hours.
    #[arg(long, default_value_t = 12.0, env = "RRHOST_LINK_HOURS", value_parser = parse_hours, value_name = "HOURS")]
    pub link_hours: f64,
    /// Folder for the key that signs links, certificates and settings [default: the user's configuration folder].
    #[arg(long, env = "RRHOST_CONFIG_DIR", value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
    /// Viewers may move the shared camera while nobody presents.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, env = "RRHOST_VIEWERS_MAY_STEER")]
    pub viewers_may_steer: bool,
    /// Who may leave the shared view for a camera of their own, as far as this machine has room for another picture.
    #[arg(long, default_value = "everybody", env = "RRHOST_OWN_CAMERAS", value_name = "WHO")]
    pub own_cameras: OwnCamerasChoice,
    /// Most cameras beside the shared one [default: as many as this machine can draw at 15 pictures a second].
    #[arg(long, env = "RRHOST_MOST_OWN_CAMERAS", value_name = "N")]
    pub most_own_cameras: Option<usize>,
    /// Colours of picture and window [default: dark without a window, those of the last run in one].
    #[arg(long, env = "RRHOST_THEME")]
    pub theme: Option<ThemeChoice>,
    /// Serve a gateway as its worker: its address for workers, as rrctl gateway prints it. Several replicas are separated by
    /// commas. Needs --headless.
    #[arg(long, env = "RR_GATEWAY", value_name = "URL", value_delimiter = ',', requires = "headless")]
    pub gateway: Vec<String>,
    /// File with the token to join it once [default: RR_JOIN_TOKEN, else the service's credential join-token, else
    /// /etc/remote-render/join-token].
    #[arg(long, value_name = "FILE")]
    pub join_token_file: Option<PathBuf>,
    /// Sessions that this worker serves at once: each has a workspace, a graphics device and a port of its own, from the port
    /// of --listen on.
    #[arg(long, env = "RRHOST_SESSIONS", value_name = "COUNT", default_value_t = 1, requires = "gateway",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub sessions: u16,
    /// Ask the machine's metadata service whether EC2 is about to take it away, and move its session elsewhere in time.
    #[arg(long, env = "RR_SPOT_NOTICES", requires = "gateway")]
    pub spot_notices: bool,
    /// Print the link as a QR code on stderr, too.
    #[arg(long)]
    pub qr: bool,
    #[command(flatten)]
    pub file: FileArgs,
    #[command(flatten)]
    pub import: ImportArgs,
    #[command(flatten)]
    pub cache: CacheArgs,
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Model files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// One JSON object per file on stdout.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub import: ImportArgs,
    #[command(flatten)]
    pub cache: CacheArgs,
    #[command(flatten)]
    pub file: FileArgs,
}

/// The file has the extensions KHR_mesh_quantization and EXT_meshopt_compression, is in metres and has Y up.
#[derive(Debug, Args)]
#[command(
    override_usage = "rrhost convert [OPTIONS] <MODEL> <FILE.glb>\n       rrhost convert [OPTIONS] --out-dir <DIR> <MODEL>..."
)]
pub struct ConvertArgs {
    /// A model and the file to write; with --out-dir models only.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Folder that gets one file for each model.
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
    /// Farthest that a vertex may move, millimetres.
    #[arg(long, default_value_t = 0.05, value_parser = parse_max_error, value_name = "MM")]
    pub max_error_mm: f32,
    /// One JSON object per model on stdout.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub import: ImportArgs,
    #[command(flatten)]
    pub file: FileArgs,
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    /// Model files, or one workspace.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// PNG file to write.
    #[arg(short, long)]
    pub output: PathBuf,
    /// Size of the picture.
    #[arg(long, default_value = "1280x720", value_name = "WxH")]
    pub size: PictureSize,
    /// iso, front, back, left, right, top, fit, or a named view of the workspace
    /// [default: the workspace's first view, else iso].
    #[arg(long)]
    pub view: Option<String>,
    /// Graphics adapter: auto (hardware, else software), hardware, software, the number of a card from 0, or spread-N: the
    /// card with that number of those of the fastest kind, counted around.
    #[arg(long, default_value = "auto", env = "RRHOST_ADAPTER")]
    pub adapter: AdapterChoice,
    /// Samples per pixel: 1 or 4 [default: 4].
    #[arg(long, default_value_t = 4)]
    pub samples: u32,
    /// Colours of the picture.
    #[arg(long, default_value = "dark")]
    pub theme: ThemeChoice,
    #[command(flatten)]
    pub import: ImportArgs,
    #[command(flatten)]
    pub cache: CacheArgs,
    #[command(flatten)]
    pub file: FileArgs,
}

/// How the video finds its way where networks stand between.
#[derive(Debug, Clone, Args)]
pub struct NetworkArgs {
    /// Browsers that UDP does not reach may fetch the video from the page's TCP port.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, env = "RRHOST_MEDIA_TCP")]
    pub media_tcp: bool,
    /// Leave it to browsers to find the way to the video (ICE-lite): auto does so where all addresses that browsers are told
    /// are public.
    #[arg(long, default_value = "auto", env = "RRHOST_ICE_LITE")]
    pub ice_lite: AutoSwitch,
    /// STUN servers that browsers are told, such as stun:stun.example:3478. Several are separated by commas.
    #[arg(long, env = "RRHOST_STUN", value_name = "URL", value_delimiter = ',', value_parser = parse_stun)]
    pub stun: Vec<IceUrl>,
    /// TURN servers that relay the video where there is no direct way, such as turn:turn.example:3478 or
    /// turns:turn.example:443?transport=tcp. Several are separated by commas.
    #[arg(long, env = "RRHOST_TURN", value_name = "URL", value_delimiter = ',', value_parser = parse_turn)]
    pub turn: Vec<IceUrl>,
    /// File with the secret that the TURN servers share with this host (coturn: static-auth-secret). Each browser gets
    /// credentials of its own that expire.
    #[arg(long, env = "RRHOST_TURN_SECRET_FILE", value_name = "FILE", requires = "turn", conflicts_with = "turn_user")]
    pub turn_secret_file: Option<PathBuf>,
    /// How long these credentials can be used, hours: at least as long as people watch without a break.
    #[arg(long, default_value_t = 12.0, env = "RRHOST_TURN_HOURS", value_name = "HOURS", value_parser = parse_hours)]
    pub turn_hours: f64,
    /// User name for TURN servers that have one for all.
    #[arg(long, env = "RRHOST_TURN_USER", value_name = "NAME", requires = "turn", requires = "turn_password_file")]
    pub turn_user: Option<String>,
    /// File with the password of that user. Everybody with a share link can see it.
    #[arg(long, env = "RRHOST_TURN_PASSWORD_FILE", value_name = "FILE", requires = "turn_user")]
    pub turn_password_file: Option<PathBuf>,
}

/// On, off, or what fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AutoSwitch {
    /// What fits.
    Auto,
    /// In any case.
    On,
    /// In no case.
    Off,
}

impl AutoSwitch {
    pub fn choice(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::On => Some(true),
            Self::Off => Some(false),
        }
    }
}

impl NetworkArgs {
    /// What browsers are told of STUN and TURN. Reads the secrets' files.
    pub fn ice_servers(&self) -> anyhow::Result<IceServers> {
        let texts = |urls: &[IceUrl]| urls.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut ice = IceServers::default();
        if !self.stun.is_empty() {
            ice.fixed.push(IceServer { urls: texts(&self.stun), username: None, credential: None });
        }
        match (&self.turn_secret_file, &self.turn_user, &self.turn_password_file) {
            (Some(file), _, _) => {
                let valid_for = Duration::from_secs_f64(self.turn_hours * 3600.0);
                ice.turn = Some(TimeLimitedTurn { urls: self.turn.clone(), secret: Secret::read(file)?, valid_for });
            }
            (None, Some(user), Some(file)) => ice.fixed.push(IceServer {
                urls: texts(&self.turn),
                username: Some(user.clone()),
                credential: Some(Secret::read(file)?.expose().to_owned()),
            }),
            _ if self.turn.is_empty() => {}
            _ => bail!("--turn needs --turn-secret-file, or --turn-user with --turn-password-file"),
        }
        Ok(ice)
    }
}

/// Takes the options that a host takes, and looks at what it would do with them.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Where the host would serve: address and port.
    #[arg(long, default_value = "127.0.0.1:8443", env = "RRHOST_LISTEN", value_name = "ADDR:PORT")]
    pub listen: SocketAddr,
    /// Addresses that browsers would be told, as for a host.
    #[arg(long, env = "RRHOST_ADVERTISE", value_name = "ADDR[:PORT]", value_delimiter = ',', value_parser = parse_advertised)]
    pub advertise: Vec<SocketAddr>,
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Graphics adapter: auto (hardware, else software), hardware, software, the number of a card from 0, or spread-N: the
    /// card with that number of those of the fastest kind, counted around.
    #[arg(long, default_value = "auto", env = "RRHOST_ADAPTER")]
    pub adapter: AdapterChoice,
    /// Video encoder: auto, nvenc, openh264.
    #[arg(long, default_value = "auto", env = "RRHOST_ENCODER")]
    pub encoder: EncoderChoice,
    /// Folder for the key that signs links, certificates and settings [default: the user's configuration folder].
    #[arg(long, env = "RRHOST_CONFIG_DIR", value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
    #[command(flatten)]
    pub cache: CacheArgs,
    #[command(flatten)]
    pub file: FileArgs,
}

impl ThemeChoice {
    pub fn theme(self) -> rr_engine::Theme {
        match self {
            Self::Dark => rr_engine::Theme::DARK,
            Self::Light => rr_engine::Theme::LIGHT,
        }
    }
}

fn parse_advertised(text: &str) -> Result<SocketAddr, String> {
    let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0)));
    match parsed {
        Ok(addr) if !addr.ip().is_unspecified() && !addr.ip().is_multicast() => Ok(addr),
        _ => Err("use an address that browsers can reach, such as 203.0.113.7 or 203.0.113.7:8443".into()),
    }
}

fn parse_stun(text: &str) -> Result<IceUrl, String> {
    let url: IceUrl = text.parse().map_err(|e: rr_engine::IceUrlError| e.to_string())?;
    if url.is_turn() { Err("this is a TURN server: use --turn".into()) } else { Ok(url) }
}

fn parse_turn(text: &str) -> Result<IceUrl, String> {
    let url: IceUrl = text.parse().map_err(|e: rr_engine::IceUrlError| e.to_string())?;
    if url.is_turn() { Ok(url) } else { Err("this is a STUN server: use --stun".into()) }
}

fn parse_fps(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(fps) if (1.0..=120.0).contains(&fps) => Ok(fps),
        _ => Err("use 1 to 120 frames per second".into()),
    }
}

fn parse_max_error(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(mm) if (0.0..=1000.0).contains(&mm) => Ok(mm),
        _ => Err("use 0 to 1000 millimetres; 0 keeps every number".into()),
    }
}

fn parse_hours(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hours) if hours > 0.0 && hours <= 24.0 * 366.0 => Ok(hours),
        _ => Err("use more than 0 and at most 8784 hours (a year)".into()),
    }
}

/// True for a workspace file by its name.
pub fn is_workspace(path: &std::path::Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.ends_with(".json")
}

/// Standard directions for help texts.
pub fn view_names() -> String {
    NamedViewKind::ALL.map(NamedViewKind::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn files_flags_and_subcommands_are_told_apart() {
        let cli = Cli::try_parse_from(["rrhost", "--headless", "--listen", "0.0.0.0:0", "a.stl", "b.igs"]).unwrap();
        assert!(cli.command.is_none() && cli.host.headless && cli.host.files.len() == 2);
        let cli = Cli::try_parse_from(["rrhost", "inspect", "a.stl", "--json"]).unwrap();
        assert!(matches!(cli.command, Some(CommandLine::Inspect(a)) if a.json));
        // What is converted is not kept.
        assert!(Cli::try_parse_from(["rrhost", "convert", "a.igs", "a.glb", "--no-cache"]).is_err());
        let cli = Cli::try_parse_from(["rrhost", "--advertise", "203.0.113.7:9000,2001:db8::1"]).unwrap();
        let told: Vec<String> = cli.host.advertise.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["203.0.113.7:9000", "[2001:db8::1]:0"]);
        for wrong in [
            vec!["--advertise", "0.0.0.0"],
            vec!["--advertise", "router"],
            vec!["--size", "1x1"],
            vec!["--fps", "0"],
            vec!["--listen", "here"],
            vec!["--unit", "furlong"],
            vec!["--encoder", "x264"],
            vec!["--turn", "stun:turn.example"],
            vec!["--turn", "http://turn.example"],
            vec!["--stun", "turn:turn.example"],
            vec!["--turn-secret-file", "secret"],
            vec!["--turn", "turn:turn.example", "--turn-user", "line"],
            vec!["--turn", "turn:a", "--turn-secret-file", "f", "--turn-user", "line", "--turn-password-file", "g"],
            vec!["--turn", "turn:a", "--turn-secret-file", "f", "--turn-hours", "0"],
            vec!["--ice-lite", "maybe"],
        ] {
            let args = ["rrhost"].into_iter().chain(wrong.clone());
            assert!(Cli::try_parse_from(args).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn turn_servers_come_with_secrets_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "north\n").unwrap();
        let secret = secret.to_str().unwrap();
        let ice = |args: &[&str]| {
            let args = ["rrhost"].iter().chain(args);
            Cli::try_parse_from(args).unwrap().host.network.ice_servers()
        };
        assert_eq!(ice(&[]).unwrap(), IceServers::default());
        let shared =
            ice(&["--turn", "turn:a,turns:b:443", "--turn-secret-file", secret, "--turn-hours", "0.5"]).unwrap();
        let turn = shared.turn.unwrap();
        assert_eq!((turn.urls.len(), turn.valid_for, turn.secret.expose()), (2, Duration::from_secs(1800), "north"));
        let fixed =
            ice(&["--stun", "stun:s", "--turn", "turn:a", "--turn-user", "line", "--turn-password-file", secret]);
        let fixed = fixed.unwrap().fixed;
        assert_eq!((fixed[0].urls[0].as_str(), fixed[0].credential.as_deref()), ("stun:s", None));
        assert_eq!((fixed[1].username.as_deref(), fixed[1].credential.as_deref()), (Some("line"), Some("north")));
        assert!(ice(&["--turn", "turn:a"]).unwrap_err().to_string().contains("--turn-secret-file"));
        assert!(ice(&["--turn", "turn:a", "--turn-secret-file", "/none"]).unwrap_err().to_string().contains("/none"));
    }
}

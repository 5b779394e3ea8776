//! `rrhost.toml`: what is in the file counts for more than a default and less than the environment and flags.
//!
//! The command line is the one description of all settings: a key of the file is the long name of an option, with `_` for
//! `-`, and its value is read as the option's is. So what is missing on the command line and in the environment is
//! put there from the file, and parsed once more.

use crate::cli::{Cli, ConfigArgs};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Its name in a folder.
pub const FILE_NAME: &str = "rrhost.toml";
/// For all users of this machine, where one has no file of their own.
const OF_MACHINE: &str = "/etc/remote-render/rrhost.toml";
/// What somebody meant for this is shorter.
const MOST_BYTES: u64 = 1 << 20;
/// Options that are not for every day, or find the file.
const NO_SETTINGS: [&str; 5] = ["config", "config_dir", "help", "version", "qr"];

/// The command line with what the file says.
#[derive(Debug)]
pub struct Call {
    pub cli: Cli,
    /// The file that was read.
    pub file: Option<PathBuf>,
    settings: Vec<Setting>,
}

/// An option of a host, and what it has.
#[derive(Debug)]
struct Setting {
    key: String,
    help: String,
    values: Vec<String>,
    is_list: bool,
    is_text: bool,
    from: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Default,
    File,
    Environment(String),
    Flag,
}

/// Why there is no call.
#[derive(Debug)]
pub enum Trouble {
    /// Help, version, or what is wrong with command line and environment.
    CommandLine(clap::Error),
    /// What is wrong with the file.
    File(String),
}

/// Reads the command line of this process and the file that belongs to it; ends the process when it is not to go on.
pub fn read_or_exit() -> Call {
    match read(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(call) => call,
        Err(Trouble::CommandLine(error)) => error.exit(),
        Err(Trouble::File(text)) => {
            eprintln!("rrhost: {text}");
            std::process::exit(2);
        }
    }
}

fn read(argv: &[OsString]) -> Result<Call, Trouble> {
    // What is missing may stand in the file, so nothing is refused yet.
    let loose = Cli::command().ignore_errors(true).try_get_matches_from(argv).map_err(Trouble::CommandLine)?;
    let file = find(inner(&loose)).map_err(Trouble::File)?;
    let mut added = Vec::new();
    if let Some(path) = &file {
        let in_file = |text| Trouble::File(format!("{}: {text}", path.display()));
        let table = read_table(path).map_err(in_file)?;
        added = arguments(&table, &loose).map_err(in_file)?;
    }
    let mut whole = argv.to_vec();
    // A subcommand stands in front of its options.
    let place = (1 + usize::from(loose.subcommand_name().is_some())).min(whole.len());
    whole.splice(place..place, added.iter().map(|(_, text)| text.into()));
    let matches = Cli::command().try_get_matches_from(whole).map_err(|error| match (&file, added.is_empty()) {
        (Some(file), false) => blame(argv, file, &error),
        _ => Trouble::CommandLine(error),
    })?;
    let from_file: Vec<&str> = added.iter().map(|(id, _)| id.as_str()).collect();
    let settings = settings_of(inner(&matches), &from_file);
    let cli = Cli::from_arg_matches(&matches).map_err(Trouble::CommandLine)?;
    Ok(Call { cli, file, settings })
}

/// Whether it is the command line or the file that is wrong.
fn blame(argv: &[OsString], file: &Path, error: &clap::Error) -> Trouble {
    match Cli::command().try_get_matches_from(argv) {
        Err(own) if own.kind() != ErrorKind::MissingRequiredArgument => Trouble::CommandLine(own),
        _ => {
            let text = error.to_string();
            Trouble::File(format!(
                "with the settings of {}: {}",
                file.display(),
                text.trim_start_matches("error: ").trim_end()
            ))
        }
    }
}

/// What belongs to the subcommand, if there is one.
fn inner(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| matches)
}

/// The file that somebody named, else the user's, else the machine's, if there is one.
fn find(matches: &ArgMatches) -> Result<Option<PathBuf>, String> {
    let path_of = |id| matches.try_get_one::<PathBuf>(id).ok().flatten();
    if let Some(named) = path_of("config") {
        return if named.is_file() { Ok(Some(named.clone())) } else { Err(format!("{} is no file", named.display())) };
    }
    let of_user = crate::start::config_dir(path_of("config_dir").map(PathBuf::as_path)).join(FILE_NAME);
    Ok([of_user, PathBuf::from(OF_MACHINE)].into_iter().find(|path| path.is_file()))
}

fn read_table(path: &Path) -> Result<toml::Table, String> {
    let bytes = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if bytes > MOST_BYTES {
        return Err(format!("{bytes} bytes are too many for settings"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())?.parse().map_err(|error: toml::de::Error| {
        let text = error.to_string();
        text.trim_end().to_owned()
    })
}

/// The file's settings as arguments of the command that is called, without those that somebody says otherwise.
fn arguments(table: &toml::Table, loose: &ArgMatches) -> Result<Vec<(String, String)>, String> {
    let mut whole = Cli::command();
    whole.build();
    let called = loose.subcommand_name().and_then(|name| whole.find_subcommand(name)).unwrap_or(&whole);
    let mut added = Vec::new();
    for (key, value) in table {
        let of_host = settings_in(&whole).find(|arg| key_of(arg) == *key).ok_or_else(|| unknown(key, &whole))?;
        let text = text_of(value, of_host).map_err(|error| format!("{key}: {error}"))?;
        let id = of_host.get_id().as_str();
        // Another command has an option in common with the host where both have the variable in common.
        let here = called.get_arguments().find(|arg| arg.get_id() == id && arg.get_env() == of_host.get_env());
        let is_said = |source| matches!(source, ValueSource::CommandLine | ValueSource::EnvVariable);
        if here.is_none()
            || inner(loose).try_contains_id(id).is_ok() && inner(loose).value_source(id).is_some_and(is_said)
        {
            continue;
        }
        let long = of_host.get_long().unwrap_or(id);
        match (of_host.get_action(), text.as_str()) {
            (ArgAction::SetTrue, "true") => added.push((id.to_owned(), format!("--{long}"))),
            (ArgAction::SetTrue, "false") => {}
            (_, "") if value.is_array() => {}
            (ArgAction::SetTrue, _) => return Err(format!("{key}: use true or false")),
            _ => added.push((id.to_owned(), format!("--{long}={text}"))),
        }
    }
    Ok(added)
}

/// The options that can stand in the file.
fn settings_in(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| arg.get_long().is_some() && !NO_SETTINGS.contains(&arg.get_id().as_str()))
}

fn key_of(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().replace('-', "_")
}

fn unknown(key: &str, whole: &Command) -> String {
    let usual = key.replace('-', "_");
    let near = settings_in(whole).map(key_of).find(|known| *known == usual || differ_little(known, &usual));
    let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    format!("there is no setting {key}{hint} (rrhost config --template lists them)")
}

/// One letter more, less or other, or two in the wrong order.
fn differ_little(a: &str, b: &str) -> bool {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a.as_bytes()[same..], &b.as_bytes()[same..]);
    let rest = |text: &[u8], from: usize| text.get(from..).unwrap_or_default().to_vec();
    let swapped = a.len() >= 2 && b.len() >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
    rest(a, 1) == rest(b, 1) || rest(a, 1) == b || a == rest(b, 1) || swapped
}

fn text_of(value: &toml::Value, arg: &Arg) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(is) => Ok(is.to_string()),
        toml::Value::Array(all) => match arg.get_value_delimiter() {
            Some(delimiter) => {
                let texts: Result<Vec<String>, String> = all.iter().map(|one| text_of(one, arg)).collect();
                Ok(texts?.join(&delimiter.to_string()))
            }
            None => Err("takes one value, no list".into()),
        },
        toml::Value::Datetime(_) | toml::Value::Table(_) => {
            Err("use a text, a number, true or false, or a list of texts".into())
        }
    }
}

fn settings_of(matches: &ArgMatches, from_file: &[&str]) -> Vec<Setting> {
    let mut whole = Cli::command();
    whole.build();
    let setting = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let raw = matches.try_get_raw(id).ok().flatten();
        let from = match matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id)) {
            _ if from_file.contains(&id) => Origin::File,
            Some(ValueSource::CommandLine) => Origin::Flag,
            Some(ValueSource::EnvVariable) => {
                Origin::Environment(arg.get_env().unwrap_or_default().to_string_lossy().into_owned())
            }
            _ => Origin::Default,
        };
        let values: Vec<String> =
            raw.into_iter().flatten().map(|value: &OsStr| value.to_string_lossy().into_owned()).collect();
        let is_number = |text: &String| text.parse::<f64>().is_ok() || text == "true" || text == "false";
        Setting {
            key: key_of(arg),
            help: help_of(arg),
            is_list: arg.get_value_delimiter().is_some(),
            is_text: !values.iter().all(is_number),
            values,
            from,
        }
    };
    settings_in(&whole).map(setting).collect()
}

fn help_of(arg: &Arg) -> String {
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() && possible != ["true", "false"] {
        help = format!("{help}: {}", possible.join(", "));
    }
    help
}

impl Setting {
    /// As it stands in the file.
    fn in_toml(&self) -> String {
        let quoted: Vec<String> = self.values.iter().map(|text| json!(text).to_string()).collect();
        match (self.is_list, self.is_text, self.values.first()) {
            (true, ..) => format!("[{}]", quoted.join(", ")),
            (false, _, None) => "(not set)".into(),
            (false, true, Some(_)) => quoted.join(", "),
            (false, false, Some(value)) => value.clone(),
        }
    }
}

/// `rrhost config`: what holds and where it comes from, or a file to begin with.
pub fn run(args: &ConfigArgs, call: &Call) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if args.template {
        write_template(&mut out, &call.settings)?;
    } else if args.json {
        let values = call.settings.iter().map(|setting| {
            let value = json!({ "values": setting.values, "from": setting.from.to_string() });
            (setting.key.clone(), value)
        });
        let values: serde_json::Map<_, _> = values.collect();
        writeln!(out, "{}", json!({ "file": call.file, "settings": values }))?;
    } else {
        match &call.file {
            Some(file) => writeln!(out, "# {}", file.display())?,
            None => writeln!(out, "# no {FILE_NAME}; rrhost config --template prints one to begin with")?,
        }
        let lines: Vec<_> =
            call.settings.iter().map(|one| (format!("{} = {}", one.key, one.in_toml()), &one.from)).collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(60);
        for (line, from) in lines {
            match from {
                Origin::Default => writeln!(out, "{line}")?,
                from => writeln!(out, "{line:width$}  # {from}")?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// In lines of up to 100 characters.
fn wrapped(text: &str) -> Vec<String> {
    text.split_whitespace().fold(Vec::new(), |mut lines: Vec<String>, word| {
        match lines.last_mut().filter(|line| line.len() + word.len() < 100) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
        lines
    })
}

/// All settings with what they are for; what holds by itself is a comment.
fn write_template(out: &mut impl Write, settings: &[Setting]) -> io::Result<()> {
    writeln!(out, "# Settings of rrhost: {FILE_NAME} in the folder of --config-dir, or a file for --config.")?;
    writeln!(out, "# Variables of the environment and flags count for more.")?;
    for setting in settings {
        writeln!(out)?;
        for line in wrapped(&setting.help) {
            writeln!(out, "# {line}")?;
        }
        let is_set = !setting.values.is_empty() || setting.is_list;
        let value = if is_set { setting.in_toml() } else { "\"...\"".into() };
        let mark = if setting.from == Origin::Default { "# " } else { "" };
        writeln!(out, "{mark}{} = {value}", setting.key)?;
    }
    Ok(())
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str(FILE_NAME),
            Self::Environment(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{AutoSwitch, CommandLine};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
            Self(folder)
        }

        fn read(&self, args: &[&str]) -> Result<Call, String> {
            let place = ["--config-dir", self.0.path().to_str().unwrap()];
            let (sub, rest) = args.split_at(usize::from(args.first().is_some_and(|arg| !arg.starts_with('-'))));
            let all = ["rrhost"].iter().chain(sub).chain(&place).chain(rest);
            read(&all.map(OsString::from).collect::<Vec<_>>()).map_err(|trouble| match trouble {
                Trouble::CommandLine(error) => format!("call: {error}"),
                Trouble::File(text) => format!("file: {text}"),
            })
        }
    }

    #[test]
    fn a_file_stands_between_defaults_and_flags() {
        let folder = Folder::with(
            "listen = \"0.0.0.0:9000\"\nfps = 24\nheadless = true\nviewers_may_steer = false\nice_lite = \"off\"\n\
             stun = [\"stun:a\", \"stun:b\"]\ncache_dir = \"/cache\"\n",
        );
        let host = folder.read(&[]).unwrap().cli.host;
        assert_eq!((host.listen.to_string().as_str(), host.fps, host.headless), ("0.0.0.0:9000", 24.0, true));
        assert_eq!((host.viewers_may_steer, host.network.ice_lite), (false, AutoSwitch::Off));
        assert_eq!(host.network.stun.iter().map(ToString::to_string).collect::<Vec<_>>(), ["stun:a", "stun:b"]);
        let call = folder.read(&["--fps", "60", "--viewers-may-steer", "true"]).unwrap();
        assert_eq!((call.cli.host.fps, call.cli.host.viewers_may_steer), (60.0, true));
        let from = |key: &str| call.settings.iter().find(|one| one.key == key).unwrap().from.clone();
        assert_eq!([from("fps"), from("listen"), from("size")], [Origin::Flag, Origin::File, Origin::Default]);
        // Commands have what they share with the host.
        match folder.read(&["doctor"]).unwrap().cli.command {
            Some(CommandLine::Doctor(args)) => assert_eq!(args.listen.to_string(), "0.0.0.0:9000"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is() {
        for (text, args, wanted) in [
            ("fps = 0", &[][..], "file: with the settings of"),
            ("fps = 0", &[], "use 1 to 120 frames per second"),
            ("fps = 24", &["--fps", "0"], "call: "),
            ("lisen = \"0.0.0.0:1\"", &[], "did you mean listen?"),
            ("own-cameras = \"nobody\"", &[], "did you mean own_cameras?"),
            ("qr = true", &[], "there is no setting qr"),
            ("fps = [24, 25]", &[], "fps: takes one value"),
            ("fps = 1979-05-27", &[], "fps: use a text"),
            ("headless = \"yes\"", &[], "headless: use true or false"),
            ("[listen]\nport = 1", &[], "listen: use a text"),
            ("fps = ", &[], "rrhost.toml: TOML parse error"),
            // One needs the other, wherever it stands.
            ("gateway = [\"https://g:1\"]", &[], "--headless"),
        ] {
            let error = Folder::with(text).read(args).unwrap_err();
            assert!(error.contains(wanted), "{text} {args:?}: {error}");
        }
        assert!(Folder::with("gateway = [\"https://g:1\"]").read(&["--headless"]).is_ok());
        assert!(Folder::with("headless = true").read(&["--gateway", "https://g:1"]).is_ok());
        assert!(
            Folder::with("")
                .read(&["--config", "/none/rrhost.toml"])
                .unwrap_err()
                .contains("/none/rrhost.toml is no file")
        );
        let large = Folder::with(&"# x\n".repeat(300_000));
        assert!(large.read(&[]).unwrap_err().contains("too many"));
    }

    #[test]
    fn the_template_is_a_file_that_changes_nothing_and_names_everything() {
        let call = Folder::with("").read(&[]).unwrap();
        let mut text = Vec::new();
        write_template(&mut text, &call.settings).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.parse::<toml::Table>().unwrap().is_empty());
        // And all that it proposes is taken.
        let uncommented: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.split_once(" = ").is_some_and(|(key, value)| !key.contains(' ') && value != "\"...\""))
            .collect();
        assert!(uncommented.len() > 15, "{uncommented:?}");
        let folder = Folder::with(&uncommented.join("\n"));
        let again = folder.read(&["--headless", "--gateway", "https://g:1", "--turn", "turn:a"]);
        let again = again.unwrap_or_else(|error| panic!("{error}\n{uncommented:?}"));
        assert_eq!(again.cli.host.listen, call.cli.host.listen);
    }
}

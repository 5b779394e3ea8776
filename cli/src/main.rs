//! `rrctl`: the operator's command. It makes a fleet of workers as it is wanted, on this machine or in the cloud, and
//! remembers what it asked for before it asks.

mod args;
mod commands;
mod exit;
mod fleet;
mod gateway;
mod health;
mod keys;
mod pool;
mod progress;
mod settings;
mod show;
mod stop;
mod store;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let as_json = match &command {
        Command::Up(args) => args.fleet.json,
        Command::List(args) | Command::Cost(args) | Command::Doctor(args) | Command::Config(args) => args.fleet.json,
        Command::Status(args) => args.fleet.json,
        Command::Scale(args) => args.fleet.json,
        Command::Drain(args) => args.fleet.json,
        Command::Down(args) => args.fleet.json,
        Command::Logs(args) => args.fleet.json,
        Command::Open(args) => args.fleet.json,
        Command::Gateway(args) => gateway::as_json(args),
        Command::Completions { .. } | Command::Health { .. } => false,
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let exit = exit::code(&error);
            show::error(&error, exit as u8, as_json);
            exit.into()
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => commands::up(&args),
        Command::List(args) => commands::list(&args),
        Command::Status(args) => commands::status(&args),
        Command::Scale(args) => commands::scale(&args),
        Command::Drain(args) => commands::drain(&args),
        Command::Down(args) => commands::down(&args),
        Command::Logs(args) => commands::logs(&args),
        Command::Open(args) => commands::open(&args),
        Command::Cost(args) => commands::cost(&args),
        Command::Doctor(args) => commands::doctor(&args),
        Command::Config(args) => commands::config(&args),
        Command::Gateway(args) => gateway::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rrctl", &mut script);
            show::line(String::from_utf8_lossy(&script).trim_end())
        }
        Command::Health { host, timeout_secs } => {
            show::line(&health::health(&host, Duration::from_secs(timeout_secs.max(1)))?)
        }
    }
}

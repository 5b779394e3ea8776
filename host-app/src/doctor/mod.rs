//! `rrhost doctor`: what this machine can do, what a host would use, why not the rest, and what to do about it.

mod checks;

use crate::cli::DoctorArgs;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a matter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Works.
    Ok,
    /// Works, but less well than it could.
    Warning,
    /// Does not work.
    Problem,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One matter that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    /// Short name, such as `graphics`; stays the same from version to version.
    name: &'static str,
    state: State,
    /// What was found.
    found: String,
    /// What to do; none when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    /// More of what was found, for those who want to know why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
}

impl Check {
    fn new(name: &'static str, state: State, found: impl Into<String>) -> Self {
        Self { name, state, found: found.into(), advice: None, details: Vec::new() }
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    fn with(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }
}

/// Exit code 1 when something does not work.
pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let checks = checks::all(args);
    let worst = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    let mut out = io::stdout().lock();
    if args.json {
        let report = serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "state": worst, "checks": checks });
        writeln!(out, "{report}")?;
    } else {
        table(&mut out, &checks, worst)?;
    }
    Ok(if worst == State::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn table(out: &mut impl Write, checks: &[Check], worst: State) -> io::Result<()> {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for check in checks {
        writeln!(out, "{:<7}  {:<width$}  {}", check.state.word(), check.name, check.found)?;
        let indent = " ".repeat(9 + width + 2);
        for detail in &check.details {
            writeln!(out, "{indent}- {detail}")?;
        }
        if let Some(advice) = &check.advice {
            writeln!(out, "{indent}> {advice}")?;
        }
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    match worst {
        State::Ok => writeln!(out, "\nEverything is in order."),
        _ => writeln!(out, "\nProblems: {}, warnings: {}.", count(State::Problem), count(State::Warning)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_to_do_below_what_was_found() {
        let checks = [
            Check::new("ports", State::Ok, "free"),
            Check::new("graphics", State::Problem, "none").advise("install a driver").with(vec!["no Vulkan".into()]),
        ];
        let mut text = Vec::new();
        table(&mut text, &checks, State::Problem).unwrap();
        let lines: Vec<String> = String::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "ok       ports     free");
        assert_eq!(lines[1], "problem  graphics  none");
        assert_eq!(lines[2], "                   - no Vulkan");
        assert_eq!(lines[3], "                   > install a driver");
        assert_eq!(lines[5], "Problems: 1, warnings: 0.");
    }
}

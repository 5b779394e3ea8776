//! `rr-samples`: writes the sample models and workspace, or checks that a folder holds them.

use anyhow::{Result, bail};
use clap::Parser;
use rr_samples::{factory, outputs};
use std::path::PathBuf;

/// Makes Remote Render's own equipment models and the sample production line.
#[derive(Debug, Parser)]
#[command(name = "rr-samples", version)]
struct Args {
    /// Folder to write to.
    #[arg(long, value_name = "DIR", required_unless_present = "check", conflicts_with = "check")]
    out: Option<PathBuf>,
    /// Folder to compare with what would be written; exit code 1 when anything differs.
    #[arg(long, value_name = "DIR")]
    check: Option<PathBuf>,
    /// Write only a roller conveyor with this many rollers, for load tests.
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u32).range(2..=20_000))]
    rollers: Option<u32>,
    /// With --rollers: write the geometry of every roller instead of instances of one.
    #[arg(long, requires = "rollers")]
    unshared: bool,
    /// Write only a factory with this many devices of 20 models, for load tests [default without N: 1000].
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        default_missing_value = "1000",
        requires = "out",
        conflicts_with = "rollers",
        value_parser = clap::value_parser!(u32).range(1..=20_000)
    )]
    factory: Option<u32>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(dir) = args.check {
        let wrong = outputs::check(&dir)?;
        if !wrong.is_empty() {
            bail!("{}\nrun rr-samples --out {} to renew them", wrong.join("\n"), dir.display());
        }
    } else if let Some(dir) = args.out {
        match (args.rollers, args.factory) {
            (Some(n), _) => outputs::write_conveyor(&dir, n as usize, !args.unshared)?,
            (None, Some(n)) => factory::write(&dir, n as usize)?,
            (None, None) => outputs::write(&dir)?,
        }
    }
    Ok(())
}

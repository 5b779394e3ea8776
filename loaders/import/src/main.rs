//! The import helper: reads one untrusted model file and writes what it finds to standard output, as frames of
//! [`rr_load::cad::wire`]. Its client ([`rr_load::CadLoader`]) starts one for every file, so that a file that crashes
//! the geometry kernel or another reader, or never ends, costs this process and nothing else.
//!
//! Before it opens the file it gives away what it does not need: see [`limits`].
//!
//! Exit codes: 0 everything was written; 1 the file gives nothing, the last frame says why; 2 wrong arguments;
//! 3 the memory limit was met; 4 nobody reads the output any more; 5 the limits could not be set.

mod args;
mod convert;
mod limits;
mod meshes;
mod output;

use args::{Action, Args, Reader};
use output::Output;
use rr_load::cad::wire::{Failure, Message};
use rr_occt::OcctError;
use std::io::{self, Write};
use std::process::ExitCode;

const UNREADABLE: u8 = 1;
const USAGE: u8 = 2;
const OUT_OF_MEMORY: u8 = 3;
const OUTPUT_CLOSED: u8 = 4;
const NO_LIMITS: u8 = 5;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os().skip(1)) {
        Ok(Action::Import(args)) => args,
        Ok(Action::Version) => {
            let text = format!("rr-import {} (OCCT {})\n", env!("CARGO_PKG_VERSION"), rr_occt::kernel_version());
            let written = io::stdout().write_all(text.as_bytes());
            return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(OUTPUT_CLOSED) };
        }
        Err(error) => {
            eprintln!("rr-import: {error}\n{}", args::USAGE);
            return ExitCode::from(USAGE);
        }
    };
    let stdout = match limits::claim_stdout().and_then(|stdout| limits::apply(&args).map(|()| stdout)) {
        Ok(stdout) => stdout,
        Err(error) => {
            eprintln!("rr-import: {error:#}");
            return ExitCode::from(NO_LIMITS);
        }
    };
    import(&args, Output::new(stdout))
}

fn import(args: &Args, mut output: Output) -> ExitCode {
    let result = match args.reader {
        Reader::Kernel(format) => rr_occt::load(format, &args.file, &args.settings(), &mut output),
        Reader::Meshes(format) => meshes::load(format, args, &mut output),
    };
    if output.is_broken() {
        return ExitCode::from(OUTPUT_CLOSED);
    }
    let (last, code) = match result {
        Ok(()) => (Message::Finished, 0),
        Err(OcctError::OutOfMemory) => (Message::Failed(Failure::OutOfMemory, String::new()), OUT_OF_MEMORY),
        Err(error) => (Message::Failed(Failure::Unreadable, error.to_string()), UNREADABLE),
    };
    output.send(&last);
    let code = if output.finish().is_err() { OUTPUT_CLOSED } else { code };
    // Without the kernel's exit handlers: they may stumble over what a damaged file left behind.
    limits::exit_now(code)
}

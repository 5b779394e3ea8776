//! `rrhost convert`: model files become compact binary glTF.

use crate::cli::ConvertArgs;
use crate::progress::Bar;
use anyhow::{Context, bail};
use rr_export::{Options, to_glb};
use rr_load::{LoadContext, LoadReport, read};
use rr_scene::file::write_atomically;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXTENSION: &str = "glb";

/// Exit code 0 when every file was converted.
pub fn run(args: &ConvertArgs) -> anyhow::Result<ExitCode> {
    let jobs = jobs(args)?;
    let bar = Bar::new(jobs.len());
    let mut failed = false;
    for (number, (input, output)) in jobs.iter().enumerate() {
        bar.begin(number, input);
        match convert(input, output, args, &bar, number) {
            Ok((report, bytes)) => bar.aside(|| print(args, &report, output, bytes))?,
            Err(error) => {
                failed = true;
                bar.aside(|| -> io::Result<()> {
                    if args.json {
                        let json =
                            serde_json::json!({ "file": input.to_string_lossy(), "error": format!("{error:#}") });
                        writeln!(io::stdout(), "{json}")?;
                    }
                    eprintln!("rrhost: {error:#}");
                    Ok(())
                })?;
            }
        }
    }
    bar.end();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn convert(
    input: &Path,
    output: &Path,
    args: &ConvertArgs,
    bar: &Bar,
    number: usize,
) -> anyhow::Result<(LoadReport, usize)> {
    if input.canonicalize().ok().zip(output.canonicalize().ok()).is_some_and(|(a, b)| a == b) {
        bail!("{}: would be overwritten by its own conversion", input.display());
    }
    let context = LoadContext {
        limits: args.import.limits(),
        progress: Some(bar.listener(number, input)),
        ..LoadContext::default()
    };
    let loaded = read(input, &args.import.options(), &context)?;
    let options = Options { max_error_m: args.max_error_mm * 1e-3 };
    let bytes = to_glb(&loaded.assembly, &options).with_context(|| input.display().to_string())?;
    write_atomically(output, &bytes).with_context(|| format!("{}: cannot be written", output.display()))?;
    Ok((loaded.report, bytes.len()))
}

/// Inputs and where they go.
fn jobs(args: &ConvertArgs) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let Some(folder) = &args.out_dir else {
        let [input, output] = args.files.as_slice() else {
            bail!("name one model and the file to write, or several models and --out-dir");
        };
        if !output.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION)) {
            bail!("{}: the file to write must end in .{EXTENSION}", output.display());
        }
        return Ok(vec![(input.clone(), output.clone())]);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let mut users: BTreeMap<OsString, usize> = BTreeMap::new();
    for file in &args.files {
        *users.entry(stem(file)).or_default() += 1;
    }
    let mut jobs: Vec<(PathBuf, PathBuf)> = Vec::new();
    for file in &args.files {
        // Two models of one name keep their endings apart.
        let is_alone = users.get(&stem(file)) == Some(&1);
        let mut name = if is_alone { stem(file) } else { file.file_name().unwrap_or_default().to_owned() };
        name.push(".");
        name.push(EXTENSION);
        let output = folder.join(name);
        if let Some((other, _)) = jobs.iter().find(|(_, taken)| *taken == output) {
            bail!("{} and {} would become the same file", other.display(), file.display());
        }
        jobs.push((file.clone(), output));
    }
    Ok(jobs)
}

fn stem(file: &Path) -> OsString {
    file.file_stem().unwrap_or_default().to_owned()
}

fn print(args: &ConvertArgs, report: &LoadReport, output: &Path, bytes: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        let mut json = report.to_json();
        json["output"] = output.to_string_lossy().into();
        json["output_bytes"] = bytes.into();
        return writeln!(out, "{json}");
    }
    let (from, to) = (report.file.display(), output.display());
    writeln!(out, "{from} -> {to}  {} triangles, {bytes} bytes", report.triangles)?;
    for warning in &report.warnings {
        writeln!(out, "  warning  {warning}")?;
    }
    Ok(())
}

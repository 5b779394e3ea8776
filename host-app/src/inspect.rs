//! `rrhost inspect`: what a file holds, for people or as JSON.

use crate::cli::InspectArgs;
use crate::progress::Bar;
use rr_load::{LoadContext, LoadReport, load};
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code 0 when every file could be shown.
pub fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let mut failed = false;
    let mut out = io::stdout();
    let bar = Bar::new(args.files.len());
    for (number, file) in args.files.iter().enumerate() {
        bar.begin(number, file);
        let context = LoadContext {
            cache: args.cache.open(),
            limits: args.import.limits(),
            progress: Some(bar.listener(number, file)),
            ..LoadContext::default()
        };
        let result = load(file, &args.import.options(), &context);
        failed |= result.is_err();
        bar.aside(|| match result {
            Ok(loaded) if args.json => writeln!(out, "{}", loaded.report.to_json()),
            Ok(loaded) => print(&mut out, &loaded.report),
            Err(error) => {
                eprintln!("rrhost: {error}");
                if !args.json {
                    return Ok(());
                }
                let json = serde_json::json!({ "file": file.to_string_lossy(), "error": error.to_string() });
                writeln!(out, "{json}")
            }
        })?;
    }
    bar.end();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(out: &mut impl Write, report: &LoadReport) -> io::Result<()> {
    let (min, max) = (report.bounds_m.min, report.bounds_m.max);
    let size: Vec<String> = min.iter().zip(max).map(|(a, b)| length(b - a)).collect();
    writeln!(out, "{}", report.file.display())?;
    let variant = if report.variant.is_empty() { String::new() } else { format!(" ({})", report.variant) };
    writeln!(out, "  format     {}{variant}", report.format)?;
    writeln!(out, "  parts      {} in {} places", report.parts, report.instances)?;
    writeln!(out, "  triangles  {}", report.triangles)?;
    writeln!(out, "  lines      {}", report.lines)?;
    writeln!(out, "  size       {}", size.join(" x "))?;
    let declared = if report.unit_declared { "declared by the file" } else { "assumed" };
    writeln!(out, "  unit       {} ({declared})", report.unit.name())?;
    writeln!(out, "  colours    {}", report.colours)?;
    let cached = if report.from_cache { ", from the cache" } else { "" };
    writeln!(out, "  took       {:.0} ms{cached}", report.elapsed.as_secs_f64() * 1e3)?;
    for warning in &report.warnings {
        writeln!(out, "  warning    {warning}")?;
    }
    Ok(())
}

fn length(metres: f64) -> String {
    if metres.abs() < 0.1 { format!("{:.2} mm", metres * 1e3) } else { format!("{metres:.3} m") }
}

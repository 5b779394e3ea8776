//! Writes `web-viewer/src/protocol.gen.ts` and `docs/protocol.schema.json` below the folder given (default: here).

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    let write = |path: &str, text: String| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&root))?;
        fs::write(path, text)
    };
    write("web-viewer/src/protocol.gen.ts", rr_protocol::generate::typescript())?;
    write("docs/protocol.schema.json", rr_protocol::generate::json_schema()?)
}

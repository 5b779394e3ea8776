//! The generated files in the repository are what the definitions say.

use std::path::Path;

fn check(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is stale: run `make protocol`", path.display());
}

#[test]
fn typescript_types_are_fresh() {
    check("web-viewer/src/protocol.gen.ts", &rr_protocol::generate::typescript());
}

#[test]
fn json_schema_is_fresh() {
    check("docs/protocol.schema.json", &rr_protocol::generate::json_schema().unwrap());
}

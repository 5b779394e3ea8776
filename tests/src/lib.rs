//! Tests of the workspace as a whole; see `tests/tests` and `tests/e2e`.

pub mod parsers;

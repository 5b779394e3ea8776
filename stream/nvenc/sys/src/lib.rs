//! NVIDIA's video encoder as its driver offers it: types of `nvEncodeAPI.h` 12.1 and the few functions of CUDA that an
//! encoder needs, found in the driver's libraries when the program runs. Without a driver nothing is missing but the
//! encoder.
//!
//! The bindings are generated (`generate.sh`) and committed, so that building needs neither the header nor libclang.
//! What bindgen leaves out, structure versions and GUIDs, stands in [`versions`] and [`guids`]. `tests/layout.rs` holds
//! all of it to the C header.
//!
//! API version 12.1 knows H.264, HEVC and AV1. A driver refuses versions newer than itself, so that there is one set of
//! bindings, and drivers before 530 (531 on Windows) are too old.

#![expect(unsafe_code, reason = "foreign functions")]

#[path = "bindings.gen.rs"]
#[allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unused_qualifications,
    clippy::all,
    clippy::semicolon_if_nothing_returned,
    reason = "generated"
)]
pub mod nvenc;

pub mod cuda;
pub mod guids;
mod library;
pub mod versions;

pub use library::{LoadError, Nvenc};

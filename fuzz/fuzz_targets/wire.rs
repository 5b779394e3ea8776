//! Frames of the import helper.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rr_tests::parsers::wire(bytes));

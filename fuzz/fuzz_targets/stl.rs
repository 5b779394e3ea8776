//! STL, binary and ASCII.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rr_tests::parsers::stl(bytes));

//! The repair of damaged IGES and STEP files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rr_tests::parsers::mend(bytes));

//! glTF: container, accessors, scene.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rr_tests::parsers::gltf(bytes));

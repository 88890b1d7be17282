#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sisun_fuzz::matrices(bytes));

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| dagmar_fuzz::jwt(text));

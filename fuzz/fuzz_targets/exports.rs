#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| mpiup_fuzz::exports::check(data));

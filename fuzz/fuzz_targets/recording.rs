#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ggen_p2p_tui::decoders::check("recording", bytes));

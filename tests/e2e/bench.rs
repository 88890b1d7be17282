//! `sisun bench`, and the variable that lowers what the kernels use.

use crate::sisun::{command, sisun};

const SMALL: [&str; 7] =
    ["configs/bench-1m.toml", "--set", "model.n_layers=1", "--set", "model.context_len=16", "--steps", "3"];

#[test]
fn every_benchmark_gives_its_figures() {
    for what in ["train", "decode", "attend"] {
        let found = sisun(&[&["bench", what][..], &SMALL, &["--json", "-q"]].concat()).ok().json();
        let step = &found["step_ms"];
        let [min, median, max] = ["min", "median", "max"].map(|key| step[key].as_f64().unwrap());
        assert!(0.0 < min && min <= median && median <= max, "{what}: {found}");
        let tokens = found["tokens_per_second"].as_f64().unwrap() * median / 1e3;
        let expected = if what == "train" { 12.0 * 16.0 } else { 16.0 - f64::from(u8::from(what == "decode")) };
        assert!((tokens - expected).abs() < 1e-6 * expected, "{what}: {tokens} tokens in the median, not {expected}");
        assert!(found["gflops"].as_f64().unwrap() > 0.0 && found["peak_memory_bytes"].as_u64().unwrap() > 1_000_000);
    }
    assert!(sisun(&[&["bench", "train"][..], &SMALL].concat()).ok().stdout.contains("tokens/s"));
}

#[test]
fn a_benchmark_needs_a_vocabulary() {
    sisun(&["bench", "train", "configs/quickstart.toml"]).fails(2, &["model.vocab_size", "quickstart.toml"]);
}

#[test]
fn the_instruction_set_can_be_lowered_by_name_only() {
    let devices = |level| command(&["devices"]).env("SISUN_SIMD", level).output().unwrap().into();
    let lowered: crate::sisun::Ran = devices("portable");
    if cfg!(target_arch = "x86_64") {
        assert!(lowered.ok().stdout.contains("cpu (portable"));
    }
    let unknown: crate::sisun::Ran = devices("avx1024");
    unknown.fails(2, &["SISUN_SIMD", "avx1024", "portable"]);
}

//! `sisun bench`, and the variable that lowers the kernels' instruction set.

use crate::sisun::{Lab, command, root, sisun};

const SMALL: [&str; 7] = [
    "configs/bench-1m.toml",
    "--set",
    "model.n_layers=1",
    "--set",
    "model.context_len=16",
    "--steps",
    "3",
];

#[test]
fn every_benchmark_gives_its_figures() {
    for what in ["train", "decode", "attend"] {
        let found = sisun(&[&["bench", what][..], &SMALL, &["--json", "-q"]].concat())
            .ok()
            .json();
        let step = &found["step_ms"];
        let [min, median, max] = ["min", "median", "max"].map(|key| step[key].as_f64().unwrap());
        assert!(
            0.0 < min && min <= median && median <= max,
            "{what}: {found}"
        );
        let tokens = found["tokens_per_second"].as_f64().unwrap() * median / 1e3;
        let expected = if what == "train" {
            12.0 * 16.0
        } else {
            16.0 - f64::from(u8::from(what == "decode"))
        };
        assert!(
            (tokens - expected).abs() < 1e-6 * expected,
            "{what}: {tokens} tokens in the median, not {expected}"
        );
        assert!(
            found["gflops"].as_f64().unwrap() > 0.0
                && found["peak_memory_bytes"].as_u64().unwrap() > 1_000_000
        );
    }
    assert!(
        sisun(&[&["bench", "train"][..], &SMALL].concat())
            .ok()
            .stdout
            .contains("tokens/s")
    );
}

#[test]
fn a_benchmark_needs_a_vocabulary() {
    let lab = Lab::new();
    let bench = |more: &[&str]| {
        let config = lab.at("lab.toml");
        sisun(
            &[
                &[
                    "bench", "train", &config, "--steps", "1", "--warmup", "0", "--device", "cpu",
                    "--json",
                ],
                more,
            ]
            .concat(),
        )
    };
    // 320 from [tokenizer], the characters of the text, and 32 values per token.
    let parameters = |more: &[&str]| bench(more).ok().json()["parameters"].as_u64().unwrap();
    let stated = |n: usize| parameters(&["--set", &format!("model.vocab_size={n}")]);
    assert_eq!(parameters(&[]), stated(320));
    let text = std::fs::read_to_string(lab.path("stories.txt")).unwrap();
    let mut characters: Vec<char> = text.chars().filter(|c| *c != '\n').collect();
    characters.sort_unstable();
    characters.dedup();
    // The additional token ends a text.
    assert_eq!(
        parameters(&["--set", "tokenizer={kind=\"char\"}"]),
        stated(characters.len() + 1)
    );
    bench(&[
        "--set",
        "tokenizer={kind=\"char\"}",
        "--set",
        "data.sources=nowhere.txt",
    ])
    .fails(2, &["lab.toml", "nowhere.txt", "--set model.vocab_size=N"]);
    bench(&[
        "--set",
        "tokenizer={kind=\"char\"}",
        "--set",
        "data.sources=-",
    ])
    .fails(2, &["standard input"]);
}

#[test]
fn what_is_counted_has_the_rows_of_its_vocabulary() {
    let lab = Lab::new();
    let info = |more: &[&str]| sisun(&[&["info", &lab.at("lab.toml"), "--json"], more].concat());
    let rows = |more: &[&str]| info(more).ok().json()["model"]["vocab_size"].as_u64();
    assert_eq!(rows(&[]), Some(320));
    let tokenizer = root().join("tests/peers/fixtures/hf/gpt2/tokenizer.json");
    let known = sisun_data::Tokenizer::from_file(&tokenizer)
        .unwrap()
        .vocab_size() as u64;
    let set = format!("tokenizer={{kind=\"file\",path={tokenizer:?}}}");
    assert_eq!(rows(&["--set", &set]), Some(known));
    let unknown = info(&["--set", "tokenizer={kind=\"file\",path=\"none.json\"}"]).ok();
    assert!(
        unknown.stderr.contains("none.json") && unknown.stderr.contains("model.vocab_size"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_instruction_set_can_be_lowered_by_name_only() {
    let devices = |level| {
        command(&["devices"])
            .env("SISUN_SIMD", level)
            .output()
            .unwrap()
            .into()
    };
    let lowered: crate::sisun::Ran = devices("portable");
    if cfg!(target_arch = "x86_64") {
        assert!(lowered.ok().stdout.contains("cpu (portable"));
    }
    let unknown: crate::sisun::Ran = devices("avx1024");
    unknown.fails(2, &["SISUN_SIMD", "avx1024", "portable"]);
}

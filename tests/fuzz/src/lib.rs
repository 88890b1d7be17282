//! Every reader of a file that others may have written or damaged, given any bytes: it may refuse
//! them, and may not panic, hang or take memory that the bytes do not account for.
//!
//! `cargo fuzz` runs each without end (README of this folder); the tests read the kept corpus once.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use sisun_config::{Config, DataConfig, Described, PartialConfig, TokenizerConfig, apply_override};
use sisun_data::{Tokenizer, first_documents, prepare};
use sisun_model::checkpoint::Checkpoint;
use sisun_model::weights::read_tensors;
use sisun_train::read_metrics;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

/// A reader.
pub type Reader = fn(&[u8]);

/// Every reader by the name of its target and of its corpus.
pub const READERS: [(&str, Reader); 9] = [
    ("config", config),
    ("tokenizer", tokenizer),
    ("safetensors", safetensors),
    ("state", state),
    ("metrics", metrics),
    ("cache_header", cache_header),
    ("hf_config", hf_config),
    ("hf_index", hf_index),
    ("pairs", pairs),
];

/// A folder of this process, in memory where the system has such.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
    .unwrap()
});

/// Writes a file into a folder of its own.
fn write(folder: &str, name: &str, bytes: &[u8]) -> PathBuf {
    let folder = FOLDER.path().join(folder);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A configuration, and each of its lines as `--set` would have it.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let path = Path::new("fuzz.toml");
    if let Ok(config) = Config::parse(path, text) {
        let again = Config::parse(path, &config.to_toml()).unwrap();
        assert_eq!(again, config, "what is written can be read");
    }
    let _ = Described::read(&write("config", "fuzz.toml", bytes), &[]);
    if let Ok(draft) = PartialConfig::parse(path, text) {
        let _ = (
            draft.name().is_ok(),
            draft.base().is_ok(),
            draft.tokenizer().is_ok(),
        );
    }
    let mut table: toml::Table = text.parse().unwrap_or_default();
    for line in text.lines() {
        let _ = apply_override(&mut table, line);
    }
}

/// A `tokenizer.json`, which then reads and writes a few texts.
pub fn tokenizer(bytes: &[u8]) {
    let path = write("tokenizer", "tokenizer.json", bytes);
    let Ok(tokenizer) = Tokenizer::from_file(&path) else {
        return;
    };
    for text in [
        "",
        "The cat sat.",
        "옛날에 고양이가",
        " \n\t<|endoftext|> 12",
        "\u{301}e\u{0}\u{FFFF}",
    ] {
        if let Ok(encoding) = tokenizer.encode_prompt(text) {
            let count = text.chars().count();
            assert!(
                encoding
                    .offsets
                    .iter()
                    .all(|(start, end)| start <= end && *end <= count),
                "{text:?}: {encoding:?}"
            );
            let _ = tokenizer.decode(&encoding.ids);
        }
        let _ = tokenizer.normalization_note(text);
    }
}

/// Weights, or the state of an optimizer.
pub fn safetensors(bytes: &[u8]) {
    let _ = read_tensors(&write("safetensors", "model.safetensors", bytes));
}

/// The `state.json` of a checkpoint.
pub fn state(bytes: &[u8]) {
    let path = write("state/step-1", "state.json", bytes);
    let _ = Checkpoint::open(path.parent().unwrap());
}

/// The measurements of a run.
pub fn metrics(bytes: &[u8]) {
    let _ = read_metrics(&write("metrics", "metrics.jsonl", bytes));
}

/// What a token cache says of its files. A damaged one is made anew, and the tokens are the same in
/// any case.
pub fn cache_header(bytes: &[u8]) {
    static TEXT: LazyLock<PathBuf> =
        LazyLock::new(|| write("text", "a.txt", "one two three four ".repeat(9).as_bytes()));
    let cache = FOLDER.path().join("cache");
    let data = DataConfig::reading(vec![TEXT.display().to_string()]);
    let prepared = || prepare(&data, &TokenizerConfig::Char, 3, &cache, &mut |_| ()).unwrap();
    let before = prepared();
    let ids = before.train.read(0..before.train.len());
    let entries = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("header.json"));
    for header in entries.filter(|header| header.is_file()) {
        fs::write(header, bytes).unwrap();
    }
    let after = prepared();
    assert_eq!(after.train.read(0..after.train.len()), ids);
}

/// The `config.json` of a Hugging Face directory without weights.
pub fn hf_config(bytes: &[u8]) {
    let path = write("hf_config", "config.json", bytes);
    let _ = sisun_hf::describe(path.parent().unwrap());
}

/// The index of a Hugging Face directory's parts.
pub fn hf_index(bytes: &[u8]) {
    const CONFIG: &str = r#"{"model_type": "gpt2", "n_embd": 6, "n_layer": 1, "n_head": 2, "n_positions": 5, "vocab_size": 7}"#;
    write("hf_index", "config.json", CONFIG.as_bytes());
    let path = write("hf_index", "model.safetensors.index.json", bytes);
    let _ = sisun_hf::open(path.parent().unwrap(), &Device::flex());
}

/// Records of questions and answers.
pub fn pairs(bytes: &[u8]) {
    let path = write("pairs", "pairs.jsonl", bytes);
    let mut data = DataConfig::reading(vec![path.display().to_string()]);
    data.jsonl_answer_field = Some("answer".to_owned());
    let _ = first_documents(&data, 1 << 16);
}

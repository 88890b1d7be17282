//! Readers of files that others may have written or damaged, called on arbitrary bytes: they may
//! refuse the bytes, but must not panic, hang or allocate more memory than the bytes justify.
//!
//! `cargo fuzz` runs each without end (see the README of this folder); the tests read the stored
//! corpus once.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use sisun_config::{
    Config, DataConfig, Described, Experiment, Normalize, PairTokenizersConfig, PairsConfig,
    PartialConfig, TokenizerConfig, apply_override,
};
use sisun_data::pairs::prepare_pairs;
use sisun_data::{Tokenizer, first_documents, prepare};
use sisun_infer::OwnNumbers;
use sisun_model::checkpoint::Checkpoint;
use sisun_model::weights::read_tensors;
use sisun_train::read_metrics;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

/// A function that reads a file.
pub type Reader = fn(&[u8]);

/// All readers, by the name of their target and corpus.
pub const READERS: [(&str, Reader); 11] = [
    ("config", config),
    ("tokenizer", tokenizer),
    ("safetensors", safetensors),
    ("state", state),
    ("metrics", metrics),
    ("cache_header", cache_header),
    ("hf_config", hf_config),
    ("hf_index", hf_index),
    ("pairs", pairs),
    ("aligned_pairs", aligned_pairs),
    ("matrices", matrices),
];

/// A temporary folder of this process, in memory if the system supports it.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    }
    .unwrap()
});

/// Write a file to a subfolder of the temporary folder.
fn write(folder: &str, name: &str, bytes: &[u8]) -> PathBuf {
    let folder = FOLDER.path().join(folder);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Read a configuration, and each of its lines as a value of `--set`.
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

/// Read a `tokenizer.json`, and encode and decode a few texts with it.
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

/// Read weights or optimizer state.
pub fn safetensors(bytes: &[u8]) {
    let _ = read_tensors(&write("safetensors", "model.safetensors", bytes));
}

/// Read the `state.json` of a checkpoint.
pub fn state(bytes: &[u8]) {
    let path = write("state/step-1", "state.json", bytes);
    let _ = Checkpoint::open(path.parent().unwrap());
}

/// Read the metrics of a run.
pub fn metrics(bytes: &[u8]) {
    let _ = read_metrics(&write("metrics", "metrics.jsonl", bytes));
}

/// Read the header of a token cache. A damaged one is created anew, and the tokens are the same in
/// either case.
pub fn cache_header(bytes: &[u8]) {
    static TEXT: LazyLock<PathBuf> =
        LazyLock::new(|| write("text", "a.txt", "one two three four ".repeat(9).as_bytes()));
    let cache = FOLDER.path().join("cache");
    let data = DataConfig::with_sources(vec![TEXT.display().to_string()]);
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

/// Read the `config.json` of a Hugging Face directory without weights.
pub fn hf_config(bytes: &[u8]) {
    let path = write("hf_config", "config.json", bytes);
    let _ = sisun_hf::describe(path.parent().unwrap());
}

/// Read the index of a sharded Hugging Face directory.
pub fn hf_index(bytes: &[u8]) {
    const CONFIG: &str = r#"{"model_type": "gpt2", "n_embd": 6, "n_layer": 1, "n_head": 2, "n_positions": 5, "vocab_size": 7}"#;
    write("hf_index", "config.json", CONFIG.as_bytes());
    let path = write("hf_index", "model.safetensors.index.json", bytes);
    let _ = sisun_hf::open(path.parent().unwrap(), &Device::flex());
}

/// Read question–answer records.
pub fn pairs(bytes: &[u8]) {
    let path = write("pairs", "pairs.jsonl", bytes);
    let mut data = DataConfig::with_sources(vec![path.display().to_string()]);
    data.jsonl_answer_field = Some("answer".to_owned());
    let _ = first_documents(&data, 1 << 16);
}

/// Read pairs of a source and a target, with their alignments, and tokenize them.
pub fn aligned_pairs(bytes: &[u8]) {
    for name in ["aligned.jsonl", "aligned.tsv"] {
        let path = write("aligned_pairs", name, bytes);
        let mut config = PairsConfig::with_sources(vec![path.display().to_string()]);
        config.normalize = Normalize::Nfc;
        let tokenizers = PairTokenizersConfig::Shared(&TokenizerConfig::Char);
        let _ = prepare_pairs(&config, tokenizers, None, &mut "".as_bytes());
    }
}

/// Read given matrices, and work through those that fit.
pub fn matrices(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(found) = OwnNumbers::read(text).and_then(|given| given.explain()) {
        let weights = found.rows.iter().flat_map(|row| &row.keys);
        assert!(weights.into_iter().all(|key| key.weight.is_finite()));
        let corrected = found.deviations.iter().map(|wrong| wrong.corrected());
        assert!(corrected.into_iter().all(|text| !text.is_empty()));
    }
}

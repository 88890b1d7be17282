//! Damaged weights files: an error that names them, never a panic.

use crate::damage::{apply, damage};
use crate::message;
use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use sisun_config::ModelConfig;
use sisun_model::Transformer;
use sisun_model::weights::{HostTensors, to_safetensors};
use sisun_tests::devices::cpu;
use sisun_tests::models::{small, varied};
use std::fs;
use std::path::PathBuf;
use tempfile::tempdir;

fn config() -> ModelConfig {
    small(
        "\"learned\"",
        "n_layers = 1\nd_model = 6\nn_heads = 1\nd_ff = 5\nvocab_size = 7\ncontext_len = 3",
    )
}

fn weights() -> HostTensors {
    varied(&config(), 1, &cpu()).to_host()
}

/// Load a file of these bytes and return its tensors or the error message.
fn load(bytes: &[u8]) -> Result<HostTensors, String> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("가중치.safetensors");
    fs::write(&path, bytes).unwrap();
    let loaded = Transformer::load(&path, &config(), &cpu()).map(|model| model.to_host());
    loaded.map_err(|error| {
        let message = message(&error);
        assert!(
            message.contains("가중치.safetensors"),
            "does not name the file: {message}"
        );
        message
    })
}

#[test]
fn every_missing_extra_and_misshapen_tensor_is_listed() {
    let mut weights = weights();
    assert_eq!(load(&to_safetensors(&weights)).unwrap(), weights);
    weights.remove("norm_final.bias").unwrap();
    weights.remove("blocks.0.attn.qkv.weight").unwrap();
    weights.insert("embed.weight".to_owned(), (vec![6, 7], vec![0.0; 42]));
    weights.insert(
        "blocks.0.ffn.up.bias".to_owned(),
        (vec![5, 1], vec![0.0; 5]),
    );
    weights.insert("blocks.1.ffn.up.bias".to_owned(), (vec![5], vec![0.0; 5]));
    weights.insert("머리".to_owned(), (vec![0], vec![]));
    let found = load(&to_safetensors(&weights)).unwrap_err();
    let mut problems: Vec<&str> = found.lines().skip(1).map(str::trim).collect();
    problems.sort_unstable();
    assert_eq!(
        problems,
        [
            "blocks.0.attn.qkv.weight: missing, expected shape [6, 18]",
            "blocks.0.ffn.up.bias: shape [5, 1], expected [5]",
            "blocks.1.ffn.up.bias: not part of this model",
            "embed.weight: shape [6, 7], expected [7, 6]",
            "norm_final.bias: missing, expected shape [6]",
            "머리: not part of this model",
        ]
    );
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let bytes = to_safetensors(&weights());
    for len in 0..bytes.len() {
        let found =
            load(&bytes[..len]).expect_err(&format!("{len} of {} bytes are accepted", bytes.len()));
        assert!(found.contains("is not a whole safetensors file"), "{found}");
    }
    let found = load(&[&bytes[..], b"more"].concat()).unwrap_err();
    assert!(found.contains("is not a whole safetensors file"), "{found}");
}

#[test]
fn lying_headers_are_refused() {
    let with_header = |header: &str| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 16]);
        bytes
    };
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        with_header(&format!(
            r#"{{"embed.weight":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#
        ))
    };
    for bytes in [
        // Header lengths far beyond the file, and beyond memory.
        (1_u64 << 20).to_le_bytes().to_vec(),
        [u64::MAX.to_le_bytes(), [b'{'; 8]].concat(),
        [(99_999_999_u64).to_le_bytes(), [b'{'; 8]].concat(),
        with_header(""),
        with_header("{"),
        with_header("[]"),
        with_header("\u{feff}{}"),
        tensor("F32", "[4]", "[0,20]"),
        tensor("F32", "[4]", "[4,20]"),
        tensor("F32", "[4]", "[16,0]"),
        tensor("F32", "[3]", "[0,16]"),
        tensor("F32", "[4294967296,4294967296,4]", "[0,16]"),
        tensor("F32", "[18446744073709551615]", "[0,16]"),
        tensor("F32", "[-1]", "[0,16]"),
        tensor("F99", "[4]", "[0,16]"),
        b"PK\x03\x04 a PyTorch file of old".to_vec(),
        "그냥 글".repeat(100).into_bytes(),
        vec![0; 4096],
    ] {
        let found = load(&bytes).unwrap_err();
        assert!(found.contains("is not a whole safetensors file"), "{found}");
    }
}

#[test]
fn another_number_type_is_named() {
    let data = [0; 16];
    for (dtype, shape) in [(Dtype::F64, 2), (Dtype::I64, 2), (Dtype::U8, 16)] {
        let view = TensorView::new(dtype, vec![shape], &data).unwrap();
        let found =
            load(&safetensors::serialize([("embed.weight", view)], None).unwrap()).unwrap_err();
        assert!(
            found.contains(&format!("embed.weight is {dtype}")),
            "{found}"
        );
    }
}

#[test]
fn paths_that_are_no_weights() {
    let folder = tempdir().unwrap();
    for path in [
        folder.path().to_owned(),
        folder.path().join("none"),
        PathBuf::new(),
        PathBuf::from("a\0b"),
    ] {
        message(&Transformer::load(&path, &config(), &cpu()).unwrap_err());
    }
}

proptest! {
    #![proptest_config(crate::repeatable(500))]

    /// Weights alone have no checksum: a damaged file loads with its names and shapes, or is
    /// refused.
    #[test]
    fn no_damaged_weights_panic(damage in damage()) {
        let weights = weights();
        if let Ok(loaded) = load(&apply(damage, &to_safetensors(&weights))) {
            let shapes = |tensors: &HostTensors| -> Vec<(String, Vec<usize>)> {
                tensors.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect()
            };
            prop_assert_eq!(shapes(&loaded), shapes(&weights));
        }
    }
}

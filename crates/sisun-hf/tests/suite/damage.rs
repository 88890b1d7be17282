//! Damaged or inconsistent weights, indexes and tokenizers.

use crate::directory::{Directory, Tensors, file_of, fixtures, read_tensors};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;
use std::cell::Cell;
use std::fs;

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

fn weights(name: &str) -> Tensors {
    read_tensors(&fixtures().join(name).join(WEIGHTS))
}

#[test]
fn every_missing_extra_and_misshapen_tensor_is_listed() {
    let mut tensors = weights("gpt2");
    tensors.remove("transformer.h.1.ln_2.bias").unwrap();
    tensors.remove("transformer.ln_f.weight").unwrap();
    tensors
        .get_mut("transformer.h.0.attn.c_attn.weight")
        .unwrap()
        .1 = vec![45, 15];
    tensors.insert(
        "transformer.h.2.ln_1.bias".to_owned(),
        ("F32".to_owned(), vec![1], vec![0; 4]),
    );
    tensors.insert("머리".to_owned(), ("F32".to_owned(), vec![0], vec![]));
    let whole = tensors["transformer.h.1.ln_1.weight"].clone();
    let numbers = (
        "F64".to_owned(),
        whole.1,
        [whole.2.clone(), whole.2].concat(),
    );
    tensors.insert("transformer.h.1.ln_1.weight".to_owned(), numbers);
    let message = Directory::of("gpt2")
        .write(WEIGHTS, file_of(&tensors))
        .fails(&["do not fit its config.json"]);
    let problems: Vec<&str> = message.lines().skip(1).map(str::trim).collect();
    assert_eq!(
        problems,
        [
            "transformer.h.0.attn.c_attn.weight: shape [45, 15], expected [15, 45]",
            "transformer.h.1.ln_1.weight: numbers are F64, expected F32, F16 or BF16",
            "transformer.h.1.ln_2.bias: missing, expected shape [15]",
            "transformer.h.2.ln_1.bias: not part of this model",
            "transformer.ln_f.weight: missing, expected shape [15]",
            "머리: not part of this model",
        ]
    );
}

#[test]
fn a_head_in_the_file_counts() {
    let mut tensors = weights("llama_tied");
    let head = tensors["model.embed_tokens.weight"].clone();
    tensors.insert("lm_head.weight".to_owned(), head);
    let dir = Directory::of("llama_tied");
    dir.write(WEIGHTS, file_of(&tensors)).open().unwrap();
    assert!(dir.open().unwrap().model.config().tied_head);
    // If they differ, the head in the file is used, as in transformers 5, with a note.
    tensors.get_mut("lm_head.weight").unwrap().2[7] ^= 1;
    let imported = dir.write(WEIGHTS, file_of(&tensors)).open().unwrap();
    assert!(!imported.model.config().tied_head);
    assert!(
        imported.notes[0].contains("lm_head.weight differs from the embedding"),
        "{:?}",
        imported.notes
    );
    assert!(!sisun_hf::describe(&dir.path("")).unwrap().1.tied_head);
    let [expected, flagged] = [false, true].map(|tied| {
        Directory::of("llama_untied")
            .set("config.json", "tie_word_embeddings", json!(tied))
            .open()
            .unwrap()
            .model
            .to_host()
    });
    assert_eq!(flagged, expected);
    let untied = Directory::of("llama_tied");
    untied.set("config.json", "tie_word_embeddings", json!(false));
    untied.fails(&[
        "lm_head.weight: missing, expected shape [80, 36]",
        "at random",
        "set it to true",
    ]);
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let dir = Directory::of("gpt2");
    let bytes = fs::read(dir.path(WEIGHTS)).unwrap();
    for len in (0..4096)
        .chain((4096..bytes.len()).step_by(997))
        .chain([bytes.len() - 1])
    {
        dir.write(WEIGHTS, &bytes[..len])
            .fails(&["is not a whole safetensors file"]);
    }
    dir.write(WEIGHTS, [&bytes[..], b"more"].concat())
        .fails(&["is not a whole safetensors file"]);
}

#[test]
fn lying_headers_are_refused() {
    let with_header = |header: &str| {
        [
            &(header.len() as u64).to_le_bytes(),
            header.as_bytes(),
            &[0; 16],
        ]
        .concat()
    };
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        with_header(&format!(
            r#"{{"wte.weight":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#
        ))
    };
    let huge = (1_u64 << 61) - 1;
    let many: Vec<String> = (0..8_u64)
        .map(|i| {
            format!(
                r#""{i}":{{"dtype":"U8","shape":[{huge}],"data_offsets":[{},{}]}}"#,
                i * huge,
                (i + 1) * huge
            )
        })
        .collect();
    let dir = Directory::of("gpt2");
    for bytes in [
        (1_u64 << 20).to_le_bytes().to_vec(),
        [u64::MAX.to_le_bytes(), [b'{'; 8]].concat(),
        [(99_999_999_u64).to_le_bytes(), [b'{'; 8]].concat(),
        with_header(""),
        with_header("[]"),
        with_header(&"[".repeat(100_000)),
        with_header(&format!("{{{}}}", many.join(","))),
        tensor("F32", "[4]", "[0,20]"),
        tensor("F32", "[4]", "[4,20]"),
        tensor("F32", "[4]", "[16,0]"),
        tensor("F32", "[3]", "[0,16]"),
        tensor("F32", "[4294967296,4294967296,4]", "[0,16]"),
        tensor("F32", "[18446744073709551615]", "[0,16]"),
        tensor("F32", "[-1]", "[0,16]"),
        tensor("F99", "[4]", "[0,16]"),
        b"PK\x03\x04 a PyTorch file".to_vec(),
        vec![0; 4096],
    ] {
        dir.write(WEIGHTS, &bytes)
            .fails(&["model.safetensors", "is not a whole safetensors file"]);
    }
    dir.write(WEIGHTS, with_header("{}"))
        .fails(&["is not a whole"]);
    dir.write(WEIGHTS, [&2_u64.to_le_bytes()[..], b"{}"].concat())
        .fails(&["only 0 tensors"]);
}

/// For any change to the bytes of a header, the file is rejected or gives a model, without a panic.
#[test]
fn mutated_headers_never_panic() {
    let dir = Directory::of("gpt2");
    let bytes = fs::read(dir.path(WEIGHTS)).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let change = (
        0..header,
        prop_oneof![any::<u8>(), b'0'..=b'9', Just(b'}'), Just(b'"')],
    );
    let config = Config {
        cases: 2000,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    };
    let refused = Cell::new(0);
    TestRunner::new(config)
        .run(&prop::collection::vec(change, 1..4), |changes| {
            let mut bytes = bytes.clone();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            if dir.write(WEIGHTS, bytes).open().is_err() {
                refused.set(refused.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    assert!(refused.get() > 1000, "{} refused", refused.get());
}

/// Change digits inside the JSON: shapes and offsets that are still numbers, but wrong.
#[test]
fn mutated_digits_never_give_another_model() {
    let dir = Directory::of("gpt2");
    let bytes = fs::read(dir.path(WEIGHTS)).unwrap();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let numbers: Vec<usize> = (9..header)
        .filter(|&at| {
            bytes[at].is_ascii_digit() && matches!(bytes[at - 1], b'[' | b',' | b'0'..=b'9')
        })
        .collect();
    let config = Config {
        cases: 500,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(
            &(prop::sample::select(numbers), b'0'..=b'9'),
            |(at, digit)| {
                let mut changed = bytes.clone();
                changed[at] = digit;
                let found = dir.write(WEIGHTS, &changed).open();
                prop_assert_eq!(found.is_ok(), changed == bytes);
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn shards_have_to_be_there_and_to_hold_what_the_index_says() {
    let dir = || Directory::of("llama_untied");
    let two = "model-00002-of-00003.safetensors";
    let name = "model.layers.1.mlp.up_proj.weight";
    let map = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let dir = dir();
        let mut index: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.path(INDEX)).unwrap()).unwrap();
        change(index["weight_map"].as_object_mut().unwrap());
        dir.write(INDEX, index.to_string());
        dir
    };
    dir().open().unwrap();
    let missing = dir();
    missing
        .remove(two)
        .remove("model-00003-of-00003.safetensors");
    missing.fails(&[
        INDEX,
        two,
        "model-00003-of-00003.safetensors",
        "no such file",
    ]);
    for outside in [
        "../model.safetensors",
        "/etc/passwd",
        "sub/model.safetensors",
        "..",
        ".",
        "",
        "a\\b",
        "./x",
        "x/",
    ] {
        map(&|map| drop(map.insert(name.to_owned(), json!(outside))))
            .fails(&[INDEX, "in the same folder"]);
    }
    map(&|map| drop(map.remove(name))).fails(&[name, "not in the index"]);
    map(&|map| drop(map.insert("lm_head.bias".to_owned(), json!(two))))
        .fails(&["lm_head.bias: not in", two]);
    map(&|map| drop(map.insert(name.to_owned(), json!("model-00001-of-00003.safetensors"))))
        .fails(&[name, "but the index says"]);
    dir()
        .write(two, b"short")
        .fails(&[two, "is not a whole safetensors file"]);
    for broken in ["", "{}", "[]", r#"{"weight_map":{"a":3}}"#] {
        dir().write(INDEX, broken).fails(&[INDEX]);
    }
    map(&|map| map.clear()).fails(&["only 0 tensors"]);
}

#[test]
fn pickled_weights_are_refused_with_the_way_to_convert_them() {
    let dir = Directory::of("gpt2");
    dir.remove(WEIGHTS).fails(&["holds no weights", WEIGHTS]);
    dir.write("pytorch_model.bin", b"PK\x03\x04").fails(&[
        "pytorch_model.bin",
        "can run code",
        "save_pretrained",
    ]);
    let file = sisun_hf::open(
        &dir.path("pytorch_model.bin"),
        &burn::tensor::Device::flex(),
    )
    .unwrap_err()
    .to_string();
    assert!(
        file.contains("can run code")
            && sisun_hf::is_model(&dir.path("pytorch_model.bin")).unwrap(),
        "{file}"
    );
    fs::create_dir(dir.path(WEIGHTS)).unwrap();
    dir.fails(&["can run code"]);
}

#[test]
fn tokenizers_have_to_be_there() {
    let dir = Directory::of("gpt2");
    dir.remove("tokenizer.json")
        .write("vocab.json", "{}")
        .fails(&["holds no tokenizer.json", "AutoTokenizer"]);
    // Tokens for which the model has no rows are reported when a text uses one.
    let others = fs::read(fixtures().join("gpt2/tokenizer.json")).unwrap();
    let imported = Directory::of("llama_tied")
        .write("tokenizer.json", others)
        .open()
        .unwrap();
    assert!(imported.tokenizer.vocab_size() > imported.model.config().vocab_size.unwrap());
    for broken in [&b""[..], b"{}", b"{\"model\":", b"\xff"] {
        Directory::of("gpt2")
            .write("tokenizer.json", broken)
            .fails(&["tokenizer.json"]);
    }
}

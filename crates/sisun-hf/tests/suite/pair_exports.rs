//! Sisun's encoder–decoders as directories of transformers. `tests/peers/reference_pair_exports.py`
//! computes the results of transformers for them;
//! `SISUN_WRITE_EXPORTS=1 cargo test --release -p sisun-hf -p sisun-cli exports` writes the
//! directories anew for it.

use crate::directory::{Directory, fixtures, read_tensors};
use crate::exports::Drawn;
use crate::reference::largest;
use burn::tensor::Device;
use sisun_config::{EncoderDecoderConfig, Ffn, Norm, NormPlacement, Position, Seq2SeqConfig};
use sisun_data::Tokenizer;
use sisun_data::pairs::PairTokenizers;
use sisun_hf::{ExportOptions, HfError, Numbers, export_pairs};
use sisun_model::to_host;
use sisun_seq2seq::{PairTensors, Rows, Seq2Seq, Seq2SeqPass, Vocabularies, greedy};
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: &str = "민수는 배를 탔다.";
const TARGETS: [&str; 2] = ["Minsu took a boat.", "Minsu ate a pear."];

/// Changes to a transformer with norms before each part and sinusoidal positions.
type Changes = fn(&mut EncoderDecoderConfig);

/// The exported models: name and changes.
const CASES: [(&str, Changes); 4] = [
    ("pegasus", |_| ()),
    ("pegasus_untied", |config| {
        config.position = Position::Learned;
        (config.tied_head, config.ffn, config.n_kv_heads) = (false, Ffn::Relu, Some(1));
    }),
    ("marian", |config| {
        config.position = Position::Learned;
        config.norm_placement = NormPlacement::Post;
    }),
    ("marian_bare", |config| {
        config.position = Position::None;
        config.norm_placement = NormPlacement::Post;
        (config.bias, config.tied_head) = (false, false);
        (config.ffn, config.n_kv_heads) = (Ffn::GeluTanh, Some(1));
    }),
];

/// The files of an export, apart from `model.safetensors`.
const FILES: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "target/tokenizer.json",
    "target/tokenizer_config.json",
];

fn tokenizers() -> PairTokenizers {
    PairTokenizers::separate(
        Tokenizer::characters(SOURCES.chars(), false).unwrap(),
        Tokenizer::train_bpe(TARGETS.into_iter().map(str::to_owned), 261, &[]).unwrap(),
    )
}

fn model(changes: Changes) -> Seq2Seq {
    let mut config = EncoderDecoderConfig {
        d_ff: Some(10),
        max_source_len: 12,
        max_target_len: 9,
        ..EncoderDecoderConfig::new(12, 2, 2)
    };
    changes(&mut config);
    let vocabularies = Vocabularies::from(&tokenizers());
    let config = Seq2SeqConfig::Transformer(config);
    Seq2Seq::from_params(&config, vocabularies, &mut Drawn(Device::flex())).unwrap()
}

fn committed(name: &str) -> PathBuf {
    fixtures().with_file_name("hf_pair_exports").join(name)
}

fn written(model: &Seq2Seq, options: ExportOptions) -> Directory {
    let folder = Directory::empty();
    export_pairs(model, &tokenizers(), options, &folder.path("")).unwrap();
    folder
}

fn numbers(path: &Path, name: &str) -> Vec<f32> {
    let (_, _, bytes) = &read_tensors(path)[name];
    let numbers = bytes.as_chunks::<4>().0.iter();
    numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The logits of each target token after the source.
fn logits(model: &Seq2Seq, source: &[u32], target: &[u32]) -> Vec<f32> {
    let inputs = [&[model.vocabularies().begin()], target].concat();
    let targets = [target, &[model.vocabularies().end()]].concat();
    let batch = PairTensors::new(
        Rows {
            tokens: source,
            lens: &[source.len()],
        },
        &inputs,
        Rows {
            tokens: &targets,
            lens: &[targets.len()],
        },
        &model.device(),
    );
    to_host(model.forward(&batch, &mut Seq2SeqPass::default())).1
}

#[test]
fn transformers_computes_the_same_of_exported_pairs() {
    let (source, target) = (
        tokenizers().source().encode(SOURCES).unwrap().ids,
        tokenizers().target().encode(TARGETS[0]).unwrap().ids,
    );
    let target = &target[..8.min(target.len())];
    for (name, changes) in CASES {
        let (model, dir) = (model(changes), committed(name));
        let found = written(&model, ExportOptions::default());
        let all = FILES.iter().copied().chain(["model.safetensors"]);
        if std::env::var_os("SISUN_WRITE_EXPORTS").is_some() {
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("target")).unwrap();
            for file in all {
                fs::copy(found.path(file), dir.join(file)).unwrap();
            }
            fs::write(
                dir.join("texts.json"),
                serde_json::json!({ "source": SOURCES, "target": target }).to_string(),
            )
            .unwrap();
            continue;
        }
        for file in all {
            let same = fs::read(found.path(file)).unwrap() == fs::read(dir.join(file)).unwrap();
            assert!(
                same,
                "{name}/{file} is not what transformers was asked about"
            );
        }
        let expected = dir.join("expected.safetensors");
        let ids: Vec<u32> = numbers(&expected, "source")
            .iter()
            .map(|id| *id as u32)
            .collect();
        assert_eq!(ids, source, "{name}");
        let theirs = numbers(&expected, "logits");
        let found = largest(&logits(&model, &source, target), &theirs);
        println!("{name}: largest difference of logits {found:.1e}");
        assert!(found <= 1e-4, "{name}: logits differ by {found:e}");
        let greedily = greedy(&model, &[&source], 9).remove(0);
        let end = greedily.ended.then(|| model.vocabularies().end());
        let ours: Vec<u32> = greedily.tokens.into_iter().chain(end).collect();
        let theirs: Vec<u32> = numbers(&expected, "greedy")
            .iter()
            .map(|id| *id as u32)
            .collect();
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn what_no_class_computes_is_refused_with_every_reason() {
    let refused = |changes: Changes| {
        let folder = Directory::empty();
        let error = export_pairs(
            &model(changes),
            &tokenizers(),
            ExportOptions::default(),
            &folder.path("out"),
        )
        .unwrap_err();
        assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0);
        assert!(
            matches!(error, HfError::NoPairsCounterpart { .. }),
            "{error}"
        );
        error.to_string()
    };
    let all = refused(|config| {
        config.position = Position::Alibi;
        (config.norm, config.ffn) = (Norm::Rms, Ffn::Swiglu);
        (config.qk_norm, config.norm_eps) = (true, 1e-6);
    });
    for part in [
        "seq2seq.position = \"alibi\"",
        "seq2seq.norm = \"rms\"",
        "seq2seq.ffn = \"swiglu\"",
        "seq2seq.qk_norm",
        "seq2seq.norm_eps",
        "model.safetensors",
    ] {
        assert!(all.contains(part), "no {part} in {all}");
    }
    assert!(
        refused(|config| (config.ffn, config.d_ff) = (Ffn::None, None)).contains("feed-forward")
    );
}

#[test]
fn weights_are_rounded_and_heads_are_written_out() {
    for (name, changes) in CASES {
        let model = model(changes);
        let with = |numbers| {
            let options = ExportOptions {
                numbers,
                materialize_head: true,
            };
            written(&model, options)
        };
        let (whole, half) = (with(Numbers::Float32), with(Numbers::Float16));
        let size = |folder: &Directory| {
            fs::metadata(folder.path("model.safetensors"))
                .unwrap()
                .len()
        };
        assert!(size(&half) < size(&whole), "{name}");
        let config = fs::read_to_string(half.path("config.json")).unwrap();
        assert!(config.contains("\"tie_word_embeddings\": false"), "{name}");
    }
}

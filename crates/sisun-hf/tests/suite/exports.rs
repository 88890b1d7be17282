//! Sisun's models as directories of transformers. `tests/peers/reference_exports.py` computes the
//! results of transformers for them;
//! `SISUN_WRITE_EXPORTS=1 cargo test --release -p sisun-hf -p sisun-cli exports` writes the
//! directories anew for it.

use crate::directory::{Directory, file_of, fixtures, read_tensors};
use crate::reference::{Expected, greedy, largest, tokens};
use burn::tensor::Device;
use sisun_config::{ModelConfig, randomness};
use sisun_data::Tokenizer;
use sisun_hf::{ExportOptions, HfError, Numbers, SidecarFile, export, open};
use sisun_model::to_host;
use sisun_model::{Activation, Capture, Init, ModelError, Params, Pass, Transformer};
use std::fs;
use std::path::{Path, PathBuf};

const TEXTS: [&str; 2] = [
    "Hana gave the kite to Minsu. The kite was red, and the wind was kind.",
    "하나는 민수에게 연을 주었다. 연은 붉었고 바람은 순했다.",
];

/// The exported models: name, tokenizer, and differences from a layer-norm transformer of 2 layers.
const CASES: [(&str, Kind, &str); 10] = [
    (
        "gpt2_learned",
        Kind::Bpe,
        "position = 'learned'\nffn = 'gelu_tanh'",
    ),
    (
        "gpt2_sinusoidal",
        Kind::Characters,
        "position = 'sinusoidal'\nbias = false\ntied_head = false\nscaled_scores = false",
    ),
    (
        "gpt2_none",
        Kind::Bpe,
        "position = 'none'\nn_kv_heads = 1\nffn = 'relu'",
    ),
    ("neox", Kind::Bpe, "position = 'rope'\nn_kv_heads = 1"),
    (
        "neox_part",
        Kind::Characters,
        "position = { kind = 'rope', base = 700.0, fraction = 0.3 }\nffn = 'relu_squared'\ntied_head = false\nbias = false",
    ),
    (
        "llama",
        Kind::Bpe,
        "position = 'rope'\nn_heads = 6\nd_model = 36\nn_kv_heads = 2\nnorm = 'rms'\nffn = 'swiglu'",
    ),
    (
        "llama_squares",
        Kind::Characters,
        "position = { kind = 'rope', base = 700.0, scaling = { kind = 'ntk', factor = 2.0 } }\nnorm = 'rms'\nffn = 'relu_squared'\nbias = false\ntied_head = false\nd_head = 14",
    ),
    (
        "llama_gelu",
        Kind::Bpe,
        "position = 'rope'\nnorm = 'rms'\nffn = 'gelu_tanh'\nbias = false",
    ),
    (
        "qwen3",
        Kind::Bpe,
        "position = 'rope'\nnorm = 'rms'\nffn = 'swiglu'\nqk_norm = true\nffn_bias = false\nd_head = 14\ntied_head = false",
    ),
    (
        "qwen3_squares",
        Kind::Bpe,
        "position = 'rope'\nnorm = 'rms'\nffn = 'relu_squared'\nqk_norm = true\nbias = false",
    ),
];

#[derive(Clone, Copy)]
enum Kind {
    Bpe,
    Characters,
}

impl Kind {
    fn tokenizer(self) -> Tokenizer {
        match self {
            Self::Bpe => {
                Tokenizer::train_bpe(TEXTS.into_iter().map(str::to_owned), 281, &[]).unwrap()
            }
            Self::Characters => Tokenizer::characters(TEXTS.concat().chars(), true).unwrap(),
        }
    }
}

/// Random parameters without values that could hide errors: norms are not 1, biases are not 0.
pub(crate) struct Drawn(pub(crate) Device);

impl Params for Drawn {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        use rand::RngExt;
        let mut stream = randomness::stream(5, name, 0);
        let mut draw = || 2.0 * stream.random::<f32>() - 1.0;
        let (middle, width) = if init == Init::Ones {
            (1.0, 0.3)
        } else {
            (0.0, 0.5)
        };
        Ok((0..shape.iter().product())
            .map(|_| middle + width * draw())
            .collect())
    }

    fn device(&self) -> &Device {
        &self.0
    }
}

fn model(settings: &str, vocab_size: usize) -> Transformer {
    let base = [
        ("d_model", "42"),
        ("n_layers", "2"),
        ("n_heads", "3"),
        ("d_ff", "29"),
        ("context_len", "92"),
    ];
    let own = |key: &str| {
        settings
            .lines()
            .any(|line| line.starts_with(&format!("{key} =")))
    };
    let lines = base
        .iter()
        .filter(|(key, _)| !own(key))
        .map(|(key, value)| format!("{key} = {value}\n"));
    let config = ModelConfig::parse(&format!(
        "vocab_size = {vocab_size}\n{}{settings}\n",
        lines.collect::<String>()
    ));
    Transformer::from_params(&config.unwrap(), &mut Drawn(Device::flex())).unwrap()
}

fn case(name: &str) -> (Transformer, Tokenizer) {
    let (_, kind, settings) = CASES.into_iter().find(|case| case.0 == name).unwrap();
    let tokenizer = kind.tokenizer();
    (model(settings, tokenizer.vocab_size()), tokenizer)
}

fn committed() -> PathBuf {
    fixtures().with_file_name("hf_exports")
}

fn written(model: &Transformer, tokenizer: &Tokenizer, options: ExportOptions) -> Directory {
    let folder = Directory::empty();
    export(model, tokenizer, &[], options, &folder.path("")).unwrap();
    folder
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

fn logits(model: &Transformer, ids: &[i64]) -> Vec<f32> {
    to_host(model.forward(tokens(ids), Pass::default())).1
}

#[test]
fn transformers_computes_the_same_of_exports() {
    for (name, ..) in CASES {
        let (model, tokenizer) = case(name);
        let found = written(&model, &tokenizer, ExportOptions::default());
        let dir = committed().join(name);
        if std::env::var_os("SISUN_WRITE_EXPORTS").is_some() {
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).unwrap();
            files(&found.path(""))
                .iter()
                .for_each(|(file, bytes)| fs::write(dir.join(file), bytes).unwrap());
            continue;
        }
        for (file, bytes) in files(&found.path("")) {
            let committed = fs::read(dir.join(&file)).unwrap();
            assert!(
                bytes == committed,
                "{name}/{file} is not what transformers was asked about"
            );
        }
        let expected = Expected::read(&dir.join("expected.safetensors"));
        let config = model.config();
        let layers: Vec<usize> = (0..config.n_layers).collect();
        let heads: Vec<usize> = (0..config.n_heads).collect();
        let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
        let (_, found) =
            to_host(model.forward(tokens(&expected.ids), Pass::capturing(&mut capture)));
        let of_logits = largest(&found, &expected.logits.1);
        assert_eq!(expected.attention.len(), config.n_layers, "{name}");
        let attention = capture.into_found().into_iter().zip(&expected.attention);
        let of_attention = attention
            .map(|(found, expected)| largest(&found.values, &expected.1))
            .fold(0.0, f32::max);
        println!(
            "{name}: largest differences: logits {of_logits:.1e}, attention {of_attention:.1e}"
        );
        assert!(of_logits <= 1e-4, "{name}: logits differ by {of_logits:e}");
        assert!(
            of_attention <= 1e-5,
            "{name}: attention differs by {of_attention:e}"
        );
        assert_eq!(expected.greedy.len(), 64, "{name}");
        assert_eq!(
            greedy(&model, &expected.prompt, 64),
            expected.greedy,
            "{name}"
        );
        for text in TEXTS {
            let ids: Vec<i64> = tokenizer
                .encode(text)
                .unwrap()
                .ids
                .into_iter()
                .map(i64::from)
                .collect();
            assert!(
                ids == expected.texts[0] || ids == expected.texts[1],
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn an_export_comes_back_bit_for_bit() {
    for (name, ..) in CASES {
        let (model, tokenizer) = case(name);
        for materialize_head in [false, true] {
            let folder = written(
                &model,
                &tokenizer,
                ExportOptions {
                    materialize_head,
                    ..ExportOptions::default()
                },
            );
            let back = folder.open().unwrap();
            assert_eq!(back.tokenizer.sha256(), tokenizer.sha256(), "{name}");
            assert_eq!(
                back.tokenizer.eos_token_ids(),
                tokenizer.eos_token_ids(),
                "{name}"
            );
            assert_eq!(
                back.model.config().tied_head,
                model.config().tied_head && !materialize_head,
                "{name}"
            );
            let ids: Vec<i64> = (0..71)
                .map(|i| i * 37 % tokenizer.vocab_size() as i64)
                .collect();
            // A separate head is multiplied in another order.
            let far = if materialize_head { 1e-5 } else { 0.0 };
            assert!(
                largest(&logits(&back.model, &ids), &logits(&model, &ids)) <= far,
                "{name}"
            );
            let before = model.to_host();
            for (parameter, values) in back.model.to_host() {
                match before.get(&parameter) {
                    Some(expected) if expected.0 == values.0 => {
                        assert_eq!(&values, expected, "{name}: {parameter}")
                    }
                    // Shared keys became copies, and a position table or a head was added.
                    _ => assert!(
                        parameter.contains(".qkv.")
                            || parameter == "position.weight"
                            || parameter == "head.weight"
                            || (parameter.ends_with(".bias")
                                && values.1.iter().all(|value| *value == 0.0)),
                        "{name}: {parameter}"
                    ),
                }
            }
            let again = written(&back.model, &back.tokenizer, ExportOptions::default());
            assert_eq!(files(&again.path("")), files(&folder.path("")), "{name}");
        }
    }
}

#[test]
fn what_was_imported_goes_out_as_it_came() {
    for entry in fs::read_dir(fixtures()).unwrap() {
        let dir = entry.unwrap().path();
        let imported = open(&dir, &Device::flex()).unwrap();
        let folder = Directory::empty();
        let (eos_token_ids, companions) =
            (imported.tokenizer.eos_token_ids(), &imported.companions);
        let options = ExportOptions::default();
        export(
            &imported.model,
            &imported.tokenizer,
            companions,
            options,
            &folder.path(""),
        )
        .unwrap();
        let back = folder.open().unwrap();
        assert_eq!(
            back.model.config(),
            imported.model.config(),
            "{}",
            dir.display()
        );
        assert_eq!(
            back.tokenizer.eos_token_ids(),
            eos_token_ids,
            "{}",
            dir.display()
        );
        // config.json now says which tokens end a text, even if only the tokenizer did before.
        let others = |companions: &[SidecarFile]| -> Vec<SidecarFile> {
            companions
                .iter()
                .filter(|companion| companion.name != "generation_config.json")
                .cloned()
                .collect()
        };
        assert_eq!(
            others(&back.companions),
            others(companions),
            "{}",
            dir.display()
        );
        assert!(!others(companions).is_empty());
        assert_eq!(
            back.model.to_host(),
            imported.model.to_host(),
            "{}",
            dir.display()
        );
    }
}

#[test]
fn sixteen_bits_are_the_nearest() {
    let (model, tokenizer) = case("llama");
    for (numbers, name, near) in [
        (Numbers::Float16, "F16", 2f32.powi(-11)),
        (Numbers::Bfloat16, "BF16", 2f32.powi(-8)),
    ] {
        let folder = written(
            &model,
            &tokenizer,
            ExportOptions {
                numbers,
                ..ExportOptions::default()
            },
        );
        let tensors = read_tensors(&folder.path("model.safetensors"));
        assert!(tensors.values().all(|(dtype, ..)| dtype == name));
        let back = folder.open().unwrap().model.to_host();
        for (parameter, (_, values)) in model.to_host() {
            assert_ne!(back[&parameter].1, values, "{parameter} was not rounded");
            for (value, rounded) in values.iter().zip(&back[&parameter].1) {
                assert!(
                    (value - rounded).abs() <= near * value.abs() + 1e-7,
                    "{parameter}: {value} became {rounded}"
                );
            }
        }
    }
}

#[test]
fn what_transformers_has_not_is_refused_with_every_reason() {
    let refused = |settings: &str| {
        let model = model(settings, 281);
        let folder = Directory::empty();
        let error = export(
            &model,
            &Kind::Bpe.tokenizer(),
            &[],
            ExportOptions::default(),
            &folder.path("out"),
        )
        .unwrap_err();
        assert!(matches!(error, HfError::NoCounterpart { .. }), "{error}");
        assert!(!folder.path("out").exists() && !folder.path("out.partial").exists());
        error.to_string()
    };
    for (settings, parts) in [
        ("position = 'alibi'", &["alibi", "by distance"][..]),
        ("position = 't5_bias'", &["t5_bias", "by distance"]),
        (
            "position = 'learned'\nnorm = 'rms'\nffn = 'swiglu'",
            &["model.norm = \"rms\"", "swiglu"],
        ),
        (
            "position = 'rope'\nnorm = 'rms'\nffn = 'relu'",
            &["model.ffn", "gate"],
        ),
        (
            "position = 'rope'\nnorm = 'rms'\nqk_norm = true\nffn = 'gelu'",
            &["qk_norm", "relu_squared"],
        ),
        (
            "position = 'rope'\nnorm_placement = 'post'\nresidual = false",
            &["post", "residual"],
        ),
        (
            "position = 'learned'\nparallel_residual = true",
            &["parallel_residual", "GPT-NeoX"],
        ),
        (
            "position = 'rope'\ncausal = false\nscaled_scores = false",
            &["causal", "√d_head"],
        ),
        (
            "position = 'rope'\nnorm = 'rms'\nffn = 'swiglu'\nd_head = 28\nposition.fraction = 0.5",
            &["fraction"],
        ),
    ] {
        let settings = settings.replace("position = 'rope'", "position.kind = 'rope'");
        let message = refused(&settings);
        parts
            .iter()
            .for_each(|part| assert!(message.contains(part), "no {part:?} in: {message}"));
    }
    let mut config = case("llama").0.config().clone();
    config.ffn = sisun_config::Ffn::None;
    config.d_ff = None;
    config.ffn_bias = None;
    let model = Transformer::from_params(&config, &mut Drawn(Device::flex())).unwrap();
    let folder = Directory::empty();
    let error = export(
        &model,
        &Kind::Bpe.tokenizer(),
        &[],
        ExportOptions::default(),
        &folder.path("out"),
    )
    .unwrap_err();
    assert!(error.to_string().contains("feed-forward"), "{error}");
}

#[test]
fn a_gate_that_became_one_is_told() {
    for (name, tensor, part) in [
        (
            "llama_squares",
            "model.layers.1.mlp.gate_proj.weight",
            "differs from up_proj",
        ),
        (
            "llama_gelu",
            "model.layers.1.mlp.up_proj.weight",
            "no constant",
        ),
        (
            "llama_gelu",
            "model.layers.0.mlp.up_proj.bias",
            "no constant",
        ),
    ] {
        let (model, tokenizer) = case(name);
        let folder = written(&model, &tokenizer, ExportOptions::default());
        let mut tensors = read_tensors(&folder.path("model.safetensors"));
        // The last byte of the fifth number.
        tensors.get_mut(tensor).unwrap().2[19] ^= 1;
        folder
            .write("model.safetensors", file_of(&tensors))
            .fails(&[tensor, part]);
        tensors.remove(tensor);
        folder
            .write("model.safetensors", file_of(&tensors))
            .fails(&[tensor, "missing"]);
    }
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let (model, tokenizer) = case("gpt2_learned");
    let folder = Directory::empty();
    folder.write("mine.txt", "mine");
    let aside = folder.path(&format!(".new.{}.partial", std::process::id()));
    fs::create_dir(&aside).unwrap();
    fs::write(aside.join("mine.txt"), "mine").unwrap();
    export(
        &model,
        &tokenizer,
        &[],
        ExportOptions::default(),
        &folder.path("new"),
    )
    .unwrap_err();
    assert!(aside.join("mine.txt").is_file(), "it is somebody else's");
    fs::remove_dir_all(&aside).unwrap();
    let error = export(
        &model,
        &tokenizer,
        &[],
        ExportOptions::default(),
        &folder.path(""),
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(files(&folder.path("")).len(), 1);
    let large = |name: &str, shape: &[usize]| {
        if name == "embed.weight" {
            vec![7e4; shape.iter().product()]
        } else {
            vec![0.0; shape.iter().product()]
        }
    };
    struct Large<F>(F, Device);
    impl<F: Fn(&str, &[usize]) -> Vec<f32>> Params for Large<F> {
        fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
            Ok(self.0(name, shape))
        }
        fn device(&self) -> &Device {
            &self.1
        }
    }
    let model =
        Transformer::from_params(model.config(), &mut Large(large, Device::flex())).unwrap();
    let options = ExportOptions {
        numbers: Numbers::Float16,
        ..ExportOptions::default()
    };
    let error = export(&model, &tokenizer, &[], options, &folder.path("out"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("embed.weight holds 70000") && error.contains("bfloat16"),
        "{error}"
    );
    assert!(!folder.path("out").exists());
}

//! The model in a page (`sisun page`), computed by Node: every variant against NumPy
//! (`peers/reference_forward.py`), edits against the program, tokenizers against `tokenizers`.

use burn::tensor::{Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde::Deserialize;
use serde_json::{Value, json};
use sisun_data::Tokenizer;
use sisun_infer::{LanguageModel, Reach, WrittenEdit};
use sisun_model::{Pass, Transformer, to_host};
use sisun_tests::compare::largest_difference;
use sisun_tests::devices::cpu;
use sisun_tests::fixtures::{Forward, folder};
use sisun_tests::pages::{model_of, page, rows, text_of, visible_pattern};
use sisun_viz::page::WeightFormat;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Results of one row of tokens.
#[derive(Deserialize)]
struct Computed {
    /// `[position, vocab]`.
    logits: Vec<Vec<f32>>,
    /// By layer and head; rows up to their last visible key.
    patterns: Vec<Vec<Vec<f32>>>,
    spreads: Vec<Vec<Value>>,
    rollout: Vec<f32>,
}

/// Return the answers of Node to the requests, or `None` if there is no Node.
fn node(requests: &[Value]) -> Option<Vec<Value>> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("requests.json");
    fs::write(&file, serde_json::to_vec(requests).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/compute.mjs");
    let Ok(output) = Command::new("node").arg(script).arg(&file).output() else {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("NOT RUN: there is no Node to compute the page in");
        }
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Write a page with a model in it, and return its path.
fn write(
    folder: &TempDir,
    name: &str,
    loaded: &LanguageModel,
    text: &str,
    format: Option<WeightFormat>,
) -> String {
    let path = folder.path().join(format!("{name}.html"));
    fs::write(&path, page(loaded, text, format)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_variant_is_what_numpy_computes() {
    let folder = TempDir::new().unwrap();
    let fixtures = Forward::all();
    let requests: Vec<Value> = fixtures
        .iter()
        .map(|fixture| {
            let loaded = model_of(fixture, &cpu());
            let text = text_of(rows(fixture)[0]);
            let path = write(&folder, &fixture.name, &loaded, &text, None);
            json!({ "path": path, "rows": rows(fixture) })
        })
        .collect();
    let Some(answers) = node(&requests) else {
        return;
    };
    let mut largest = [0.0_f32; 2];
    for (fixture, answer) in fixtures.iter().zip(answers) {
        for (row, of_row) in answer["rows"].as_array().unwrap().iter().enumerate() {
            let kinds = of_row.as_object().unwrap();
            assert_eq!(kinds.len(), 4, "two kernels, whole and bit by bit");
            for (kind, found) in kinds {
                let name = format!("{} {kind}", fixture.name);
                let found = Computed::deserialize(found).unwrap();
                let (shape, logits) = &fixture.expected["logits"];
                let size = shape[1] * shape[2];
                let far = largest_difference(&found.logits.concat(), &logits[row * size..][..size]);
                assert!(far <= 1e-4, "{name}: logits differ by {far:e}");
                largest[0] = largest[0].max(far);
                for (layer, heads) in found.patterns.iter().enumerate() {
                    assert_eq!(heads.len(), fixture.config.n_heads);
                    for (head, pattern) in heads.iter().enumerate() {
                        let seen = visible_pattern(fixture, row, layer, head);
                        let far = largest_difference(pattern, &seen);
                        assert!(far <= 1e-5, "{name}: patterns differ by {far:e}");
                        largest[1] = largest[1].max(far);
                    }
                }
            }
        }
    }
    #[allow(clippy::print_stderr)]
    {
        eprintln!(
            "page in Node: logits within {:e}, patterns within {:e}",
            largest[0], largest[1]
        );
    }
}

#[test]
fn what_a_page_measures_is_what_the_program_does() {
    let folder = TempDir::new().unwrap();
    let fixture = Forward::named("gqa_rope");
    let loaded = model_of(&fixture, &cpu());
    let ids = rows(&fixture)[0];
    let text = text_of(ids);
    let path = write(&folder, "page", &loaded, &text, None);
    let Some(answers) = node(&[json!({ "path": path, "rows": [ids] })]) else {
        return;
    };
    let measured = loaded.heads(&text).unwrap();
    for found in answers[0]["rows"][0].as_object().unwrap().values() {
        let found = Computed::deserialize(found).unwrap();
        for head in measured.heads.iter().map(|head| &head.stats) {
            let spread = &found.spreads[head.layer][head.head];
            for (name, value) in [
                ("entropy", head.spread.entropy),
                ("distance", head.spread.distance),
                ("previous", head.spread.previous),
                ("first", head.spread.first),
            ] {
                let far = (spread[name].as_f64().unwrap() - value).abs();
                assert!(far < 1e-5, "{name} of {} {}", head.layer, head.head);
            }
        }
        let last = found.rollout.len() - ids.len();
        assert!((found.rollout[last..].iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

/// Edits as a page's address has them, one and several. `mean` is over the text itself,
/// `from` takes the second sentence.
const EDITS: [&str; 14] = [
    "z 0.1=zero",
    "z 1.0=mean",
    "z 0.0 @2=from;z 1.1 @3=zero",
    "pattern 1.1 @4:2=0.75",
    "pattern 0.0 @3:0=1;pattern 0.0 @3:1=0.25;pattern 1.0 @0:0=0.5",
    "pattern 0.1=diagonal",
    "pattern 1.0=first;pattern 0.0=previous",
    "pattern 0.1=previous;pattern 0.1 @4:1=0.5",
    "resid_pre 1 @3=from",
    "resid_pre 0=from",
    "attn_out 0 @1=from;attn_out 1=mean;attn_out 0 @4=zero",
    "mlp_out 0 @2=from;mlp_out 1=zero",
    "resid_post 0 @4=mean;resid_post 1 @2=from",
    "resid_post 1 @3=zero;resid_pre 1 @3=from;z 1.1=mean;pattern 1.0 @3:3=0",
];

/// Return an edit of a page's address as `--edit` has it.
fn as_option(edit: &str, text: &str, second: &str) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\");
    match edit.rsplit_once('=').unwrap().1 {
        "mean" => format!("{edit} '{}'", quoted(text)),
        "from" => format!("{edit} '{}'", quoted(second)),
        _ => edit.to_owned(),
    }
}

#[test]
fn edits_of_a_page_are_those_of_the_program() {
    let folder = TempDir::new().unwrap();
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for fixture in Forward::all() {
        let loaded = model_of(&fixture, &cpu());
        let ids = rows(&fixture)[0];
        let second: Vec<i64> = ids.iter().rev().copied().collect();
        let (text, other) = (text_of(ids), text_of(&second));
        let path = write(&folder, &fixture.name, &loaded, &text, None);
        let tokens =
            Tensor::<2, Int>::from_data(TensorData::new(ids.to_vec(), [1, ids.len()]), &cpu());
        for edits in EDITS {
            let reach = Reach {
                what: "text",
                tokens: ids.len(),
                longest: ids.len(),
            };
            let written: Vec<WrittenEdit> = edits
                .split(';')
                .map(|edit| as_option(edit, &text, &other).parse().unwrap())
                .collect();
            let logits = loaded.edits(&written, reach).ok().map(|made| {
                let pass = Pass::editing(&made.list);
                to_host(loaded.model.forward(tokens.clone(), pass)).1
            });
            requests.push(json!({ "path": path, "rows": [ids], "edits": edits, "second": second }));
            expected.push((format!("{} {edits}", fixture.name), logits));
        }
    }
    let Some(answers) = node(&requests) else {
        return;
    };
    let (mut largest, mut compared) = (0.0_f32, 0);
    for ((name, logits), answer) in expected.iter().zip(&answers) {
        for (kind, found) in answer["rows"][0].as_object().unwrap() {
            // What the program refuses (such as `mlp_out` where there is none) the page leaves out.
            let left = found["left"].as_array().unwrap();
            assert_eq!(left.is_empty(), logits.is_some(), "{name}: {left:?}");
            let Some(logits) = logits else { continue };
            let found = Computed::deserialize(found).unwrap();
            let far = largest_difference(&found.logits.concat(), logits);
            assert!(far <= 1e-4, "{name} {kind}: logits differ by {far:e}");
            largest = largest.max(far);
            compared += 1;
        }
    }
    assert!(compared > 1000, "only {compared} passes");
    #[allow(clippy::print_stderr)]
    {
        eprintln!("{compared} edited passes in Node: logits within {largest:e}");
    }
}

#[test]
fn a_mean_over_a_long_text_is_taken_in_windows() {
    let folder = TempDir::new().unwrap();
    let fixture = Forward::named("gqa_rope");
    let mut config = fixture.config.clone();
    config.context_len = 4;
    let model = Transformer::random(&config, 3, &cpu()).unwrap();
    let loaded = LanguageModel::new(
        "long".into(),
        None,
        model,
        model_of(&fixture, &cpu()).tokenizer,
    );
    let ids: Vec<i64> = rows(&fixture).concat().into_iter().take(11).collect();
    let text = text_of(&ids);
    let path = write(&folder, "long", &loaded, &text, None);
    let reach = Reach {
        what: "text",
        tokens: ids.len(),
        longest: ids.len(),
    };
    let edit = as_option("z 0.1=mean", &text, "");
    let made = loaded.edits(&[edit.parse().unwrap()], reach).unwrap();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids.clone(), [1, ids.len()]), &cpu());
    let (_, logits) = to_host(loaded.model.forward(tokens, Pass::editing(&made.list)));
    let Some(answers) = node(&[json!({ "path": path, "rows": [ids], "edits": "z 0.1=mean" })])
    else {
        return;
    };
    for found in answers[0]["rows"][0].as_object().unwrap().values() {
        let found = Computed::deserialize(found).unwrap();
        let far = largest_difference(&found.logits.concat(), &logits);
        assert!(far <= 1e-4, "logits differ by {far:e}");
    }
}

#[test]
fn a_page_leaves_out_edits_that_it_cannot_make() {
    let folder = TempDir::new().unwrap();
    let fixture = Forward::named("gqa_rope");
    let ids = rows(&fixture)[0];
    let path = write(
        &folder,
        "page",
        &model_of(&fixture, &cpu()),
        &text_of(ids),
        None,
    );
    let wrong = [
        "z 9.0=zero",
        "z 0.9=zero",
        "z 0=zero",
        "resid_pre 0.1=zero",
        "pattern 0.0@1:3=0.5",
        "pattern 0.0@3:1=1.5",
        "pattern 0.0=zero",
        "pattern 0.0@3:1=first",
        "z 0.0@3:1=0.5",
        "z 0.0@99999=zero",
        "__proto__ 0.0=zero",
        "z 0.0=<b>",
        "z 0.0=zero 'a'",
    ];
    // Beyond the text, and from a second sentence that is not there.
    let idle = ["z 0.0@200=zero", "resid_pre 0@1=from"];
    let edits = [&wrong[..], &idle, &["z 0.1=zero"]].concat().join(";");
    let Some(answers) = node(&[json!({ "path": path, "rows": [ids], "edits": edits })]) else {
        return;
    };
    for found in answers[0]["rows"][0].as_object().unwrap().values() {
        assert_eq!(found["left"], json!(wrong));
        assert_eq!(found["edits"], 1);
    }
}

#[test]
fn formats_cost_what_they_say() {
    let folder = TempDir::new().unwrap();
    let fixture = Forward::named("llama");
    let ids = rows(&fixture)[0];
    let loaded = model_of(&fixture, &cpu());
    let requests: Vec<Value> = WeightFormat::ALL
        .into_iter()
        .map(|format| {
            let path = write(&folder, format.name(), &loaded, &text_of(ids), Some(format));
            json!({ "path": path, "rows": [ids] })
        })
        .collect();
    let Some(answers) = node(&requests) else {
        return;
    };
    let (shape, expected) = &fixture.expected["logits"];
    let expected = &expected[..shape[1] * shape[2]];
    let range = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    for ((format, answer), (least, most)) in WeightFormat::ALL.iter().zip(&answers).zip([
        (0.0, 2e-6),
        (1e-7, 1e-4),
        (1e-5, 5e-3),
        (1e-4, 1e-1),
    ]) {
        let found = Computed::deserialize(&answer["rows"][0]["WebAssembly whole"]).unwrap();
        let far = largest_difference(&found.logits.concat(), expected) / range;
        assert!(
            (least..=most).contains(&far),
            "{format}: {far:e} of the range"
        );
    }
}

/// Strings of letters of many scripts, digits, marks, spaces, emoji and special tokens.
fn strings(seed: u64, count: usize, alphabet: &[&str]) -> Vec<String> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut one = || -> String {
        let parts = random.random_range(0..24);
        (0..parts)
            .map(|_| match random.random_range(0..8) {
                0 => loop {
                    let code = random.random_range(0..0x11_0000);
                    if let Some(c) = char::from_u32(code) {
                        break c.to_string();
                    }
                },
                1 => char::from(random.random_range(0..128_u8)).to_string(),
                2 => " ".repeat(random.random_range(1..4)),
                _ => alphabet[random.random_range(0..alphabet.len())].to_owned(),
            })
            .collect()
    };
    (0..count).map(|_| one()).collect()
}

const PARTS: [&str; 33] = [
    "the",
    "cat",
    " sat",
    "'s",
    "'LL",
    "'ſ",
    "don't",
    "한국어",
    "밥을",
    "각",
    "고파서",
    "e\u{301}",
    "\u{1112}\u{1161}\u{11AB}",
    "שלום",
    "12345",
    "½",
    "Ⅷ",
    "٣",
    "\n\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "👩‍👩‍👧",
    "🙂",
    "...",
    "?!",
    "—",
    "<|endoftext|>",
    "</s>",
    "<|endof",
    "\u{0}",
    "\u{feff}",
];

/// SentencePiece's BPE with a token for each byte.
const LLAMA_2: &str = "tokenizers/sentencepiece_bpe";

/// Return the tokenizer of a file with a pre-tokenizer in place of its normalizer.
fn marking(folder: &TempDir, file: &Path, scheme: &str, split: bool) -> Tokenizer {
    let mut json: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    json["normalizer"] = Value::Null;
    json["pre_tokenizer"] = json!({
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split,
    });
    let path = folder.path().join(format!("{scheme}.json"));
    fs::write(&path, json.to_string()).unwrap();
    Tokenizer::from_file(&path).unwrap()
}

#[test]
fn text_is_divided_as_the_library_does() {
    let folder = TempDir::new().unwrap();
    let named = |name: &str| self::folder().join(name).join("tokenizer.json");
    let texts = strings(1, 300, &PARTS);
    let trained = Tokenizer::train_bpe(texts.iter(), 700, &["<|user|>".to_owned()]).unwrap();
    let characters = Tokenizer::characters(texts.iter().flat_map(|text| text.chars()), true);
    let tokenizers = [
        ("bpe", trained),
        ("characters", characters.unwrap()),
        (
            "llama3",
            Tokenizer::from_file(&named("tokenizers/split_byte_level")).unwrap(),
        ),
        ("qwen2", Tokenizer::from_file(&named("hf/qwen2")).unwrap()),
        ("gpt2", Tokenizer::from_file(&named("hf/gpt2")).unwrap()),
        ("llama2", Tokenizer::from_file(&named(LLAMA_2)).unwrap()),
        ("always", marking(&folder, &named(LLAMA_2), "always", true)),
        ("first", marking(&folder, &named(LLAMA_2), "first", false)),
        ("never", marking(&folder, &named(LLAMA_2), "never", true)),
    ];
    let strings = strings(2, 10_000, &PARTS);
    let requests: Vec<Value> = tokenizers
        .iter()
        .map(|(name, tokenizer)| {
            let config = sisun_config::ModelConfig::new(tokenizer.vocab_size(), 8, 1, 1, 64);
            let model = Transformer::random(&config, 0, &cpu()).unwrap();
            let loaded = LanguageModel::new((*name).into(), None, model, tokenizer.clone());
            let path = write(&folder, name, &loaded, "the", None);
            json!({ "path": path, "texts": strings })
        })
        .collect();
    let Some(answers) = node(&requests) else {
        return;
    };
    for ((name, tokenizer), answer) in tokenizers.iter().zip(&answers) {
        let encoded = answer["encoded"].as_array().unwrap();
        assert_eq!(encoded.len(), strings.len());
        let mut known = 0;
        for (text, found) in strings.iter().zip(encoded) {
            let Ok(encoding) = tokenizer.encode_prompt(text) else {
                assert!(found["unknown"].is_array(), "{name}: {text:?}: {found}");
                continue;
            };
            known += 1;
            assert_eq!(found["ids"], json!(encoding.ids), "{name}: {text:?}");
            // The page shows composed text where the tokenizer composes it.
            if found["text"] == *text {
                let labels: Vec<Value> = (tokenizer.labels(text, &encoding).iter())
                    .map(|label| json!({ "id": label.id, "text": label.text, "start": label.start, "end": label.end }))
                    .collect();
                assert_eq!(found["tokens"], json!(labels), "{name}: {text:?}");
            }
        }
        assert!(
            known > 900,
            "{name}: {known} strings are within its vocabulary"
        );
    }
}

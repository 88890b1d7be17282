//! The steps of one query, from the embedding to the next token: against NumPy
//! (`peers/reference_steps.py`), with edits, on a page, and in the words of the page's scripts.

mod own;

use serde::Deserialize;
use serde_json::{Value, json};
use sisun_infer::explain::Walks;
use sisun_infer::{CaptureSelection, Explanation, Language, LanguageModel, Query, Reach};
use sisun_model::Activation;
use sisun_tests::devices::cpu;
use sisun_tests::fixtures::{Forward, text};
use sisun_tests::pages::{model_of, page, rows, text_of};
use sisun_viz::worked::{StepContext, percent, steps};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// One query worked through by NumPy.
#[derive(Deserialize)]
struct Expected {
    layer: usize,
    head: usize,
    query: usize,
    embedding: Vec<f64>,
    position: Option<Vec<f64>>,
    positioned: Vec<f64>,
    before: Vec<f64>,
    normed: Option<Vec<f64>>,
    q_product: Vec<f64>,
    k_product: Vec<f64>,
    v_product: Vec<f64>,
    q_unturned: Vec<f64>,
    q: Vec<f64>,
    dots: Vec<f64>,
    weights: Vec<f64>,
    z: Vec<f64>,
    share: Vec<f64>,
    attention: Vec<f64>,
    after_attention: Vec<f64>,
    feed_forward: Option<Vec<f64>>,
    after: Vec<f64>,
    next: u32,
    points: BTreeMap<String, f64>,
    without_head: f64,
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_str(&text("steps.json")).unwrap()
}

fn opened(name: &str) -> (LanguageModel, String) {
    let fixture = Forward::named(name);
    let text = text_of(rows(&fixture)[0]);
    (model_of(&fixture, &cpu()), text)
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let far = (found - expected).abs();
        assert!(far <= 2e-5, "{what}: {found} for {expected}");
    }
}

#[test]
fn every_step_is_what_numpy_computes() {
    for (name, expected) in expected() {
        let (loaded, text) = opened(&name);
        let Expected {
            layer, head, query, ..
        } = expected;
        let found = loaded
            .explain(&text, Some(layer), head, &Query::Number(query))
            .unwrap();
        let stream = &found.stream;
        let say = |what: &str| format!("{name}, {what}");
        close(&say("x"), &stream.embedding, &expected.embedding);
        close(&say("x̃"), &stream.positioned, &expected.positioned);
        close(&say("h"), &stream.before, &expected.before);
        for (what, found, expected) in [
            ("p", &stream.position, &expected.position),
            ("x̂", &stream.normed, &expected.normed),
            ("f", &stream.feed_forward, &expected.feed_forward),
        ] {
            assert_eq!(found.is_some(), expected.is_some(), "{}", say(what));
            if let (Some(found), Some(expected)) = (found, expected) {
                close(&say(what), found, expected);
            }
        }
        close(&say("x̂·W_Q"), &stream.products.q, &expected.q_product);
        close(&say("x̂·W_K"), &stream.products.k, &expected.k_product);
        close(&say("x̂·W_V"), &stream.products.v, &expected.v_product);
        if let Some(rotation) = &stream.rotation {
            close(&say("q before"), &rotation.q, &expected.q_unturned);
            let dots: Vec<f64> = rotation.proof.iter().map(|moved| moved.dot).collect();
            close(
                &say("moved"),
                &dots,
                &vec![expected.dots[rotation.key]; dots.len()],
            );
        }
        close(&say("q"), &found.q, &expected.q);
        let of = |of: fn(&sisun_infer::explain::KeySteps) -> f64| -> Vec<f64> {
            found.keys.iter().map(|key| of(&key.steps)).collect()
        };
        close(&say("q·k"), &of(|key| key.dot), &expected.dots);
        close(&say("weights"), &of(|key| key.weight), &expected.weights);
        close(&say("z"), &found.z, &expected.z);
        close(&say("share"), &stream.share, &expected.share);
        close(&say("ΔE"), &stream.attention, &expected.attention);
        close(
            &say("h′"),
            &stream.after_attention,
            &expected.after_attention,
        );
        close(&say("h″"), &stream.after, &expected.after);
        assert_eq!(stream.next.id, expected.next, "{}", say("next"));
        let points: BTreeMap<String, f64> = (stream.next.points.iter())
            .map(|point| (point.part.to_string(), point.probability))
            .collect();
        assert!(points.keys().eq(expected.points.keys()), "{points:?}");
        let values = |points: &BTreeMap<String, f64>| points.values().copied().collect::<Vec<_>>();
        close(&say("points"), &values(&points), &values(&expected.points));
        let without = [stream.next.without_head];
        close(&say("without"), &without, &[expected.without_head]);
        // First numbers of columns: with them the first number of a product can be written out.
        let first: f64 = (found.z.iter().zip(&stream.output_column))
            .map(|(z, w)| z * w)
            .sum();
        close(&say("z·W_O"), &[first], &expected.share[..1]);
    }
}

#[test]
fn every_variant_has_its_steps_in_both_languages() {
    let mut seen = BTreeMap::new();
    for fixture in Forward::all() {
        let (loaded, text) = (model_of(&fixture, &cpu()), text_of(rows(&fixture)[0]));
        let found = loaded.explain(&text, None, 0, &Query::Last).unwrap();
        assert!(found.differences.pattern < 1e-5 && found.differences.z < 1e-4);
        let of = |language| {
            let context = StepContext::of(&found, str::to_owned, language);
            steps(&context, language)
        };
        let (english, korean) = (of(Language::English), of(Language::Korean));
        let ids: Vec<&str> = english.iter().map(|step| step.id).collect();
        assert!(korean.iter().map(|step| step.id).eq(ids.iter().copied()));
        for (step, number) in english.iter().chain(&korean).zip((1..=ids.len()).cycle()) {
            assert_eq!(step.number, number);
            let words = [&step.title, &step.shape, &step.operation, &step.gives];
            for text in words.into_iter().chain(&step.sentences) {
                assert!(!text.contains(['{', '}']), "{}: {text}", fixture.name);
            }
            assert!(!step.sentences.is_empty(), "{} {}", fixture.name, step.id);
        }
        seen.insert(fixture.name, ids);
    }
    let has = |name: &str, id: &str| seen[name].contains(&id);
    assert!(has("learned", "position") && !has("rope", "position") && has("rope", "rotation"));
    assert!(has("alibi_2_heads", "bias") && has("t5_bias", "bias") && !has("none", "bias"));
    assert!(has("qk_norm", "qk-norm") && !has("post_norm", "norm") && !has("ffn_none", "ffn"));
    assert!(!has("not_causal", "mask") && has("no_residual", "residual"));
    assert_eq!(
        seen["sinusoidal"],
        [
            "embedding",
            "position",
            "stream",
            "norm",
            "qkv",
            "similarity",
            "scale",
            "softmax",
            "weighted-sum",
            "output",
            "residual",
            "ffn",
            "next"
        ],
        "the last query hides nothing"
    );
}

/// Explain a query of a model with one edit.
fn edited(name: &str, edit: &str, query: usize) -> Explanation {
    let (mut loaded, text) = opened(name);
    let n = loaded.tokens(&text).unwrap().len();
    let reach = Reach {
        what: "text",
        tokens: n,
        longest: n,
    };
    loaded.edits = loaded.edits(&[edit.parse().unwrap()], reach).unwrap();
    loaded
        .explain(&text, Some(1), 1, &Query::Number(query))
        .unwrap()
}

#[test]
fn steps_of_an_edited_model_have_the_edited_numbers_and_say_so() {
    for (edit, activation) in [
        ("pattern 1.1 @3 = first", Activation::Pattern),
        ("pattern 1.1 @3:2 = 0.75", Activation::Pattern),
        ("scores 1.1 @3:1 = 4", Activation::Scores),
        ("z 1.1 = zero", Activation::Z),
        ("q 1.1 = scale 3", Activation::Q),
        ("v 1.* = zero", Activation::V),
    ] {
        let found = edited("gqa_rope", edit, 3);
        assert_eq!(found.edited, [activation], "{edit}");
        let far = found.differences;
        assert!(
            far.score < 1e-5 && far.pattern < 1e-6 && far.z < 1e-5,
            "{edit}: {far:?}"
        );
        let context = StepContext::of(&found, str::to_owned, Language::English);
        let told = steps(&context, Language::English);
        let told = told.iter().flat_map(|step| &step.sentences);
        let told: Vec<&String> = told.filter(|text| text.starts_with("Edited")).collect();
        let [told] = told[..] else {
            panic!("{edit}: {told:?}")
        };
        assert!(
            told.contains(&edit.split(' ').next().unwrap().to_owned()),
            "{told}"
        );
    }
    let first = edited("gqa_rope", "pattern 1.1 @3 = first", 3);
    let weights: Vec<f64> = first.keys.iter().map(|key| key.steps.weight).collect();
    assert_eq!(weights[..4], [1.0, 0.0, 0.0, 0.0]);
    close("z of the first token", &first.z, &first.keys[0].v);
    let silenced = edited("gqa_rope", "z 1.1 = zero", 3);
    assert!(
        silenced
            .z
            .iter()
            .chain(&silenced.stream.share)
            .all(|x| *x == 0.0)
    );
    let plain = edited("gqa_rope", "z 1.0 = scale 1", 3);
    assert_eq!(
        plain.edited,
        [],
        "another head's edit changes no step of this one"
    );
    // Without the share of the head the stream is that of the ablated model.
    let point = |found: &Explanation| {
        let points = found.stream.next.points.iter();
        let mut of_layer = points.filter(|point| point.part.to_string() == "attn_out 1");
        of_layer.next().unwrap().probability
    };
    if silenced.stream.next.id == plain.stream.next.id {
        close(
            "ablated",
            &[point(&silenced)],
            &[plain.stream.next.without_head],
        );
    }
}

#[test]
fn a_page_holds_what_the_steps_have() {
    for name in [
        "learned",
        "gqa_rope",
        "post_norm_rms",
        "ffn_none",
        "no_residual",
        "qk_norm",
    ] {
        let (loaded, text) = opened(name);
        let all = CaptureSelection::default();
        let walks: Walks = loaded.walks(&text, &all, 5).unwrap();
        let config = loaded.model.config();
        let (width, narrow) = (walks.shown + 1, walks.shown_of_head + 1);
        for (layer, head, token) in [(0, 0, 0), (1, 1, 3), (1, 3, 4)] {
            let found = loaded
                .explain(&text, Some(layer), head, &Query::Number(token))
                .unwrap();
            let stream = &found.stream;
            let short = |vector: &[f64]| -> Vec<f64> {
                let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
                vector.iter().take(8).copied().chain([length]).collect()
            };
            let at = |values: &[f32], row: usize, size: usize| -> Vec<f64> {
                let from = (row * walks.tokens + token) * size;
                values[from..from + size]
                    .iter()
                    .map(|&x| f64::from(x))
                    .collect()
            };
            let named: BTreeMap<&str, Option<&Vec<f64>>> = [
                ("embedding", Some(&stream.embedding)),
                ("position", stream.position.as_ref()),
                ("positioned", Some(&stream.positioned)),
                ("before", Some(&stream.before)),
                ("normed", stream.normed.as_ref()),
                ("attention", Some(&stream.attention)),
                ("mid", Some(&stream.after_attention)),
                ("ffn", stream.feed_forward.as_ref()),
                ("after", Some(&stream.after)),
            ]
            .into();
            for (row, vector) in walks.start_names.iter().enumerate() {
                let expected = short(named[vector].unwrap());
                close(vector, &at(&walks.start, row, width), &expected);
            }
            for (row, vector) in walks.layer_names.iter().enumerate() {
                let row = layer * walks.layer_names.len() + row;
                let expected = short(named[vector].unwrap());
                close(vector, &at(&walks.layers, row, width), &expected);
            }
            let place = layer * config.n_heads + head;
            let products = [&stream.products.q, &stream.products.k, &stream.products.v];
            for (i, product) in products.into_iter().enumerate() {
                close(
                    "product",
                    &at(&walks.products, 3 * place + i, narrow),
                    &short(product),
                );
            }
            close(
                "share",
                &at(&walks.shares, place, width),
                &short(&stream.share),
            );
            let without = walks.without_head.as_ref().unwrap()[place * walks.tokens + token];
            close(
                "without",
                &[f64::from(without)],
                &[stream.next.without_head],
            );
            assert_eq!(walks.next[token], stream.next.text);
            let points = &walks.probabilities[token * walks.points.len()..][..walks.points.len()];
            let expected: Vec<f64> = stream.next.points.iter().map(|p| p.probability).collect();
            let points: Vec<f64> = points.iter().map(|&p| f64::from(p)).collect();
            close("points", &points, &expected);
        }
    }
}

/// Return the answers of Node, or `None` if there is no Node.
fn node(requests: &[Value]) -> Option<Vec<Value>> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("requests.json");
    fs::write(&file, serde_json::to_vec(requests).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/steps.mjs");
    let Ok(output) = Command::new("node").arg(script).arg(&file).output() else {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("NOT RUN: there is no Node to word the steps in");
        }
        return None;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

const LANGUAGES: [Language; 2] = [Language::English, Language::Korean];

#[test]
fn the_page_words_the_steps_as_the_program_does() {
    let contexts: Vec<StepContext> = Forward::all()
        .iter()
        .map(|fixture| {
            let (loaded, text) = (model_of(fixture, &cpu()), text_of(rows(fixture)[0]));
            let found = loaded.explain(&text, None, 0, &Query::Number(2)).unwrap();
            StepContext::of(&found, str::to_owned, Language::English)
        })
        .collect();
    let requests: Vec<Value> = contexts
        .iter()
        .map(|context| json!({ "context": context }))
        .collect();
    let Some(answers) = node(&requests) else {
        return;
    };
    for (context, answer) in contexts.iter().zip(answers) {
        let expected = LANGUAGES.map(|language| steps(context, language));
        assert_eq!(answer, json!(expected));
    }
}

#[test]
fn the_page_that_computes_follows_a_token_as_numpy_does() {
    let folder = TempDir::new().unwrap();
    let expected = expected();
    let requests: Vec<Value> = (expected.iter())
        .map(|(name, expected)| {
            let fixture = Forward::named(name);
            let (loaded, text) = opened(name);
            let path = folder.path().join(format!("{name}.html"));
            fs::write(&path, page(&loaded, &text, None)).unwrap();
            json!({
                "path": path,
                "ids": rows(&fixture)[0],
                "layer": expected.layer,
                "head": expected.head,
                "query": expected.query,
            })
        })
        .collect();
    let Some(answers) = node(&requests) else {
        return;
    };
    for ((name, expected), answer) in expected.iter().zip(answers) {
        let vector = |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
        let found = |vector_name: &str| vector(&answer["vectors"][vector_name]);
        for (vector_name, expected) in [
            ("embedding", Some(&expected.embedding)),
            ("position", expected.position.as_ref()),
            ("positioned", Some(&expected.positioned)),
            ("before", Some(&expected.before)),
            ("normed", expected.normed.as_ref()),
            ("q", Some(&expected.q_product)),
            ("k", Some(&expected.k_product)),
            ("v", Some(&expected.v_product)),
            ("share", Some(&expected.share)),
            ("attention", Some(&expected.attention)),
            ("mid", Some(&expected.after_attention)),
            ("ffn", expected.feed_forward.as_ref()),
            ("after", Some(&expected.after)),
        ] {
            let what = format!("{name}, {vector_name}");
            match expected {
                Some(expected) => close(&what, &found(vector_name), expected),
                None => assert!(answer["vectors"].get(vector_name).is_none(), "{what}"),
            }
        }
        close(name, &vector(&answer["z"]), &expected.z);
        assert_eq!(answer["next"], expected.next, "{name}");
        let points = answer["points"].as_array().unwrap().iter();
        let points: BTreeMap<String, f64> = points
            .map(|point| {
                let part = point["part"].as_str().unwrap().to_owned();
                (part, point["probability"].as_f64().unwrap())
            })
            .collect();
        assert!(
            points.keys().eq(expected.points.keys()),
            "{name}: {points:?}"
        );
        let values = |points: &BTreeMap<String, f64>| points.values().copied().collect::<Vec<_>>();
        close(name, &values(&points), &values(&expected.points));
        close(
            name,
            &[answer["without"].as_f64().unwrap()],
            &[expected.without_head],
        );
    }
}

#[test]
fn probabilities_are_written_as_the_page_writes_them() {
    let texts = [0.0, 1e-6, 0.01234, 0.0995, 0.5, 1.0, f64::NAN].map(percent);
    assert_eq!(
        texts,
        ["0%", "<0.01%", "1.23%", "10.0%", "50.0%", "100.0%", "–"]
    );
}

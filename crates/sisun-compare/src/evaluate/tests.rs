use super::{EvaluatedModel, attention, language, surprise, task, tokens};
use crate::results::MeasureName;
use burn::module::Module;
use burn::tensor::Device;
use sisun_config::{ModelConfig, Shape, TrainConfig, from_value, randomness::stream};
use sisun_data::tasks::{Example, SYMBOLS, Task};
use sisun_data::{Batch, Tokenizer, Tokens};
use sisun_model::{Activation, Capture, KvCache, Pass, Transformer};
use sisun_train::Trainer;

fn config(position: &str, vocab: usize, context_len: usize) -> ModelConfig {
    let lines = "d_model = 12\nn_layers = 2\nn_heads = 3\ninit_std = 0.3";
    ModelConfig::parse(&format!(
        "{lines}\nposition = \"{position}\"\nvocab_size = {vocab}\ncontext_len = {context_len}"
    ))
    .expect("a model")
}

fn judged(model: &Transformer) -> EvaluatedModel {
    EvaluatedModel {
        model: model.clone(),
        random_positions: None,
    }
}

/// Return true if greedy decoding, token by token from the prompt with a cache, writes the answer.
fn writes(model: &Transformer, Example { prompt, answer }: &Example) -> bool {
    let mut cache = KvCache::new();
    let mut read = prompt.clone();
    answer.iter().all(|right| {
        let logits = model.forward_last(tokens(model, &[&read]), Pass::cached(&mut cache));
        let logits = logits.try_into_vec_as::<f32>().expect("floats");
        let best = (0..)
            .zip(&logits)
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        read = vec![best.expect("a vocabulary").0];
        read[0] == *right
    })
}

/// Return a model that has half learned the task.
fn half_trained(task: Task, length: usize) -> Transformer {
    let context_len = task.most_tokens(length) - 1;
    let model = config("rope", SYMBOLS.chars().count(), context_len);
    let table = toml::toml! {
        steps = 100
        batch_size = 16
        lr_max = 1e-2
        schedule = "constant"
    };
    let train: TrainConfig = from_value(
        "train",
        toml::Value::Table(table),
        &Shape::of::<TrainConfig>(),
    )
    .expect("settings");
    let model = Transformer::random(&model, 3, &Device::flex().autodiff()).expect("a model");
    let mut trainer = Trainer::new(model, &train);
    for step in 0..train.steps {
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for row in 0..train.batch_size as u64 {
            let example = task.example(length, &mut stream(1, "half", step * 100 + row));
            let row = [example.prompt, example.answer].concat();
            inputs.extend_from_slice(&row[..context_len]);
            targets.extend_from_slice(&row[1..]);
        }
        let batch = Batch {
            batch_size: train.batch_size,
            context_len,
            inputs,
            targets,
            loss_mask: None,
        };
        trainer.step(&[batch]);
    }
    trainer.model.valid()
}

#[test]
fn exact_match_is_what_greedy_decoding_writes() {
    let model = half_trained(Task::Sort, 2);
    for length in [2, 3] {
        let examples = task::examples(Task::Sort, length, 150);
        let written = examples
            .iter()
            .filter(|example| writes(&model, example))
            .count();
        assert_eq!(
            task::exact_match(&judged(&model), &examples),
            written as f64 / 150.0,
            "length {length}"
        );
        if length == 2 {
            assert!(
                (15..136).contains(&written),
                "{written} of 150 tell right from wrong"
            );
        }
    }
}

#[test]
fn test_examples_are_always_the_same() {
    assert_eq!(
        task::examples(Task::Copy, 5, 9),
        task::examples(Task::Copy, 5, 11)[..9]
    );
    assert_ne!(
        task::examples(Task::Copy, 5, 2)[0],
        task::examples(Task::Copy, 5, 2)[1]
    );
}

/// Eleven characters of two bytes.
fn two_bytes_each() -> Tokenizer {
    Tokenizer::characters("αβγδεζηθικλ".chars(), false).expect("a tokenizer")
}

#[test]
fn losses_are_those_of_one_window_at_a_time() {
    let (context_len, n) = (7, 97);
    let model = Transformer::random(&config("alibi", 11, context_len), 5, &Device::flex())
        .expect("a model");
    let ids: Vec<u32> = (0..n).map(|i| (i * i % 11) as u32).collect();
    // After what is judged come tokens of other bytes, which must not count.
    let text = Tokens::from_ids(&ids, None, &[0], 9 * n as u64);
    let (judged, tokenizer) = (judged(&model), two_bytes_each());
    let measures = language::measure(&judged, &text, &tokenizer, context_len, &[1.0, 2.0], 60);
    let at = |name, at| {
        measures
            .iter()
            .find(|m| (m.name, m.at) == (name, at))
            .and_then(|m| m.value)
            .expect("a value")
    };
    let ids = &ids[..61];
    // Nats of each token of one window, starting at `from`.
    let window = |start: usize, length: usize, from: usize| -> Vec<f64> {
        let logits = model.forward(
            tokens(&model, &[&ids[start..start + length]]),
            Pass::default(),
        );
        let logits = logits.into_data().try_into_vec_as::<f32>().expect("floats");
        (from..length)
            .map(|pos| surprise(&logits[pos * 11..][..11], ids[start + pos + 1]))
            .collect()
    };
    let mean = |all: Vec<f64>| all.iter().sum::<f64>() / all.len() as f64;
    let bits = |nats: f64| nats / std::f64::consts::LN_2 / 2.0;
    for length in [7, 14] {
        let apart: Vec<f64> = (0..60 / length)
            .flat_map(|i| window(i * length, length, 0))
            .collect();
        assert_eq!(apart.len(), 60 / length * length);
        let found = at(MeasureName::BitsPerByte, length);
        assert!(
            (found - bits(mean(apart))).abs() < 1e-6,
            "{length}: {found}"
        );
        // Windows begin 3 tokens apart; each except the first is evaluated on its last 3.
        let starts = (0..61 - length).step_by(3);
        let sliding: Vec<f64> = starts
            .flat_map(|start| window(start, length, if start == 0 { 0 } else { length - 3 }))
            .collect();
        let found = at(MeasureName::BitsPerByteSliding, length);
        assert!(
            (found - bits(mean(sliding))).abs() < 1e-6,
            "{length}: {found}"
        );
    }
    let third: Vec<f64> = (0..4).map(|i| window(i * 14, 14, 0)[3]).collect();
    assert!((at(MeasureName::LossAtPosition, 3) - mean(third)).abs() < 1e-6);
}

#[test]
fn a_text_that_is_too_short_for_a_length_is_no_number() {
    let model = Transformer::random(&config("none", 5, 4), 5, &Device::flex()).expect("a model");
    let text = Tokens::from_ids(&[1, 2, 3, 4, 1, 2], None, &[0], 6);
    let tokenizer = two_bytes_each();
    let measures = language::measure(&judged(&model), &text, &tokenizer, 4, &[1.0, 2.0], 60);
    let far = measures.iter().find(|m| m.at == 8).expect("a measure at 8");
    assert_eq!(
        (far.value, far.note.as_deref()),
        (None, Some("the held-out text has only 6 tokens"))
    );
    assert!(measures.iter().any(|m| m.at == 4 && m.value.is_some()));
}

#[test]
fn distances_are_means_of_the_patterns() {
    let model = Transformer::random(&config("t5_bias", 7, 9), 2, &Device::flex()).expect("a model");
    let rows: [&[u32]; 2] = [&[1, 2, 3, 4, 5], &[6, 5, 1, 1, 0]];
    let found = attention::distances(&judged(&model), &rows);
    assert_eq!(
        found.iter().map(|h| (h.layer, h.head)).collect::<Vec<_>>(),
        [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    );
    let mut capture = Capture::new(&[Activation::Pattern], &[1], &[2]);
    model.forward(tokens(&model, &rows), Pass::capturing(&mut capture));
    let pattern = &capture.into_found()[0];
    let mut sum = 0.0;
    for (i, weight) in pattern.values.iter().enumerate() {
        let (query, key) = (i / 5 % 5, i % 5);
        sum += f64::from(*weight) * (query as f64 - key as f64).abs();
    }
    assert!(
        (found[5].distance - sum / 10.0).abs() < 1e-6,
        "{} for {}",
        found[5].distance,
        sum / 10.0
    );
    // The first query sees only itself, the last at most four more keys.
    assert!(
        found
            .iter()
            .all(|head| head.distance > 0.0 && head.distance < 2.0)
    );
}

#[test]
fn random_positions_are_read_alike_by_every_measure() {
    let model = Transformer::random(&config("rope", 11, 8), 5, &Device::flex()).expect("a model");
    let ids: Vec<u32> = (0..90).map(|i| (i * i % 11) as u32).collect();
    let text = Tokens::from_ids(&ids, None, &[0], 90);
    let judged = EvaluatedModel {
        model,
        random_positions: Some(20),
    };
    let measures = language::measure(&judged, &text, &two_bytes_each(), 8, &[1.0, 2.0, 3.0], 80);
    let at = |name, at| {
        measures
            .iter()
            .find(|m| (m.name, m.at) == (name, at))
            .expect("a measure")
    };
    // The past alone is read at the same positions as within the whole window.
    let leak = at(MeasureName::LossPastOnly, 8).value.expect("a loss")
        - at(MeasureName::LossWholeWindow, 8).value.expect("a loss");
    assert!(leak.abs() < 1e-5, "{leak}");
    assert!(at(MeasureName::BitsPerByte, 16).value.is_some());
    assert_eq!(
        at(MeasureName::BitsPerByte, 24).note.as_deref(),
        Some("longer than the 20 random positions")
    );
    let plain = EvaluatedModel {
        random_positions: None,
        ..judged.clone()
    };
    let plain = language::measure(&plain, &text, &two_bytes_each(), 8, &[1.0], 80);
    assert_ne!(plain[0].value, at(MeasureName::BitsPerByte, 8).value);
    let all = EvaluatedModel {
        random_positions: Some(8),
        ..judged
    };
    assert_eq!(
        plain[0].value,
        language::measure(&all, &text, &two_bytes_each(), 8, &[1.0], 80)[0].value,
        "eight of eight are all in turn"
    );
}

//! Scaled RoPE frequencies compared with Hugging Face transformers (`peers/reference_rope.py`).

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sisun_config::RopeScaling;
use sisun_model::position::rope::Frequencies;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    rotary_dims: usize,
    base: f64,
    factor: f64,
    original_context_len: usize,
    settings: Map<String, Value>,
    radians: Vec<f64>,
    magnitude: f64,
}

#[test]
fn frequencies_are_those_of_transformers() {
    let text = include_str!("../peers/fixtures/rope_scaling.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert_eq!(fixture.cases.len(), 63);
    for case in &fixture.cases {
        let mut settings = case.settings.clone();
        let len = settings
            .remove("len")
            .map_or(1, |len| len.as_u64().unwrap() as usize);
        settings.insert("kind".to_owned(), json!(case.kind));
        settings.insert("factor".to_owned(), json!(case.factor));
        if !matches!(case.kind.as_str(), "linear" | "ntk") {
            settings.insert(
                "original_context_len".to_owned(),
                json!(case.original_context_len),
            );
        }
        let scaling: RopeScaling = serde_json::from_value(Value::Object(settings)).unwrap();
        let name = format!("{scaling:?}, {} dimensions, {len} tokens", case.rotary_dims);
        let found = Frequencies::new(case.rotary_dims, case.base, Some(scaling), len);
        assert!((found.magnitude - case.magnitude).abs() < 1e-6, "{name}");
        assert_eq!(found.radians.len(), case.radians.len(), "{name}");
        for (i, (found, expected)) in found.radians.iter().zip(&case.radians).enumerate() {
            // transformers computes them in float32.
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{name}, pair {i}: {found} for {expected}"
            );
        }
        if case.kind == "dynamic" && len <= case.original_context_len {
            assert_eq!(
                found,
                Frequencies::new(case.rotary_dims, case.base, None, 1),
                "{name} changes nothing yet"
            );
        } else {
            assert_ne!(
                found,
                Frequencies::new(case.rotary_dims, case.base, None, 1),
                "{name} changes something"
            );
        }
    }
}

#[test]
fn a_factor_of_one_changes_nothing() {
    let plain = Frequencies::new(10, 500.0, None, 1);
    let ways = [
        RopeScaling::Linear { factor: 1.0 },
        RopeScaling::Ntk { factor: 1.0 },
        RopeScaling::yarn(1.0, 37),
        RopeScaling::Dynamic {
            factor: 1.0,
            original_context_len: 37,
        },
        RopeScaling::Llama3 {
            factor: 1.0,
            original_context_len: 37,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
        },
    ];
    for scaling in ways {
        let found = Frequencies::new(10, 500.0, Some(scaling), 37);
        assert!((found.magnitude - 1.0).abs() < 1e-12);
        assert!(
            found
                .radians
                .iter()
                .zip(&plain.radians)
                .all(|(a, b)| (a / b - 1.0).abs() < 1e-12),
            "{scaling:?}"
        );
    }
}

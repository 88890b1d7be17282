//! RoPE's frequencies under scaling against Hugging Face transformers (`peers/reference_rope.py`).

use serde::Deserialize;
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
    radians: Vec<f64>,
    magnitude: f64,
}

#[test]
fn frequencies_are_those_of_transformers() {
    let text = include_str!("../peers/fixtures/rope_scaling.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert_eq!(fixture.cases.len(), 27);
    for case in &fixture.cases {
        let Case { factor, original_context_len, .. } = *case;
        let scaling = match case.kind.as_str() {
            "linear" => RopeScaling::Linear { factor },
            "ntk" => RopeScaling::Ntk { factor },
            "yarn" => RopeScaling::Yarn { factor, original_context_len },
            other => panic!("{other}"),
        };
        let name = format!("{scaling:?}, {} dimensions", case.rotary_dims);
        let found = Frequencies::new(case.rotary_dims, case.base, Some(scaling));
        assert!((found.magnitude - case.magnitude).abs() < 1e-6, "{name}");
        assert_eq!(found.radians.len(), case.radians.len(), "{name}");
        for (i, (found, expected)) in found.radians.iter().zip(&case.radians).enumerate() {
            // transformers computes them in float32.
            assert!((found / expected - 1.0).abs() < 1e-5, "{name}, pair {i}: {found} for {expected}");
        }
        assert_ne!(found, Frequencies::new(case.rotary_dims, case.base, None), "{name} changes something");
    }
}

#[test]
fn a_factor_of_one_changes_nothing() {
    let plain = Frequencies::new(10, 500.0, None);
    let ways = [
        RopeScaling::Linear { factor: 1.0 },
        RopeScaling::Ntk { factor: 1.0 },
        RopeScaling::Yarn { factor: 1.0, original_context_len: 37 },
    ];
    for scaling in ways {
        let found = Frequencies::new(10, 500.0, Some(scaling));
        assert!((found.magnitude - 1.0).abs() < 1e-12);
        assert!(found.radians.iter().zip(&plain.radians).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{scaling:?}");
    }
}

//! Defaults for keys missing from `config.json`, compared with `transformers`
//! (`tests/peers/reference_defaults.py`).

use crate::directory::{Directory, fixtures};
use serde_json::Value;
use sisun_config::{Ffn, ModelConfig, Position};
use std::fs;

#[test]
fn what_is_left_out_is_what_the_class_takes() {
    let text = fs::read(fixtures().with_file_name("config_defaults.json")).unwrap();
    let cases = serde_json::from_slice::<Value>(&text).unwrap()["cases"]
        .as_array()
        .unwrap()
        .clone();
    assert!(cases.len() > 30);
    for case in cases {
        let (config, expected) = (&case["config"], &case["resolved"]);
        let dir = Directory::empty();
        dir.write("config.json", config.to_string());
        let (_, model) = sisun_hf::describe(&dir.path("")).unwrap();
        let number = |key: &str| expected[key].as_u64().map(|number| number as usize);
        let sizes = [
            ("vocab_size", model.vocab_size.unwrap()),
            ("d_model", model.d_model),
            ("n_layers", model.n_layers),
            ("n_heads", model.n_heads),
            ("kv_heads", model.kv_heads()),
            ("d_head", model.d_head()),
            ("d_ff", model.ff_width()),
        ];
        for (key, found) in sizes {
            assert_eq!(Some(found), number(key), "{key} of {config}");
        }
        // The context ends where a window would begin to hide tokens.
        let window = number("window");
        assert_eq!(
            Some(model.context_len),
            window.or(number("positions")),
            "{config}"
        );
        let notes = sisun_hf::notes(&dir.path("")).unwrap();
        assert_eq!(
            notes.iter().any(|note| note.contains("sliding_window")),
            window.is_some(),
            "{config}: {notes:?}"
        );
        assert_eq!(
            model.norm_eps,
            expected["norm_eps"].as_f64().unwrap(),
            "{config}"
        );
        assert_eq!(model.tied_head, expected["tied"], "{config}");
        assert_eq!(activation(&model), expected["activation"], "{config}");
        let rope = match model.position {
            Position::Rope { base, fraction, .. } => Some((base, fraction)),
            _ => None,
        };
        let turned = expected["rope_theta"]
            .as_f64()
            .zip(expected["rotated"].as_f64());
        assert_eq!(rope, turned, "{config}");
    }
}

fn activation(model: &ModelConfig) -> &'static str {
    match model.ffn {
        Ffn::Swiglu => "silu",
        Ffn::GeluTanh => "gelu_new",
        Ffn::Gelu => "gelu",
        _ => "another",
    }
}

//! Valid and invalid contents of `config.json`.

use crate::directory::{Directory, fixtures};
use serde_json::{Value, json};
use sisun_config::{Position, RopeScaling};

fn scaling(dir: &Directory) -> Option<RopeScaling> {
    let (_, model) = sisun_hf::describe(&dir.path("")).unwrap();
    match model.position {
        Position::Rope { scaling, .. } => scaling,
        other => panic!("{other:?}"),
    }
}

fn rope(settings: Value) -> Option<RopeScaling> {
    let dir = Directory::of("llama_untied");
    scaling(dir.set("config.json", "rope_parameters", settings))
}

#[test]
fn rope_scaling_in_the_words_of_either_version() {
    for name in ["llama_linear", "llama_yarn"] {
        let config: Value = serde_json::from_slice(
            &std::fs::read(fixtures().join(name).join("config.json")).unwrap(),
        )
        .unwrap();
        assert!(
            config["rope_scaling"]["type"].is_string() && config["rope_theta"].is_f64(),
            "{config}"
        );
    }
    let linear = Some(RopeScaling::Linear { factor: 4.0 });
    assert_eq!(scaling(&Directory::of("llama_linear")), linear);
    assert_eq!(rope(json!({ "rope_type": "linear", "factor": 4 })), linear);
    assert_eq!(
        scaling(&Directory::of("llama_yarn")),
        Some(RopeScaling::yarn(4.0, 23))
    );
    // As in transformers: the trained context is the whole one unless stated, and the factor is
    // their ratio.
    assert_eq!(
        rope(json!({ "rope_type": "yarn", "factor": 2.0 })),
        Some(RopeScaling::yarn(2.0, 92))
    );
    assert_eq!(
        rope(
            json!({ "rope_type": "yarn", "original_max_position_embeddings": 23, "beta_fast": 0, "beta_slow": null })
        ),
        Some(RopeScaling::yarn(4.0, 23))
    );
    let scaled = rope(
        json!({ "rope_type": "yarn", "factor": 40.0, "mscale": 0.707, "mscale_all_dim": 1.0 }),
    );
    let Some(RopeScaling::Yarn {
        attention_factor: Some(factor),
        ..
    }) = scaled
    else {
        panic!("{scaled:?}")
    };
    let grown = |by: f64| 0.1 * by * 40.0_f64.ln() + 1.0;
    assert!((factor - grown(0.707) / grown(1.0)).abs() < 1e-12);
    // Dynamic scaling depends on the maximum length of the model, not on its trained context.
    assert_eq!(
        rope(
            json!({ "rope_type": "dynamic", "factor": 2.5, "original_max_position_embeddings": 23 })
        ),
        Some(RopeScaling::Dynamic {
            factor: 2.5,
            original_context_len: 92
        })
    );
    let both = Directory::of("llama_linear");
    both.set(
        "config.json",
        "rope_parameters",
        json!({ "rope_type": "linear", "factor": 7.0 }),
    );
    assert_eq!(scaling(&both), linear, "the older key counts");
    both.set("config.json", "rope_scaling", json!({}));
    assert_eq!(scaling(&both), Some(RopeScaling::Linear { factor: 7.0 }));
}

#[test]
fn sizes_that_make_no_model_are_told_in_the_words_of_the_file() {
    for (name, key, value, parts) in [
        (
            "gpt2",
            "n_head",
            json!(4),
            &["n_embd = 15", "divisible by n_head = 4"][..],
        ),
        ("gpt2", "n_layer", json!(0), &["n_layer = 0"]),
        (
            "llama_tied",
            "num_key_value_heads",
            json!(4),
            &["num_key_value_heads = 4 must divide num_attention_heads = 6"],
        ),
        (
            "llama_tied",
            "num_attention_heads",
            json!(0),
            &["built: num_attention_heads = 0 must be at least 1"],
        ),
        (
            "llama_tied",
            "rms_norm_eps",
            json!(-1.0),
            &["rms_norm_eps = -1"],
        ),
        (
            "neox",
            "hidden_size",
            json!(31),
            &["hidden_size = 31 must be divisible by num_attention_heads = 3; 30 and 33 are"],
        ),
    ] {
        let message = Directory::of(name)
            .set("config.json", key, value)
            .fails(parts);
        assert!(!message.contains("model."), "{message}");
    }
    let dir = Directory::of("gpt2");
    for file in ["model.safetensors", "config.json"] {
        assert!(sisun_hf::is_model(&dir.path(file)).unwrap());
        let message = sisun_hf::open(&dir.path(file), &burn::tensor::Device::flex())
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("name the folder that it is in"),
            "{message}"
        );
    }
}

#[test]
fn the_context_ends_where_a_window_would_hide_something() {
    let of = |dir: &Directory| {
        let imported = dir.open().unwrap();
        assert_eq!(
            imported.window.is_some(),
            imported
                .notes
                .iter()
                .any(|note| note.contains("sliding_window"))
        );
        (imported.window, imported.model.config().context_len)
    };
    let mistral = Directory::of("mistral");
    assert_eq!(
        of(mistral.set("config.json", "sliding_window", json!(92))),
        (None, 92)
    );
    assert_eq!(
        of(mistral.set("config.json", "sliding_window", json!(91))),
        (Some(91), 91)
    );
    mistral
        .set("config.json", "sliding_window", json!(0))
        .fails(&["sliding_window = 0", "null"]);
    let qwen = Directory::of("qwen2");
    qwen.set("config.json", "layer_types", Value::Null);
    assert_eq!(
        of(qwen.set("config.json", "sliding_window", json!(3))),
        (None, 92)
    );
    qwen.set("config.json", "use_sliding_window", json!(true));
    assert_eq!(
        of(qwen.set("config.json", "max_window_layers", json!(2))),
        (None, 92)
    );
    assert_eq!(
        of(qwen.set("config.json", "max_window_layers", json!(1))),
        (Some(3), 3)
    );
    let kinds = |last: &str| json!(["full_attention", last]);
    assert_eq!(
        of(qwen.set("config.json", "layer_types", kinds("full_attention"))),
        (None, 92)
    );
    assert_eq!(
        of(qwen.set("config.json", "layer_types", kinds("sliding_attention"))),
        (Some(3), 3)
    );
    assert_eq!(
        of(qwen.set("config.json", "use_sliding_window", json!(false))),
        (None, 92)
    );
    // Settings that scale with the context use the context that the file states.
    let scaled = json!({ "rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0 });
    mistral.set("config.json", "sliding_window", json!(40)).set(
        "config.json",
        "rope_parameters",
        scaled,
    );
    let expected = RopeScaling::Dynamic {
        factor: 2.0,
        original_context_len: 92,
    };
    assert_eq!(scaling(&mistral), Some(expected));
}

#[test]
fn a_family_is_known_by_either_name_in_any_case() {
    let named = |of: &str, architectures: Value, kind: Value| {
        let dir = Directory::of(of);
        dir.set("config.json", "architectures", architectures).set(
            "config.json",
            "model_type",
            kind,
        );
        dir.open().map(|imported| imported.model.config().clone())
    };
    let expected = Directory::of("llama_untied")
        .open()
        .unwrap()
        .model
        .config()
        .clone();
    for (architectures, kind) in [
        (json!(["LLaMAForCausalLM"]), json!("llama")),
        (json!(["LlaMaForCausalLM"]), Value::Null),
        (Value::Null, json!("LLaMA")),
        (json!([]), json!("llama")),
        (json!(["LlamaModel"]), json!("llama")),
    ] {
        assert_eq!(
            named("llama_untied", architectures.clone(), kind).as_ref(),
            Ok(&expected),
            "{architectures}"
        );
    }
    // `transformers` chooses the class by the type.
    assert!(
        named("qwen3", json!(["Qwen2ForCausalLM"]), json!("qwen3"))
            .unwrap()
            .qk_norm
    );
    assert!(named("gpt2", json!(["gpt2lmheadmodel"]), Value::Null).is_ok());
    assert!(named("neox", Value::Null, json!("gpt_neox")).is_ok());
}

#[test]
fn yarn_is_cut_to_whole_pairs_unless_told_not_to() {
    let cut = |truncate: Value| {
        let mut settings = json!({ "rope_type": "yarn", "factor": 2.0, "truncate": truncate });
        if truncate == "absent" {
            settings.as_object_mut().unwrap().remove("truncate");
        }
        let Some(RopeScaling::Yarn { truncate, .. }) = rope(settings) else {
            panic!("no yarn")
        };
        truncate
    };
    assert_eq!(
        [json!(true), json!(false), Value::Null, json!("absent")].map(cut),
        [true, false, false, true]
    );
}

#[test]
fn a_neox_has_words_of_its_own_at_the_top() {
    let dir = Directory::of("neox");
    dir.set("config.json", "rope_parameters", Value::Null).set(
        "config.json",
        "rope_theta",
        json!(50.0),
    );
    dir.set("config.json", "partial_rotary_factor", json!(1.0));
    let position = |dir: &Directory| match dir.open().unwrap().model.config().position {
        Position::Rope { base, fraction, .. } => (base, fraction),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        position(dir.set("config.json", "rotary_pct", json!(0.4))),
        (10_000.0, 0.4)
    );
    assert_eq!(
        position(dir.set("config.json", "rotary_emb_base", json!(700))),
        (700.0, 0.4)
    );
}

#[test]
fn what_ends_a_text_is_said_in_four_places() {
    let dir = Directory::of("llama_tied");
    // With these, the name of the token does not matter.
    let name = |id: u32| dir.open().unwrap().tokenizer.token_text(id);
    let by_name = "</s>";
    dir.set("config.json", "eos_token_id", json!([5, 7]));
    dir.write("generation_config.json", "{}");
    dir.write("tokenizer_config.json", "{}");
    let eos_token_ids = || dir.open().unwrap().tokenizer.eos_token_ids().to_vec();
    assert_eq!(eos_token_ids(), [5, 7]);
    dir.write("generation_config.json", r#"{"eos_token_id": 11}"#);
    assert_eq!(
        eos_token_ids(),
        [11, 5, 7],
        "each of them, and the first that is named between documents"
    );
    dir.set("tokenizer_config.json", "eos_token", json!(name(13)));
    dir.write(
        "special_tokens_map.json",
        json!({ "eos_token": { "content": name(14) } }).to_string(),
    );
    assert_eq!(eos_token_ids(), [11, 5, 7, 13, 14]);
    assert_eq!(dir.open().unwrap().tokenizer.end_of_text(), Some(11));
    dir.set("config.json", "eos_token_id", Value::Null)
        .remove("generation_config.json");
    assert_eq!(eos_token_ids(), [13, 14]);
    dir.set(
        "tokenizer_config.json",
        "eos_token",
        json!("<|no such token|>"),
    )
    .remove("special_tokens_map.json");
    let [end] = eos_token_ids()[..] else {
        panic!("{:?}", eos_token_ids())
    };
    assert_eq!(name(end), by_name, "where no file names one, its name does");
    // A token that does not exist separates no documents.
    dir.set("config.json", "eos_token_id", json!([9999, 5]));
    assert_eq!(
        (eos_token_ids(), dir.open().unwrap().tokenizer.end_of_text()),
        (vec![9999, 5], Some(5))
    );
    dir.set("config.json", "eos_token_id", json!(-1))
        .fails(&["config.json", "eos_token_id"]);
}

#[test]
fn what_has_no_counterpart_is_named_with_what_is_supported() {
    let with = |name: &str, key: &str, value: Value, parts: &[&str]| {
        Directory::of(name)
            .set("config.json", key, value)
            .fails(&[&["config.json"], parts].concat());
    };
    with(
        "gpt2",
        "architectures",
        json!(["BloomForCausalLM"]),
        &["BloomForCausalLM", "LlamaForCausalLM"],
    );
    with(
        "gpt2",
        "activation_function",
        json!("quick_gelu"),
        &["activation_function", "quick_gelu", "gelu_new"],
    );
    with(
        "gpt2",
        "scale_attn_by_inverse_layer_idx",
        json!(true),
        &["scale_attn_by_inverse_layer_idx"],
    );
    with(
        "gpt2",
        "add_cross_attention",
        json!(true),
        &["add_cross_attention"],
    );
    with(
        "llama_tied",
        "hidden_act",
        json!("gelu"),
        &["hidden_act", "gelu", "silu"],
    );
    with("llama_tied", "head_dim", json!(0), &["head_dim = 0"]);
    with(
        "qwen3",
        "layer_types",
        json!(["full_attention", "chunked_attention"]),
        &["layer_types", "chunked_attention"],
    );
    with(
        "neox",
        "rope_parameters",
        json!({ "partial_rotary_factor": -0.5 }),
        &["partial_rotary_factor = -0.5 must be above 0"],
    );
    with("neox", "is_causal", json!(false), &["is_causal = false"]);
    with("llama_tied", "head_dim", json!(5), &["pairs", "5 of the 5"]);
    with(
        "llama_tied",
        "rope_parameters",
        json!({ "full_attention": { "rope_type": "linear" } }),
        &["rope_parameters", "one object"],
    );
    with(
        "llama_tied",
        "rope_parameters",
        json!(["linear", null]),
        &["rope_parameters", "one object"],
    );
    with(
        "llama_tied",
        "rope_parameters",
        json!({ "rope_type": "linear", "factor": "4" }),
        &["rope_parameters.factor", "\"4\""],
    );
    with(
        "llama_tied",
        "rope_parameters",
        json!({ "rope_type": "linear", "factor": 1e19 }),
        &["rope_parameters.factor = 10000000000000000000 must be from 1 to 1000000"],
    );
    with(
        "llama_tied",
        "rope_theta",
        json!("fast"),
        &["rope_theta", "fast"],
    );
    let large = json!({ "rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 1_u64 << 63 });
    with(
        "llama_tied",
        "rope_parameters",
        large,
        &["rope_parameters.original_max_position_embeddings = 9223372036854775808"],
    );
    with(
        "neox",
        "rope_parameters",
        json!({ "partial_rotary_factor": 0.05 }),
        &["partial_rotary_factor = 0 must be above 0"],
    );
    with(
        "neox",
        "rope_parameters",
        json!({ "partial_rotary_factor": 0.3 }),
        &["pairs", "3 of the 10"],
    );
    with(
        "llama_tied",
        "quantization_config",
        json!({ "bits": 4 }),
        &["quantization_config", "bfloat16"],
    );
    with(
        "llama_tied",
        "partial_rotary_factor",
        json!(0.5),
        &["partial_rotary_factor = 0.5"],
    );
    let longrope = json!({ "rope_type": "longrope", "factor": 2.0 });
    with(
        "llama_tied",
        "rope_parameters",
        longrope,
        &["longrope", "llama3"],
    );
    with(
        "llama_tied",
        "rope_parameters",
        json!({ "rope_type": "linear" }),
        &["linear", "factor"],
    );
    let llama3 =
        json!({ "rope_type": "llama3", "factor": 2, "low_freq_factor": 4, "high_freq_factor": 4 });
    with(
        "llama_tied",
        "rope_parameters",
        llama3,
        &["high_freq_factor = 4"],
    );
    let nothing = Directory::of("gpt2");
    nothing
        .set("config.json", "architectures", Value::Null)
        .set("config.json", "model_type", Value::Null);
    nothing.fails(&["architectures", "GPT2LMHeadModel"]);
    nothing
        .set("config.json", "model_type", json!("bert"))
        .fails(&["model_type", "bert"]);
}

#[test]
fn sizes_that_cannot_be_are_refused_before_anything_is_built() {
    let with = |name: &str, key: &str, value: Value, parts: &[&str]| {
        Directory::of(name)
            .set("config.json", key, value)
            .fails(parts);
    };
    with(
        "gpt2",
        "n_layer",
        json!(1_u64 << 40),
        &["n_layer = 1099511627776"],
    );
    with(
        "gpt2",
        "n_layer",
        json!(1 << 24),
        &["16777216 layers", "only 28 tensors"],
    );
    with(
        "gpt2",
        "n_embd",
        json!(u64::MAX),
        &["n_embd = 18446744073709551615"],
    );
    with(
        "gpt2",
        "vocab_size",
        json!(1 << 24),
        &["wte.weight: shape [281, 15], expected [16777216, 15]"],
    );
    with(
        "gpt2",
        "n_positions",
        json!(1 << 24),
        &["wpe.weight: shape [92, 15], expected [16777216, 15]"],
    );
    with(
        "gpt2",
        "n_inner",
        json!(1 << 24),
        &["h.0.mlp.c_fc.weight", "h.1.mlp.c_proj.weight"],
    );
    with("gpt2", "n_head", json!(0), &["config.json", "n_head = 0"]);
    with(
        "gpt2",
        "n_head",
        json!(-3),
        &["config.json", "n_head", "-3"],
    );
    with("gpt2", "n_head", json!(4), &["config.json", "n_head = 4"]);
    // If missing, it is 768.
    with(
        "gpt2",
        "n_embd",
        Value::Null,
        &[
            "config.json",
            "wte.weight: shape [281, 15], expected [281, 768]",
        ],
    );
    with(
        "llama_tied",
        "vocab_size",
        json!("many"),
        &["config.json", "vocab_size", "\"many\""],
    );
    with(
        "gpt2",
        "layer_norm_epsilon",
        json!("small"),
        &["layer_norm_epsilon", "small"],
    );
    with(
        "llama_tied",
        "num_key_value_heads",
        json!(4),
        &["num_key_value_heads = 4"],
    );
    with(
        "llama_tied",
        "vocab_size",
        json!(72),
        &["embed_tokens.weight: shape [80, 36], expected [72, 36]"],
    );
    for broken in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        &[b'['; 100_000],
    ] {
        Directory::of("gpt2")
            .write("config.json", broken)
            .fails(&["config.json"]);
    }
}

#[test]
fn the_configuration_alone_describes_the_model() {
    let dir = Directory::of("llama_biases");
    dir.remove("model.safetensors").remove("tokenizer.json");
    let (_, model) = sisun_hf::describe(&dir.path("")).unwrap();
    assert!(model.has_attention_bias() && model.has_ffn_bias() && !model.bias);
    assert_eq!(
        (
            model.d_model,
            model.kv_heads(),
            model.ff_width(),
            model.vocab_size
        ),
        (36, 2, 41, Some(73))
    );
}

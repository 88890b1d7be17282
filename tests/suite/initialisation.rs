//! Random weights, their names and number, and saving and loading them.

use sisun_config::ModelConfig;
use sisun_model::weights::{HostTensors, read_tensors, to_safetensors};
use sisun_model::{Count, Init, ModelError, Params, RandomParams, Transformer};
use sisun_tests::devices::{cpu, everywhere};
use sisun_tests::fixtures::Forward;
use sisun_tests::models::{POSITIONS, config, small, varied, with_weights};
use std::fs;

fn random(config: &ModelConfig, seed: u64) -> HostTensors {
    Transformer::random(config, seed, &cpu()).unwrap().to_host()
}

fn mean_and_std(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    (
        mean,
        (values
            .iter()
            .map(|v| (f64::from(*v) - mean).powi(2))
            .sum::<f64>()
            / n)
            .sqrt(),
    )
}

#[test]
fn weights_are_normal_and_residual_projections_smaller() {
    let lines = "vocab_size = 499\nd_model = 66\nn_layers = 3\nn_heads = 3\ncontext_len = 97\nposition = \"learned\"\n\
                 ffn = \"swiglu\"\ntied_head = false\nqk_norm = true";
    let weights = random(&config(lines), 5);
    let mut largest: f32 = 0.0;
    for (name, (shape, values)) in &weights {
        let (mean, std) = mean_and_std(values);
        if name.ends_with(".bias") {
            assert!(values.iter().all(|v| *v == 0.0), "{name}");
        } else if name.contains("norm") {
            assert!(values.iter().all(|v| *v == 1.0), "{name}");
        } else {
            // √(2·3 layers) for the two projections of each block that write to the residual
            // stream.
            let writes = name.ends_with("attn.o.weight") || name.ends_with("ffn.down.weight");
            let expected = if writes { 0.02 / 6.0_f64.sqrt() } else { 0.02 };
            let n = values.len() as f64;
            assert!(n > 4000.0, "{name} {shape:?} is too small to tell");
            // Five standard errors of a sample's standard deviation and mean.
            assert!(
                (std / expected - 1.0).abs() < 5.0 / (2.0 * n).sqrt(),
                "{name}: {std} for {expected}"
            );
            assert!(
                mean.abs() < 5.0 * expected / n.sqrt(),
                "{name}: mean {mean}"
            );
            largest = values.iter().fold(largest, |a, b| a.max(b.abs()));
        }
    }
    assert!(
        largest > 3.5 * 0.02,
        "the normal distribution has tails: {largest}"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let config = small("\"learned\"", "tied_head = false");
    let bytes = |seed| to_safetensors(&random(&config, seed));
    assert!(bytes(1) == bytes(1));
    assert!(bytes(1) != bytes(2));
    for (name, device) in everywhere() {
        let weights = Transformer::random(&config, 1, &device).unwrap().to_host();
        assert!(to_safetensors(&weights) == bytes(1), "{name}");
    }
    // Variants share the parameters that they have in common.
    let (learned, alibi) = (
        random(&config, 1),
        random(&small("\"alibi\"", "tied_head = false"), 1),
    );
    assert_eq!(learned.len(), alibi.len() + 1);
    assert!(alibi.iter().all(|(name, values)| learned[name] == *values));
    // No two parameters share random numbers.
    let heads: Vec<&[f32]> = learned
        .iter()
        .filter(|(name, _)| name.ends_with("weight") && !name.contains("norm"))
        .map(|(_, (_, values))| &values[..5])
        .collect();
    // Projections into the residual stream are scaled, so compare directions.
    let ratio = |v: &[f32]| v[1] / v[0];
    for (i, a) in heads.iter().enumerate() {
        assert!(
            heads[i + 1..]
                .iter()
                .all(|b| (ratio(a) - ratio(b)).abs() > 1e-6)
        );
    }
}

/// A source that records the requested names.
struct Recorder {
    names: Vec<String>,
    inner: RandomParams,
}

impl Params for Recorder {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        self.names.push(name.to_owned());
        self.inner.values(name, shape, init)
    }

    fn device(&self) -> &burn::tensor::Device {
        self.inner.device()
    }
}

#[test]
fn parameters_are_named_by_the_path_of_their_fields() {
    for Forward {
        name,
        config,
        weights,
        ..
    } in Forward::all()
    {
        let mut recorder = Recorder {
            names: Vec::new(),
            inner: RandomParams::new(1, &cpu()),
        };
        let model = Transformer::from_params(&config, &mut recorder)
            .unwrap()
            .to_host();
        recorder.names.sort();
        let built: Vec<&String> = model.keys().collect();
        assert_eq!(recorder.names.iter().collect::<Vec<_>>(), built, "{name}");
        assert_eq!(weights.keys().collect::<Vec<_>>(), built, "{name}");
        for (parameter, (shape, _)) in &model {
            assert_eq!(*shape, weights[parameter].0, "{name}: {parameter}");
        }
    }
}

#[test]
fn weights_go_to_disk_and_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for position in POSITIONS {
        let config = small(
            position,
            "tied_head = false\nqk_norm = true\nn_kv_heads = 1",
        );
        let mut weights = varied(&config, 4, &cpu()).to_host();
        // Values that imprecise formats change.
        let odd = [
            -0.0,
            f32::MIN_POSITIVE / 3.0,
            f32::MAX,
            f32::NEG_INFINITY,
            1.0 + f32::EPSILON,
        ];
        weights.get_mut("embed.weight").unwrap().1[..5].copy_from_slice(&odd);
        for (name, device) in everywhere() {
            fs::write(
                &path,
                to_safetensors(&with_weights(&config, &weights, &device).to_host()),
            )
            .unwrap();
            let read = Transformer::load(&path, &config, &device)
                .unwrap()
                .to_host();
            let bits = |tensors: &HostTensors| -> Vec<(String, Vec<usize>, Vec<u32>)> {
                let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect();
                tensors
                    .iter()
                    .map(|(name, (shape, v))| (name.clone(), shape.clone(), bits(v)))
                    .collect()
            };
            assert_eq!(bits(&read), bits(&weights), "{name}, {position}");
            assert_eq!(bits(&read_tensors(&path).unwrap()), bits(&weights));
        }
    }
}

#[test]
fn the_count_is_the_number_of_parameters() {
    for Forward {
        name,
        config,
        weights,
        ..
    } in Forward::all()
    {
        let count = Count::of(&config);
        let sum = |part: &dyn Fn(&str) -> bool| -> u64 {
            weights
                .iter()
                .filter(|(name, _)| part(name))
                .map(|(_, (_, values))| values.len() as u64)
                .sum()
        };
        assert_eq!(count.total, sum(&|_| true), "{name}");
        assert_eq!(count.embedding, sum(&|n| n.starts_with("embed.")), "{name}");
        assert_eq!(
            count.position,
            sum(&|n| n.starts_with("position.")),
            "{name}"
        );
        assert_eq!(
            count.attention_weights,
            sum(&|n| n.ends_with("qkv.weight") || n.ends_with("attn.o.weight")),
            "{name}"
        );
        assert_eq!(
            count.ffn_weights,
            sum(&|n| n.contains(".ffn.") && n.ends_with("weight")),
            "{name}"
        );
        assert_eq!(count.head, sum(&|n| n.starts_with("head.")), "{name}");
        assert_eq!(count.weight_bytes, 4 * count.total);
    }
}

/// The size of GPT-3 (Brown et al. 2020, table 2.1) is computed without building the model.
#[test]
fn gpt3_holds_58_billion_attention_weights() {
    let lines = "vocab_size = 50257\nd_model = 12288\nn_layers = 96\nn_heads = 96\ncontext_len = 2048\n\
                 position = \"learned\"";
    let count = Count::of(&config(lines));
    assert_eq!(count.attention_weights, 57_982_058_496);
    assert_eq!(count.ffn_weights, 2 * count.attention_weights);
    assert_eq!(count.embedding, 617_558_016);
    // By hand: 96·12d² weights, (3 + 1 + 4 + 1)·96·d biases, 193 norms of 2d, 50,257·d tokens,
    // 2,048·d positions.
    assert_eq!(
        count.total,
        96 * 12 * 12288 * 12288 + (9 * 96 + 193 * 2 + 50_257 + 2048) * 12288
    );
    assert_eq!(count.total / 100_000_000, 1746, "175 billion");
}

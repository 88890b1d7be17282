//! Logits, attention and greedy continuations compared with Hugging Face transformers
//! (`tests/peers/reference_hf.py`).

use crate::directory::{fixtures, read_tensors};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::Dtype;
use sisun_model::to_host;
use sisun_model::{Activation, Capture, KvCache, Pass, Transformer};
use std::path::Path;

/// The results of transformers.
pub(crate) struct Expected {
    pub(crate) ids: Vec<i64>,
    pub(crate) prompt: Vec<i64>,
    pub(crate) greedy: Vec<i64>,
    /// `[rows, vocab]` of the last rows.
    pub(crate) logits: (Vec<usize>, Vec<f32>),
    /// `[head, rows, key]` of the last rows, for each layer.
    pub(crate) attention: Vec<(Vec<usize>, Vec<f32>)>,
    /// Tokens of texts.
    pub(crate) texts: Vec<Vec<i64>>,
}

impl Expected {
    pub(crate) fn read(path: &Path) -> Self {
        let tensors = read_tensors(path);
        let whole = |name: &str| {
            tensors[name]
                .2
                .as_chunks()
                .0
                .iter()
                .map(|bytes| i64::from_le_bytes(*bytes))
                .collect::<Vec<i64>>()
        };
        let real = |name: &str| {
            let (_, shape, bytes) = &tensors[name];
            (
                shape.clone(),
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes))
                    .collect::<Vec<f32>>(),
            )
        };
        let texts = (0..)
            .map(|text| format!("text.{text}"))
            .take_while(|name| tensors.contains_key(name));
        let layers = (0..)
            .map(|layer| format!("attention.{layer}"))
            .take_while(|name| tensors.contains_key(name));
        Self {
            ids: whole("ids"),
            prompt: whole("prompt"),
            greedy: whole("greedy"),
            logits: real("logits"),
            attention: layers.map(|name| real(&name)).collect(),
            texts: texts.map(|name| whole(&name)).collect(),
        }
    }
}

pub(crate) fn tokens(ids: &[i64]) -> Tensor<2, Int> {
    Tensor::from_data(
        TensorData::new(ids.to_vec(), [1, ids.len()]),
        &Device::flex(),
    )
}

pub(crate) fn largest(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let difference = |(a, b): (&f32, &f32)| {
        if (a - b).is_nan() {
            f32::INFINITY
        } else {
            (a - b).abs()
        }
    };
    found
        .iter()
        .zip(expected)
        .map(difference)
        .fold(0.0, f32::max)
}

/// Return the likeliest next tokens, decoded with a cache.
pub(crate) fn greedy(model: &Transformer, prompt: &[i64], n: usize) -> Vec<i64> {
    let (mut cache, mut new, mut written) = (KvCache::new(), prompt.to_vec(), Vec::new());
    while written.len() < n {
        let logits = to_host(model.forward_last(tokens(&new), Pass::cached(&mut cache))).1;
        let likeliest = (0..logits.len())
            .max_by(|a, b| logits[*a].total_cmp(&logits[*b]))
            .unwrap();
        new = vec![likeliest as i64];
        written.push(likeliest as i64);
    }
    written
}

/// Tests parameters both as float32 in Sisun's layout and as stored.
#[test]
fn logits_attention_and_continuations_are_those_of_transformers() {
    let mut names: Vec<String> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 17);
    for name in names {
        let dir = fixtures().join(&name);
        check(
            &name,
            &sisun_hf::open(&dir, &Device::flex()).unwrap().model,
            false,
        );
        check(
            &name,
            &sisun_hf::open_as_stored(&dir, &Device::flex())
                .unwrap()
                .model,
            dtype(&dir) == Dtype::BF16,
        );
    }
}

/// Return the number type of most of the numbers in a directory.
fn dtype(dir: &Path) -> Dtype {
    let config = std::fs::read_to_string(dir.join("config.json")).unwrap();
    match ["bfloat16", "float16"].map(|name| config.contains(name)) {
        [true, _] => Dtype::BF16,
        [_, true] => Dtype::F16,
        _ => Dtype::F32,
    }
}

fn check(name: &str, model: &Transformer, in_bf16: bool) {
    let held = model.blocks[0].attn.o.weight.val().dtype();
    assert_eq!(
        held == burn::tensor::DType::BF16,
        in_bf16,
        "{name} is held in {held:?}"
    );
    let expected = Expected::read(&fixtures().join(name).join("expected.safetensors"));
    let config = model.config();
    assert_eq!(expected.attention.len(), config.n_layers, "{name}");
    let (layers, heads): (Vec<usize>, Vec<usize>) = (
        (0..config.n_layers).collect(),
        (0..config.n_heads).collect(),
    );
    let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
    let (_, logits) = to_host(model.forward(tokens(&expected.ids), Pass::capturing(&mut capture)));

    let (n, rows, vocab) = (
        expected.ids.len(),
        expected.logits.0[0],
        expected.logits.0[1],
    );
    assert_eq!(vocab, config.vocab_size.unwrap(), "{name}");
    let of_logits = largest(&logits[(n - rows) * vocab..], &expected.logits.1);
    let mut of_attention = 0.0_f32;
    for (found, (shape, expected)) in capture.into_found().iter().zip(&expected.attention) {
        assert_eq!(shape, &[config.n_heads, rows, n], "{name}");
        let last_rows: Vec<f32> = found
            .values
            .chunks_exact(n * n)
            .flat_map(|head| &head[(n - rows) * n..])
            .copied()
            .collect();
        of_attention = of_attention.max(largest(&last_rows, expected));
    }
    println!(
        "{name}: {n} tokens, largest differences: logits {of_logits:.1e}, attention {of_attention:.1e}"
    );
    assert!(of_logits <= 1e-4, "{name}: logits differ by {of_logits:e}");
    assert!(
        of_attention <= 1e-5,
        "{name}: attention differs by {of_attention:e}"
    );
    assert_eq!(expected.greedy.len(), 64, "{name}");
    assert_eq!(
        greedy(model, &expected.prompt, 64),
        expected.greedy,
        "{name}"
    );
}

/// Parameters held as stored have the same numbers as the file, in any type and layout.
#[test]
fn parameters_held_as_they_are_stored_are_the_same_numbers() {
    for name in [
        "gpt2",
        "gpt2_untied",
        "llama_tied",
        "llama_untied",
        "llama_attention_bias",
    ] {
        let [converted, held] = [sisun_hf::open, sisun_hf::open_as_stored].map(|open| {
            open(&fixtures().join(name), &Device::flex())
                .unwrap()
                .model
                .to_host()
        });
        assert!(converted == held, "{name}");
    }
}

/// A tensor at an odd address is copied to an aligned one.
#[test]
fn tensors_at_odd_addresses_are_read() {
    let copy = tempfile::TempDir::new().unwrap();
    let dir = fixtures().join("llama_tied");
    for file in ["config.json", "tokenizer.json"] {
        std::fs::copy(dir.join(file), copy.path().join(file)).unwrap();
    }
    let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap());
    let (header, numbers) = rest.split_at(length as usize);
    // A header may end in any number of spaces.
    let moved = [&(length + 1).to_le_bytes()[..], header, b" ", numbers].concat();
    std::fs::write(copy.path().join("model.safetensors"), moved).unwrap();
    let [there, moved] = [&dir, copy.path()].map(|dir| {
        sisun_hf::open_as_stored(dir, &Device::flex())
            .unwrap()
            .model
            .to_host()
    });
    assert!(there == moved);
}

/// A directory's tokenizer returns the same ids as in `transformers`, with `<s>` first for a LLaMA.
#[test]
fn tokenizers_come_with_their_models() {
    for name in ["gpt2", "llama_untied", "qwen2", "qwen3", "neox"] {
        let imported = sisun_hf::open(&fixtures().join(name), &Device::flex()).unwrap();
        assert_eq!(imported.name, name);
        let expected = Expected::read(&fixtures().join(name).join("expected.safetensors"));
        let ids = imported
            .tokenizer
            .encode_prompt("the cat saw the kite and ran")
            .unwrap()
            .ids;
        assert_eq!(
            ids.into_iter().map(i64::from).collect::<Vec<_>>(),
            expected.prompt
        );
    }
}

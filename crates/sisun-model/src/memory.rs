//! Available memory, and checks of allocations against it.

use crate::{Activation, Count, ModelError, device};
use burn::tensor::Device;
use sisun_config::ModelConfig;
use sisun_kernels::attention::WIDEST_FUSED_HEAD;
use std::fs;
use std::path::Path;

pub use crate::bytes::Bytes;

/// Bytes of an `f32`.
const NUMBER: u128 = 4;
/// Overhead of a tensor in bytes, including its name and its graph node (measured with millions of
/// tensors).
const TENSOR: u128 = 1 << 10;
/// Limit in bytes if the free memory is unknown: on GPUs, and on systems that do not report it. It
/// only rejects absurd sizes.
const UNKNOWN: u64 = 1 << 40;

/// Check that `bytes` fit into the free memory of a device.
///
/// # Errors
/// [`ModelError::TooLarge`] with `what` and `remedy`.
pub fn check(
    bytes: u128,
    device: &Device,
    what: impl FnOnce() -> String,
    remedy: impl FnOnce() -> String,
) -> Result<(), ModelError> {
    let on_cpu = device.clone().inner() == Device::flex();
    let available = Bytes(if on_cpu { available() } else { UNKNOWN }.into());
    match bytes <= available.0 {
        true => Ok(()),
        false => Err(ModelError::TooLarge {
            what: what(),
            needed: Bytes(bytes),
            available,
            remedy: remedy(),
        }),
    }
}

/// Return the number of bytes that this process can still allocate: the memory available according
/// to Linux (`/proc/meminfo`, swap included), capped by its control groups and its address-space
/// limit. 1 TiB on other systems.
pub fn available() -> u64 {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let Some(machine) = of_machine(&read("/proc/meminfo")) else {
        return UNKNOWN;
    };
    let limits = [
        of_groups(&read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup")),
        { of_address_space(&read("/proc/self/limits"), &read("/proc/self/status")) },
    ];
    limits.into_iter().flatten().fold(machine, u64::min)
}

/// Return the sum of `MemAvailable` and `SwapFree`.
fn of_machine(meminfo: &str) -> Option<u64> {
    Some(
        kilobytes(meminfo, "MemAvailable:")?
            .saturating_add(kilobytes(meminfo, "SwapFree:").unwrap_or(0)),
    )
}

/// Return the bytes of a line `name 123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace()
        .next()?
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// Return the bytes left under `ulimit -v`.
fn of_address_space(limits: &str, status: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(kilobytes(status, "VmSize:").unwrap_or(0)))
}

/// Return the bytes left under the control groups of a process and their ancestors. Page-cache
/// pages do not count as used, as they can be reclaimed.
fn of_groups(cgroup: &str, root: &Path) -> Option<u64> {
    let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let left = |folder: &Path, limit: &str, used: &str, file: &[&str]| {
        let limit = number(&folder.join(limit))?;
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let value = |name: &&str| -> u64 {
            let line = stat
                .lines()
                .find_map(|line| line.strip_prefix(*name)?.strip_prefix(' '));
            line.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        let used = number(&folder.join(used))?.saturating_sub(file.iter().map(value).sum());
        Some(limit.saturating_sub(used))
    };
    let of_line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        let (root, limit, used, file) = match controllers {
            "" => (
                root.to_owned(),
                "memory.max",
                "memory.current",
                ["active_file", "inactive_file"],
            ),
            _ if controllers.split(',').any(|name| name == "memory") => {
                let names = ["total_active_file", "total_inactive_file"];
                (
                    root.join("memory"),
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                    names,
                )
            }
            _ => return None,
        };
        let own = root.join(path);
        own.ancestors()
            .take_while(|folder| folder.starts_with(&root))
            .filter_map(|at| left(at, limit, used, &file))
            .min()
    };
    cgroup.lines().filter_map(of_line).min()
}

/// Return a lower bound on the number of parameter tensors of a model.
fn tensors(config: &ModelConfig) -> u128 {
    8 * config.n_layers as u128
}

/// Return the bytes of a model's weights in float32.
pub fn of_weights(config: &ModelConfig) -> u128 {
    NUMBER * u128::from(Count::of(config).total) + TENSOR * tensors(config)
}

/// Return a lower bound on the bytes of `heads` attention heads over a text of `n` tokens: the
/// `[query, key]` activations of the kept layers, and the scores and pattern of the layer in
/// progress; without kept layers, its scores and pattern and the copies being processed
/// concurrently. Written files need the bytes of the kept activations once more.
pub fn of_attention(n: usize, heads: usize, kept_layers: usize, kept: &[Activation]) -> u128 {
    let at_once: u128 = if kept_layers == 0 { 4 } else { 2 };
    let squares = kept.iter().filter(|name| name.is_query_by_key()).count();
    let kept = (kept_layers as u128).saturating_mul(squares as u128);
    let squares = (at_once + kept).saturating_mul(heads as u128);
    (n as u128 * n as u128)
        .saturating_mul(squares)
        .saturating_mul(NUMBER)
}

/// Return a lower bound on the bytes of an evaluation, `tokens` at a time: the logits and the
/// values derived from them.
pub fn of_evaluation(config: &ModelConfig, tokens: usize) -> u128 {
    let width = (config.d_model + config.ff_width()).max(2 * config.vocab_size.unwrap_or(0));
    (tokens as u128)
        .saturating_mul(width as u128)
        .saturating_mul(NUMBER)
}

/// Check that the largest tensor of a forward pass over `rows` texts of `len` tokens, which holds
/// the attention scores, fits into a buffer of the adapter. On the CPU buffers have no limit of
/// their own. No rows stand for the weights alone.
///
/// # Errors
/// [`ModelError::PastLimit`], naming the tensor.
pub fn check_buffers(
    config: &ModelConfig,
    rows: usize,
    len: usize,
    device: &Device,
) -> Result<(), ModelError> {
    check_tensors(config, rows, len, true, device)
}

/// Check as [`check_buffers`] does; `scores` is true if the pass holds the scores.
fn check_tensors(
    config: &ModelConfig,
    rows: usize,
    len: usize,
    scores: bool,
    device: &Device,
) -> Result<(), ModelError> {
    let Some(adapter) = device::opened(device) else {
        return Ok(());
    };
    let Some(limit) = adapter.largest_buffer else {
        return Ok(());
    };
    let (needed, what, remedy) = largest_tensor(config, rows, len, scores);
    match needed <= u128::from(limit) {
        true => Ok(()),
        false => Err(ModelError::PastLimit {
            what: what.into(),
            needed: Bytes(needed),
            adapter: adapter.name.into(),
            limit: Bytes(limit.into()),
            remedy,
        }),
    }
}

/// Return the bytes of the largest tensor of a forward pass on a GPU, its name, and what makes it
/// smaller. With `scores` it holds the attention scores of all heads at once.
fn largest_tensor(
    config: &ModelConfig,
    rows: usize,
    len: usize,
    scores: bool,
) -> (u128, String, &'static str) {
    let vocab = config.vocab_size.unwrap_or(0);
    let product = |sizes: &[usize]| {
        let count = |n: u128, size: &usize| n.saturating_mul(*size as u128);
        sizes.iter().fold(NUMBER, count)
    };
    let qkv = (config.n_heads + 2 * config.kv_heads()) * config.d_head();
    let (heads, width) = (config.n_heads, config.ff_width().max(qkv));
    let tensors = [
        (
            match scores {
                true => product(&[rows, heads, len, len]),
                false => 0,
            },
            format!("attention over {len} tokens ({rows} windows of {heads} heads)"),
            "lower train.batch_size, model.context_len or model.n_heads",
        ),
        (
            product(&[rows, len, vocab]),
            format!("the logits of {rows} windows of {len} tokens ({vocab} kinds)"),
            "lower train.batch_size, model.context_len or the size of the vocabulary",
        ),
        (
            product(&[rows, len, width]),
            format!("a layer over {rows} windows of {len} tokens ({width} wide)"),
            "lower train.batch_size, model.context_len or model.d_ff",
        ),
        (
            product(&[vocab, config.d_model]),
            format!("the embedding of {vocab} tokens"),
            "lower the size of the vocabulary or model.d_model",
        ),
        (
            product(&[config.d_model, width]),
            format!("a matrix of {} by {width}", config.d_model),
            "lower model.d_model or model.d_ff",
        ),
    ];
    let largest = tensors.into_iter().max_by_key(|(bytes, ..)| *bytes);
    largest.unwrap_or_default()
}

/// Sizes that determine the memory needed for training: weights; gradients and two moments of the
/// trained ones; the tokens of a step; and the activations of a micro-batch for its backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Training<'c> {
    /// The model configuration.
    pub model: &'c ModelConfig,
    /// Windows in one forward pass.
    pub batch_size: usize,
    /// Forward passes of a step.
    pub gradient_accumulation_steps: usize,
    /// True if only low-rank adapters are trained, which are small compared to the weights.
    pub low_rank: bool,
}

impl Training<'_> {
    /// Return a lower bound on the bytes needed.
    pub fn bytes(&self) -> u128 {
        let Self {
            model,
            batch_size,
            gradient_accumulation_steps,
            low_rank,
        } = *self;
        let state = if low_rank { 1 } else { 4 } * of_weights(model);
        let tokens = (batch_size as u128).saturating_mul(model.context_len as u128);
        // Inputs and targets.
        let batches = tokens
            .saturating_mul(gradient_accumulation_steps as u128)
            .saturating_mul(2 * NUMBER);
        let kept = tokens
            .saturating_mul(Self::kept_a_token(model))
            .saturating_mul(NUMBER);
        state.saturating_add(batches).saturating_add(kept)
    }

    /// Return the bytes that the process will probably use at most. Besides what is counted exactly,
    /// a backward pass holds gradients of activations, which measured a quarter more for models of 1
    /// to 11 million parameters; the program, its tokenizer and its text take the rest.
    pub fn expected_bytes(&self) -> u128 {
        const PROGRAM: u128 = 150 << 20;
        (self.bytes() / 4).saturating_mul(5).saturating_add(PROGRAM)
    }

    /// Return the number of values per token kept for the backward pass: in every block the
    /// residual stream twice, both norms, q, k, v, z and the feed-forward hidden layer before and
    /// after its activation; the logits and their gradient.
    fn kept_a_token(model: &ModelConfig) -> u128 {
        let n = |x: usize| x as u128;
        let heads = (2 * n(model.n_heads) + 2 * n(model.kv_heads())) * n(model.d_head());
        let block = 4 * n(model.d_model) + heads + 2 * n(model.ff_width());
        n(model.n_layers) * block + 2 * n(model.vocab_size.unwrap_or(0))
    }

    /// Check that the memory is available.
    ///
    /// # Errors
    /// [`ModelError::TooLarge`], naming the setting that contributes most.
    pub fn check(&self, device: &Device) -> Result<(), ModelError> {
        let len = self.model.context_len;
        // Dropout inside attention needs the pattern, and so do heads too wide for the kernels.
        let scores = self.model.dropout > 0.0 || self.model.d_head() > WIDEST_FUSED_HEAD;
        check_tensors(self.model, self.batch_size, len, scores, device)?;
        let (key, value) = self.largest();
        check(
            self.bytes(),
            device,
            || format!("training with {key} = {value}"),
            || format!("lower {key}, or another size of [model] or [train] that goes with it"),
        )
    }

    /// Return the setting that contributes most, with its value.
    fn largest(&self) -> (&'static str, usize) {
        let Self {
            model,
            batch_size,
            gradient_accumulation_steps,
            ..
        } = *self;
        let without = |change: &dyn Fn(&mut ModelConfig)| {
            let mut model = model.clone();
            change(&mut model);
            Training {
                model: &model,
                ..*self
            }
            .bytes()
        };
        let settings = [
            (
                "train.gradient_accumulation_steps",
                gradient_accumulation_steps,
                Training {
                    gradient_accumulation_steps: 1,
                    ..*self
                }
                .bytes(),
            ),
            (
                "train.batch_size",
                batch_size,
                Training {
                    batch_size: 1,
                    ..*self
                }
                .bytes(),
            ),
            (
                "model.n_layers",
                model.n_layers,
                without(&|model| model.n_layers = 1),
            ),
            (
                "model.d_ff",
                model.ff_width(),
                without(&|model| model.d_ff = Some(1)),
            ),
            (
                "model.vocab_size",
                model.vocab_size.unwrap_or(0),
                without(&|model| model.vocab_size = Some(1)),
            ),
            (
                "model.context_len",
                model.context_len,
                without(&|model| model.context_len = 1),
            ),
            (
                "model.d_model",
                model.d_model,
                without(&|model| (model.d_head, model.d_model) = (Some(model.d_head()), 1)),
            ),
            ("model.n_heads", model.n_heads, {
                without(&|model| {
                    (model.d_head, model.n_heads, model.n_kv_heads) =
                        (Some(model.d_head()), 1, Some(1))
                })
            }),
            (
                "model.d_head",
                model.d_head(),
                without(&|model| model.d_head = Some(1)),
            ),
        ];
        let least = settings.into_iter().min_by_key(|(_, _, without)| *without);
        least.map_or(("model.d_model", model.d_model), |(key, value, _)| {
            (key, value)
        })
    }
}

/// Check that the weights of a model fit into memory.
///
/// # Errors
/// [`ModelError::TooLarge`], naming the setting that contributes most.
pub fn check_weights(config: &ModelConfig, device: &Device) -> Result<(), ModelError> {
    let (key, value) = Training {
        model: config,
        batch_size: 1,
        gradient_accumulation_steps: 1,
        low_rank: false,
    }
    .largest();
    check_buffers(config, 0, 0, device)?;
    check(
        of_weights(config),
        device,
        || format!("a model with {key} = {value}"),
        || format!("lower {key}, or another size of [model] that goes with it"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    fn model(more: &str) -> ModelConfig {
        let settings = "vocab_size = 100\nd_model = 10\nn_layers = 3\nn_heads = 2\ncontext_len = 20\nposition = 'none'";
        let mut table: toml::Table = settings.parse().unwrap();
        table.extend(more.parse::<toml::Table>().unwrap());
        ModelConfig::parse(&table.to_string()).unwrap()
    }

    #[test]
    fn training_by_hand() {
        let (model, tensors) = (model(""), 8 * 3 * 1024);
        let weights = u128::from(crate::Count::of(&model).total) * 4 + tensors;
        assert_eq!(of_weights(&model), weights);
        let one = Training {
            model: &model,
            batch_size: 1,
            gradient_accumulation_steps: 1,
            low_rank: false,
        };
        // Per token: three blocks of 4·10 + 4·2·5 + 2·40, and twice 100 logits.
        let kept = 3 * (40 + 40 + 80) + 200;
        assert_eq!(one.bytes(), 4 * weights + 20 * 8 + 20 * kept * 4);
        assert_eq!(
            one.bytes()
                - Training {
                    low_rank: true,
                    ..one
                }
                .bytes(),
            3 * weights
        );
        let more = Training {
            batch_size: 7,
            gradient_accumulation_steps: 5,
            ..one
        };
        assert_eq!(
            more.bytes(),
            4 * weights + 5 * 7 * 20 * 8 + 7 * 20 * kept * 4
        );
    }

    #[test]
    fn the_largest_setting_is_named() {
        let huge = 1 << 24;
        for (key, value) in [
            ("d_ff", huge),
            ("n_layers", huge),
            ("vocab_size", huge),
            ("context_len", huge),
            ("d_model", huge),
        ] {
            let model = model(&format!("{key} = {value}"));
            let told = Training {
                model: &model,
                batch_size: 1 << 10,
                gradient_accumulation_steps: 1,
                low_rank: false,
            }
            .check(&Device::flex())
            .unwrap_err()
            .to_string();
            assert!(
                told.contains(&format!("training with model.{key} = {value} needs about")),
                "{told}"
            );
        }
        let model = model("");
        for (batch_size, gradient_accumulation_steps, told) in [
            (1 << 40, 1, "train.batch_size = 1099511627776"),
            (
                1,
                1 << 40,
                "train.gradient_accumulation_steps = 1099511627776",
            ),
            (usize::MAX, usize::MAX, " GiB"),
        ] {
            let found = Training {
                model: &model,
                batch_size,
                gradient_accumulation_steps,
                low_rank: false,
            }
            .check(&Device::flex())
            .unwrap_err()
            .to_string();
            assert!(found.contains(told), "{found}");
        }
    }

    #[test]
    fn the_largest_tensor_by_hand() {
        let model = model("d_ff = 40");
        // Scores of 7 windows, 2 heads and 200 tokens.
        let (bytes, what, _) = largest_tensor(&model, 7, 200, true);
        assert_eq!(bytes, 7 * 2 * 200 * 200 * 4);
        assert!(
            what.starts_with("attention over 200 tokens (7 windows"),
            "{what}"
        );
        // Without the scores the largest is the logits.
        let (bytes, what, _) = largest_tensor(&model, 7, 200, false);
        assert_eq!(bytes, 7 * 200 * 100 * 4);
        assert!(what.starts_with("the logits of 7 windows"), "{what}");
        // Logits of 7 windows of 20 tokens, 100 kinds.
        let (bytes, what, _) = largest_tensor(&model, 7, 20, true);
        assert_eq!(bytes, 7 * 20 * 100 * 4);
        assert!(what.starts_with("the logits of 7 windows"), "{what}");
        // The embedding: 100 tokens, 10 wide.
        assert_eq!(largest_tensor(&model, 0, 0, true).0, 100 * 10 * 4);
    }

    #[test]
    fn attention_by_hand() {
        // Two squares of the current layer and two of each of the three kept layers, for five
        // heads.
        let kept = [Activation::Pattern, Activation::Q, Activation::Scores];
        assert_eq!(of_attention(10, 5, 3, &kept), 100 * (2 + 3 * 2) * 5 * 4);
        assert_eq!(of_attention(10, 5, 0, &kept), 100 * 4 * 5 * 4);
        assert!(of_attention(usize::MAX, usize::MAX, usize::MAX, &kept) > 1 << 100);
    }

    #[test]
    fn what_linux_says_is_read() {
        let meminfo = "MemTotal:       24000000 kB\nMemAvailable:    1000 kB\nSwapFree:  24 kB\n";
        assert_eq!(of_machine(meminfo), Some(1024 * 1024));
        assert_eq!(of_machine("nothing"), None);
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max address space         5000000              unlimited            bytes\n";
        assert_eq!(
            of_address_space(limits, "VmSize:\t    1000 kB\n"),
            Some(5_000_000 - 1_024_000)
        );
        assert_eq!(
            of_address_space("Max address space         unlimited  unlimited  bytes", ""),
            None
        );
        assert!(available() > 1 << 20, "{}", available());
    }

    #[test]
    fn the_smallest_group_decides() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, files: &[(&str, &str)]| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            files
                .iter()
                .for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        };
        write(
            "a",
            &[
                ("memory.max", "1000\n"),
                ("memory.current", "400\n"),
                ("memory.stat", "anon 1\ninactive_file 100\n"),
            ],
        );
        write(
            "a/b",
            &[("memory.max", "max\n"), ("memory.current", "400\n")],
        );
        assert_eq!(of_groups("0::/a/b\n", root.path()), Some(700));
        assert_eq!(of_groups("0::/c\n", root.path()), None);
        write(
            "memory/c",
            &[
                ("memory.limit_in_bytes", "50"),
                ("memory.usage_in_bytes", "60"),
            ],
        );
        assert_eq!(of_groups("3:cpu,memory:/c\n0::/a\n", root.path()), Some(0));
    }

    #[test]
    fn bytes_are_told_as_people_read_them() {
        let told =
            [5 << 20, 1 << 29, 20 << 30, 3 << 40, 1 << 90].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(
            told,
            ["5 MiB", "0.5 GiB", "20.0 GiB", "3072 GiB", "1e18 GiB"]
        );
    }
}

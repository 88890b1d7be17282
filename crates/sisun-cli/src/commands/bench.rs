//! `sisun bench`.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::hints;
use crate::terminal::{say, say_json};
use crate::vocabulary;
use crate::work;
use anyhow::Result;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use clap::Subcommand;
use serde_json::{Value, json};
use sisun_config::Config;
use sisun_data::Batch;
use sisun_devices::{Work, count_launches};
use sisun_infer::{ContextWindow, Sampler};
use sisun_model::{Activation, Capture, Count, ModelError, Pass, Transformer, memory, thousands};
use sisun_train::{Trainer, random_batch};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Measure how fast this machine trains, generates text and computes attention maps with a
/// configuration's model.
///
/// Weights and tokens are random, and nothing is written. The text is read only to count a
/// character vocabulary.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun bench train configs/bench-10m.toml
  sisun bench decode configs/bench-10m.toml --json
  sisun bench attend configs/bench-10m.toml --set model.context_len=512")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Time optimizer steps
    Train(Options),
    /// Time greedy decoding from one token up to the context length
    Decode(Options),
    /// Time the attention maps of all layers and heads over one full context
    Attend(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The configuration, a TOML file
    config: PathBuf,
    /// Change a setting, as in --set train.batch_size=4
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Measured repeats: optimizer steps, contexts decoded, or maps computed
    #[arg(long, value_name = "N", default_value = "20")]
    steps: std::num::NonZeroUsize,
    /// Repeats before the measured ones
    #[arg(long, value_name = "N", default_value = "2")]
    warmup: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let (What::Train(options) | What::Decode(options) | What::Attend(options)) = &args.what;
    let mut config = Config::read(&options.config, &options.set)?;
    vocabulary::settle(
        &mut config.model,
        Some(&config.tokenizer),
        Some(&config.data),
    )
    .map_err(|error| {
        Usage(format!(
            "{}: {}",
            options.config.display(),
            hints::message(&error)
        ))
    })?;
    if config.lora().is_some() {
        options
            .device
            .note("note: [finetune.lora] has no part in this: every weight is trained");
    }
    let chosen = options.device.choose(|| {
        let model = config.model.clone();
        Some(match &args.what {
            What::Train(_) => work::training(&config),
            What::Decode(_) => Work::Decoding { model },
            What::Attend(_) => Work::Reading { model },
        })
    })?;
    let device = match args.what {
        What::Train(_) => chosen.device.clone().autodiff(),
        _ => chosen.device.clone(),
    };
    check_memory(&args.what, &config, &chosen.device)?;
    let peak = matmul_peak(&chosen.device);
    let model = Transformer::random(&config.model, config.train.seed, &device)?;
    let count = Count::of(&config.model);
    let len = config.model.context_len;
    let (measured, tokens, flops_per_token) = match &args.what {
        What::Train(_) => {
            let tokens = config.train.batch_size * len * config.train.gradient_accumulation_steps;
            (
                training(&config, model, options),
                tokens,
                count.training_flops_per_token,
            )
        }
        What::Decode(_) => (
            decoding(&model, options),
            len - 1,
            count.forward_flops_per_token,
        ),
        What::Attend(_) => (
            attending(&model, options),
            len,
            count.forward_flops_per_token,
        ),
    };
    let found = Throughput::new(measured.times, tokens, flops_per_token, peak);
    let launches = (chosen.device != Device::flex()).then_some(measured.launches);
    if options.json {
        let mut told = found.json(count.total, &chosen.name);
        if let Some(launches) = launches {
            told["launches_per_step"] = json!(launches);
            if let What::Decode(_) = &args.what {
                told["launches_per_token"] = json!(launches / tokens as f64);
            }
            let memory = chosen.device.memory_pool_usage();
            told["device_memory_bytes"] = json!(memory.map(|memory| memory.bytes_reserved));
        }
        return say_json(&told);
    }
    say(&found.text(count.total))?;
    match launches {
        Some(launches) => say(&format!("{launches:.0} kernel launches in a repeat")),
        None => Ok(()),
    }
}

/// Check that the benchmark fits into memory.
fn check_memory(what: &What, config: &Config, device: &Device) -> Result<(), ModelError> {
    let (model, train) = (&config.model, &config.train);
    match what {
        What::Train(_) => {
            let (batch_size, gradient_accumulation_steps) =
                (train.batch_size, train.gradient_accumulation_steps);
            memory::Training {
                model,
                batch_size,
                gradient_accumulation_steps,
                low_rank: false,
            }
            .check(device)
        }
        What::Decode(_) => memory::check_weights(model, device),
        What::Attend(_) => memory::check(
            memory::of_attention(
                model.context_len,
                model.n_heads,
                model.n_layers,
                &[Activation::Pattern],
            ),
            device,
            || {
                format!(
                    "the attention of all heads over model.context_len = {} tokens",
                    model.context_len
                )
            },
            || "lower it, or model.n_layers or model.n_heads".to_owned(),
        ),
    }
}

/// Measure optimizer steps.
fn training(config: &Config, model: Transformer, options: &Options) -> Measured {
    let mut trainer = Trainer::new(model, &config.train);
    repeat(options, || {
        let micro_steps = trainer.next_micro_steps();
        let batches: Vec<Batch> = micro_steps
            .map(|i| random_batch(&config.model, &config.train, i))
            .collect();
        let began = Instant::now();
        let output = trainer.step(&batches);
        output.loss.into_scalar::<f32>();
        began.elapsed().as_secs_f64()
    })
}

/// Measure the generation of contexts.
fn decoding(model: &Transformer, options: &Options) -> Measured {
    let greedy = Sampler {
        temperature: 0.0,
        ..Sampler::default()
    };
    repeat(options, || {
        let began = Instant::now();
        ContextWindow::with(model, |mut window| {
            (1..model.config().context_len).fold(0, |token, _| {
                greedy.choose(&window.read(&[token]), &[], 0, 0).id
            })
        });
        began.elapsed().as_secs_f64()
    })
}

/// Measure forward passes that capture the patterns of all heads.
fn attending(model: &Transformer, options: &Options) -> Measured {
    let config = model.config();
    let layers: Vec<usize> = (0..config.n_layers).collect();
    let heads: Vec<usize> = (0..config.n_heads).collect();
    let tokens: Vec<i32> = (0..config.context_len)
        .map(|i| (i * 7 % config.vocab_size.unwrap_or(1)) as i32)
        .collect();
    repeat(options, || {
        let ids = TensorData::new(tokens.clone(), [1, tokens.len()]);
        let began = Instant::now();
        let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
        model.forward(
            Tensor::<2, Int>::from_data(ids, &model.device()),
            Pass::capturing(&mut capture),
        );
        drop(capture.into_found());
        began.elapsed().as_secs_f64()
    })
}

fn repeat(options: &Options, mut once: impl FnMut() -> f64) -> Measured {
    for _ in 0..options.warmup {
        once();
    }
    let repeats = options.steps.get();
    let (times, launches) = count_launches(|| (0..repeats).map(|_| once()).collect());
    Measured {
        times,
        launches: launches as f64 / repeats as f64,
    }
}

/// Repeats of a benchmark.
struct Measured {
    /// Seconds of each.
    times: Vec<f64>,
    /// Kernels that each launches on a GPU.
    launches: f64,
}

/// Return the throughput of a large float32 matrix product on the device in GFLOP/s, the best of
/// several: an upper bound for a model.
fn matmul_peak(device: &Device) -> f64 {
    const N: usize = 1024;
    // A software adapter takes seconds for one.
    const ENOUGH: Duration = Duration::from_secs(2);
    let random = || Tensor::<2>::random([N, N], Distribution::Normal(0.0, 1.0), device);
    let (a, b) = (random(), random());
    let once = || {
        let began = Instant::now();
        // Reading a value waits for the computation.
        let c = sisun_kernels::linear(
            a.clone().unsqueeze(),
            b.clone(),
            None,
            sisun_kernels::MatmulPrecision::Float32,
        );
        c.narrow(1, 0, 1).narrow(2, 0, 1).into_scalar::<f32>();
        began.elapsed().as_secs_f64()
    };
    let began = Instant::now();
    let best = (0..12)
        .map_while(|i| (i == 0 || began.elapsed() < ENOUGH).then(&once))
        .fold(f64::INFINITY, f64::min);
    2.0 * (N * N * N) as f64 / best / 1e9
}

struct Throughput {
    tokens_per_second: f64,
    median: f64,
    min: f64,
    max: f64,
    gflops: f64,
    peak_gflops: f64,
    memory: Option<u64>,
}

impl Throughput {
    fn new(mut times: Vec<f64>, tokens: usize, flops_per_token: u64, peak_gflops: f64) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        let median = (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0;
        Self {
            tokens_per_second: tokens as f64 / median,
            median: median * 1e3,
            min: times[0] * 1e3,
            max: times[times.len() - 1] * 1e3,
            gflops: flops_per_token as f64 * tokens as f64 / median / 1e9,
            peak_gflops,
            memory: peak_memory(),
        }
    }

    fn json(&self, parameters: u64, device: &str) -> Value {
        json!({
            "tokens_per_second": self.tokens_per_second,
            "step_ms": { "median": self.median, "min": self.min, "max": self.max },
            "peak_memory_bytes": self.memory,
            "gflops": self.gflops,
            "matmul_peak_gflops": self.peak_gflops,
            "share_of_peak": self.gflops / self.peak_gflops,
            "parameters": parameters,
            "device": device,
        })
    }

    fn text(&self, parameters: u64) -> String {
        let memory = self.memory.map_or(String::new(), |bytes| {
            format!(", peak memory {} MB", bytes / 1_000_000)
        });
        format!(
            "{} parameters: {} tokens/s\none repeat: {:.1} ms (median; {:.1} to {:.1}){memory}\n\
             {:.0} GFLOP/s, {:.0} % of the {:.0} of one large float32 matrix product here",
            thousands(parameters),
            thousands(self.tokens_per_second.round() as u64),
            self.median,
            self.min,
            self.max,
            self.gflops,
            100.0 * self.gflops / self.peak_gflops,
            self.peak_gflops,
        )
    }
}

/// Return the peak memory of this process, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(
        line.trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<u64>()
            .ok()?
            * 1024,
    )
}

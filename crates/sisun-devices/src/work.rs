//! Short trials of what a device is chosen for.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::Serialize;
use sisun_config::{LoraConfig, ModelConfig, TrainConfig};
use sisun_model::fault::{Fault, guarded};
use sisun_model::{KvCache, Pass, Transformer, memory};
use sisun_train::Trial;
use std::time::{Duration, Instant};

/// Time that a trial takes at least, besides what is not timed.
const AT_LEAST: Duration = Duration::from_millis(200);
/// Layers of the models of decoding and reading trials. Layers are alike, and only the ratio of two
/// devices' times is asked for.
const LAYERS: usize = 2;
/// Tokens that a decoding trial writes.
const TOKENS: usize = 16;
/// Most tokens that a reading trial reads at once.
const READ: usize = 512;

/// What a device is chosen for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Optimizer steps. Without a size of the vocabulary, [`Work::training`] estimates one.
    Training {
        /// The model.
        model: ModelConfig,
        /// The settings of the steps.
        train: TrainConfig,
        /// Adapters, if only they are trained.
        lora: Option<LoraConfig>,
    },
    /// Text, written token by token.
    Decoding {
        /// The model.
        model: ModelConfig,
    },
    /// Texts, each read at once.
    Reading {
        /// The model.
        model: ModelConfig,
    },
    /// Work that belongs on the CPU, with the reason.
    OnCpu(&'static str),
}

impl Work {
    /// Return the training of a model. The vocabulary of a tokenizer that is yet to be trained is
    /// taken to have `vocabulary` tokens.
    pub fn training(
        model: &ModelConfig,
        train: &TrainConfig,
        lora: Option<LoraConfig>,
        vocabulary: usize,
    ) -> Self {
        let mut model = model.clone();
        model.vocab_size.get_or_insert(vocabulary);
        Self::Training {
            model,
            train: train.clone(),
            lora,
        }
    }

    /// Return the unit of the times: `a step`, `a token`, `a text`.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Training { .. } => "a step",
            Self::Decoding { .. } => "a token",
            Self::Reading { .. } | Self::OnCpu(_) => "a text",
        }
    }

    /// Return what identifies the work among others: everything that its speed depends on.
    pub(crate) fn key(&self) -> serde_json::Value {
        let mut key = serde_json::to_value(self).unwrap_or_default();
        // The number of steps and of what follows some says nothing about a step.
        if let Some(train) = key
            .pointer_mut("/training/train")
            .and_then(|train| train.as_object_mut())
        {
            const SPEED: [&str; 4] = [
                "batch_size",
                "gradient_accumulation_steps",
                "optimizer",
                "precision",
            ];
            train.retain(|key, _| SPEED.contains(&key.as_str()));
        }
        key
    }

    /// Return the number of rows of a step, or 1.
    fn rows(&self) -> usize {
        match self {
            Self::Training { train, .. } => train
                .batch_size
                .saturating_mul(train.gradient_accumulation_steps),
            _ => 1,
        }
    }

    /// Return the same work with one row in a step.
    fn of_one_row(&self) -> Self {
        let mut work = self.clone();
        if let Self::Training { train, .. } = &mut work {
            (train.batch_size, train.gradient_accumulation_steps) = (1, 1);
        }
        work
    }

    /// Return the seconds of a step, a token or a text on a device, and a fault if it cannot compute
    /// it.
    pub(crate) fn seconds_on(&self, device: &Device) -> Result<f64, Fault> {
        guarded(|| match self {
            Self::Training { model, train, lora } => {
                memory::Training {
                    model,
                    batch_size: train.batch_size,
                    gradient_accumulation_steps: train.gradient_accumulation_steps,
                    low_rank: lora.is_some(),
                }
                .check(device)?;
                Trial::run(model, train, *lora, device, AT_LEAST).map(|trial| trial.step_s)
            }
            Self::Decoding { model } => shallow(model, device).map(|model| decoding(&model)),
            Self::Reading { model } => shallow(model, device).map(|model| reading(&model)),
            Self::OnCpu(_) => Ok(0.0),
        })?
        .map_err(|error| Fault(error.to_string()))
    }
}

fn shallow(model: &ModelConfig, device: &Device) -> Result<Transformer, sisun_model::ModelError> {
    let model = ModelConfig {
        n_layers: model.n_layers.min(LAYERS),
        ..model.clone()
    };
    Transformer::random(&model, 0, device)
}

/// Repeat something until [`AT_LEAST`] has passed, after once that is not timed, and return the mean
/// seconds.
fn repeated(mut once: impl FnMut()) -> f64 {
    once();
    let (began, mut times) = (Instant::now(), 0);
    while times == 0 || began.elapsed() < AT_LEAST {
        once();
        times += 1;
    }
    began.elapsed().as_secs_f64() / f64::from(times)
}

/// Return token ids, all of them in the vocabulary.
fn ids(n: usize, model: &Transformer) -> Tensor<2, Int> {
    let vocab = model.config().vocab_size.unwrap_or(1);
    let ids: Vec<i64> = (0..n).map(|i| (i * 7 % vocab) as i64).collect();
    Tensor::from_data(TensorData::new(ids, [1, n]), &model.device())
}

fn decoding(model: &Transformer) -> f64 {
    let tokens = TOKENS.min(model.config().context_len);
    let decode = || {
        let mut cache = KvCache::new();
        for _ in 0..tokens {
            let logits = model.forward_last(ids(1, model), Pass::cached(&mut cache));
            // The next token depends on the logits, so that they are read each time.
            logits.narrow(1, 0, 1).into_scalar::<f32>();
        }
    };
    repeated(decode) / tokens as f64
}

fn reading(model: &Transformer) -> f64 {
    let ids = ids(READ.min(model.config().context_len), model);
    repeated(|| {
        let logits = model.forward_last(ids.clone(), Pass::default());
        logits.narrow(1, 0, 1).into_scalar::<f32>();
    })
}

/// The times of a GPU and of the CPU for the same work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Times {
    /// Seconds on the GPU.
    pub gpu_s: f64,
    /// True if the GPU takes longer than that: it was slow with one row of a step already.
    pub gpu_is_least: bool,
    /// Seconds on the CPU.
    pub cpu_s: f64,
    /// True if the CPU takes longer than that.
    pub cpu_is_least: bool,
}

impl Times {
    /// Measure a work on both. A step of many rows is tried with one first: where that takes one
    /// device longer than all of them can take the other, the rest is not tried.
    ///
    /// # Errors
    /// If one of them cannot compute it.
    pub fn measure(
        work: &Work,
        gpu: &mut dyn FnMut(&Work) -> Result<f64, Fault>,
        cpu: &mut dyn FnMut(&Work) -> Result<f64, Fault>,
    ) -> Result<Self, Fault> {
        let (one, rows) = (work.of_one_row(), work.rows());
        let (gpu_one, cpu_one) = (gpu(&one)?, cpu(&one)?);
        let mut times = Self {
            gpu_s: gpu_one,
            gpu_is_least: false,
            cpu_s: cpu_one,
            cpu_is_least: false,
        };
        if rows == 1 {
            return Ok(times);
        }
        if gpu_one >= cpu_one * rows as f64 {
            times.gpu_is_least = true;
            times.cpu_s = cpu_one * rows as f64;
            return Ok(times);
        }
        times.gpu_s = gpu(work)?;
        if cpu_one >= times.gpu_s {
            times.cpu_is_least = true;
            return Ok(times);
        }
        times.cpu_s = cpu(work)?;
        Ok(times)
    }

    /// Return true if the GPU is faster.
    pub fn gpu_is_faster(&self) -> bool {
        self.gpu_s < self.cpu_s
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Times, Work};
    use crate::Fault;
    use sisun_config::{ModelConfig, TrainConfig};

    fn training(batch_size: usize) -> Work {
        let model = ModelConfig::new(31, 16, 2, 2, 16);
        Work::training(&model, &TrainConfig::new(10, batch_size, 1e-3), None, 7)
    }

    /// Seconds of a device that takes `fixed` and `each` for every row.
    fn device(
        fixed: f64,
        each: f64,
        asked: &mut Vec<usize>,
    ) -> impl FnMut(&Work) -> Result<f64, Fault> {
        move |work| {
            asked.push(work.rows());
            Ok(fixed + each * work.rows() as f64)
        }
    }

    #[test]
    fn what_one_row_decides_is_not_tried_with_all() {
        let measure = |gpu: (f64, f64), cpu: (f64, f64)| {
            let (mut by_gpu, mut by_cpu) = (Vec::new(), Vec::new());
            let times = Times::measure(
                &training(8),
                &mut device(gpu.0, gpu.1, &mut by_gpu),
                &mut device(cpu.0, cpu.1, &mut by_cpu),
            )
            .unwrap();
            (times, by_gpu, by_cpu)
        };
        // A GPU whose launches take longer than the CPU needs for everything.
        let (times, by_gpu, by_cpu) = measure((5.0, 0.0), (0.0, 0.5));
        assert!(!times.gpu_is_faster() && times.gpu_is_least);
        assert_eq!((by_gpu, by_cpu), (vec![1], vec![1]));
        // A CPU that takes longer for one row than the GPU for all.
        let (times, by_gpu, by_cpu) = measure((0.25, 0.125), (0.0, 2.0));
        assert!(times.gpu_is_faster() && times.cpu_is_least);
        assert_eq!((times.gpu_s, times.cpu_s), (1.25, 2.0));
        assert_eq!((by_gpu, by_cpu), (vec![1, 8], vec![1]));
        // Only all rows tell.
        let (times, by_gpu, by_cpu) = measure((1.5, 0.125), (0.0, 0.5));
        assert!(times.gpu_is_faster() && !times.cpu_is_least && !times.gpu_is_least);
        assert_eq!((times.gpu_s, times.cpu_s), (2.5, 4.0));
        assert_eq!((by_gpu, by_cpu), (vec![1, 8], vec![1, 8]));
    }

    #[test]
    fn a_key_holds_what_the_speed_depends_on() {
        let change = |change: &dyn Fn(&mut ModelConfig, &mut TrainConfig)| {
            let mut model = ModelConfig::new(31, 16, 2, 2, 16);
            let mut train = TrainConfig::new(10, 8, 1e-3);
            change(&mut model, &mut train);
            Work::training(&model, &train, None, 7).key()
        };
        let key = change(&|_, _| {});
        assert_eq!(
            key,
            change(&|_, train| (train.steps, train.lr_max) = (7, 0.5))
        );
        assert_ne!(key, change(&|_, train| train.batch_size = 7));
        assert_ne!(key, change(&|model, _| model.d_model = 32));
        // A vocabulary that is known is kept.
        assert_ne!(key, change(&|model, _| model.vocab_size = None));
    }
}

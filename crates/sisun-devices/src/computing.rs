//! The computations by which a device is checked.

use crate::golden::Golden;
use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_data::Batch;
use sisun_model::weights::HostTensors;
use sisun_model::{Activation, Capture, KvCache, Pass, Transformer, to_host};
use sisun_train::{NamedGradients, Trainer, batch_gradients};
use std::fmt;

/// A part of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Products of integer matrices, which are exact in float32.
    Products,
    /// Logits of one forward pass.
    Forward,
    /// Attention patterns captured in that pass.
    Patterns,
    /// The gradient of every parameter.
    Gradient,
    /// The gradient where only low-rank adapters are trained.
    AdapterGradient,
    /// Logits of tokens read one by one with cached keys and values.
    CachedSteps,
    /// The weights after two optimizer steps.
    OptimizerSteps,
}

impl Part {
    /// All parts, in the order in which they are checked.
    pub const ALL: [Self; 7] = [
        Self::Products,
        Self::Forward,
        Self::Patterns,
        Self::Gradient,
        Self::AdapterGradient,
        Self::CachedSteps,
        Self::OptimizerSteps,
    ];

    /// The largest accepted difference, as a fraction of the largest expected value of a tensor.
    ///
    /// Products of small integers are exact. For the rest a device may contract and reorder sums,
    /// and WGSL allows `sin`, `cos` and `tanh` errors of about 5e-4; a wrong result is off by more.
    pub fn tolerance(self) -> f32 {
        match self {
            Self::Products => 0.0,
            _ => 2e-3,
        }
    }

    /// Return the name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Products => "matrix products",
            Self::Forward => "forward pass",
            Self::Patterns => "attention patterns",
            Self::Gradient => "gradient",
            Self::AdapterGradient => "gradient of adapters",
            Self::CachedSteps => "cached decoding",
            Self::OptimizerSteps => "optimizer steps",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A device under check, or a stand-in for one.
pub trait Computes {
    /// Return `expected` products of matrices as the device computes them: see [`products`].
    fn products(&self, factors: &[Factors]) -> Vec<Vec<f32>>;

    /// Return what a golden model gives for a part, under the names of [`Golden::expected`].
    fn golden(&self, part: Part, golden: &Golden) -> HostTensors;
}

/// Two batches of matrices of small integers.
#[derive(Clone, Debug)]
pub struct Factors {
    /// Sizes: batch, rows, inner, columns.
    pub sizes: [usize; 4],
    /// Use the left factor as a transposed view of a `[batch, inner, rows]` tensor.
    pub left_transposed: bool,
    /// Use the right factor as a transposed view of a `[batch, columns, inner]` tensor.
    pub right_transposed: bool,
}

impl Factors {
    /// The products that are checked: a vector by a matrix as in decoding, products of a layer and of
    /// its two gradients, and a batch as in attention. Sizes are primes on both sides of usual tile
    /// sizes.
    pub fn all() -> Vec<Self> {
        let of = |sizes, left_transposed, right_transposed| Self {
            sizes,
            left_transposed,
            right_transposed,
        };
        vec![
            of([1, 1, 257, 131], false, false),
            of([1, 127, 131, 139], false, false),
            of([1, 127, 139, 131], false, true),
            of([1, 131, 127, 139], true, false),
            of([5, 61, 17, 67], false, true),
            of([5, 61, 67, 17], false, false),
        ]
    }

    /// An entry of the left factor, as a function of batch, row and inner index.
    fn left(batch: usize, row: usize, inner: usize) -> i32 {
        ((batch * 5 + row * 7 + inner * 3 + row * inner) % 13) as i32 - 6
    }

    /// An entry of the right factor, as a function of batch, inner index and column.
    fn right(batch: usize, inner: usize, column: usize) -> i32 {
        ((batch * 3 + inner * 5 + column * 11 + inner * column) % 15) as i32 - 7
    }

    /// Return the exact product, row-major.
    pub fn product(&self) -> Vec<f32> {
        let [batch, rows, inner, columns] = self.sizes;
        let mut all = Vec::with_capacity(batch * rows * columns);
        for b in 0..batch {
            for row in 0..rows {
                for column in 0..columns {
                    let sum: i32 = (0..inner)
                        .map(|i| Self::left(b, row, i) * Self::right(b, i, column))
                        .sum();
                    all.push(sum as f32);
                }
            }
        }
        all
    }

    fn on(&self, device: &Device) -> Tensor<3> {
        let [batch, rows, inner, columns] = self.sizes;
        let tensor =
            |[n, m]: [usize; 2], transposed, entry: &dyn Fn(usize, usize, usize) -> i32| {
                let [a, b] = if transposed { [m, n] } else { [n, m] };
                let mut values = Vec::with_capacity(batch * a * b);
                for k in 0..batch {
                    for i in 0..a {
                        for j in 0..b {
                            let (i, j) = if transposed { (j, i) } else { (i, j) };
                            values.push(entry(k, i, j) as f32);
                        }
                    }
                }
                let stored = Tensor::<3>::from_data(TensorData::new(values, [batch, a, b]), device);
                if transposed {
                    stored.swap_dims(1, 2)
                } else {
                    stored
                }
            };
        let left = tensor([rows, inner], self.left_transposed, &Self::left);
        let right = tensor([inner, columns], self.right_transposed, &Self::right);
        left.matmul(right)
    }
}

/// A device of Burn.
#[derive(Clone, Copy, Debug)]
pub struct OnDevice<'d>(pub &'d Device);

impl Computes for OnDevice<'_> {
    fn products(&self, factors: &[Factors]) -> Vec<Vec<f32>> {
        factors
            .iter()
            .map(|factors| to_host(factors.on(self.0)).1)
            .collect()
    }

    fn golden(&self, part: Part, golden: &Golden) -> HostTensors {
        let recording = || self.0.clone().autodiff();
        let first = &golden.batches[0];
        match part {
            Part::Products => HostTensors::new(),
            Part::Forward => {
                let logits = golden
                    .model(self.0)
                    .forward(inputs(first, self.0), Pass::default());
                [("logits".to_owned(), to_host(logits))].into()
            }
            Part::Patterns => patterns(&golden.model(self.0), first),
            Part::Gradient => host(
                "gradient",
                batch_gradients(&golden.model(&recording()), first),
                golden,
            ),
            Part::AdapterGradient => host(
                "lora",
                batch_gradients(&golden.adapted(&recording()), first),
                golden,
            ),
            Part::CachedSteps => {
                let logits = cached(&golden.model(self.0), first);
                [("logits".to_owned(), to_host(logits))].into()
            }
            Part::OptimizerSteps => {
                let mut trainer = Trainer::new(golden.model(&recording()), &golden.train);
                for batch in &golden.batches {
                    trainer.step(std::slice::from_ref(batch));
                }
                let stepped = trainer.model.to_host();
                stepped
                    .into_iter()
                    .map(|(name, tensor)| (format!("stepped.{name}"), tensor))
                    .collect()
            }
        }
    }
}

fn inputs(batch: &Batch, device: &Device) -> Tensor<2, Int> {
    let ids: Vec<i64> = batch.inputs.iter().map(|id| i64::from(*id)).collect();
    let shape = [batch.batch_size, batch.context_len];
    Tensor::from_data(TensorData::new(ids, shape), device)
}

fn patterns(model: &Transformer, batch: &Batch) -> HostTensors {
    let layers: Vec<usize> = (0..model.config().n_layers).collect();
    let heads: Vec<usize> = (0..model.config().n_heads).collect();
    let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
    model.forward(
        inputs(batch, &model.device()),
        Pass::capturing(&mut capture),
    );
    capture
        .into_found()
        .into_iter()
        .map(|found| {
            (
                format!("pattern.{}", found.layer),
                (found.shape, found.values),
            )
        })
        .collect()
}

/// Return the logits of all positions, where the first seven tokens are read at once and the others
/// one by one.
fn cached(model: &Transformer, batch: &Batch) -> Tensor<3> {
    const AT_ONCE: usize = 7;
    let tokens = inputs(batch, &model.device());
    let mut cache = KvCache::new();
    let mut read = |from, n| {
        let tokens = tokens.clone().narrow(1, from, n);
        model.forward(tokens, Pass::cached(&mut cache))
    };
    let mut logits = vec![read(0, AT_ONCE)];
    logits.extend((AT_ONCE..batch.context_len).map(|at| read(at, 1)));
    Tensor::cat(logits, 1)
}

/// Copy gradients to the host, in the shapes of the expected ones.
fn host(prefix: &str, gradients: NamedGradients, golden: &Golden) -> HostTensors {
    gradients
        .into_iter()
        .map(|(name, gradient)| {
            let name = format!("{prefix}.{name}");
            let (flat, values) = to_host(gradient);
            let shape = golden
                .expected
                .get(&name)
                .map_or(flat, |(shape, _)| shape.clone());
            (name, (shape, values))
        })
        .collect()
}

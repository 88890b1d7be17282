//! CPU kernels compared with the plain compositions in `sisun_kernels::reference` on the same
//! device, forward and backward.
//!
//! Both compute in `f32`, but in another order, with other exponentials and with one rounding where
//! the composition has two. Each result therefore has its own tolerance, stated where it is used,
//! as a multiple of the rounding error: relative to the sum of the magnitudes of all terms for a
//! linear map, and to the largest factor for normalisations. The usual multiple is [`ROUNDINGS`].
//! Results are not compared where the composition is not finite.

mod attentions;
mod bf16_weights;
mod elementwise;
mod empty;
mod levels;
mod linear;
mod losses;
mod norms;
mod optimizers;
mod recurrent;

use burn::backend::Dispatch;
use burn::tensor::{Device, Tensor};
use sisun_tests::compare::{normal, tensor, values};

/// Sixteen roundings to nearest: sums here have up to a few hundred terms, whose roundings mostly
/// cancel.
const ROUNDINGS: f32 = 1.0 / (1 << 20) as f32;

/// Tolerance for underflow to 0.
const TINY: f32 = 1e-35;

/// Distribution of an input's values.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Normal,
    /// About 1e-30.
    Tiny,
    /// Mostly exact zeros.
    Sparse,
    Zero,
    /// All equal.
    Equal,
    /// About 1e3.
    Large,
}

const KINDS: [Kind; 6] = [
    Kind::Normal,
    Kind::Tiny,
    Kind::Sparse,
    Kind::Zero,
    Kind::Equal,
    Kind::Large,
];

impl Kind {
    /// Draw `n` values, the same for each purpose.
    fn draw(self, purpose: &str, n: usize) -> Vec<f32> {
        let mut draws = normal(purpose, n);
        let first = draws.first().copied().unwrap_or_default();
        for (i, x) in draws.iter_mut().enumerate() {
            *x = match self {
                Self::Normal => *x,
                Self::Tiny => *x * 1e-30,
                Self::Sparse if i % 3 == 0 => *x,
                Self::Sparse | Self::Zero => 0.0,
                Self::Equal => first,
                Self::Large => *x * 1e3,
            };
        }
        draws
    }
}

/// Memory layout of an input.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Contiguous.
    Dense,
    /// Axes reversed.
    Turned,
    /// Gaps between the rows.
    Narrowed,
    /// Second and third axis from the end exchanged, as for the heads of a projection.
    Exchanged,
}

const LAYOUTS: [Layout; 4] = [
    Layout::Dense,
    Layout::Turned,
    Layout::Narrowed,
    Layout::Exchanged,
];

impl Layout {
    /// Return the length of a buffer that holds a tensor of this shape.
    fn len<const D: usize>(self, mut shape: [usize; D]) -> usize {
        if matches!(self, Self::Narrowed) {
            shape[D - 1] += 3;
        }
        shape.iter().product()
    }

    /// Return a view of the buffer with this layout.
    fn view<const D: usize>(self, flat: &Tensor<1>, mut shape: [usize; D]) -> Tensor<D> {
        let flat = flat.clone();
        match self {
            Self::Turned => {
                shape.reverse();
                flat.reshape(shape)
                    .permute(std::array::from_fn::<isize, D, _>(|axis| {
                        (D - 1 - axis) as isize
                    }))
            }
            Self::Narrowed => {
                let last = shape[D - 1];
                shape[D - 1] += 3;
                flat.reshape(shape).narrow(D - 1, 2, last)
            }
            Self::Exchanged if D >= 3 => {
                shape.swap(D - 3, D - 2);
                flat.reshape(shape).swap_dims(D - 3, D - 2)
            }
            Self::Dense | Self::Exchanged => flat.reshape(shape),
        }
    }
}

/// Tolerance of a comparison.
enum Bound {
    /// The same for all values.
    All(f32),
    /// One for each value.
    Each(Vec<f32>),
}

impl Bound {
    /// Create tolerances that are a fraction of each magnitude.
    fn part(part: f32, sizes: &[f32]) -> Self {
        Self::Each(sizes.iter().map(|size| part * size.abs() + TINY).collect())
    }

    #[track_caller]
    fn hold(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "{what}: number of values");
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let bound = match self {
                Self::All(bound) => *bound,
                Self::Each(bounds) => bounds[i],
            };
            assert!(
                expected.is_finite(),
                "{what}: the composition has {expected} at {i}"
            );
            // Not negated, so that a NaN exceeds every tolerance.
            let within = found == expected || (found - expected).abs() <= bound;
            assert!(within, "{what}: {found} at {i}, not {expected} ± {bound:e}");
        }
    }
}

type Operation<'a> = &'a dyn Fn(&[Tensor<1>]) -> Tensor<1>;

/// Return weights for the sum of a result's elements, so that gradients differ between positions.
fn mix(n: usize) -> Vec<f32> {
    normal("mix", n)
}

/// Return `f` of the inputs and the gradients of `Σ mix·f` with respect to each.
fn passes(inputs: &[Vec<f32>], mix: &[f32], f: Operation<'_>) -> Vec<Vec<f32>> {
    let device = Device::flex().autodiff();
    let leaves: Vec<Tensor<1>> = inputs
        .iter()
        .map(|x| tensor(x, [x.len()], &device).require_grad())
        .collect();
    let y = f(&leaves);
    let mut all = vec![values(y.clone())];
    let gradients = (y * tensor(mix, [mix.len()], &Device::flex()))
        .sum()
        .backward();
    all.extend(
        leaves
            .iter()
            .map(|leaf| values(leaf.grad(&gradients).expect("a gradient of every input"))),
    );
    all
}

/// Return `f` of the inputs without recording a graph.
fn forward(inputs: &[Vec<f32>], f: Operation<'_>) -> Vec<f32> {
    let inputs: Vec<Tensor<1>> = inputs
        .iter()
        .map(|x| tensor(x, [x.len()], &Device::flex()))
        .collect();
    values(f(&inputs))
}

/// Compare `fast` with `plain`: the result with and without autodiff, and the gradient of each
/// input. The tolerances of the result and of each gradient are computed from the mix and the
/// results of `plain`.
#[track_caller]
fn agree(
    what: &str,
    inputs: &[Vec<f32>],
    fast: Operation<'_>,
    plain: Operation<'_>,
    bounds: impl FnOnce(&[f32], &[Vec<f32>]) -> Vec<Bound>,
) {
    let y = forward(inputs, fast);
    let mix = mix(y.len());
    let (found, expected) = (passes(inputs, &mix, fast), passes(inputs, &mix, plain));
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert!(
        bits(&y) == bits(&found[0]),
        "{what}: another result under autodiff"
    );
    let bounds = bounds(&mix, &expected);
    assert_eq!(bounds.len(), 1 + inputs.len(), "{what}: bounds");
    for (i, (bound, (found, expected))) in
        bounds.iter().zip(found.iter().zip(&expected)).enumerate()
    {
        let part = if i == 0 {
            "the result".to_owned()
        } else {
            format!("the gradient of input {}", i - 1)
        };
        bound.hold(&format!("{what}: {part}"), found, expected);
    }
}

/// Return the largest magnitude.
fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

/// Flatten a tensor.
fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    x.flatten(0, D - 1)
}

/// Wrap a kernel's result in a tensor; the functions at the crate root accept fewer shapes than the
/// kernels.
fn lift<const D: usize>(x: burn::backend::tensor::FloatTensor<Dispatch>) -> Tensor<D> {
    Tensor::from_dispatch(x)
}

//! Pairs as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_kernels::Lens;

/// A batch of pairs on a device. Sources and targets of unequal lengths are padded at their ends.
#[derive(Clone, Debug)]
pub struct PairTensors {
    /// Source tokens, `[rows, source]`.
    pub source: Tensor<2, Int>,
    /// Number of real tokens of each source; `None` if none is padded.
    pub source_lens: Option<Lens>,
    /// Tokens that the decoder reads: the begin, then the target; `[rows, target]`.
    pub inputs: Tensor<2, Int>,
    /// Tokens that the decoder should write: the target, then the end; `[rows·target]`.
    pub targets: Tensor<1, Int>,
    /// 1 for each real target token, 0 for padding, `[rows·target]`; `None` if none is padded.
    pub weights: Option<Tensor<1>>,
}

/// Padded tokens, row-major, with the number of real tokens of each row.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Tokens of all rows, each padded to the same length.
    pub tokens: &'a [u32],
    /// Number of real tokens of each row.
    pub lens: &'a [usize],
}

impl Rows<'_> {
    fn width(self) -> usize {
        self.tokens.len() / self.lens.len().max(1)
    }

    fn is_padded(self) -> bool {
        self.lens.iter().any(|len| *len < self.width())
    }
}

impl PairTensors {
    /// Copy a batch to a device.
    ///
    /// # Panics
    /// If the rows are not as many, the inputs and targets not as long, or a source is empty.
    pub fn new(source: Rows<'_>, inputs: &[u32], targets: Rows<'_>, device: &Device) -> Self {
        let rows = source.lens.len();
        assert_eq!(targets.lens.len(), rows, "a target for each source");
        assert_eq!(
            inputs.len(),
            targets.tokens.len(),
            "an input for each target token"
        );
        let width = targets.width();
        let weights = targets.is_padded().then(|| {
            let ones: Vec<f32> = targets
                .lens
                .iter()
                .flat_map(|len| (0..width).map(move |at| f32::from(u8::from(at < *len))))
                .collect();
            Tensor::from_data(
                TensorData::new(ones, [rows * width]),
                &device.clone().inner(),
            )
        });
        let (source, source_lens) = source_tensor(source, device);
        Self {
            source,
            source_lens,
            inputs: ids(inputs, [rows, width], device),
            targets: ids(targets.tokens, [rows * width], device),
            weights,
        }
    }
}

/// Copy padded sources to a device, with their lengths unless none is padded.
pub(crate) fn source_tensor(source: Rows<'_>, device: &Device) -> (Tensor<2, Int>, Option<Lens>) {
    let lens = source.is_padded().then(|| Lens::from(source.lens));
    let shape = [source.lens.len(), source.width()];
    (ids(source.tokens, shape, device), lens)
}

/// Pad sources to the length of the longest.
pub(crate) fn pad(sources: &[&[u32]]) -> (Vec<u32>, Vec<usize>) {
    let lens: Vec<usize> = sources.iter().map(|source| source.len()).collect();
    let width = lens.iter().copied().max().unwrap_or(0);
    let padded = |source: &&[u32]| {
        let padding = std::iter::repeat_n(0, width - source.len());
        source.iter().copied().chain(padding).collect::<Vec<_>>()
    };
    (sources.iter().flat_map(padded).collect(), lens)
}

pub(crate) fn ids<const D: usize>(
    tokens: &[u32],
    shape: [usize; D],
    device: &Device,
) -> Tensor<D, Int> {
    let tokens: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
    Tensor::from_data(TensorData::new(tokens, shape), device)
}

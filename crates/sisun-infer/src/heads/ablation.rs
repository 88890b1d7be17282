//! What the output of a head is replaced by when the head is ablated.

use crate::{InferError, LanguageModel};
use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use sisun_model::{Activation, Change, Edit};
use std::fmt;

/// A kind of ablation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AblationKind {
    /// The output becomes 0, which the layers above never saw in training.
    Zero,
    /// The output becomes its mean over the positions of a text.
    Mean,
    /// The output becomes, at each position, that of a random position of a text.
    Resample,
}

impl AblationKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Zero, Self::Mean, Self::Resample];

    /// Return the name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Mean => "mean",
            Self::Resample => "resample",
        }
    }
}

impl fmt::Display for AblationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The outputs `z` that stand in for those of ablated heads, of all heads of a model.
#[derive(Clone, Debug)]
pub struct HeadReplacements {
    /// For each layer the means, `[1, head, 1, d_head]`.
    means: Vec<Tensor<4>>,
    /// For each layer the draws, `[1, head, position, d_head]`.
    draws: Vec<Tensor<4>>,
    /// Number of positions that are edited.
    positions: usize,
}

impl LanguageModel {
    /// Take the outputs of all heads on the tokens of a text, in passes without edits, for the
    /// ablation of heads in texts of at most `longest` tokens. They are those of the edits
    /// `z L.H = mean 'TEXT'` and `z L.H = resample 'TEXT'`.
    ///
    /// # Errors
    /// As for [`LanguageModel::edits`].
    pub fn head_replacements(
        &self,
        ids: &[u32],
        longest: usize,
    ) -> Result<HeadReplacements, InferError> {
        let layers: Vec<usize> = (0..self.model.config().n_layers).collect();
        let device = self.model.device();
        let on_device =
            |(numbers, shape)| Tensor::<4>::from_data(TensorData::new(numbers, shape), &device);
        let means = self.means(Activation::Z, &layers, ids)?;
        let places: Vec<usize> = (0..longest).collect();
        let draws = self.draws(Activation::Z, &layers, ids, &places)?;
        Ok(HeadReplacements {
            means: means.into_iter().map(on_device).collect(),
            draws: draws.into_iter().map(on_device).collect(),
            positions: longest,
        })
    }
}

impl HeadReplacements {
    /// Return the edit that ablates a head.
    pub fn edit(&self, kind: AblationKind, layer: usize, head: usize) -> Edit {
        let of_head = |all: &Tensor<4>| Change::Replace(all.clone().narrow(1, head, 1));
        let edit = |change| Edit::new(Activation::Z, layer, change).of_heads(vec![head]);
        match kind {
            AblationKind::Zero => edit(Change::Zero),
            AblationKind::Mean => edit(of_head(&self.means[layer])),
            AblationKind::Resample => {
                edit(of_head(&self.draws[layer])).at((0..self.positions).collect())
            }
        }
    }
}

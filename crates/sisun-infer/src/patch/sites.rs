//! The cells of a patching: which edits put the clean run's values into the corrupt one.

use super::options::bad;
use super::run::PatchedRun;
use super::texts::Texts;
use super::{PatchAxis, options::AlignedToken};
use crate::{InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_model::{Activation, Captured, Change, Edit};

/// The cells of a patching.
pub(super) struct Sites {
    pub(super) activation: Activation,
    pub(super) axis: PatchAxis,
    pub(super) layers: usize,
    /// Number of columns: positions or heads.
    pub(super) columns: usize,
    /// Number of heads that share one of `k` or `v`: their cells are the same. 1 elsewhere.
    pub(super) group: usize,
}

impl LanguageModel {
    /// Return the cells of an activation, of which one is patched at a time.
    pub(super) fn patch_sites(
        &self,
        activation: Activation,
        texts: &Texts,
    ) -> Result<Sites, InferError> {
        let config = self.model.config();
        if let Some(reason) = activation.lacking(config) {
            return Err(bad(format!("--at: there is no {activation}: {reason}")));
        }
        if activation.layer_of_the_model(config).is_some() {
            return Err(bad(format!(
                "--at {activation}: it belongs to no layer; choose from resid_pre, attn_out, resid_mid, mlp_out, resid_post by position, or q, k, v, z, scores, pattern by head"
            )));
        }
        if activation.is_query_by_key() && texts.clean.len() != texts.corrupt.len() {
            return Err(bad(format!(
                "--at {activation}: a row has a number for each token of its text, so that both texts need the same number of tokens"
            )));
        }
        let (axis, columns) = match activation.is_per_head() {
            true => (PatchAxis::Heads, config.n_heads),
            false => {
                let pairs = texts.aligned.iter();
                let pairs: Vec<_> = pairs.map(|pair| (pair.clean, pair.corrupt)).collect();
                (PatchAxis::Positions(pairs), texts.aligned.len())
            }
        };
        let group = match activation {
            Activation::K | Activation::V => config.n_heads / config.kv_heads(),
            _ => 1,
        };
        Ok(Sites {
            activation,
            axis,
            layers: config.n_layers,
            columns,
            group,
        })
    }

    /// Return a run for each distinct cell, in the order of the cells.
    pub(super) fn patched_runs(
        &self,
        sites: &Sites,
        texts: &Texts,
        clean: &[Captured],
    ) -> Vec<PatchedRun> {
        let tensors: Vec<Tensor<4>> = clean.iter().map(|found| self.tensor(found)).collect();
        let mut runs = Vec::new();
        for (layer, values) in tensors.iter().enumerate() {
            for column in (0..sites.columns).step_by(sites.group) {
                runs.push(self.patched_run(sites, texts, layer, column, values));
            }
        }
        runs
    }

    fn patched_run(
        &self,
        sites: &Sites,
        texts: &Texts,
        layer: usize,
        column: usize,
        values: &Tensor<4>,
    ) -> PatchedRun {
        let (pairs, values, heads): (&[AlignedToken], _, _) = match sites.axis {
            PatchAxis::Positions(_) => (&texts.aligned[column..=column], values.clone(), None),
            PatchAxis::Heads => (
                &texts.aligned,
                values.clone().narrow(1, column, sites.group),
                Some((column..column + sites.group).collect()),
            ),
        };
        let from: Vec<i64> = pairs.iter().map(|pair| pair.clean as i64).collect();
        let from = TensorData::new(from, [pairs.len()]);
        let from = Tensor::<1, Int>::from_data(from, &values.device());
        let to: Vec<usize> = pairs.iter().map(|pair| pair.corrupt).collect();
        let first = to.iter().copied().min().unwrap_or(0);
        let edit = Edit {
            heads,
            positions: Some(to),
            ..Edit::new(
                sites.activation,
                layer,
                Change::Replace(values.select(2, from)),
            )
        };
        PatchedRun {
            layer,
            first,
            edits: vec![edit],
        }
    }

    /// Return a captured activation on the device, `[batch, head, pos, width]`.
    pub(super) fn tensor(&self, found: &Captured) -> Tensor<4> {
        let data = TensorData::new(found.values.clone(), found.shape.clone());
        let device = self.model.device();
        match found.shape.len() {
            3 => Tensor::<3>::from_data(data, &device).unsqueeze_dim(1),
            _ => Tensor::from_data(data, &device),
        }
    }
}

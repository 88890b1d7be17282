//! Activations of other texts.

use crate::{InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_model::{Activation, Capture, Captured, Pass, memory};

impl LanguageModel {
    /// Return the tokens of a text that the model reads beside another one.
    ///
    /// # Errors
    /// If the text is empty or has tokens that the model does not know.
    pub(crate) fn as_read(&self, text: &str) -> Result<Vec<u32>, InferError> {
        let ids = self.tokenizer.encode_prompt(text)?.ids;
        self.tokenizer.check_rows(&ids, self.rows())?;
        match ids.is_empty() {
            true => Err(InferError::Empty { what: "text" }),
            false => Ok(ids),
        }
    }

    /// Return an activation of some layers on tokens, in a pass without edits, of all heads.
    ///
    /// # Errors
    /// If the tokens are more than the model reads, or memory does not suffice.
    pub(crate) fn plain_run(
        &self,
        ids: &[u32],
        activation: Activation,
        layers: &[usize],
    ) -> Result<Vec<Captured>, InferError> {
        self.check_length(ids.len())?;
        let config = self.model.config();
        let heads: Vec<usize> = (0..config.n_heads).collect();
        if activation.is_query_by_key() {
            let bytes = memory::of_attention(ids.len(), heads.len(), layers.len(), &[activation]);
            let what = || format!("the attention of every head over {} tokens", ids.len());
            memory::check(bytes, &self.model.device(), what, || {
                "give a shorter text".to_owned()
            })?;
        }
        let mut capture = Capture::new(&[activation], layers, &heads);
        let pass = Pass::capturing(&mut capture);
        match activation {
            Activation::Logits => drop(self.model.forward(self.row(ids), pass)),
            _ => drop(self.model.forward_last(self.row(ids), pass)),
        }
        Ok(capture.into_found())
    }

    /// Return tokens as a batch of one row.
    pub(crate) fn row(&self, ids: &[u32]) -> Tensor<2, Int> {
        let ids: Vec<i32> = ids.iter().map(|id| *id as i32).collect();
        let shape = [1, ids.len()];
        Tensor::from_data(TensorData::new(ids, shape), &self.model.device())
    }
}

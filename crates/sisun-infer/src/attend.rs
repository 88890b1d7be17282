//! Capturing the attention of a model on a text.

use crate::attention_maps::{ActivationMap, AttentionMaps, AttentionPart, Token, Weighting};
use crate::heads::value_weighted;
use crate::{Indices, InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_config::ModelConfig;
use sisun_data::TokenLabel;
use sisun_model::{Activation, Capture, Pass, memory};
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;

/// A choice of activations, layers and heads; all layers and heads by default.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptureSelection {
    /// Activations with a head axis.
    pub activations: Vec<Activation>,
    /// Layers; `None` for all.
    pub layers: Option<Indices>,
    /// Heads; `None` for all.
    pub heads: Option<Indices>,
}

impl Default for CaptureSelection {
    fn default() -> Self {
        Self {
            activations: vec![Activation::Pattern],
            layers: None,
            heads: None,
        }
    }
}

impl CaptureSelection {
    /// Return the selected layers and heads of a model.
    ///
    /// # Errors
    /// If one does not exist, or none is selected.
    pub fn of(&self, config: &ModelConfig) -> Result<(Vec<usize>, Vec<usize>), InferError> {
        self.among(config.n_layers, config.n_heads)
    }

    /// Return the selected layers and heads of a model with this many.
    ///
    /// # Errors
    /// As [`CaptureSelection::of`].
    pub(crate) fn among(
        &self,
        layers: usize,
        heads: usize,
    ) -> Result<(Vec<usize>, Vec<usize>), InferError> {
        Ok((
            chosen("layer", self.layers.as_ref(), layers)?,
            chosen("head", self.heads.as_ref(), heads)?,
        ))
    }
}

impl LanguageModel {
    /// Encode a text for the model, with labels for display; tokens without text, such as LLaMA's
    /// `<s>`, are labelled with their name.
    ///
    /// # Errors
    /// If the text is empty, has characters that the tokenizer does not know, or has tokens that
    /// the model does not know.
    pub fn tokens(&self, text: &str) -> Result<Vec<Token>, InferError> {
        let encoding = self.tokenizer.encode_prompt(text)?;
        self.tokenizer.check_rows(&encoding.ids, self.rows())?;
        let labels = self.tokenizer.labels(text, &encoding);
        if text.is_empty() || labels.is_empty() {
            return Err(InferError::Empty { what: "text" });
        }
        let token = |TokenLabel {
                         id,
                         text,
                         start,
                         end,
                     }| Token {
            id,
            plain: self.tokenizer.token_text(id),
            text,
            start,
            end,
        };
        Ok(labels.into_iter().map(token).collect())
    }

    /// Capture the selected activations on a text.
    ///
    /// # Errors
    /// If the text is empty, has characters that the tokenizer does not know, or is longer than the
    /// learned positions or the sliding window; or if a layer or head does not exist.
    pub fn attend(
        &self,
        text: &str,
        looking: &CaptureSelection,
    ) -> Result<AttentionMaps, InferError> {
        let (layers, heads) = looking.of(self.model.config())?;
        self.check_room(self.tokens(text)?.len(), heads.len(), layers.len(), looking)?;
        let mut activations = Vec::new();
        let tokens = self.attend_each(text, looking, |activation| activations.push(activation))?;
        Ok(AttentionMaps {
            model: self.title(),
            edits: self.edits.written.clone(),
            text: text.to_owned(),
            tokens,
            part: AttentionPart::Only,
            causal: self.model.config().causal,
            weighting: Weighting::Attention,
            activations,
        })
    }

    /// Capture as [`LanguageModel::attend`], with value-weighted attention in place of the
    /// patterns: each weight times the norm of what its key contributes, `αᵢⱼ·‖f(xⱼ)‖` with
    /// `f(x) = (x·W_V + b_V)·W_O` (Kobayashi et al. 2020, "Attention is Not Only a Weight").
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`].
    pub fn attend_by_values(
        &self,
        text: &str,
        looking: &CaptureSelection,
    ) -> Result<AttentionMaps, InferError> {
        let mut with_values = looking.clone();
        if !looking.activations.contains(&Activation::V) {
            with_values.activations.push(Activation::V);
        }
        let mut maps = self.attend(text, &with_values)?;
        let norms: BTreeMap<usize, Vec<Vec<f32>>> = maps
            .of(Activation::V)
            .map(|map| {
                let norms = self.value_norms(map.layer, &map.heads, &map.values);
                (map.layer, norms)
            })
            .collect();
        for map in &mut maps.activations {
            if let (Activation::Pattern, Some(norms)) = (map.activation, norms.get(&map.layer)) {
                let heads = map.by_head().zip(norms);
                map.values = heads
                    .flat_map(|((_, pattern), norms)| value_weighted(pattern, norms))
                    .collect();
            }
        }
        maps.activations
            .retain(|map| looking.activations.contains(&map.activation));
        maps.weighting = Weighting::Values;
        Ok(maps)
    }

    /// Capture as [`LanguageModel::attend`], but pass each activation to `each` as soon as it is
    /// computed, layer by layer, while the model continues: patterns of all layers need not be in
    /// memory together.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`]; `each` has then not been called, but if a weight is no
    /// number.
    pub fn attend_each(
        &self,
        text: &str,
        looking: &CaptureSelection,
        mut each: impl FnMut(ActivationMap) + Send,
    ) -> Result<Vec<Token>, InferError> {
        let config = self.model.config();
        let (layers, heads) = looking.of(config)?;
        check_per_head(&looking.activations)?;
        let tokens = self.tokens(text)?;
        self.check_length(tokens.len())?;
        self.check_room(tokens.len(), heads.len(), 0, looking)?;
        let ids: Vec<i32> = tokens.iter().map(|token| token.id as i32).collect();
        let shape = [1, ids.len()];
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &self.model.device());
        // With a pool of one thread, which the model occupies, tasks spawned by `each` would never
        // run while the model waits for it.
        let own_pool = match rayon::current_num_threads() {
            1 => rayon::ThreadPoolBuilder::new().num_threads(1).build().ok(),
            _ => None,
        };
        let broken = std::thread::scope(|scope| {
            // Capacity 1: the model waits until the layer before has been processed.
            let (to, from) = sync_channel(1);
            let receiver = scope.spawn(|| {
                let mut broken = None;
                for found in from {
                    let sisun_model::Captured {
                        name,
                        layer,
                        shape,
                        values,
                    } = found;
                    if name == Activation::Pattern && values.iter().any(|weight| weight.is_nan()) {
                        broken = broken.or(Some(layer));
                    }
                    // There is one text: the batch axis, the first, has length 1.
                    let shape = [shape[1], shape[2], shape[3]];
                    let activation = ActivationMap {
                        activation: name,
                        layer,
                        heads: heads.clone(),
                        shape,
                        values,
                    };
                    match &own_pool {
                        Some(pool) => pool.install(|| each(activation)),
                        None => each(activation),
                    }
                }
                broken
            });
            let mut capture = Capture::new(&looking.activations, &layers, &heads).sending(to);
            let pass = Pass {
                edits: &self.edits.list,
                ..Pass::capturing(&mut capture)
            };
            self.model.forward_last(ids, pass);
            // The receiver ends when the last sender is gone.
            drop(capture);
            let found = receiver.join();
            found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        match broken {
            Some(layer) => Err(InferError::NotFinite {
                layer,
                cause: match self.edits.list.is_empty() {
                    true => "the model's numbers are too large for float32",
                    false => "an edit makes numbers that are too large for float32",
                },
            }),
            None => Ok(tokens),
        }
    }
}

impl LanguageModel {
    /// Check that memory suffices for the attention of `heads` heads over `n` tokens and for the
    /// kept activations. Written files need the bytes of the kept activations once more.
    ///
    /// # Errors
    /// [`ModelError::TooLarge`](sisun_model::ModelError::TooLarge), with a remedy.
    pub fn check_room(
        &self,
        n: usize,
        heads: usize,
        kept_layers: usize,
        looking: &CaptureSelection,
    ) -> Result<(), InferError> {
        let s = if heads == 1 { "" } else { "s" };
        let what = || {
            format!(
                "the attention of {heads} head{s} over {n} tokens, each at every one before it,"
            )
        };
        let remedy = || {
            let fewer = if kept_layers > 2 {
                ", fewer layers"
            } else {
                ""
            };
            let heads = if heads > 1 { " or fewer heads" } else { "" };
            format!("give a shorter text{fewer}{heads}")
        };
        let bytes = memory::of_attention(n, heads, kept_layers, &looking.activations);
        memory::check_buffers(self.model.config(), 1, n, &self.model.device())?;
        Ok(memory::check(bytes, &self.model.device(), what, remedy)?)
    }
}

/// Parse the name of an activation, such as `pattern`; surrounding spaces are ignored.
///
/// # Errors
/// If no activation has this name; the error lists those with a head axis.
pub fn parse_activation(given: &str) -> Result<Activation, InferError> {
    given
        .trim()
        .parse()
        .map_err(|_| InferError::UnknownActivation {
            name: given.trim().to_owned(),
        })
}

/// Check that all activations have a head axis.
///
/// # Errors
/// If one has none; the error names the first.
pub fn check_per_head(activations: &[Activation]) -> Result<(), InferError> {
    match activations
        .iter()
        .find(|activation| !activation.is_per_head())
    {
        None => Ok(()),
        Some(&activation) => Err(InferError::NotPerHead { activation }),
    }
}

/// Parse a list of layers or heads, such as `0,2-3` or `last`.
///
/// # Errors
/// If the list is malformed; `what` is `layer` or `head`.
pub fn parse_selection(what: &'static str, given: &str) -> Result<Indices, InferError> {
    let bad = |_| InferError::BadSelection {
        what,
        given: given.to_owned(),
    };
    given.parse().map_err(bad)
}

fn chosen(
    what: &'static str,
    given: Option<&Indices>,
    count: usize,
) -> Result<Vec<usize>, InferError> {
    match given {
        None => Ok((0..count).collect()),
        Some(given) => given.among(what, count),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{check_per_head, parse_activation, parse_selection};
    use sisun_model::Activation;

    #[test]
    fn only_activations_of_heads_are_taken_and_listed() {
        for name in Activation::PER_HEAD {
            let activation = parse_activation(&format!(" {name}")).unwrap();
            assert_eq!(activation, name);
            check_per_head(&[activation]).unwrap();
        }
        for name in [
            "foo",
            "",
            "logits",
            "resid_pre",
            "resid_mid",
            "embed",
            "pos_embed",
        ] {
            let refused =
                parse_activation(name).and_then(|activation| check_per_head(&[activation]));
            let message = refused.unwrap_err().to_string();
            assert!(
                message.contains(name)
                    && message.ends_with("choose from pattern, scores, q, k, v, z"),
                "{message}"
            );
        }
    }

    #[test]
    fn malformed_selections_are_quoted() {
        for bad in ["", "a", "1-", "3-1", "1,,2"] {
            let message = parse_selection("head", bad).unwrap_err().to_string();
            assert!(
                message.contains("heads") && message.contains(bad) && message.contains("last"),
                "{message}"
            );
        }
    }
}

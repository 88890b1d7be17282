//! Running a text through a model to see where its heads look.

use crate::attention_maps::{ActivationMap, AttentionMaps, Token};
use crate::{InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_config::ModelConfig;
use sisun_data::TokenLabel;
use sisun_model::{Activation, Capture, Pass, memory};
use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;

/// What to keep: all layers and heads unless chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptureSelection {
    /// Activations with a head axis.
    pub activations: Vec<Activation>,
    /// Layers; `None` for all.
    pub layers: Option<Vec<usize>>,
    /// Heads; `None` for all.
    pub heads: Option<Vec<usize>>,
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
    /// The layers and heads of a model that are meant.
    ///
    /// # Errors
    /// One that does not exist, or none at all.
    pub fn of(&self, config: &ModelConfig) -> Result<(Vec<usize>, Vec<usize>), InferError> {
        let layers = existing("layer", self.layers.as_deref(), config.n_layers)?;
        Ok((
            layers,
            existing("head", self.heads.as_deref(), config.n_heads)?,
        ))
    }
}

impl LanguageModel {
    /// The tokens that the model is given for a text, with labels to show; those that came from no
    /// text, such as LLaMA's `<s>`, are called by their name.
    ///
    /// # Errors
    /// An empty text, characters that the tokenizer does not know, or tokens that the model does
    /// not know.
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
            text,
            start,
            end,
        };
        Ok(labels.into_iter().map(token).collect())
    }

    /// The chosen activations of one text.
    ///
    /// # Errors
    /// An empty text, characters that the tokenizer does not know, layers or heads that do not
    /// exist, or a text longer than learned positions or a sliding window.
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
            text: text.to_owned(),
            tokens,
            causal: self.model.config().causal,
            activations,
        })
    }

    /// As [`LanguageModel::attend`], but hands each activation on as soon as it is there, layer by
    /// layer, while the model goes on: patterns of all layers need not be in memory together.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`]; then nothing was handed on.
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
        // A pool of one thread, the model's own, could not do what `each` shares while the model
        // waits for it.
        let own_pool = match rayon::current_num_threads() {
            1 => rayon::ThreadPoolBuilder::new().num_threads(1).build().ok(),
            _ => None,
        };
        std::thread::scope(|scope| {
            // One at a time: the model waits for whoever works on the layer before.
            let (to, from) = sync_channel(1);
            scope.spawn(|| {
                for found in from {
                    let sisun_model::Captured {
                        name,
                        layer,
                        shape,
                        values,
                    } = found;
                    // One text: the batch axis, the first, has length 1.
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
            });
            let mut capture = Capture::new(&looking.activations, &layers, &heads).sending(to);
            self.model.forward_last(ids, Pass::capturing(&mut capture));
        });
        Ok(tokens)
    }
}

impl LanguageModel {
    /// That memory has room for the attention of so many heads over a text of `n` tokens, and for
    /// what is kept of it. Files that are written take what is kept once more.
    ///
    /// # Errors
    /// [`ModelError::TooLarge`](sisun_model::ModelError::TooLarge), with what helps.
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
                ", fewer --layers"
            } else {
                ""
            };
            let heads = if heads > 1 { " or fewer --heads" } else { "" };
            format!("give a shorter text{fewer}{heads}")
        };
        let bytes = memory::of_attention(n, heads, kept_layers, &looking.activations);
        Ok(memory::check(bytes, &self.model.device(), what, remedy)?)
    }
}

/// Reads the name of an activation, as `pattern`; spaces around it do not count.
///
/// # Errors
/// A name that no activation has; those with a head axis are listed.
pub fn parse_activation(given: &str) -> Result<Activation, InferError> {
    given
        .trim()
        .parse()
        .map_err(|_| InferError::UnknownActivation {
            name: given.trim().to_owned(),
        })
}

/// That all of them have a head axis.
///
/// # Errors
/// The first without one.
pub fn check_per_head(activations: &[Activation]) -> Result<(), InferError> {
    match activations
        .iter()
        .find(|activation| !activation.is_per_head())
    {
        None => Ok(()),
        Some(&activation) => Err(InferError::NotPerHead { activation }),
    }
}

/// Reads a list of numbers and ranges, as `0,2-3`.
///
/// # Errors
/// Anything else; `what` is `layer` or `head`.
pub fn parse_selection(what: &'static str, given: &str) -> Result<Vec<usize>, InferError> {
    let bad = || InferError::BadSelection {
        what,
        given: given.to_owned(),
    };
    let mut chosen = BTreeSet::new();
    for part in given.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().map_err(|_| bad())?;
        let last: usize = last.trim().parse().map_err(|_| bad())?;
        // No model has as many; a huge range must not fill the memory.
        if first > last || last >= 1 << 20 {
            return Err(bad());
        }
        chosen.extend(first..=last);
    }
    Ok(chosen.into_iter().collect())
}

fn existing(
    what: &'static str,
    chosen: Option<&[usize]>,
    count: usize,
) -> Result<Vec<usize>, InferError> {
    match chosen {
        None => Ok((0..count).collect()),
        Some(chosen) => match chosen.iter().find(|&&number| number >= count) {
            Some(&number) => Err(InferError::NoSuch {
                what,
                number,
                count,
            }),
            None if chosen.is_empty() => Err(InferError::BadSelection {
                what,
                given: String::new(),
            }),
            None => Ok(chosen
                .iter()
                .copied()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect()),
        },
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
    fn selections_are_numbers_and_ranges() {
        assert_eq!(parse_selection("layer", "3, 0,2-3").unwrap(), [0, 2, 3]);
        for bad in [
            "",
            "a",
            "1-",
            "-1",
            "3-1",
            "1,,2",
            "0-99999999999",
            "99999999999999999999999",
        ] {
            let message = parse_selection("head", bad).unwrap_err().to_string();
            assert!(
                message.contains("--heads") && message.contains(bad),
                "{message}"
            );
        }
    }
}

//! What a model writes without one of its heads.

use super::Translator;
use crate::InferError;
use serde::Serialize;
use sisun_config::Seq2SeqConfig;
use sisun_model::{Edit, to_host};
use sisun_seq2seq::{PairTensors, Rows, Seq2SeqEdits, greedy_edited};

/// The targets that a model writes without each of its heads, one at a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ablations {
    /// The target that the model writes with all heads.
    pub text: String,
    /// Log-probability of the given target with all heads, its end included, in nats.
    pub log_prob: f64,
    /// One entry for each head: those of the encoder, of the decoder, and of cross-attention.
    pub heads: Vec<AblatedHead>,
}

/// The target that a model writes without one head.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AblatedHead {
    /// `encoder`, `decoder` or `cross`.
    pub part: &'static str,
    /// Layer, counted from 0.
    pub layer: usize,
    /// Head, counted from 0.
    pub head: usize,
    /// The target that the model writes without it.
    pub text: String,
    /// True if it differs from the target with all heads.
    pub changed: bool,
    /// Log-probability of the given target without it, in nats.
    pub log_prob: f64,
}

impl Translator {
    /// Write the target of a source without each head, and compute how likely `target` is then. In a
    /// recurrent model the one head of cross-attention is its context.
    ///
    /// # Errors
    /// If a text is empty, too long, or has characters that its tokenizer does not know; or if the
    /// model's scores are not numbers.
    pub fn ablations(&self, source: &str, target: &str) -> Result<Ablations, InferError> {
        self.check_attention()?;
        let ids = |tokens: Vec<crate::Token>| -> Vec<u32> {
            tokens.into_iter().map(|token| token.id).collect()
        };
        let (source, target) = (
            ids(self.source_tokens(source)?),
            ids(self.target_tokens(target)?),
        );
        let without = |ablated: &Seq2SeqEdits| -> Result<(String, f64), InferError> {
            let longest = self.model.config().max_target_len();
            let mut written = greedy_edited(&self.model, &[&source], longest, ablated);
            let text = match written.pop() {
                Some(found) => self.translation(found)?.text,
                None => String::new(),
            };
            Ok((text, self.log_prob(&source, &target, ablated)))
        };
        let (text, log_prob) = without(&Seq2SeqEdits::default())?;
        let (layers, heads) = self.model.cross_attention().unwrap_or((1, 1));
        let parts: &[&'static str] = match self.model.config() {
            Seq2SeqConfig::Recurrent(_) => &["cross"],
            Seq2SeqConfig::Transformer(_) => &["encoder", "decoder", "cross"],
        };
        let mut all = Vec::new();
        for &part in parts {
            for (layer, head) in (0..layers).flat_map(|l| (0..heads).map(move |h| (l, h))) {
                let mut ablated = Seq2SeqEdits::default();
                match part {
                    "encoder" => ablated.encoder.push(Edit::ablation(layer, head)),
                    "decoder" => ablated.decoder.push(Edit::ablation(layer, head)),
                    _ => ablated.cross.push(Edit::ablation(layer, head)),
                }
                let (written, log_prob) = without(&ablated)?;
                all.push(AblatedHead {
                    part,
                    layer,
                    head,
                    changed: written != text,
                    text: written,
                    log_prob,
                });
            }
        }
        Ok(Ablations {
            text,
            log_prob,
            heads: all,
        })
    }

    /// Return the log-probability of a target and its end, in nats.
    fn log_prob(&self, source: &[u32], target: &[u32], ablated: &Seq2SeqEdits) -> f64 {
        let begin = [self.tokenizers.begin()];
        let end = [self.tokenizers.end()];
        let inputs: Vec<u32> = begin.iter().chain(target).copied().collect();
        let targets: Vec<u32> = target.iter().chain(&end).copied().collect();
        let batch = PairTensors::new(
            Rows {
                tokens: source,
                lens: &[source.len()],
            },
            &inputs,
            Rows {
                tokens: &targets,
                lens: &[targets.len()],
            },
            &self.model.device(),
        );
        let (shape, logits) = to_host(self.model.forward(&batch, &mut ablated.pass()));
        -self.losses(&logits, shape[2], target).0
    }
}

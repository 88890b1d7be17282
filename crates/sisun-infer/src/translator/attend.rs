//! The attention of a sequence-to-sequence model on a source and its target.

use super::{BEGIN, END, Translator};
use crate::{
    ActivationMap, AttentionMaps, AttentionPart, CaptureSelection, InferError, KeyText, Token,
    Weighting,
};
use sisun_config::Seq2SeqConfig;
use sisun_model::{Activation, Captured};
use sisun_seq2seq::{Patterns, patterns};

impl Translator {
    /// Return the attention of the model while it reads a source and writes a target: that of the
    /// encoder, that of the decoder, and that of the decoder to the source. Recurrent models have
    /// the last only.
    ///
    /// Row t of the attention to the source is that of writing token t of the target, of which the
    /// last is its end. Row t of the decoder's attention to itself is that of the token before.
    /// `alignment` holds the true alignment as pairs of target and source token, if it is known.
    /// Of `looking` layers and heads are used.
    ///
    /// # Errors
    /// If a text is empty, too long, or has characters that its tokenizer does not know; or if the
    /// model has no attention, or not the chosen layers and heads.
    pub fn attend(
        &self,
        source: &str,
        target: &str,
        alignment: Option<Vec<(usize, usize)>>,
        looking: &CaptureSelection,
    ) -> Result<Vec<AttentionMaps>, InferError> {
        self.check_attention()?;
        let (layers, heads) = self.model.cross_attention().unwrap_or((1, 1));
        let (layers, heads) = looking.among(layers, heads)?;
        let sources = self.source_tokens(source)?;
        let targets = self.target_tokens(target)?;
        let ids = |tokens: &[Token]| -> Vec<u32> { tokens.iter().map(|token| token.id).collect() };
        let Patterns {
            encoder,
            decoder,
            cross,
        } = patterns(&self.model, &ids(&sources), &ids(&targets));
        let length = target.chars().count();
        let around = |id, text: &str, at| Token {
            id,
            text: text.to_owned(),
            plain: text.to_owned(),
            start: at,
            end: at,
        };
        let begin = around(self.tokenizers.begin(), BEGIN, 0);
        let end = around(self.tokenizers.end(), END, length);
        let read = std::iter::once(begin).chain(targets.clone()).collect();
        let written = targets.into_iter().chain([end]).collect();
        let keys = KeyText {
            text: source.to_owned(),
            tokens: sources.clone(),
            alignment,
        };
        let parts = [
            (AttentionPart::Encoder, source, sources, false, encoder),
            (AttentionPart::Decoder, target, read, true, decoder),
            (AttentionPart::Cross(keys), target, written, false, cross),
        ];
        let maps = parts
            .into_iter()
            .filter(|(.., found)| !found.is_empty())
            .map(|(part, text, tokens, causal, found)| AttentionMaps {
                model: self.title(),
                edits: Vec::new(),
                text: text.to_owned(),
                tokens,
                part,
                causal,
                weighting: Weighting::Attention,
                activations: found
                    .into_iter()
                    .filter(|one| layers.contains(&one.layer))
                    .map(|one| activation(one, &heads))
                    .collect(),
            });
        Ok(maps.collect())
    }

    /// Check that the decoder of the model attends to the source.
    ///
    /// # Errors
    /// [`InferError::NoAttention`] if it gets one vector.
    pub fn check_attention(&self) -> Result<(), InferError> {
        match (self.model.cross_attention(), self.model.config()) {
            (None, Seq2SeqConfig::Recurrent(config)) => Err(InferError::NoAttention {
                model: self.title(),
                context: config.context.name().to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// Return some heads of a captured pattern of a single pair.
fn activation(found: Captured, heads: &[usize]) -> ActivationMap {
    let Captured {
        layer,
        shape,
        values,
        ..
    } = found;
    let size = shape[2] * shape[3];
    let of_head = |head: &usize| &values[head * size..(head + 1) * size];
    ActivationMap {
        activation: Activation::Pattern,
        layer,
        heads: heads.to_vec(),
        shape: [heads.len(), shape[2], shape[3]],
        values: heads.iter().flat_map(of_head).copied().collect(),
    }
}

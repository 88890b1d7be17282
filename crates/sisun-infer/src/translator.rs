//! A sequence-to-sequence model with its tokenizers, ready for use.

mod ablate;
mod alignment;
mod attend;
mod evaluate;
mod explain;

pub use ablate::{AblatedHead, Ablations};
pub use evaluate::{PairEvaluation, PairScores};
pub use explain::{PairExplanation, PairKey, Scoring};

use crate::{InferError, Token};
use serde::Serialize;
use sisun_data::TokenLabel;
use sisun_data::pairs::{PairTokenizers, Side};
use sisun_files::RunDir;
use sisun_model::checkpoint::MODEL_FILE;
use sisun_model::{ModelError, Run, thousands};
use sisun_seq2seq::{Beam, Hypothesis, Seq2Seq, Vocabularies, beam, greedy};
use std::path::Path;

/// A trained sequence-to-sequence model and the tokenizers it was trained with.
#[derive(Clone, Debug)]
pub struct Translator {
    /// Name of the run.
    pub name: String,
    /// Number of training steps.
    pub step: Option<u64>,
    /// The model, without autodiff.
    pub model: Seq2Seq,
    /// The tokenizers of both sides.
    pub tokenizers: PairTokenizers,
    /// Notes for users of the model.
    pub notes: Vec<String>,
}

/// A way of choosing the tokens of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decoding {
    /// The most likely token at each step.
    Greedy,
    /// The best of several targets that grow side by side.
    Beam(Beam),
}

/// A target that a model has written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Translation {
    /// The target.
    pub text: String,
    /// Its tokens, with the end if the model wrote it.
    pub tokens: Vec<WrittenToken>,
    /// True if the model ended the target; false if it reached the longest one.
    pub ended: bool,
    /// Log-probability of all tokens, in nats.
    pub log_prob: f64,
    /// Log-probability divided by the length penalty.
    pub score: f64,
}

/// A token of a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrittenToken {
    /// Id in the model's vocabulary of targets.
    pub id: u32,
    /// Text of the token.
    pub text: String,
}

impl Translator {
    /// Open a run directory or one of its checkpoints.
    ///
    /// # Errors
    /// If there is no sequence-to-sequence run, its checkpoint is damaged, or a tokenizer is damaged
    /// or another one.
    pub fn open(path: &Path, device: &burn::tensor::Device) -> Result<Self, InferError> {
        Self::of_run(&Run::open(path)?, device)
    }

    /// Load the model of a run.
    ///
    /// # Errors
    /// As [`Translator::open`].
    pub fn of_run(run: &Run, device: &burn::tensor::Device) -> Result<Self, InferError> {
        let config = run.seq2seq_config()?;
        let checkpoint = run.checkpoint()?;
        let files = RunDir::new(run.root());
        let tokenizers = PairTokenizers::from_files(
            config.tokenizers().map_err(ModelError::from)?,
            &files.source_tokenizer(),
            &files.target_tokenizer(),
        )?;
        let sums = [tokenizers.source().sha256(), tokenizers.target().sha256()];
        run.check_seq2seq(&config, [&sums[0], &sums[1]], &checkpoint.state)?;
        let vocabularies = Vocabularies::from(&tokenizers);
        let weights = checkpoint.file(MODEL_FILE);
        let model = Seq2Seq::load(&weights, &config.seq2seq, vocabularies, device)?;
        let mut loaded = Self::new(config.name, Some(checkpoint.state.step), model, tokenizers);
        loaded.notes = run.notes()?;
        Ok(loaded)
    }

    /// Combine a model and its tokenizers.
    pub fn new(
        name: String,
        step: Option<u64>,
        model: Seq2Seq,
        tokenizers: PairTokenizers,
    ) -> Self {
        Self {
            name,
            step,
            model,
            tokenizers,
            notes: Vec::new(),
        }
    }

    /// Return the name and the number of training steps.
    pub fn title(&self) -> String {
        match self.step {
            Some(step) => format!("{} (step {})", self.name, thousands(step)),
            None => self.name.clone(),
        }
    }

    /// Return the title and the notes, one per line.
    pub fn introduction(&self) -> String {
        let notes = self.notes.iter().map(|note| format!("\nnote: {note}"));
        format!("model: {}{}", self.title(), notes.collect::<String>())
    }

    /// Encode a source, with labels for display.
    ///
    /// # Errors
    /// If the source is empty, longer than the model reads, or has characters that the tokenizer
    /// does not know.
    pub fn source_tokens(&self, source: &str) -> Result<Vec<Token>, InferError> {
        let tokens = labelled(&self.tokenizers, Side::Source, source)?;
        let longest = self.model.config().max_source_len();
        check_length("source", tokens.len(), longest)?;
        Ok(tokens)
    }

    /// Encode a target, without its end, with labels for display.
    ///
    /// # Errors
    /// If the target is empty, longer than the model writes, or has characters that the tokenizer
    /// does not know.
    pub fn target_tokens(&self, target: &str) -> Result<Vec<Token>, InferError> {
        let tokens = labelled(&self.tokenizers, Side::Target, target)?;
        let longest = self.model.config().max_target_len();
        check_length("target", tokens.len() + 1, longest)?;
        Ok(tokens)
    }

    /// Write the target of a source; with a beam all of its targets, best first.
    ///
    /// # Errors
    /// As [`Translator::source_tokens`]; or if the model's scores are not numbers.
    pub fn translate(
        &self,
        source: &str,
        decoding: Decoding,
    ) -> Result<Vec<Translation>, InferError> {
        let ids: Vec<u32> = self
            .source_tokens(source)?
            .iter()
            .map(|token| token.id)
            .collect();
        let longest = self.model.config().max_target_len();
        let found = match decoding {
            Decoding::Greedy => greedy(&self.model, &[&ids], longest),
            Decoding::Beam(settings) => beam(&self.model, &ids, longest, settings),
        };
        found.into_iter().map(|one| self.translation(one)).collect()
    }

    /// Write the targets of several sources, each the most likely token at each step.
    ///
    /// # Errors
    /// If the model's scores are not numbers.
    pub fn translate_ids(&self, sources: &[&[u32]]) -> Result<Vec<Translation>, InferError> {
        greedy(&self.model, sources, self.model.config().max_target_len())
            .into_iter()
            .map(|one| self.translation(one))
            .collect()
    }

    pub(super) fn translation(&self, found: Hypothesis) -> Result<Translation, InferError> {
        let Hypothesis {
            tokens: mut ids,
            ended,
            log_prob,
            score,
        } = found;
        if log_prob.is_nan() || (ids.is_empty() && !ended) {
            return Err(InferError::NotNumbers { place: 0 });
        }
        if !ended {
            // With its end the target must not be longer than what the model reads.
            ids.truncate(self.model.config().max_target_len() - 1);
        }
        let tokenizer = self.tokenizers.target();
        let mut tokens = Vec::with_capacity(ids.len() + 1);
        for (at, &id) in ids.iter().enumerate() {
            let text = tokenizer.decode_after(&ids[..at], &[id])?;
            tokens.push(WrittenToken { id, text });
        }
        if ended {
            tokens.push(WrittenToken {
                id: self.tokenizers.end(),
                text: END.to_owned(),
            });
        }
        Ok(Translation {
            text: tokenizer.decode(&ids)?,
            tokens,
            ended,
            log_prob,
            score,
        })
    }
}

/// Labels of the tokens around a target, which stand for no text.
pub(crate) const BEGIN: &str = "<begin>";
pub(crate) const END: &str = "<end>";

/// Encode a text, with labels for display.
fn labelled(tokenizers: &PairTokenizers, side: Side, text: &str) -> Result<Vec<Token>, InferError> {
    let encoding = tokenizers.encode(side, text)?;
    let labels = tokenizers.of(side).labels(text, &encoding);
    if labels.is_empty() {
        return Err(InferError::Empty { what: side.name() });
    }
    let token = |label: TokenLabel| Token {
        id: label.id,
        plain: tokenizers.of(side).token_text(label.id),
        text: label.text,
        start: label.start,
        end: label.end,
    };
    Ok(labels.into_iter().map(token).collect())
}

fn check_length(side: &'static str, tokens: usize, longest: usize) -> Result<(), InferError> {
    match tokens > longest {
        true => Err(InferError::LongSide {
            side,
            tokens,
            longest,
        }),
        false => Ok(()),
    }
}

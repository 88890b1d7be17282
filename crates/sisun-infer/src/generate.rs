//! Generating text token by token.

use crate::output::Output;
use crate::sample::{Finish, GenerationOptions, Sample, SampledToken};
use crate::trace::Trace;
use crate::tracer::Tracer;
use crate::window::ContextWindow;
use crate::{InferError, LanguageModel};
use std::ops::ControlFlow;
use std::time::Instant;

impl LanguageModel {
    /// Encode a prompt for the model. An empty prompt becomes the tokens that precede a text in the
    /// training data: the prefix of the tokenizer (`<s>`), or else the end-of-text token.
    ///
    /// # Errors
    /// If the tokenizer does not know a character, or the prompt is empty and no token begins a
    /// text.
    pub fn prompt_tokens(&self, prompt: &str) -> Result<Vec<u32>, InferError> {
        let seen = self.tokenizer.encode_prompt(prompt)?.ids;
        if !seen.is_empty() {
            return Ok(seen);
        }
        let begins = self.tokenizer.end_of_text();
        begins
            .filter(|_| prompt.is_empty())
            .map(|id| vec![id])
            .ok_or(InferError::Empty { what: "prompt" })
    }

    /// Continue `prompt`, or begin a new text if it is empty. `write` receives text as soon as it
    /// is final, never part of a character or the beginning of a stop text; it can end the sample.
    ///
    /// # Errors
    /// If the prompt is empty and no token begins a text, the tokenizer does not know a character,
    /// the model does not know a token, or a setting is out of range.
    pub fn generate(
        &self,
        prompt: &str,
        options: &GenerationOptions,
        write: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Sample, InferError> {
        self.generate_watched(prompt, options, None, write)
    }

    /// Generate as [`LanguageModel::generate`], and record how each token was chosen.
    ///
    /// # Errors
    /// As for [`LanguageModel::generate`].
    pub fn trace(
        &self,
        prompt: &str,
        options: &GenerationOptions,
        write: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(Sample, Trace), InferError> {
        let mut tracer = Tracer::new(self);
        let sample = self.generate_watched(prompt, options, Some(&mut tracer), write)?;
        let before = self.prompt_tokens(prompt)?;
        let mut labels: Vec<String> = match prompt {
            "" => before
                .iter()
                .map(|id| self.tokenizer.token_text(*id))
                .collect(),
            _ => self
                .tokens(prompt)?
                .into_iter()
                .map(|token| token.text)
                .collect(),
        };
        let prompt_tokens = labels.len();
        labels.extend(self.written(&before, &sample)?);
        let of_sample = sample.tokens.iter().map(|token| token.id);
        let ids = before.iter().copied().chain(of_sample);
        let tokens = ids.map(|id| self.tokenizer.token_text(id)).collect();
        let trace = Trace {
            model: self.name.clone(),
            step: self.step,
            edits: self.edits.written.clone(),
            prompt: prompt.to_owned(),
            text: sample.text.clone(),
            sampler: options.sampler,
            precision: if self.model.is_bf16() {
                "bf16"
            } else {
                "float32"
            },
            asked: options.tokens,
            stop: options.stop.clone(),
            number: options.number,
            finish: sample.finish,
            labels,
            tokens,
            prompt_tokens,
            prompt_tokens_read: sample.prompt_tokens_read,
            steps: tracer.into_steps(),
        };
        Ok((sample, trace))
    }

    /// Return the labels of the sampled tokens after `before`; if several tokens make up one
    /// character, each label says which part it is.
    fn written(&self, before: &[u32], sample: &Sample) -> Result<Vec<String>, InferError> {
        let ids: Vec<u32> = sample.tokens.iter().map(|token| token.id).collect();
        let name = |(text, piece, pieces): (String, usize, usize)| match (
            sisun_data::make_visible(&text),
            pieces,
        ) {
            (plain, 1) => plain,
            (plain, pieces) => format!("{plain} {piece}/{pieces}"),
        };
        Ok(self
            .tokenizer
            .texts_after(before, &ids)?
            .into_iter()
            .map(name)
            .collect())
    }

    /// Generate as [`LanguageModel::generate`], and report each token to an optional tracer.
    pub(crate) fn generate_watched(
        &self,
        prompt: &str,
        options: &GenerationOptions,
        tracer: Option<&mut Tracer<'_>>,
        write: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Sample, InferError> {
        options.sampler.validate()?;
        let seen = self.prompt_tokens(prompt)?;
        self.tokenizer.check_rows(&seen, self.rows())?;
        ContextWindow::with(&self.model, |window| {
            let window = window.editing(&self.edits.list);
            self.write_after(seen, window, options, tracer, write)
        })
    }

    fn write_after(
        &self,
        mut seen: Vec<u32>,
        mut window: ContextWindow<'_>,
        options: &GenerationOptions,
        mut tracer: Option<&mut Tracer<'_>>,
        write: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Sample, InferError> {
        // A model may have more rows than its tokenizer has tokens; these rows have no text.
        let unknown: Vec<usize> = (0..self.rows() as u32)
            .filter(|&id| !self.tokenizer.has_token(id))
            .map(|id| id as usize)
            .collect();
        let read =
            |window: &mut ContextWindow<'_>, new: &[u32], tracer: &mut Option<&mut Tracer<'_>>| {
                let mut logits = match tracer {
                    Some(tracer) => tracer.read(window, new),
                    None => window.read(new),
                };
                unknown
                    .iter()
                    .for_each(|&id| logits[id] = f32::NEG_INFINITY);
                logits
            };
        let mut decoder = self.tokenizer.stream_decoder_after(&seen)?;
        let mut output = Output::new(&options.stop, write);
        let prompt_tokens = seen.len();
        let began = Instant::now();
        let mut logits = read(&mut window, &seen, &mut tracer);
        let prompt_tokens_read = window.tokens().len();
        let prompt_s = began.elapsed().as_secs_f64();
        let began = Instant::now();
        let mut tokens = Vec::new();
        let finish = loop {
            if tokens.len() == options.tokens {
                break Finish::Length;
            }
            let choice =
                options
                    .sampler
                    .choose(&logits, &seen, options.number, tokens.len() as u64);
            if choice.logprob.is_nan() {
                return Err(InferError::NotNumbers {
                    place: tokens.len() + 1,
                });
            }
            if self.tokenizer.eos_token_ids().contains(&choice.id) {
                break Finish::EndOfText;
            }
            if let Some(tracer) = &mut tracer {
                tracer.chose(
                    choice,
                    &logits,
                    &seen,
                    window.tokens().len(),
                    &options.sampler,
                );
            }
            seen.push(choice.id);
            let text = self.tokenizer.token_text(choice.id);
            tokens.push(SampledToken {
                id: choice.id,
                text,
                logprob: choice.logprob,
            });
            if let ControlFlow::Break(finish) = output.add(&decoder.push(choice.id)?) {
                break finish;
            }
            if !options.stop.is_empty() && output.stops_at(&decoder.pending()?) {
                break Finish::Stop;
            }
            if tokens.len() < options.tokens {
                logits = read(&mut window, &[choice.id], &mut tracer);
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        if matches!(finish, Finish::Length | Finish::EndOfText) {
            output.finish(&decoder.finish()?);
        }
        let tokens_per_second = tokens.len() as f64 / seconds.max(1e-9);
        Ok(Sample {
            text: output.into_text(),
            tokens,
            finish,
            prompt_tokens,
            prompt_tokens_read,
            tokens_per_second,
            prompt_s,
        })
    }
}

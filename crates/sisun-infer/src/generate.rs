//! Writing text token by token.

use crate::sampler::Sampler;
use crate::trace::Tracer;
use crate::window::ContextWindow;
use crate::{InferError, LanguageModel};
use serde::Serialize;
use std::ops::ControlFlow;
use std::time::Instant;

/// What is asked of one sample besides its prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerationOptions {
    /// Most tokens to write.
    pub tokens: usize,
    /// How each is chosen.
    pub sampler: Sampler,
    /// Text at which the sample ends; it is not part of it.
    pub stop: Vec<String>,
    /// Number of the sample: others with the same prompt and seed differ.
    pub number: u64,
}

impl Default for GenerationOptions {
    /// 100 tokens, drawn from the model's own distribution.
    fn default() -> Self {
        Self {
            tokens: 100,
            sampler: Sampler::default(),
            stop: Vec::new(),
            number: 0,
        }
    }
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// What was written after the prompt: the text of both without the prompt's.
    pub text: String,
    /// Token by token.
    pub tokens: Vec<SampledToken>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// The last so many of them were read: no more than the model's context.
    pub prompt_tokens_read: usize,
    /// Tokens written each second, reading the prompt left out.
    pub tokens_per_second: f64,
    /// Seconds for reading the prompt.
    pub prompt_s: f64,
}

/// One token of a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampledToken {
    /// The token.
    pub id: u32,
    /// Its text; a piece of a character is written as its bytes.
    pub text: String,
    /// Its log-probability under the model, in nats.
    pub logprob: f64,
}

/// Why a sample ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It has as many tokens as asked for.
    Length,
    /// A stop text came.
    Stop,
    /// The model wrote its end-of-text token.
    EndOfText,
    /// Whoever reads the text wanted no more.
    Interrupted,
}

impl LanguageModel {
    /// The tokens of a prompt as the model reads them. No prompt is what a text of the training
    /// data begins after: what the tokenizer puts before a text (`<s>`), else the token that ends
    /// the one before it.
    ///
    /// # Errors
    /// Characters that the tokenizer does not know, or no prompt where no token begins a text.
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

    /// Continues `prompt`, or begins a text where it is empty. `write` gets the text as it becomes
    /// certain, never half a character and never the beginning of a stop text; it may end the
    /// sample.
    ///
    /// # Errors
    /// No prompt where no token begins a text, characters that the tokenizer does not know, tokens
    /// that the model does not know, or a setting out of range.
    pub fn generate(
        &self,
        prompt: &str,
        options: &GenerationOptions,
        write: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Sample, InferError> {
        self.generate_watched(prompt, options, None, write)
    }

    /// The same, told token by token to a tracer if there is one.
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
        // A model may have more rows than its tokenizer has tokens; no text comes of those.
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
        let mut output = Output {
            text: String::new(),
            written: 0,
            stop: &options.stop,
            write,
        };
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
            text: output.text,
            tokens,
            finish,
            prompt_tokens,
            prompt_tokens_read,
            tokens_per_second,
            prompt_s,
        })
    }
}

/// Text on its way out: what could yet become a stop text is held back.
struct Output<'a> {
    text: String,
    written: usize,
    stop: &'a [String],
    write: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
}

impl Output<'_> {
    fn add(&mut self, new: &str) -> ControlFlow<Finish> {
        self.text.push_str(new);
        let stops = self.stop.iter().filter(|stop| !stop.is_empty());
        if let Some(at) = stops
            .clone()
            .filter_map(|stop| self.text[self.written..].find(stop.as_str()))
            .min()
        {
            self.text.truncate(self.written + at);
            // The sample is over either way.
            let _ = self.write_to(self.text.len());
            return ControlFlow::Break(Finish::Stop);
        }
        let pending = &self.text[self.written..];
        let held = stops
            .map(|stop| longest_end_that_begins(pending, stop))
            .max()
            .unwrap_or(0);
        match self.write_to(self.text.len() - held) {
            ControlFlow::Break(()) => ControlFlow::Break(Finish::Interrupted),
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
        }
    }

    /// Ends the text if a stop text comes up in it with what is not certain yet.
    fn stops_at(&mut self, pending: &str) -> bool {
        let whole = format!("{}{pending}", &self.text[self.written..]);
        let comes_up = self
            .stop
            .iter()
            .any(|stop| !stop.is_empty() && whole.contains(stop.as_str()));
        comes_up && self.add(pending) == ControlFlow::Break(Finish::Stop)
    }

    /// Writes what was held back.
    fn finish(&mut self, rest: &str) {
        self.text.push_str(rest);
        // The sample is over either way.
        let _ = self.write_to(self.text.len());
    }

    fn write_to(&mut self, end: usize) -> ControlFlow<()> {
        if end == self.written {
            return ControlFlow::Continue(());
        }
        let from = std::mem::replace(&mut self.written, end);
        (self.write)(&self.text[from..end])
    }
}

/// Bytes of the longest end of `text` with which `stop` begins.
fn longest_end_that_begins(text: &str, stop: &str) -> usize {
    let starts = stop
        .char_indices()
        .map(|(at, _)| at)
        .filter(|&at| at > 0 && at <= text.len());
    starts
        .filter(|&at| text.ends_with(&stop[..at]))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Finish, Output};
    use std::ops::ControlFlow;

    fn run(pieces: &[&str], stop: &[&str]) -> (Vec<String>, String, Option<Finish>) {
        let stop: Vec<String> = stop.iter().map(|s| (*s).to_owned()).collect();
        let mut written = Vec::new();
        let mut write = |text: &str| {
            written.push(text.to_owned());
            ControlFlow::Continue(())
        };
        let mut output = Output {
            text: String::new(),
            written: 0,
            stop: &stop,
            write: &mut write,
        };
        let mut end = None;
        for piece in pieces {
            if let ControlFlow::Break(finish) = output.add(piece) {
                end = Some(finish);
                break;
            }
        }
        if end.is_none() {
            output.finish("");
        }
        let text = output.text;
        (written, text, end)
    }

    #[test]
    fn a_stop_text_spread_over_tokens_is_never_written() {
        let (written, text, end) = run(&["밥을 ", "먹었", "다. 끝", "이다", " 더"], &["끝이다"]);
        assert_eq!(written.concat(), "밥을 먹었다. ");
        assert_eq!((text.as_str(), end), ("밥을 먹었다. ", Some(Finish::Stop)));
    }

    #[test]
    fn what_only_began_like_a_stop_text_is_written_in_the_end() {
        let (written, text, end) = run(&["a", "b", "x", "ab"], &["abc"]);
        assert_eq!(
            (written.concat().as_str(), text.as_str(), end),
            ("abxab", "abxab", None)
        );
        assert_eq!(
            written[0], "abx",
            "the first two could have become the stop text"
        );
    }

    #[test]
    fn a_stop_text_in_what_is_not_certain_yet_ends_it() {
        let stop = ["\n".to_owned()];
        let mut write = |_: &str| ControlFlow::Continue(());
        let mut output = Output {
            text: String::new(),
            written: 0,
            stop: &stop,
            write: &mut write,
        };
        assert_eq!(output.add("one"), ControlFlow::Continue(()));
        assert!(!output.stops_at("") && !output.stops_at("\t") && output.stops_at("\t\n"));
        assert_eq!(output.text, "one\t");
    }

    #[test]
    fn the_earliest_of_several_stop_texts_ends_it() {
        let (_, text, _) = run(&["one two three"], &["three", "two"]);
        assert_eq!(text, "one ");
    }
}

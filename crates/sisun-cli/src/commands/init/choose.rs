//! The settings for a text and a machine.

use super::sizes::{REFERENCE, SHAPES, Shape};
use super::text::{documents, prompt, sentence, vocabulary};
use crate::failure::Usage;
use crate::pace;
use anyhow::Result;
use sisun_config::{Documents, free_path, shell};
use sisun_data::{RecordFields, Survey};
use sisun_train::Trial;
use std::path::PathBuf;

/// The settings that `init` chooses.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) sources: Vec<String>,
    pub(super) fields: Option<RecordFields>,
    /// The fields, if the configuration has to name them.
    pub(super) names_fields: bool,
    pub(super) composes: bool,
    pub(super) documents: Documents,
    pub(super) why_documents: &'static str,
    pub(super) validation_fraction: f64,
    /// One token for each character, instead of a byte-pair encoding.
    pub(super) by_character: bool,
    pub(super) vocab_size: usize,
    /// Tokens to learn from, exact or estimated.
    pub(super) tokens: u64,
    pub(super) shape: Shape,
    pub(super) context_len: usize,
    pub(super) batch_size: usize,
    pub(super) dropout: f64,
    pub(super) steps: u64,
    /// True if the text, not the time, limits the steps.
    pub(super) is_small_text: bool,
    /// Expected seconds of training.
    pub(super) seconds: f64,
    pub(super) prompt: Option<String>,
    pub(super) sentence: Option<String>,
    pub(super) notes: Vec<String>,
}

/// Number of windows of an evaluation.
pub(super) const EVALUATION_WINDOWS: usize = 64;
/// Number of evaluations.
pub(super) const EVALUATIONS: u64 = 5;
/// Fewest steps in which anything is learned.
const FEWEST_STEPS: u64 = 100;
/// Seconds of training besides steps: samples, checkpoints, maps.
const BESIDES: f64 = 2.0;
/// Bytes of text that are read and tokenized in a second, as measured on two cores.
const READ_PER_SECOND: f64 = 25e6;
/// Fewest tokens of which a model learns more than sentences.
const SHORT: u64 = 20_000;
/// Fewest characters that are worth a model.
const FEWEST_CHARACTERS: u64 = 200;
/// The alphabet that is learned by character.
const ALPHABET: usize = 256;

impl Choice {
    /// Make the choices that depend on the text alone.
    pub(super) fn of_text(survey: &Survey, sources: Vec<String>, name: String) -> Result<Self> {
        let (bytes, characters) = (survey.text_bytes(), survey.characters());
        if characters < FEWEST_CHARACTERS {
            return Err(Usage(format!(
                "{}: {characters} characters are too few to learn from: give at least {FEWEST_CHARACTERS}, better a hundred thousand",
                sources.join(", ")
            ))
            .into());
        }
        let (documents, why_documents) = documents(survey);
        let by_character = bytes < 200_000 && survey.distinct_characters <= ALPHABET;
        let vocab_size = match by_character {
            true => survey.distinct_characters + 1,
            false => vocabulary(survey.script, characters),
        };
        let tokens = match by_character {
            true => characters,
            false => survey.bpe_tokens(vocab_size)?,
        };
        // Long text needs no tenth of it to measure the loss.
        let validation_fraction = match bytes {
            0..50_000 => 0.15,
            50_000..2_000_000 => 0.1,
            2_000_000..20_000_000 => 0.05,
            _ => 0.01,
        };
        let mut notes: Vec<String> = table_note(&survey.files)
            .into_iter()
            .chain(survey.other_json.clone())
            .collect();
        if let Some(fields) = survey
            .fields
            .as_ref()
            .filter(|fields| !fields.left_out.is_empty())
        {
            notes.push(format!(
                "of the records, {} is read and {} left out (data.jsonl_field and jsonl_answer_field choose)",
                match &fields.answer {
                    Some(answer) => format!("{} with {answer}", fields.text),
                    None => fields.text.clone(),
                },
                fields.left_out.join(", "),
            ));
        }
        if let Some(RecordFields {
            text,
            answer: Some(answer),
            ..
        }) = &survey.fields
        {
            notes.push(format!(
                "to train a sequence-to-sequence model on these pairs instead: [pairs] with source_field = {text:?} and \
                 target_field = {answer:?}, as in the file that `sisun init --demo dates` writes"
            ));
        }
        let reading = bytes as f64 / READ_PER_SECOND;
        if reading >= 5.0 {
            notes.push(format!(
                "the first run takes about {} more, to read and tokenize the text",
                pace::duration(reading)
            ));
        }
        let mut choice = Self {
            name,
            sources,
            fields: survey.fields.clone(),
            names_fields: survey.is_json_unnamed
                || survey
                    .fields
                    .as_ref()
                    .is_some_and(|fields| fields.text != "text" || fields.answer.is_some()),
            composes: survey.has_decomposed_hangul,
            documents,
            why_documents,
            validation_fraction,
            by_character,
            vocab_size,
            tokens: (tokens as f64 * (1.0 - validation_fraction)) as u64,
            shape: SHAPES[REFERENCE],
            context_len: 128,
            batch_size: 8,
            dropout: 0.0,
            steps: FEWEST_STEPS,
            is_small_text: false,
            seconds: 0.0,
            prompt: prompt(survey),
            sentence: sentence(&survey.line),
            notes,
        };
        let shortest = (tokens as f64 * validation_fraction) as usize;
        choice.limit_context(shortest)?;
        Ok(choice)
    }

    /// Shorten the context to half of the shorter split.
    pub(super) fn limit_context(&mut self, split: usize) -> Result<()> {
        while self.context_len > 8 && 2 * self.context_len > split {
            self.context_len /= 2;
        }
        // An example that does not fit shows nothing; a character is a token or, rarely, more.
        let most = self.context_len;
        let fits = |text: &String| text.chars().count() < most;
        self.prompt = self.prompt.take().filter(fits);
        let cut = |text: String| {
            text.chars()
                .take(most)
                .collect::<String>()
                .trim()
                .to_owned()
        };
        self.sentence = self.sentence.take().map(cut);
        match self.context_len < split {
            true => Ok(()),
            false => Err(Usage(format!(
                "{}: one part of the text would have {split} tokens only: give more text, or hold more out",
                self.sources.join(", ")
            ))
            .into()),
        }
    }

    pub(super) fn tokens_a_step(&self) -> u64 {
        (self.batch_size * self.context_len) as u64
    }

    /// Choose the size of the model: the largest for which text and time suffice. `rate` is the
    /// number of floating-point operations per second.
    pub(super) fn fit(&mut self, rate: f64, seconds: f64) {
        // Forward and backward pass: six operations per weight and token.
        let tokens_in_time = |shape: &Shape| {
            let head = (self.vocab_size * shape.d_model) as f64;
            rate * seconds / (6.0 * (shape.weights() + head))
        };
        let suffices = |shape: &&Shape| {
            let in_time = tokens_in_time(shape);
            let seen = in_time.min(self.tokens as f64 * epochs(self.tokens));
            seen >= TOKENS_PER_WEIGHT * shape.weights()
                && self.tokens as f64 >= TEXT_PER_WEIGHT * shape.weights()
        };
        let fitting = SHAPES.iter().rev().find(suffices);
        let shape = *fitting.unwrap_or(&SHAPES[0]);
        let in_time = tokens_in_time(&shape) / self.tokens.max(1) as f64;
        self.shape = shape;
        // With dropout a processor takes up to twice as long for a step, so that it pays only where
        // the text is used up, not the time.
        let seen = epochs(self.tokens).min(in_time / 2.0);
        self.dropout = match seen {
            ..12.0 => 0.0,
            ..30.0 => 0.1,
            _ => 0.2,
        };
        // More than one batch of a long run are needed for its noise; a short one needs steps.
        self.batch_size = match seconds {
            ..1_000.0 => 8,
            ..10_000.0 => 16,
            _ => 32,
        };
    }

    /// Take the next smaller model. Return false if there is none.
    pub(super) fn shrink(&mut self) -> bool {
        let at = SHAPES.iter().position(|shape| *shape == self.shape);
        let smaller = at.and_then(|at| SHAPES.get(at.checked_sub(1)?));
        self.shape = *smaller.unwrap_or(&self.shape);
        smaller.is_some()
    }

    /// Choose the number of steps by the time of one, and by the text.
    pub(super) fn set_steps(&mut self, trial: &Trial, seconds: f64) {
        let batches = EVALUATION_WINDOWS.div_ceil(self.batch_size) as f64;
        let evaluations = EVALUATIONS as f64 * batches * trial.evaluation_s;
        let in_time = ((seconds - BESIDES - evaluations) / trial.step_s).max(1.0) as u64;
        let passes = self.tokens as f64 * epochs(self.tokens);
        let in_text = (passes / self.tokens_a_step() as f64) as u64;
        self.is_small_text = in_text < in_time;
        let steps = in_time.min(in_text).max(FEWEST_STEPS);
        // A number that is easily read.
        let round = if steps >= 1_000 { 100 } else { 20 };
        self.steps = (steps / round * round).max(FEWEST_STEPS);
        self.seconds = self.steps as f64 * trial.step_s + evaluations + BESIDES;
        if self.tokens < SHORT {
            self.notes.push(
                "the text is so short that a model learns little more than its own sentences; more text makes more of it".to_owned(),
            );
        }
        if self.seconds > 1.5 * seconds {
            self.notes.push(format!(
                "{FEWEST_STEPS} steps take longer than asked for, and with fewer nothing is learned"
            ));
        }
    }

    /// Return the number of times that training sees each token.
    pub(super) fn epochs(&self) -> f64 {
        self.steps as f64 * self.tokens_a_step() as f64 / self.tokens.max(1) as f64
    }
}

/// Tokens to see for each weight of the blocks.
const TOKENS_PER_WEIGHT: f64 = 0.8;
/// Tokens of text for each weight of the blocks.
const TEXT_PER_WEIGHT: f64 = 0.2;

/// Say how to train on one column of a table.
fn table_note(files: &[PathBuf]) -> Option<String> {
    let is_table = |path: &&PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
    };
    let table = files.iter().find(is_table)?;
    let read = "import csv, json, sys; [print(json.dumps(row)) for row in csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8-sig'))]";
    Some(format!(
        "the table {} is read with its commas and its header line; its columns become fields of JSON lines with: python3 -c {} {} > {}",
        table.display(),
        shell::word(read),
        shell::path(table),
        shell::path(&free_path(table.with_extension("jsonl"))),
    ))
}

/// Return the most times that a text should be seen: more often a short one, of which a few steps
/// would be too few.
fn epochs(tokens: u64) -> f64 {
    match tokens {
        0..SHORT => 40.0,
        SHORT..200_000 => 25.0,
        _ => 10.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(tokens: u64) -> Choice {
        Choice {
            name: "a".to_owned(),
            sources: vec!["a.txt".to_owned()],
            fields: None,
            names_fields: false,
            composes: false,
            documents: Documents::File,
            why_documents: "",
            validation_fraction: 0.1,
            by_character: false,
            vocab_size: 1024,
            tokens,
            shape: SHAPES[REFERENCE],
            context_len: 128,
            batch_size: 8,
            dropout: 0.0,
            steps: FEWEST_STEPS,
            is_small_text: false,
            seconds: 0.0,
            prompt: None,
            sentence: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn text_and_machine_decide_the_size() {
        let width = |tokens, rate, seconds| {
            let mut choice = choice(tokens);
            choice.fit(rate, seconds);
            choice.shape.d_model
        };
        // A laptop for two minutes.
        assert_eq!(width(400_000, 60e9, 120.0), 128);
        // Ten times the time, with text enough and with little.
        assert!(width(100_000_000, 60e9, 1_200.0) > 128);
        assert_eq!(width(5_000, 60e9, 1_200.0), 64);
        // A GPU.
        assert_eq!(width(1_000_000_000, 50e12, 3_600.0), 768);
    }

    #[test]
    fn steps_fill_the_time_unless_the_text_is_short() {
        let trial = Trial {
            step_s: 0.1,
            evaluation_s: 0.03,
        };
        let mut long = choice(400_000);
        long.set_steps(&trial, 120.0);
        // Five evaluations of eight batches take 1.2 s, and 2 s are for the rest.
        assert_eq!((long.steps, long.is_small_text), (1_100, false));
        assert!((long.seconds - 113.2).abs() < 1e-9);
        let mut short = choice(5_000);
        short.set_steps(&trial, 120.0);
        assert!(short.is_small_text && short.epochs() <= 41.0 && short.notes.len() == 1);
        let mut slow = choice(400_000);
        slow.set_steps(
            &Trial {
                step_s: 10.0,
                evaluation_s: 3.0,
            },
            120.0,
        );
        assert_eq!(slow.steps, FEWEST_STEPS);
        assert!(slow.notes[0].contains("take longer than asked for"));
    }
}

//! The settings for a text and a machine.

use super::sizes::{REFERENCE, SHAPES};
use crate::failure::Usage;
use anyhow::Result;
use sisun_config::Documents;
use sisun_data::{RecordFields, Script, Survey};
use sisun_train::Trial;

/// The size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) d_model: usize,
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
}

impl Shape {
    pub(super) const fn new(d_model: usize, n_layers: usize, n_heads: usize) -> Self {
        Self {
            d_model,
            n_layers,
            n_heads,
        }
    }

    /// Return the weights of its blocks, whose feed-forward networks are four times as wide.
    pub(super) fn weights(self) -> f64 {
        12.0 * (self.d_model * self.d_model * self.n_layers) as f64
    }
}

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
/// Fewest characters that are worth a model.
const FEWEST_CHARACTERS: u64 = 200;
/// The alphabet that is learned by character.
const ALPHABET: usize = 256;

impl Choice {
    /// Choose what follows from the text alone.
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
            notes: Vec::new(),
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
        let suffices = |shape: &&Shape| {
            let head = (self.vocab_size * shape.d_model) as f64;
            // Forward and backward pass: six operations per weight and token.
            let in_time = rate * seconds / (6.0 * (shape.weights() + head));
            let seen = in_time.min(self.tokens as f64 * epochs(self.tokens));
            seen >= TOKENS_PER_WEIGHT * shape.weights()
                && self.tokens as f64 >= TEXT_PER_WEIGHT * shape.weights()
        };
        let fitting = SHAPES.iter().rev().find(suffices);
        self.shape = *fitting.unwrap_or(&SHAPES[0]);
        let flops = 6.0 * (self.shape.weights() + (self.vocab_size * self.shape.d_model) as f64);
        let in_time = rate * seconds / flops / self.tokens.max(1) as f64;
        self.dropout = match in_time.min(epochs(self.tokens)) {
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
        if self.tokens < 20_000 {
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

/// Return the most times that a text should be seen: more often a short one, of which a few steps
/// would be too few.
fn epochs(tokens: u64) -> f64 {
    match tokens {
        0..20_000 => 40.0,
        20_000..200_000 => 25.0,
        _ => 10.0,
    }
}

/// Choose what a document is.
fn documents(survey: &Survey) -> (Documents, &'static str) {
    let layout = &survey.layout;
    let files = survey.files;
    let (blocks, lines) = (layout.paragraphs >= 20, layout.lines >= 50);
    if survey.fields.is_some() {
        return (Documents::File, "each record is a document");
    }
    if layout.code > 0.4 && (files == 1 || survey.last_file_share < 0.3) {
        return (Documents::File, "source code, whose blank lines end nothing");
    }
    if files > 1 && survey.last_file_share < 0.3 && survey.bytes / (files as u64) < 200_000 {
        return (Documents::File, "each file is a document");
    }
    if blocks && layout.paragraph_median >= 200 && layout.paragraphs * 10 > layout.lines * 7 {
        return (
            Documents::Paragraph,
            "blocks between blank lines, each long enough for a text",
        );
    }
    if lines && layout.paragraphs * 10 < layout.lines && !layout.is_wrapped() && layout.line_median < 1_000 && layout.code < 0.2 {
        return (Documents::Line, "no blank lines: each line is a text of its own");
    }
    if files > 1 && survey.last_file_share >= 0.3 {
        let why = "the files are too few to hold out a whole one";
        return match blocks {
            true => (Documents::Paragraph, why),
            false => (Documents::Line, why),
        };
    }
    (Documents::File, "one text from beginning to end")
}

/// Choose the size of a byte-pair encoding's vocabulary.
fn vocabulary(script: Script, characters: u64) -> usize {
    let latin = match characters {
        0..300_000 => 512,
        300_000..2_500_000 => 1024,
        2_500_000..25_000_000 => 2048,
        _ => 4096,
    };
    match script {
        Script::Latin | Script::Other => latin,
        // Thousands of characters, of three bytes each.
        Script::Korean | Script::Chinese | Script::Japanese => 2 * latin,
    }
}

/// Return a text to continue: a question, or the first words.
fn prompt(survey: &Survey) -> Option<String> {
    let opening = survey.opening.as_str();
    let asks = survey
        .fields
        .as_ref()
        .is_some_and(|fields| fields.answer.is_some());
    if asks {
        return (opening.chars().count() <= 200).then(|| opening.to_owned());
    }
    let words: Vec<&str> = opening.split_whitespace().take(3).collect();
    let words = words.join(" ");
    let few: String = match survey.script {
        // Without spaces between words.
        Script::Chinese | Script::Japanese => opening.chars().take(4).collect(),
        _ => words.chars().take(40).collect(),
    };
    (!few.is_empty()).then_some(few)
}

/// Return a sentence to look at.
fn sentence(opening: &str) -> Option<String> {
    const MOST: usize = 60;
    let part: String = opening.chars().take(MOST).collect();
    let whole = part.len() == opening.len();
    let end = part
        .rfind(['.', '!', '?', '。', '！', '？'])
        .map(|at| at + part[at..].chars().next().map_or(1, char::len_utf8));
    let cut = match (whole, end) {
        (true, _) => part.as_str(),
        (false, Some(end)) => &part[..end],
        (false, None) => part.rsplit_once(' ').map_or(part.as_str(), |(words, _)| words),
    };
    let cut = cut.trim();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn sentences_end_where_they_end() {
        for (opening, expected) in [
            ("The cat sat.", "The cat sat."),
            ("The cat sat. Then it slept for a very long time on the warm red mat by the door", "The cat sat."),
            ("one two three four five six seven eight nine ten eleven twelve thirteen", "one two three four five six seven eight nine ten eleven"),
            ("  ", ""),
        ] {
            assert_eq!(sentence(opening).unwrap_or_default(), expected);
        }
    }
}

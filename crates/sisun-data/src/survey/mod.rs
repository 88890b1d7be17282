//! A look at text before anything is decided about it: its size, its script, and how it is divided.
//! Of long text only a sample is read.

mod records;
mod sample;
mod statistics;

pub use records::RecordFields;
pub use statistics::{Layout, Script};

use crate::{
    DataError,
    text::{
        file_format::FileFormat,
        normalization::has_decomposed_hangul,
        sources::{InputFile, other_json_note, resolve_sources},
    },
};
use records::{Records, read_records};
use sample::sample_file;
use sisun_config::DataConfig;
use std::collections::HashSet;
use std::path::PathBuf;

/// The most bytes that are read of all files together.
const MAX_SAMPLE: u64 = 2 << 20;
/// Fewest characters of a sentence.
const SENTENCE: usize = 20;
/// The most files that are read.
const MAX_FILES: usize = 64;

/// A look at the text of some sources.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Their bytes.
    pub bytes: u64,
    /// The share of the last file in the bytes.
    pub last_file_share: f64,
    /// The fields of JSON records, if the text is in such.
    pub fields: Option<RecordFields>,
    /// True if the fields have to be named for the files to be read as JSON.
    pub is_json_unnamed: bool,
    /// A note on a file of JSON that is read as plain text, if there is one.
    pub other_json: Option<String>,
    /// The first text: of a record, its field; of plain text, its first line that is not blank.
    pub opening: String,
    /// The first line that is long enough to be a sentence, else the first text.
    pub line: String,
    /// Text of the sample, with `\n` as line ends; of JSON records, the text of the fields.
    pub sample: String,
    /// The number of bytes of the files that gave the sample.
    pub sampled_bytes: u64,
    /// The number of different characters in the sample.
    pub distinct_characters: usize,
    /// The writing system of most letters.
    pub script: Script,
    /// Lines and paragraphs of the sample.
    pub layout: Layout,
    /// True if Hangul is decomposed (NFD).
    pub has_decomposed_hangul: bool,
}

impl Survey {
    /// Look at the text of files, folders and globs, as they are named in `data.sources`.
    ///
    /// # Errors
    /// If a source does not exist, cannot be read, is not UTF-8 text or holds no text; if a file of
    /// JSON records has no field with text.
    pub fn of(sources: &[String]) -> Result<Self, DataError> {
        let data = DataConfig::with_sources(sources.to_vec());
        let spool = std::env::temp_dir();
        let inputs = resolve_sources(sources, &data, &spool, &mut std::io::empty())?.inputs;
        let mut sizes = Vec::with_capacity(inputs.len());
        for input in &inputs {
            let found = std::fs::metadata(&input.path).map_err(DataError::io(&input.name))?;
            sizes.push(found.len());
        }
        let bytes: u64 = sizes.iter().sum();
        let empty = || DataError::Empty {
            name: sources.join(", "),
        };
        if bytes == 0 {
            return Err(empty());
        }
        let is_json = |input: &InputFile| input.looks_like != FileFormat::PlainText;
        let all_json = inputs.iter().all(is_json);
        let mut records = Records::default();
        let (mut sample, mut sampled_bytes) = (String::new(), 0);
        let every = inputs.len().div_ceil(MAX_FILES);
        let each = MAX_SAMPLE / inputs.len().div_ceil(every) as u64;
        for (input, size) in inputs.iter().zip(&sizes).step_by(every) {
            if all_json {
                sampled_bytes += read_records(input, each, &mut records)?;
            } else {
                for piece in sample_file(input, *size, each)? {
                    sampled_bytes += piece.len() as u64;
                    sample += &sisun_config::with_line_feeds(&piece);
                    if !sample.ends_with('\n') {
                        sample.push('\n');
                    }
                }
            }
        }
        let fields = match all_json {
            true => {
                let fields = records.fields(&inputs[0].name)?;
                for text in records.texts(&fields) {
                    sample += &text;
                    sample.push('\n');
                }
                Some(fields)
            }
            false => None,
        };
        if sample.trim().is_empty() {
            return Err(empty());
        }
        let distinct: HashSet<char> = sample.chars().collect();
        Ok(Self {
            files: inputs.iter().map(|input| input.path.clone()).collect(),
            bytes,
            last_file_share: sizes.last().map_or(1.0, |last| *last as f64 / bytes as f64),
            other_json: other_json_note(inputs.iter()),
            is_json_unnamed: all_json
                && inputs
                    .iter()
                    .any(|input| input.format == FileFormat::PlainText),
            distinct_characters: distinct.len(),
            script: Script::of(&sample),
            layout: Layout::of(&sample),
            line: match fields.as_ref().filter(|fields| fields.answer.is_some()) {
                Some(fields) => records.texts(fields).next().unwrap_or_default(),
                None => first_line(&sample, SENTENCE),
            },
            opening: match &fields {
                Some(fields) => records.first(fields),
                None => first_line(&sample, 1),
            },
            has_decomposed_hangul: has_decomposed_hangul(distinct.into_iter()),
            fields,
            sample,
            sampled_bytes,
        })
    }

    /// Return the estimated number of bytes of text in all files.
    pub fn text_bytes(&self) -> u64 {
        let share = self.sample.len() as f64 / self.sampled_bytes.max(1) as f64;
        (self.bytes as f64 * share.min(1.0)) as u64
    }

    /// Return the estimated number of characters in all files.
    pub fn characters(&self) -> u64 {
        let per_byte = self.sample.chars().count() as f64 / self.sample.len().max(1) as f64;
        (self.text_bytes() as f64 * per_byte) as u64
    }

    /// Return the estimated number of tokens of a byte-pair encoding with this vocabulary, which is
    /// trained on the sample.
    ///
    /// # Errors
    /// If the tokenizer library fails.
    pub fn bpe_tokens(&self, vocab_size: usize) -> Result<u64, DataError> {
        const MAX: usize = 512 << 10;
        let part = &self.sample[..self.sample.floor_char_boundary(MAX)];
        let tokenizer =
            crate::Tokenizer::train_bpe(std::iter::once(part.to_owned()), vocab_size, &[])?;
        let tokens = tokenizer.encode(part)?.ids.len();
        Ok((self.text_bytes() as f64 * tokens as f64 / part.len().max(1) as f64) as u64)
    }
}

/// Return the first line with this many characters, else the first that is not blank.
fn first_line(text: &str, characters: usize) -> String {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let long = lines().find(|line| line.chars().count() >= characters);
    long.or_else(|| lines().next())
        .unwrap_or_default()
        .to_owned()
}

//! From a configuration to tokens that are ready to train on.

mod encode;

use crate::{
    DataError, Tokenizer, Tokens, cache,
    cache::{Unsound, Writer},
    prepare::encode::Encoder,
    text::chunks::{Boundary, Part, Piece, read_pieces},
    text::file_format::Form,
    text::normalization::has_parts_of_hangul,
    text::scan::{Scan, scan},
    text::sources::{self, Input},
    text::utf8::Seen,
    tokenizer::hex,
};
use sha2::{Digest, Sha256};
use sisun_config::{DataConfig, Normalize, TokenizerConfig};
use sisun_files::make_folder;
use std::path::{Path, PathBuf};

/// How many bytes of text a tokenizer is trained on at most. More text than this is sampled evenly:
/// pair counts hardly change, and the trainer's memory grows with the number of distinct words.
const TRAINING_SAMPLE: u64 = 12 << 20;

const VALIDATION: &str = "validation";
const FOUND: &str = "the tokens are in the cache";

/// Text, tokenized and split.
#[derive(Debug)]
pub struct Corpus {
    /// What a model learns from.
    pub train: Tokens,
    /// What it is judged on.
    pub validation: Tokens,
    /// What made the tokens.
    pub tokenizer: Tokenizer,
    /// SHA-256, in hexadecimal, of the text, its documents and its split.
    pub sha256: String,
    /// The files it was read from.
    pub sources: Sources,
}

/// What was read, apart from what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// How many files.
    pub files: u64,
    /// Bytes of text in all of them, line ends as `\n`.
    pub bytes: u64,
    /// SHA-256, in hexadecimal, of the text of each file, in their order.
    pub sha256: String,
    /// Whether a line ended in a carriage return.
    pub carriage_returns: bool,
}

/// Reads the text that `data` names, makes or loads the tokenizer, splits, and tokenizes; or finds
/// all that in `cache_dir` from an earlier time. `progress` is told what is going on, a line at a
/// time.
///
/// Each document begins with what the tokenizer puts before a text (LLaMA's `<s>`; tokenizers
/// trained here put nothing). If there is more than one document, or one with an answer, each is
/// followed by the token that ends a text ([`Tokenizer::end_of_text`]); a single one is not. With
/// answers (`data.jsonl_answer_field`) the loss is taken on them and on the end of text; of a
/// document without one, a plain text, on all. The tail of the text is held out unless
/// `data.validation` names other text: of a single document the characters from ⌊n · (1 − f)⌋ on,
/// of several the documents that start at or after that character (at least the last one). A file
/// that is both a source and a validation source is validation only. A BPE tokenizer is trained on
/// the training part; a character vocabulary has the characters of both parts.
///
/// # Errors
/// Any [`DataError`]: the text, the tokenizer or the disk is not usable.
pub fn prepare(
    data: &DataConfig,
    tokenizer: &TokenizerConfig,
    context_len: usize,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, DataError> {
    let text = Text::read(data, cache_dir, progress)?;
    text.check_json(progress)?;
    let wanted = Wanted::of(tokenizer, text.rules)?;
    if text.is_decomposed() && !wanted.composes(text.rules) {
        progress(
            "note: the text has Hangul in parts (decomposed, NFD); data.normalize = \"nfc\" puts it together, in prompts as well",
        );
    }
    let corpus = checked(text.tokenize(&wanted, cache_dir, progress)?, context_len)?;
    if data.validation.is_empty() && corpus.validation.len() > corpus.train.len() {
        progress(
            "note: more is held out than there is to learn from, because a document is held out whole: cut the text into more \
             documents with data.documents = \"paragraph\", or name text to hold out with data.validation",
        );
    }
    Ok(corpus)
}

/// As [`prepare`], of text that was prepared before with these settings: what was told of them then
/// is not told again. `made_by` is how the tokenizer came about: if the cache has what was made so,
/// by this very tokenizer, that is taken.
///
/// # Errors
/// Any [`DataError`].
pub fn prepare_again(
    data: &DataConfig,
    tokenizer: &Tokenizer,
    made_by: &TokenizerConfig,
    context_len: usize,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, DataError> {
    let text = Text::read(data, cache_dir, progress)?;
    let wanted = Wanted::This(tokenizer.clone());
    let corpus = match made_by {
        TokenizerConfig::File { .. } => None,
        made_by => text.cached_by(
            &Wanted::of(made_by, text.rules)?,
            tokenizer,
            cache_dir,
            progress,
        )?,
    };
    let corpus = match corpus {
        Some(corpus) => {
            progress(FOUND);
            corpus
        }
        None => text.tokenize(&wanted, cache_dir, progress)?,
    };
    checked(corpus, context_len)
}

/// That each part holds a window and something to take the loss on.
fn checked(corpus: Corpus, context_len: usize) -> Result<Corpus, DataError> {
    for (split, tokens) in [
        ("training", &corpus.train),
        (VALIDATION, &corpus.validation),
    ] {
        if tokens.len() <= context_len {
            return Err(DataError::TooShort {
                split,
                tokens: tokens.len(),
                context_len,
            });
        }
        check_marked(split, tokens)?;
    }
    Ok(corpus)
}

/// Reads all the text that `data` names as one split, with a tokenizer that exists: for evaluating
/// a model on text of its own. `data.validation` and `data.validation_fraction` have no part in it.
///
/// # Errors
/// Any [`DataError`].
pub fn prepare_whole(
    data: &DataConfig,
    tokenizer: &Tokenizer,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Tokens, DataError> {
    let text = Text::read_whole(data, cache_dir, progress)?;
    text.note_json(progress);
    if text.is_decomposed() && tokenizer.knows_composed() {
        progress(
            "note: the text has Hangul in parts (decomposed, NFD), the tokenizer knows it composed (NFC): compose the text first",
        );
    }
    let tokens = text
        .tokenize(&Wanted::This(tokenizer.clone()), cache_dir, progress)?
        .train;
    check_marked("given", &tokens)?;
    Ok(tokens)
}

/// How many tokens the vocabulary of `tokenizer` has. A character vocabulary is counted in the text
/// that `data` names; a BPE is not trained for it, so a text with too little to merge may end with
/// fewer.
///
/// # Errors
/// Any [`DataError`]: the text or the tokenizer is not usable.
pub fn vocabulary_size(
    data: &DataConfig,
    tokenizer: &TokenizerConfig,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<usize, DataError> {
    match tokenizer {
        TokenizerConfig::Bpe { vocab_size, .. } => Ok(*vocab_size),
        TokenizerConfig::File { path } => Ok(Tokenizer::from_file(path)?.vocab_size()),
        TokenizerConfig::Char => {
            make_folder(cache_dir).map_err(DataError::cache(cache_dir))?;
            let text = Text::read(data, cache_dir, progress)?;
            Ok(text.tokenizer(&Wanted::Characters, progress)?.vocab_size())
        }
    }
}

/// The text: where it is, what is in it, where it is split.
struct Text<'c> {
    rules: &'c DataConfig,
    /// What is read, with where each part of it goes.
    readings: Vec<(Vec<Input>, Boundary)>,
    scans: Vec<Scan>,
    sha256: [u8; 32],
}

/// The tokenizer that is asked for.
enum Wanted<'c> {
    Characters,
    Bpe {
        vocab_size: usize,
        specials: &'c [String],
    },
    This(Tokenizer),
}

impl<'c> Wanted<'c> {
    fn of(config: &'c TokenizerConfig, rules: &DataConfig) -> Result<Self, DataError> {
        Ok(match config {
            TokenizerConfig::Char => Self::Characters,
            TokenizerConfig::Bpe {
                vocab_size,
                specials,
            } => Self::Bpe {
                vocab_size: *vocab_size,
                specials,
            },
            TokenizerConfig::File { path } => {
                let tokenizer = Tokenizer::from_file(path)?;
                Self::This(if rules.normalize == Normalize::Nfc {
                    tokenizer.composing()?
                } else {
                    tokenizer
                })
            }
        })
    }

    /// Whether it composes what it reads.
    fn composes(&self, rules: &DataConfig) -> bool {
        rules.normalize == Normalize::Nfc
            || matches!(self, Self::This(tokenizer) if tokenizer.composes)
    }

    /// What of it decides over the tokens, beside the text.
    fn key(&self) -> String {
        match self {
            Self::Characters => "characters".to_owned(),
            Self::Bpe {
                vocab_size,
                specials,
            } => format!("bpe {vocab_size} {specials:?}"),
            Self::This(tokenizer) => {
                let mut key = tokenizer.sha256();
                // Caches from before documents began with a prefix lack it.
                if let prefix @ [_, ..] = tokenizer.prefix() {
                    key += &format!(" after {prefix:?}");
                }
                // Those from before files said what ends a text have what its name says.
                let end = tokenizer.end_of_text();
                if end != Tokenizer::named_end(&tokenizer.inner) {
                    key += &format!(" before {end:?}");
                }
                key
            }
        }
    }
}

impl<'c> Text<'c> {
    fn read(
        rules: &'c DataConfig,
        cache_dir: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, DataError> {
        make_folder(cache_dir).map_err(DataError::cache(cache_dir))?;
        let mut stdin = std::io::stdin().lock();
        cache::tidy(cache_dir);
        let inputs = sources::resolve(&rules.sources, rules, cache_dir, &mut stdin)?;
        let name = rules.sources.join(", ");
        if rules.validation.is_empty() {
            let fraction = rules.validation_fraction;
            if !(fraction > 0.0 && fraction < 1.0) {
                return Err(DataError::ValidationFraction { value: fraction });
            }
            let scan = read_once(&inputs, rules, &name, progress)?;
            let target = (scan.characters as f64 * (1.0 - fraction)).floor() as u64;
            let boundary = match scan.documents {
                1 => Boundary::Character(target),
                documents => Boundary::Document { target, documents },
            };
            Ok(Self::new(rules, vec![(inputs, boundary)], vec![scan]))
        } else {
            let validation = sources::resolve(&rules.validation, rules, cache_dir, &mut stdin)?;
            let inputs = sources::without(inputs, &validation);
            if inputs.is_empty() {
                return Err(DataError::AllHeldOut { name });
            }
            let scans = vec![
                read_once(&inputs, rules, &name, progress)?,
                read_once(&validation, rules, &rules.validation.join(", "), progress)?,
            ];
            let readings = vec![
                (inputs, Boundary::None(Part::Training)),
                (validation, Boundary::None(Part::Validation)),
            ];
            Ok(Self::new(rules, readings, scans))
        }
    }

    fn read_whole(
        rules: &'c DataConfig,
        cache_dir: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, DataError> {
        make_folder(cache_dir).map_err(DataError::cache(cache_dir))?;
        cache::tidy(cache_dir);
        let inputs = sources::resolve(
            &rules.sources,
            rules,
            cache_dir,
            &mut std::io::stdin().lock(),
        )?;
        let scan = read_once(&inputs, rules, &rules.sources.join(", "), progress)?;
        Ok(Self::new(
            rules,
            vec![(inputs, Boundary::None(Part::Training))],
            vec![scan],
        ))
    }

    fn new(rules: &'c DataConfig, readings: Vec<(Vec<Input>, Boundary)>, scans: Vec<Scan>) -> Self {
        let mut hash = Sha256::new();
        for ((_, boundary), scan) in readings.iter().zip(&scans) {
            hash.update(scan.sha256);
            hash.update(format!("{boundary:?}"));
        }
        Self {
            rules,
            readings,
            scans,
            sha256: hash.finalize().into(),
        }
    }

    /// What people know the text by.
    fn name(&self) -> String {
        let names = self
            .inputs()
            .take(3)
            .map(|input| input.name.display().to_string())
            .collect();
        and_more(names, self.inputs().count())
    }

    /// Everything that is read.
    fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.readings.iter().flat_map(|(inputs, _)| inputs)
    }

    /// That what is said of JSON lines has an effect. Only `jsonl_field = "text"`, which runs
    /// stated that left it out, may have none.
    fn check_json(&self, progress: &mut dyn FnMut(&str)) -> Result<(), DataError> {
        self.note_json(progress);
        let (field, answer) = (&self.rules.jsonl_field, &self.rules.jsonl_answer_field);
        let idle = self.inputs().all(|input| input.form == Form::Text);
        let stated = match (field, answer) {
            (_, Some(answer)) => format!("data.jsonl_answer_field = {answer:?}"),
            (Some(field), None) if field != DataConfig::reading(Vec::new()).text_field() => {
                format!("data.jsonl_field = {field:?}")
            }
            _ => return Ok(()),
        };
        if idle {
            Err(DataError::NoJsonLines {
                key: stated,
                sources: self.name(),
            })
        } else {
            Ok(())
        }
    }

    /// Whether there is Hangul in parts.
    fn is_decomposed(&self) -> bool {
        self.scans
            .iter()
            .any(|scan| has_parts_of_hangul(scan.alphabet.iter()))
    }

    /// Tells of text that looks like records and is read as plain text, and of a field that is
    /// asked for in vain.
    fn note_json(&self, progress: &mut dyn FnMut(&str)) {
        let unread: Vec<&Input> = self
            .inputs()
            .filter(|input| input.form == Form::Text && input.looks != Form::Text)
            .collect();
        if let Some(first) = unread.first() {
            let kind = if first.looks == Form::JsonLines {
                "JSON lines"
            } else {
                "a JSON array"
            };
            progress(&format!(
                "note: `{}` looks like {kind} but is read as plain text, braces and all; set data.jsonl_field to the field that holds the text (or let its name end in .jsonl, of which field `text` is read)",
                and_more(vec![first.name.display().to_string()], unread.len()),
            ));
        }
        if let Some(field) = &self.rules.jsonl_field
            && self.inputs().all(|input| input.form == Form::Text)
        {
            progress(&format!(
                "note: data.jsonl_field = {field:?} has no effect: no source holds JSON lines"
            ));
        }
    }

    /// Whether the loss is taken on answers, where documents have them.
    fn has_answers(&self) -> bool {
        self.scans.iter().any(|scan| scan.answers)
    }

    /// Whether documents are followed by an end-of-text token.
    fn separates_documents(&self) -> bool {
        self.scans
            .iter()
            .any(|scan| scan.answers || scan.documents > 1)
    }

    /// The corpus in the cache that was made so, if there is one whose tokenizer is this.
    fn cached_by(
        &self,
        made_by: &Wanted<'_>,
        tokenizer: &Tokenizer,
        cache_dir: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Option<Corpus>, DataError> {
        let folder = self.cache_entry(made_by, cache_dir);
        let cached = cache::open(&folder).or_else(|unsound| match unsound {
            Unsound::Unreadable(error) => Err(error),
            Unsound::Damaged(why) => {
                progress(&format!(
                    "the token cache {} is damaged ({why}): tokenizing again",
                    folder.display()
                ));
                Ok(None)
            }
        })?;
        Ok(cached
            .filter(|cached| cached.tokenizer.sha256() == tokenizer.sha256())
            .map(|cached| Corpus {
                train: cached.training,
                validation: cached.validation,
                tokenizer: tokenizer.clone(),
                sha256: hex(&self.sha256),
                sources: self.sources(),
            }))
    }

    /// The folder of what the text becomes by such a tokenizer.
    fn cache_entry(&self, wanted: &Wanted<'_>, cache_dir: &Path) -> PathBuf {
        let mut key = Sha256::new();
        key.update(format!(
            "sisun {} {} ",
            cache::VERSION,
            self.separates_documents()
        ));
        key.update(if self.has_answers() {
            "true, plain documents whole "
        } else {
            "false "
        });
        key.update(self.sha256);
        key.update(wanted.key());
        if self.rules.normalize == Normalize::Nfc {
            key.update(" nfc");
        }
        cache_dir.join(hex(&key.finalize()))
    }

    fn tokenize(
        &self,
        wanted: &Wanted<'_>,
        cache_dir: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Corpus, DataError> {
        let folder = self.cache_entry(wanted, cache_dir);
        let cached = match cache::open(&folder) {
            Ok(Some(cached)) => {
                progress(FOUND);
                cached
            }
            Err(Unsound::Unreadable(error)) => return Err(error),
            Ok(None) | Err(Unsound::Damaged(_)) => {
                let lock = cache::lock(&folder, progress)?;
                let made = self.open_or_build(wanted, &folder, progress);
                // A lock that cannot be removed is only untidy.
                let _ = lock.remove();
                made?
            }
        };
        let cache::Cached {
            training,
            validation,
            tokenizer,
            unknown,
        } = cached;
        if let Some(unknown) = unknown {
            progress(&format!("note: {unknown}"));
        }
        // What ends a text stands in none of a cache's files.
        let tokenizer = if let Wanted::This(given) = wanted {
            given.clone()
        } else {
            tokenizer
        };
        Ok(Corpus {
            train: training,
            validation,
            tokenizer,
            sha256: hex(&self.sha256),
            sources: self.sources(),
        })
    }

    /// What was read.
    fn sources(&self) -> Sources {
        let seen = || self.scans.iter().map(|scan| &scan.seen);
        let mut hash = Sha256::new();
        seen().for_each(|seen| hash.update(seen.sha256()));
        Sources {
            files: seen().map(|seen| seen.files).sum(),
            bytes: seen().map(|seen| seen.bytes).sum(),
            sha256: hex(&hash.finalize()),
            carriage_returns: seen().any(|seen| seen.carriage_returns),
        }
    }

    /// The cache as another process has made it meanwhile, or made now.
    fn open_or_build(
        &self,
        wanted: &Wanted<'_>,
        folder: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<cache::Cached, DataError> {
        match cache::open(folder) {
            Ok(Some(cached)) => {
                progress(FOUND);
                return Ok(cached);
            }
            Ok(None) => {}
            Err(Unsound::Unreadable(error)) => return Err(error),
            Err(Unsound::Damaged(why)) => progress(&format!(
                "the token cache {} is damaged ({why}): making it anew",
                folder.display()
            )),
        }
        self.build(wanted, folder, progress)?;
        let why = match cache::open(folder) {
            Ok(Some(cached)) => return Ok(cached),
            Ok(None) => "it is gone".to_owned(),
            Err(Unsound::Unreadable(error)) => return Err(error),
            Err(Unsound::Damaged(why)) => why,
        };
        let problem = format!("what was just written cannot be read back ({why})");
        Err(DataError::Cache {
            path: folder.to_owned(),
            source: std::io::Error::other(problem),
        })
    }

    fn build(
        &self,
        wanted: &Wanted<'_>,
        folder: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), DataError> {
        let tokenizer = self.tokenizer(wanted, progress)?;
        let end_of_text = match (self.separates_documents(), tokenizer.end_of_text()) {
            (true, None) => return Err(DataError::NoEndOfText),
            (true, id) => id,
            (false, _) => None,
        };
        progress("tokenizing");
        let writer = Writer::new(folder, tokenizer.vocab_size(), self.has_answers())?;
        let mut encoder = Encoder::new(&tokenizer, end_of_text, writer);
        for number in 0..self.readings.len() {
            self.read_again(number, &mut |piece| encoder.add(piece))?;
        }
        encoder.finish(folder, &self.name())?;
        progress(&format!(
            "the tokens are kept in {} (`sisun cache` lists and clears such)",
            folder.display()
        ));
        Ok(())
    }

    /// Reads one of the readings once more: the text that was there before, or it is an error.
    fn read_again(
        &self,
        number: usize,
        sink: &mut dyn FnMut(Piece) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let (inputs, boundary) = &self.readings[number];
        let mut seen = Seen::default();
        read_pieces(inputs, self.rules, *boundary, &mut seen, sink)?;
        if seen.sha256() == self.scans[number].seen.sha256() {
            return Ok(());
        }
        let names: Vec<String> = inputs
            .iter()
            .take(3)
            .map(|input| input.name.display().to_string())
            .collect();
        Err(DataError::Changed {
            sources: and_more(names, inputs.len()),
        })
    }

    fn tokenizer(
        &self,
        wanted: &Wanted<'_>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Tokenizer, DataError> {
        let made = match wanted {
            Wanted::This(tokenizer) => return Ok(tokenizer.clone()),
            Wanted::Characters => {
                let characters = self.scans.iter().flat_map(|scan| scan.alphabet.iter());
                Tokenizer::characters(characters, self.separates_documents())
            }
            Wanted::Bpe {
                vocab_size,
                specials,
            } => {
                let part = match self.scans[0].bytes > TRAINING_SAMPLE {
                    true => format!(
                        " on an even sample of {} MiB of the text",
                        TRAINING_SAMPLE >> 20
                    ),
                    false => String::new(),
                };
                progress(&format!(
                    "training a tokenizer of {vocab_size} tokens{part}"
                ));
                let made = Tokenizer::train_bpe(
                    self.training_sample()?.into_iter(),
                    *vocab_size,
                    specials,
                )?;
                if made.vocab_size() < *vocab_size {
                    progress(&format!(
                        "note: the text has enough to merge for {} tokens only, not for tokenizer.vocab_size = {vocab_size}",
                        made.vocab_size()
                    ));
                }
                Ok(made)
            }
        }?;
        if self.rules.normalize == Normalize::Nfc {
            made.composing()
        } else {
            Ok(made)
        }
    }

    /// The training part, or evenly spaced pieces of it if it is long.
    fn training_sample(&self) -> Result<Vec<String>, DataError> {
        let all = self.scans[0].bytes.max(TRAINING_SAMPLE);
        let (mut at, mut taken) = (0, 0);
        let mut sample = Vec::new();
        self.read_again(0, &mut |piece| {
            if piece.part == Part::Training {
                let text = piece.new_text();
                // Take it unless more than the even share has been taken already.
                if u128::from(taken) * u128::from(all)
                    <= u128::from(at) * u128::from(TRAINING_SAMPLE)
                {
                    sample.push(text.to_owned());
                    taken += text.len() as u64;
                }
                at += text.len() as u64;
            }
            Ok(())
        })?;
        Ok(sample)
    }
}

/// A few names, and how many there are besides.
fn and_more(names: Vec<String>, all: usize) -> String {
    let more = if all > names.len() {
        format!(" and {} more", all - names.len())
    } else {
        String::new()
    };
    names.join(", ") + &more
}

/// That there is something to take the loss on: in what is held out anything, elsewhere more than
/// ends of text.
fn check_marked(split: &'static str, tokens: &Tokens) -> Result<(), DataError> {
    let only_ends = split != VALIDATION && tokens.marked_in(0..tokens.len()) <= tokens.documents();
    match tokens.has_loss_mask() && (only_ends || tokens.loss_tokens() == 0) {
        true => Err(DataError::NothingMarked { split }),
        false => Ok(()),
    }
}

fn read_once(
    inputs: &[Input],
    rules: &DataConfig,
    name: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<Scan, DataError> {
    let files = if inputs.len() == 1 { "file" } else { "files" };
    progress(&format!("reading {name} ({} {files})", inputs.len()));
    let scan = scan(inputs, rules, name)?;
    if let Some((field, path, line)) = &scan.seen.nulls.first {
        let records = scan.seen.nulls.records;
        let records = if records == 1 {
            "1 record".to_owned()
        } else {
            format!("{records} records")
        };
        progress(&format!(
            "note: {records} left out, because field `{field}` is null (Python's None) there: `{}` line {line}{}",
            path.display(),
            if scan.seen.nulls.records == 1 {
                ""
            } else {
                " and others"
            },
        ));
    }
    Ok(scan)
}

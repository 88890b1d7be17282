//! The text of a corpus: its files, their contents and its split.

use super::{cache_dir::CacheDir, corpus::SourceSummary};
use crate::{
    DataError,
    cache::remove_stale_files,
    digest::hex,
    text::{
        chunks::{Chunk, Split, SplitBoundary, read_chunks},
        file_format::FileFormat,
        normalization::has_decomposed_hangul,
        scan::{TextScan, scan_text},
        sources::{self, InputFile, Sources, other_json_note},
        utf8::ReadSummary,
    },
};
use sha2::{Digest, Sha256};
use sisun_config::{DataConfig, Documents};
use sisun_files::make_folder;
use std::path::PathBuf;

/// Text that was read once, and can be read again to tokenize it.
pub(super) struct CorpusText<'c> {
    pub(super) data: &'c DataConfig,
    /// The files of each pass over text, and where its split is.
    passes: Vec<(Vec<InputFile>, SplitBoundary)>,
    pub(super) scans: Vec<TextScan>,
    /// Files that the sources name more than once.
    repeated: Vec<PathBuf>,
    pub(super) sha256: [u8; 32],
}

impl<'c> CorpusText<'c> {
    /// Read the sources of training and of validation text once.
    pub(super) fn read(
        data: &'c DataConfig,
        cache: CacheDir<'_>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, DataError> {
        let cache_dir = cache.path;
        make_folder(cache_dir).map_err(DataError::cache(cache_dir))?;
        let mut stdin = std::io::stdin().lock();
        remove_stale_files(cache_dir);
        let Sources {
            inputs,
            mut repeated,
        } = sources::resolve_sources(&data.sources, data, cache_dir, &mut stdin)?;
        let name = data.sources.join(", ");
        if data.validation.is_empty() {
            let fraction = data.validation_fraction;
            if !(fraction > 0.0 && fraction < 1.0) {
                return Err(DataError::ValidationFraction { value: fraction });
            }
            let scan = scan_split(&inputs, data, &name, progress)?;
            let target = (scan.characters as f64 * (1.0 - fraction)).floor() as u64;
            let boundary = match scan.documents {
                1 => SplitBoundary::Character(target),
                documents => SplitBoundary::Document { target, documents },
            };
            Ok(Self::new(
                data,
                vec![(inputs, boundary)],
                vec![scan],
                repeated,
            ))
        } else {
            let held_out = sources::resolve_sources(&data.validation, data, cache_dir, &mut stdin)?;
            repeated.extend(held_out.repeated);
            let validation = held_out.inputs;
            let inputs = sources::exclude(inputs, &validation);
            if inputs.is_empty() {
                return Err(DataError::AllHeldOut { name });
            }
            let scans = vec![
                scan_split(&inputs, data, &name, progress)?,
                scan_split(&validation, data, &data.validation.join(", "), progress)?,
            ];
            let passes = vec![
                (inputs, SplitBoundary::None(Split::Training)),
                (validation, SplitBoundary::None(Split::Validation)),
            ];
            Ok(Self::new(data, passes, scans, repeated))
        }
    }

    /// Read the training sources once, as a single split.
    pub(super) fn read_whole(
        data: &'c DataConfig,
        cache: CacheDir<'_>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, DataError> {
        let cache_dir = cache.path;
        make_folder(cache_dir).map_err(DataError::cache(cache_dir))?;
        remove_stale_files(cache_dir);
        let mut stdin = std::io::stdin().lock();
        let Sources { inputs, repeated } =
            sources::resolve_sources(&data.sources, data, cache_dir, &mut stdin)?;
        let scan = scan_split(&inputs, data, &data.sources.join(", "), progress)?;
        Ok(Self::new(
            data,
            vec![(inputs, SplitBoundary::None(Split::Training))],
            vec![scan],
            repeated,
        ))
    }

    fn new(
        data: &'c DataConfig,
        passes: Vec<(Vec<InputFile>, SplitBoundary)>,
        scans: Vec<TextScan>,
        repeated: Vec<PathBuf>,
    ) -> Self {
        let mut hash = Sha256::new();
        for ((_, boundary), scan) in passes.iter().zip(&scans) {
            hash.update(scan.sha256);
            hash.update(format!("{boundary:?}"));
        }
        Self {
            data,
            passes,
            scans,
            repeated,
            sha256: hash.finalize().into(),
        }
    }

    /// Return the name of the text in messages and cache entries.
    pub(super) fn name(&self) -> String {
        let names = self
            .inputs()
            .take(3)
            .map(|input| input.name.display().to_string())
            .collect();
        name_some(names, self.inputs().count())
    }

    /// Iterate over all files.
    fn inputs(&self) -> impl Iterator<Item = &InputFile> {
        self.passes.iter().flat_map(|(inputs, _)| inputs)
    }

    /// Return an error if the configuration names fields of JSON lines and no source has any. The
    /// field `text` is allowed, because old runs recorded it when it was the default.
    pub(super) fn check_json_fields(
        &self,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), DataError> {
        self.report_sources(progress);
        let (field, answer) = (&self.data.jsonl_field, &self.data.jsonl_answer_field);
        let no_json = self
            .inputs()
            .all(|input| input.format == FileFormat::PlainText);
        let key = match (field, answer) {
            (_, Some(answer)) => format!("data.jsonl_answer_field = {answer:?}"),
            (Some(field), None) if field != DataConfig::with_sources(Vec::new()).text_field() => {
                format!("data.jsonl_field = {field:?}")
            }
            _ => return Ok(()),
        };
        if no_json {
            Err(DataError::NoJsonLines {
                key,
                sources: self.name(),
            })
        } else {
            Ok(())
        }
    }

    /// Return whether the text has decomposed Hangul.
    pub(super) fn has_decomposed_hangul(&self) -> bool {
        self.scans
            .iter()
            .any(|scan| has_decomposed_hangul(scan.characters_used.iter()))
    }

    /// Note files that are named twice, text that looks like JSON records and is read as plain text,
    /// and settings that have no effect on the files.
    pub(super) fn report_sources(&self, progress: &mut dyn FnMut(&str)) {
        if let Some(first) = self.repeated.first() {
            progress(&format!(
                "note: named more than once and read once: {}",
                name_some(vec![first.display().to_string()], self.repeated.len())
            ));
        }
        let unread: Vec<&InputFile> = self
            .inputs()
            .filter(|input| {
                input.format == FileFormat::PlainText && input.looks_like != FileFormat::PlainText
            })
            .collect();
        if let Some(first) = unread.first() {
            let kind = if first.looks_like == FileFormat::JsonLines {
                "JSON lines"
            } else {
                "a JSON array"
            };
            progress(&format!(
                "note: `{}` looks like {kind} but is read as plain text, braces and all; set data.jsonl_field to the field that holds the text (or let its name end in .jsonl, of which field `text` is read)",
                name_some(vec![first.name.display().to_string()], unread.len()),
            ));
        }
        if let Some(note) = other_json_note(self.inputs()) {
            progress(&format!("note: {note}"));
        }
        if let Some(field) = &self.data.jsonl_field
            && self
                .inputs()
                .all(|input| input.format == FileFormat::PlainText)
        {
            progress(&format!(
                "note: data.jsonl_field = {field:?} has no effect: no source holds JSON lines"
            ));
        }
        let documents = match self.data.documents {
            Documents::File => return,
            Documents::Line => "line",
            Documents::Paragraph => "paragraph",
        };
        if self
            .inputs()
            .all(|input| input.format != FileFormat::PlainText)
        {
            progress(&format!(
                "note: data.documents = {documents:?} has no effect: in JSON each record is a document"
            ));
        }
    }

    /// Return whether documents have answers, on which the loss is then taken.
    pub(super) fn has_answers(&self) -> bool {
        self.scans.iter().any(|scan| scan.has_answers)
    }

    /// Return whether an end-of-text token follows each document.
    pub(super) fn separates_documents(&self) -> bool {
        self.scans
            .iter()
            .any(|scan| scan.has_answers || scan.documents > 1)
    }

    /// Return a summary of the files.
    pub(super) fn sources(&self) -> SourceSummary {
        let summaries = || self.scans.iter().map(|scan| &scan.summary);
        let mut hash = Sha256::new();
        summaries().for_each(|summary| hash.update(summary.sha256()));
        SourceSummary {
            files: summaries().map(|summary| summary.files).sum(),
            bytes: summaries().map(|summary| summary.bytes).sum(),
            sha256: hex(&hash.finalize()),
            carriage_returns: summaries().any(|summary| summary.carriage_returns),
        }
    }

    /// Repeat pass `number` over the text and pass on its chunks.
    ///
    /// # Errors
    /// [`DataError::TextChanged`] if the text differs from that of the first pass.
    pub(super) fn read_chunks_again(
        &self,
        number: usize,
        sink: &mut dyn FnMut(Chunk) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let (inputs, boundary) = &self.passes[number];
        let mut summary = ReadSummary::default();
        read_chunks(inputs, self.data, *boundary, &mut summary, sink)?;
        if summary.sha256() == self.scans[number].summary.sha256() {
            return Ok(());
        }
        let names: Vec<String> = inputs
            .iter()
            .take(3)
            .map(|input| input.name.display().to_string())
            .collect();
        Err(DataError::TextChanged {
            sources: name_some(names, inputs.len()),
        })
    }
}

/// Join a few names, and add how many more there are.
fn name_some(names: Vec<String>, all: usize) -> String {
    let more = if all > names.len() {
        format!(" and {} more", all - names.len())
    } else {
        String::new()
    };
    names.join(", ") + &more
}

/// Scan files once and note the records that were skipped.
fn scan_split(
    inputs: &[InputFile],
    data: &DataConfig,
    name: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<TextScan, DataError> {
    let files = if inputs.len() == 1 { "file" } else { "files" };
    progress(&format!("reading {name} ({} {files})", inputs.len()));
    let scan = scan_text(inputs, data, name)?;
    if let Some((field, path, line)) = &scan.summary.nulls.first {
        let records = scan.summary.nulls.records;
        let records = if records == 1 {
            "1 record".to_owned()
        } else {
            format!("{records} records")
        };
        progress(&format!(
            "note: {records} left out, because field `{field}` is null (Python's None) there: `{}` line {line}{}",
            path.display(),
            if scan.summary.nulls.records == 1 {
                ""
            } else {
                " and others"
            },
        ));
    }
    Ok(scan)
}

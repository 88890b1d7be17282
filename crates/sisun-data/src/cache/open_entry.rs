//! Opening and describing cache entries.

use super::entry_files::{
    Counts, HEADER_FILE, Header, TOKENIZER_FILE, VERSION, documents_file, fingerprint, ids_file,
    loss_file, split_name,
};
use crate::{
    DataError, Tokenizer, Tokens, UnknownCharacters, text::chunks::Split, tokens::IdWidth,
};
use sisun_files::{if_there, look};
use std::{fs::File, io::ErrorKind, path::Path, time::SystemTime};

/// The contents of an entry.
pub(crate) struct CachedCorpus {
    pub(crate) training: Tokens,
    pub(crate) validation: Tokens,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) unknown: Option<UnknownCharacters>,
}

/// The description of an entry, read without verifying the entry.
pub(super) struct Description {
    pub(super) text: Option<String>,
    pub(super) tokens: u64,
    pub(super) used: SystemTime,
}

/// Return the description of the entry `folder`, or `None` if it is not an entry.
///
/// # Errors
/// An entry that exists and cannot be read.
pub(super) fn describe_entry(folder: &Path) -> Result<Option<Description>, DataError> {
    let path = folder.join(HEADER_FILE);
    let read = || -> std::io::Result<_> {
        let Some(found) = if_there(path.symlink_metadata())? else {
            return Ok(None);
        };
        Ok(if_there(std::fs::read(&path))?.zip(Some(found.modified()?)))
    };
    let Some((bytes, used)) = read().map_err(DataError::io(&path))? else {
        return Ok(None);
    };
    // A file of this name with other contents does not make an entry.
    let Ok(header) = serde_json::from_slice::<Header>(&bytes) else {
        return Ok(None);
    };
    let tokens = header.training.tokens + header.validation.tokens;
    Ok(Some(Description {
        text: header.text,
        tokens,
        used,
    }))
}

/// The reason why an existing entry cannot be used.
pub(crate) enum OpenError {
    /// It differs from what was written, as the text says. It can be made again.
    Damaged(String),
    /// The operating system does not let it be read.
    Unreadable(DataError),
}

impl OpenError {
    /// Return a function for `map_err` that makes an error at a file of the entry.
    fn of(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Self::Damaged(format!("{name}: {error}"))
            }
            _ => Self::Unreadable(DataError::cache(&path)(error)),
        }
    }
}

/// Verify and open the entry `folder`, or return `None` if there is none.
///
/// # Errors
/// An entry that is damaged or cannot be read.
pub(crate) fn open_entry(folder: &Path) -> Result<Option<CachedCorpus>, OpenError> {
    let damaged = |problem: String| OpenError::Damaged(problem);
    if look(folder).map_err(OpenError::of(folder))?.is_none() {
        return Ok(None);
    }
    let path = folder.join(HEADER_FILE);
    let header = std::fs::read(&path).map_err(OpenError::of(&path))?;
    let header: Header = serde_json::from_slice(&header)
        .map_err(|error| damaged(format!("{HEADER_FILE}: {error}")))?;
    if header.version != VERSION {
        return Err(damaged(format!(
            "{HEADER_FILE}: version {} instead of {VERSION}",
            header.version
        )));
    }
    for (name, expected) in &header.files {
        let path = folder.join(name);
        let found = fingerprint(&path).map_err(OpenError::of(&path))?;
        if found.bytes != expected.bytes {
            return Err(damaged(format!(
                "{name}: {} bytes instead of {}",
                found.bytes, expected.bytes
            )));
        }
        if found != *expected {
            return Err(damaged(format!(
                "{name}: its checksum is not the recorded one"
            )));
        }
    }
    let tokenizer =
        Tokenizer::from_file(&folder.join(TOKENIZER_FILE)).map_err(|error| match error {
            DataError::Io { path, source } => OpenError::of(&path)(source),
            error => damaged(error.to_string()),
        })?;
    let tokens = |split, counts: Counts| {
        let path = |name: String| folder.join(name);
        let loss = path(loss_file(split));
        let loss = header
            .files
            .contains_key(&loss_file(split))
            .then_some(loss.as_path());
        let (ids, width) = (path(ids_file(split)), IdWidth::of(tokenizer.vocab_size()));
        let tokens = Tokens::map(
            &ids,
            width,
            loss,
            &path(documents_file(split)),
            counts.text_bytes,
        );
        let tokens = tokens.map_err(OpenError::of(&ids))?;
        if (tokens.len() as u64, tokens.documents() as u64) != (counts.tokens, counts.documents) {
            return Err(damaged(format!(
                "the {} part does not have the recorded size",
                split_name(split)
            )));
        }
        Ok(tokens)
    };
    mark_as_used(folder);
    let training = tokens(Split::Training, header.training)?;
    let validation = tokens(Split::Validation, header.validation)?;
    Ok(Some(CachedCorpus {
        training,
        validation,
        tokenizer,
        unknown: header.unknown,
    }))
}

/// Set the time of last use of an entry. If that is not allowed, the entry seems older than it is,
/// which does no harm.
fn mark_as_used(folder: &Path) {
    let header = File::options().write(true).open(folder.join(HEADER_FILE));
    let _ = header.and_then(|header| header.set_modified(SystemTime::now()));
}

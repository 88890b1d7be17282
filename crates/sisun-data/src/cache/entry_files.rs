//! The files of a cache entry: their names, and the header that describes them.

use crate::{digest::hex, text::chunks::Split, tokenizer::UnknownCharacters};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

/// The version of the format, which is part of every cache key. Raise it when the contents of an
/// entry change for the same text.
pub(crate) const VERSION: u32 = 2;

pub(super) const HEADER_FILE: &str = "header.json";
pub(super) const TOKENIZER_FILE: &str = "tokenizer.json";

/// Every file that an entry can have. The header, which makes it an entry, is last.
pub(super) const ENTRY_FILES: [&str; 8] = [
    "training.tokens",
    "training.documents",
    "training.loss",
    "validation.tokens",
    "validation.documents",
    "validation.loss",
    TOKENIZER_FILE,
    HEADER_FILE,
];

/// The description of an entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: u32,
    /// The name of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    pub(super) training: Counts,
    pub(super) validation: Counts,
    /// Characters that the tokenizer has no token for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unknown: Option<UnknownCharacters>,
    /// Every other file in the folder.
    pub(super) files: BTreeMap<String, Fingerprint>,
}

/// The size of one split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) tokens: u64,
    pub(super) documents: u64,
    /// The number of bytes of text, which is not the size of any file here.
    pub(super) text_bytes: u64,
}

/// The size and SHA-256 of a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Return whether an entry has a file of this name.
pub(super) fn is_entry_file(name: &str) -> bool {
    ENTRY_FILES.contains(&name)
}

pub(super) fn split_name(split: Split) -> &'static str {
    match split {
        Split::Training => "training",
        Split::Validation => "validation",
    }
}

pub(super) fn ids_file(split: Split) -> String {
    format!("{}.tokens", split_name(split))
}

pub(super) fn documents_file(split: Split) -> String {
    format!("{}.documents", split_name(split))
}

pub(super) fn loss_file(split: Split) -> String {
    format!("{}.loss", split_name(split))
}

/// Return whether a name is that of an entry: a SHA-256 in hexadecimal.
pub(super) fn is_entry_name(name: &str) -> bool {
    name.len() == 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// Return the name of the entry `folder`.
pub(super) fn entry_name(folder: &Path) -> String {
    folder
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Return the prefix of the folders in which an entry is being made.
pub(super) fn unfinished_prefix(entry: &str) -> String {
    format!(".unfinished-{entry}-")
}

/// Return the size and SHA-256 of a file. It is read through a small buffer, because all of a mapping
/// would count as memory used.
pub(super) fn fingerprint(path: &Path) -> std::io::Result<Fingerprint> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Fingerprint {
                bytes,
                sha256: hex(&hash.finalize()),
            });
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

//! Files as UTF-8 text, block by block, whatever their size.

use crate::{DataError, text::sources::Input};
use sha2::{Digest, Sha256};
use sisun_config::{check_pointer, with_line_feeds};
use std::{fs::File, io::Read, path::PathBuf};

/// Bytes read at a time.
const BLOCK: usize = 256 << 10;

/// What a reading has seen of the text, apart from what is made of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    hash: Sha256,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Whether a line ended in a carriage return.
    pub(crate) carriage_returns: bool,
    pub(crate) nulls: Nulls,
}

/// Records without a text because a field of theirs is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nulls {
    pub(crate) records: u64,
    /// The first: its field, its file and its line.
    pub(crate) first: Option<(String, PathBuf, u64)>,
}

impl Seen {
    fn text(&mut self, text: &str) {
        self.hash.update(text);
        self.bytes += text.len() as u64;
    }

    fn file_ends(&mut self) {
        // 0xFF never occurs in UTF-8.
        self.hash.update([0xFF]);
        self.files += 1;
    }

    /// SHA-256 of the text of each file, in their order.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }
}

/// Gives the text of a file to `sink` in blocks cut between characters. A byte order mark at the
/// start is left out, and line ends are `\n`.
///
/// # Errors
/// [`DataError::Binary`], [`DataError::InvalidUtf8`], [`DataError::Io`], and those of `sink`.
pub(crate) fn read_blocks(
    input: &Input,
    seen: &mut Seen,
    sink: &mut dyn FnMut(&str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut file = File::open(&input.path).map_err(DataError::io(&input.name))?;
    let mut block = Vec::with_capacity(BLOCK + 4);
    let mut offset = 0;
    let mut after_return = false;
    loop {
        // What is left in `block` is a character that the last read cut.
        let carried = block.len();
        let wanted = (BLOCK - carried) as u64;
        let read = (&mut file)
            .take(wanted)
            .read_to_end(&mut block)
            .map_err(DataError::io(&input.name))?;
        if offset == 0 {
            check_pointer(&block).map_err(DataError::io(&input.name))?;
        }
        if let Some(at) = block.iter().position(|&byte| byte == 0) {
            let hint = utf16_hint(&block, offset);
            return Err(DataError::Binary {
                path: input.name.clone(),
                offset: offset + at as u64,
                hint,
            });
        }
        let whole = match std::str::from_utf8(&block) {
            Ok(_) => block.len(),
            Err(error) if error.error_len().is_none() && read > 0 => error.valid_up_to(),
            Err(error) => {
                let at = error.valid_up_to();
                return Err(DataError::InvalidUtf8 {
                    path: input.name.clone(),
                    offset: offset + at as u64,
                    byte: block[at],
                });
            }
        };
        let text =
            std::str::from_utf8(&block[..whole]).expect("valid up to `whole`, as just checked");
        let text = if offset == 0 {
            text.strip_prefix('\u{FEFF}').unwrap_or(text)
        } else {
            text
        };
        seen.carriage_returns |= text.contains('\r');
        // The line feed of a pair that the end of a block has cut was given already.
        let rest = if after_return {
            text.strip_prefix('\n').unwrap_or(text)
        } else {
            text
        };
        after_return = if text.is_empty() {
            after_return
        } else {
            text.ends_with('\r')
        };
        let text = with_line_feeds(rest);
        if !text.is_empty() {
            seen.text(&text);
            sink(&text)?;
        }
        if read == 0 {
            seen.file_ends();
            return Ok(());
        }
        block.drain(..whole);
        offset += whole as u64;
    }
}

fn utf16_hint(block: &[u8], offset: u64) -> Option<&'static str> {
    let marked =
        offset == 0 && (block.starts_with(&[0xFF, 0xFE]) || block.starts_with(&[0xFE, 0xFF]));
    marked.then_some("it looks like UTF-16 text: `iconv -f UTF-16 -t UTF-8` makes it readable")
}

/// Gives the lines of a file to `sink` without their line ends, as `(text, ends)`.
/// A line longer than `longest` bytes comes in several pieces, of which only the last ends.
pub(crate) fn read_lines(
    input: &Input,
    seen: &mut Seen,
    longest: usize,
    sink: &mut dyn FnMut(&str, bool) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut line = String::new();
    read_blocks(input, seen, &mut |block| {
        for part in block.split_inclusive('\n') {
            line.push_str(part);
            if let Some(text) = line.strip_suffix('\n') {
                sink(text, true)?;
                line.clear();
            } else if line.len() > longest {
                sink(&line, false)?;
                line.clear();
            }
        }
        Ok(())
    })?;
    // A last line without an end. If its pieces were given already this says that it is over.
    sink(&line, true)
}

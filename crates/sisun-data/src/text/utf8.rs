//! Reading UTF-8 files of any size in blocks or lines.

use crate::{DataError, text::sources::InputFile};
use sha2::{Digest, Sha256};
use sisun_config::Encoded;
use sisun_config::{check_pointer, with_line_feeds};
use std::{fs::File, io::Read, path::PathBuf};

/// The number of bytes that are read at a time.
const BLOCK: usize = 256 << 10;

/// A summary of the text that was read, whatever was made of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadSummary {
    hash: Sha256,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// True if a line ended in a carriage return.
    pub(crate) carriage_returns: bool,
    pub(crate) nulls: NullRecords,
}

/// Records that were skipped because a field is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct NullRecords {
    pub(crate) records: u64,
    /// The field, the file and the line of the first.
    pub(crate) first: Option<(String, PathBuf, u64)>,
}

impl ReadSummary {
    fn add_text(&mut self, text: &str) {
        self.hash.update(text);
        self.bytes += text.len() as u64;
    }

    fn end_file(&mut self) {
        // 0xFF never occurs in UTF-8.
        self.hash.update([0xFF]);
        self.files += 1;
    }

    /// Return the SHA-256 of the text of all files, in their order.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }
}

/// Pass the text of a file to `sink` in blocks cut between characters, without a byte order mark at
/// the start, and with `\n` as line ends.
///
/// # Errors
/// [`DataError::Binary`], [`DataError::InvalidUtf8`], [`DataError::Io`], and those of `sink`.
pub(crate) fn read_blocks(
    input: &InputFile,
    summary: &mut ReadSummary,
    sink: &mut dyn FnMut(&str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut file = File::open(&input.path).map_err(DataError::io(&input.name))?;
    let mut block = Vec::with_capacity(BLOCK + 4);
    let mut offset = 0;
    let mut after_return = false;
    loop {
        // The start of a character that the last read cut is still in `block`.
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
            let hint = Encoded::of_binary(&block).map(|found| found.remedy(&input.name));
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
                    remedy: Encoded::of_text(&block).remedy(&input.name),
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
        summary.carriage_returns |= text.contains('\r');
        // The line feed of a pair that the end of a block cut was passed on already.
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
            summary.add_text(&text);
            sink(&text)?;
        }
        if read == 0 {
            summary.end_file();
            return Ok(());
        }
        block.drain(..whole);
        offset += whole as u64;
    }
}

/// Pass the lines of a file to `sink` without their line ends, as `(text, ends)`. A line longer than
/// `max_len` bytes comes in several pieces, of which only the last ends it.
pub(crate) fn read_lines(
    input: &InputFile,
    summary: &mut ReadSummary,
    max_len: usize,
    sink: &mut dyn FnMut(&str, bool) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut line = String::new();
    read_blocks(input, summary, &mut |block| {
        for part in block.split_inclusive('\n') {
            line.push_str(part);
            if let Some(text) = line.strip_suffix('\n') {
                sink(text, true)?;
                line.clear();
            } else if line.len() > max_len {
                sink(&line, false)?;
                line.clear();
            }
        }
        Ok(())
    })?;
    // A last line without a line end. If its pieces were passed on already, this ends it.
    sink(&line, true)
}

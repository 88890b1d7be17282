//! Files as UTF-8 text, block by block, whatever their size.

use crate::{DataError, source::Input};
use std::{fs::File, io::Read};

/// Bytes read at a time.
const BLOCK: usize = 256 << 10;

/// Gives the text of a file to `sink` in blocks cut between characters. A byte order mark at the start is
/// left out.
///
/// # Errors
/// [`DataError::Binary`], [`DataError::InvalidUtf8`], [`DataError::Io`], and those of `sink`.
pub(crate) fn read_blocks(input: &Input, sink: &mut dyn FnMut(&str) -> Result<(), DataError>) -> Result<(), DataError> {
    let mut file = File::open(&input.path).map_err(DataError::io(&input.name))?;
    let mut block = Vec::with_capacity(BLOCK + 4);
    let mut offset = 0;
    loop {
        // What is left in `block` is a character that the last read cut.
        let carried = block.len();
        let wanted = (BLOCK - carried) as u64;
        let read = (&mut file).take(wanted).read_to_end(&mut block).map_err(DataError::io(&input.name))?;
        if let Some(at) = block.iter().position(|&byte| byte == 0) {
            let hint = utf16_hint(&block, offset);
            return Err(DataError::Binary { path: input.name.clone(), offset: offset + at as u64, hint });
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
        let text = std::str::from_utf8(&block[..whole]).expect("valid up to `whole`, as just checked");
        let text = if offset == 0 { text.strip_prefix('\u{FEFF}').unwrap_or(text) } else { text };
        if !text.is_empty() {
            sink(text)?;
        }
        if read == 0 {
            return Ok(());
        }
        block.drain(..whole);
        offset += whole as u64;
    }
}

fn utf16_hint(block: &[u8], offset: u64) -> Option<&'static str> {
    let marked = offset == 0 && (block.starts_with(&[0xFF, 0xFE]) || block.starts_with(&[0xFE, 0xFF]));
    marked.then_some("it looks like UTF-16 text: `iconv -f UTF-16 -t UTF-8` makes it readable")
}

/// Gives the lines of a file to `sink` without their line endings (`\n` or `\r\n`), as `(text, ends)`.
/// A line longer than `longest` bytes comes in several pieces, of which only the last ends.
pub(crate) fn read_lines(
    input: &Input,
    longest: usize,
    sink: &mut dyn FnMut(&str, bool) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut line = String::new();
    read_blocks(input, &mut |block| {
        for part in block.split_inclusive('\n') {
            line.push_str(part);
            if let Some(text) = line.strip_suffix('\n') {
                sink(text.strip_suffix('\r').unwrap_or(text), true)?;
                line.clear();
            } else if line.len() > longest && !line.ends_with('\r') {
                sink(&line, false)?;
                line.clear();
            }
        }
        Ok(())
    })?;
    // A last line without an end. If its pieces were given already this says that it is over.
    sink(&line, true)
}

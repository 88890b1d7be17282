//! Reading pieces of a text file.

use crate::{DataError, text::sources::InputFile};
use sisun_config::Encoded;
use sisun_config::check_pointer;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// The number of places in a long file that are read.
const PIECES: u64 = 4;
/// The most bytes of one character.
const CHARACTER: usize = 4;

/// Return at most `wanted` bytes of text of a file of `size` bytes: all of it, or evenly spaced
/// pieces of whole lines, as far as they have line ends.
pub(super) fn sample_file(
    input: &InputFile,
    size: u64,
    wanted: u64,
) -> Result<Vec<String>, DataError> {
    let mut file = File::open(&input.path).map_err(DataError::io(&input.name))?;
    if size <= wanted {
        return Ok(vec![read_piece(input, &mut file, 0, size, true)?]);
    }
    let length = wanted / PIECES;
    (0..PIECES)
        .map(|number| {
            let start = number * (size - length) / (PIECES - 1);
            read_piece(input, &mut file, start, length, number == PIECES - 1)
        })
        .collect()
}

/// Read a piece; `to_end` says that the file ends there.
fn read_piece(
    input: &InputFile,
    file: &mut File,
    start: u64,
    length: u64,
    to_end: bool,
) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(DataError::io(&input.name))?;
    if start == 0 {
        check_pointer(&bytes).map_err(DataError::io(&input.name))?;
    }
    // The piece may begin and end within a character.
    let begin = match start {
        0 => 0,
        _ => bytes
            .iter()
            .take(CHARACTER)
            .position(|byte| byte & 0xC0 != 0x80)
            .unwrap_or(0),
    };
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(DataError::Binary {
            path: input.name.clone(),
            offset: start + at as u64,
            hint: Encoded::of_binary(&bytes).map(|found| found.remedy(&input.name)),
        });
    }
    let whole = match std::str::from_utf8(&bytes[begin..]) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() && !to_end => begin + error.valid_up_to(),
        Err(error) => {
            let at = begin + error.valid_up_to();
            return Err(DataError::InvalidUtf8 {
                path: input.name.clone(),
                offset: start + at as u64,
                byte: bytes[at],
                remedy: Encoded::of_text(&bytes).remedy(&input.name),
            });
        }
    };
    let text = std::str::from_utf8(&bytes[begin..whole]).expect("valid, as just checked");
    let text = text
        .strip_prefix('\u{FEFF}')
        .filter(|_| start == 0)
        .unwrap_or(text);
    // Without the parts of lines at both ends, if whole lines remain.
    let first = match start {
        0 => 0,
        _ => text.find('\n').map_or(0, |at| at + 1),
    };
    let last = match to_end {
        true => text.len(),
        false => text.rfind('\n').map_or(text.len(), |at| at + 1),
    };
    Ok(text[first.min(last)..last].to_owned())
}

//! GPT-2's alphabet: a printable character for each of the 256 bytes. (Radford et al. 2019,
//! `bytes_to_unicode` in <https://github.com/openai/gpt-2/blob/master/src/encoder.py>.)

use std::sync::LazyLock;

/// The bytes that stand for themselves are the printable ones of Latin-1; the others are numbered
/// from 256.
static CHARACTERS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut next = 256_u32;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        if matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) {
            return char::from(byte);
        }
        let c = char::from_u32(next).expect("256 and the 67 after it are characters");
        next += 1;
        c
    })
});

/// Return the character that stands for `byte`.
pub(crate) fn character_of(byte: u8) -> char {
    CHARACTERS[usize::from(byte)]
}

/// Return the byte that `c` stands for.
fn byte_of(c: char) -> Option<u8> {
    CHARACTERS
        .iter()
        .position(|&character| character == c)
        .and_then(|byte| u8::try_from(byte).ok())
}

/// Return the number of bytes that a byte-level token stands for.
pub(crate) fn byte_len(token: &str) -> usize {
    match token.chars().all(|c| byte_of(c).is_some()) {
        true => token.chars().count(),
        false => token.len(),
    }
}

/// Return a byte-level token as text, with bytes that are not a whole character as `<0xED>`.
pub(crate) fn readable(token: &str) -> String {
    let Some(bytes) = token.chars().map(byte_of).collect::<Option<Vec<u8>>>() else {
        return token.to_owned();
    };
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        for byte in chunk.invalid() {
            text += &format!("<0x{byte:02X}>");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{character_of, readable};
    use std::collections::BTreeSet;
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let characters: BTreeSet<char> = (0..=255).map(character_of).collect();
        assert_eq!(characters, ByteLevel::alphabet().into_iter().collect());
        // Space, newline and no-break space, as GPT-2's vocabulary writes them.
        assert_eq!([b' ', b'\n', 0xA0].map(character_of), ['Ġ', 'Ċ', 'ł']);
    }

    #[test]
    fn tokens_read_as_their_text() {
        assert_eq!(readable("Ġthe"), " the");
        assert_eq!(readable("Ċ"), "\n");
        // 한 is ED 95 9C.
        assert_eq!(readable("íķľ"), "한");
        assert_eq!(readable("Ġíķ"), " <0xED><0x95>");
    }
}

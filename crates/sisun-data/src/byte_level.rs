//! GPT-2's alphabet: a printable character for each of the 256 bytes.
//! (Radford et al. 2019, `bytes_to_unicode` in <https://github.com/openai/gpt-2/blob/master/src/encoder.py>.)

/// The byte that `c` stands for.
fn byte_of(c: char) -> Option<u8> {
    /// The bytes that stand for themselves are the printable ones of Latin-1.
    fn printable(byte: u8) -> bool {
        matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
    }
    match u32::from(c) {
        code @ 0..=0xFF => u8::try_from(code).ok().filter(|&byte| printable(byte)),
        // The others are numbered from 256, in order.
        code => (0..=u8::MAX).filter(|&byte| !printable(byte)).nth(code as usize - 0x100),
    }
}

/// A byte-level token as text; bytes that are no whole character as `<0xED>`.
pub(crate) fn readable(token: &str) -> String {
    let Some(bytes) = token.chars().map(byte_of).collect::<Option<Vec<u8>>>() else { return token.to_owned() };
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
    use super::{byte_of, readable};

    #[test]
    fn every_byte_has_exactly_one_character() {
        let mut bytes: Vec<u8> = (0..0x400).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
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

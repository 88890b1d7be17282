//! The likely encoding of a file that is not UTF-8, and the command that converts it.

use crate::nearest::free_path;
use crate::shell;
use std::path::Path;

/// An encoding, by the name that `iconv` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// UTF-16 with a byte order mark.
    Utf16,
    /// UTF-16, the low byte first.
    Utf16LittleEndian,
    /// UTF-16, the high byte first.
    Utf16BigEndian,
    /// Korean text of older programs (EUC-KR and its extension).
    Cp949,
    /// Western text of older programs, of which Latin-1 is a part.
    Windows1252,
    /// UTF-8 whose last character is cut.
    CutUtf8,
    /// A document of another program.
    Document(&'static str),
    /// None of these.
    Unknown,
}

/// First bytes of documents that people take for text.
const DOCUMENTS: [(&[u8], &str); 4] = [
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a document or an archive (docx, hwpx, zip)"),
    (
        b"\xD0\xCF\x11\xE0",
        "a document of an older program (doc, hwp)",
    ),
    (b"\x1F\x8B", "a compressed file (gz)"),
];

impl Encoded {
    /// Judge a file with a NUL byte by its first bytes: UTF-16, a document, or `None`.
    pub fn of_binary(bytes: &[u8]) -> Option<Self> {
        let document = DOCUMENTS
            .iter()
            .find(|(beginning, _)| bytes.starts_with(beginning));
        if let Some((_, name)) = document {
            return Some(Self::Document(name));
        }
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Some(Self::Utf16);
        }
        // Of Latin letters, spaces and line ends, one byte is zero and the other is ASCII text.
        let pairs = || bytes.as_chunks::<2>().0.iter();
        let is_text =
            |byte: u8| (b' '..0x7F).contains(&byte) || matches!(byte, b'\n' | b'\r' | b'\t');
        let count = |zero: usize| {
            pairs()
                .filter(|pair| pair[zero] == 0 && is_text(pair[1 - zero]))
                .count()
        };
        let most = pairs().len() / 4;
        match (count(1), count(0)) {
            (little, _) if little > most => Some(Self::Utf16LittleEndian),
            (_, big) if big > most => Some(Self::Utf16BigEndian),
            _ => None,
        }
    }

    /// Judge text that is not UTF-8.
    pub fn of_text(bytes: &[u8]) -> Self {
        if let Some(found) = Self::of_binary(bytes) {
            return found;
        }
        if std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none()) {
            return Self::CutUtf8;
        }
        // Hangul syllables of EUC-KR are pairs of bytes, the first from B0 to C8.
        let (mut hangul, mut other_pairs, mut single, mut at) = (0, 0, 0, 0);
        while let Some(&byte) = bytes.get(at) {
            let next = bytes.get(at + 1).copied().unwrap_or(0);
            at += match (byte, next) {
                (0..0x80, _) => 1,
                (0xB0..=0xC8, 0xA1..=0xFE) => {
                    hangul += 1;
                    2
                }
                (_, 0x80..) => {
                    other_pairs += 1;
                    2
                }
                _ => {
                    single += 1;
                    1
                }
            };
        }
        match () {
            () if hangul > 4 * (other_pairs + single) => Self::Cp949,
            () if single > 4 * (other_pairs + hangul) => Self::Windows1252,
            () => Self::Unknown,
        }
    }

    /// Return the command that converts the file.
    pub fn remedy(self, path: &Path) -> String {
        let convert = |name: &str, from: &str| {
            let mut to = path.with_extension("");
            let stem = to
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            to.set_file_name(format!("{stem}-utf8"));
            if let Some(extension) = path.extension() {
                to = to.with_added_extension(extension);
            }
            // Under its own name, so that what named the file finds it, and a folder holds it once.
            let (path, to) = (shell::path(path), shell::path(&free_path(to)));
            format!(
                "it looks like {name}\nto convert it: iconv -f {from} -t UTF-8 {path} > {to} && mv {to} {path}"
            )
        };
        match self {
            Self::Utf16 => convert("UTF-16 text", "UTF-16"),
            Self::Utf16LittleEndian => convert("UTF-16 text", "UTF-16LE"),
            Self::Utf16BigEndian => convert("UTF-16 text", "UTF-16BE"),
            Self::Cp949 => convert("older Korean text (EUC-KR, CP949)", "CP949"),
            Self::Windows1252 => {
                convert("older Western text (Latin-1, Windows-1252)", "WINDOWS-1252")
            }
            Self::CutUtf8 => {
                "its last character is cut: copy it again, or remove its last bytes".to_owned()
            }
            Self::Document(name) => {
                format!("it looks like {name}: save its text as plain text in UTF-8")
            }
            Self::Unknown => {
                "save it as UTF-8 (older Korean text is often CP949: `iconv -f CP949 -t UTF-8`)"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Encoded;
    use std::path::Path;

    #[test]
    fn encodings_are_told_apart() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        let text = "Once upon a time\nthere was a cat.";
        assert_eq!(
            Encoded::of_binary(&utf16(text, false)),
            Some(Encoded::Utf16LittleEndian)
        );
        assert_eq!(
            Encoded::of_binary(&utf16(text, true)),
            Some(Encoded::Utf16BigEndian)
        );
        let marked = [&[0xFF, 0xFE][..], &utf16("한글 이야기", false)].concat();
        assert_eq!(Encoded::of_binary(&marked), Some(Encoded::Utf16));
        assert_eq!(
            Encoded::of_binary(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"),
            None
        );
        // 한글 이야기, as `iconv -f UTF-8 -t CP949` writes it.
        let korean = b"\xc7\xd1\xb1\xdb \xc0\xcc\xbe\xdf\xb1\xe2";
        assert_eq!(Encoded::of_text(korean), Encoded::Cp949);
        assert_eq!(
            Encoded::of_text(b"un caf\xe9 noir, tr\xe8s bon"),
            Encoded::Windows1252
        );
        let cut = "한글 이야기".as_bytes();
        assert_eq!(Encoded::of_text(&cut[..cut.len() - 1]), Encoded::CutUtf8);
        let pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
        assert!(
            Encoded::of_text(pdf)
                .remedy(Path::new("a.pdf"))
                .contains("PDF")
        );
        // 中文 in GB 2312.
        assert_eq!(Encoded::of_text(b"\xd6\xd0\xce\xc4"), Encoded::Unknown);
    }

    #[test]
    fn the_command_names_the_file() {
        let told = Encoded::Cp949.remedy(Path::new("my texts/옛날.v2.txt"));
        assert!(
            told.ends_with(
                "iconv -f CP949 -t UTF-8 'my texts/옛날.v2.txt' > 'my texts/옛날.v2-utf8.txt' && mv 'my texts/옛날.v2-utf8.txt' 'my texts/옛날.v2.txt'"
            ),
            "{told}"
        );
        let told = Encoded::Utf16.remedy(Path::new("a"));
        assert!(
            told.ends_with("iconv -f UTF-16 -t UTF-8 a > a-utf8 && mv a-utf8 a"),
            "{told}"
        );
    }
}

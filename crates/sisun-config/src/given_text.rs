//! Text given to a model directly: in an argument, in a prompt file, on standard input, in the
//! configuration.

use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// Return a text as training would read it from a file: without a byte order mark at its start, and
/// with every line end, `\r\n` or `\r`, replaced by `\n`, as in Python's text mode.
pub fn as_from_a_file(text: &str) -> Cow<'_, str> {
    with_line_feeds(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// Replace every line end, `\r\n` or `\r`, by `\n`.
pub fn with_line_feeds(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    }
}

/// Deserialize a text in this way, for `deserialize_with`.
pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(as_from_a_file(&String::deserialize(from)?).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::as_from_a_file;
    use crate::{AttendConfig, SampleConfig};

    #[test]
    fn the_mark_at_the_start_goes_and_line_ends_are_line_feeds() {
        assert_eq!(as_from_a_file("\u{FEFF}a\r\nb\rc\n\r\n"), "a\nb\nc\n\n");
        assert_eq!(
            as_from_a_file("\u{FEFF}\u{FEFF}a\u{FEFF}"),
            "\u{FEFF}a\u{FEFF}",
            "one mark, and only at the start"
        );
        assert_eq!(as_from_a_file(""), "");
    }

    #[test]
    fn texts_of_a_configuration_are_read_so() {
        let attend: AttendConfig = toml::from_str(r#"text = "\uFEFFa\r\nb""#).unwrap();
        let sample: SampleConfig = toml::from_str(r#"prompt = "a\r\nb""#).unwrap();
        assert_eq!([attend.text, sample.prompt], ["a\nb"; 2]);
    }
}

//! Languages of explanations and pages.

use crate::InferError;
use std::fmt;
use std::str::FromStr;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// Return Korean if the text contains Hangul, otherwise English.
    pub fn of(text: &str) -> Self {
        let hangul = |c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}');
        if text.chars().any(hangul) {
            Self::Korean
        } else {
            Self::English
        }
    }

    /// Return the ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = InferError;

    fn from_str(given: &str) -> Result<Self, InferError> {
        match given.trim() {
            "en" => Ok(Self::English),
            "ko" => Ok(Self::Korean),
            _ => Err(InferError::UnknownLanguage {
                given: given.to_owned(),
            }),
        }
    }
}

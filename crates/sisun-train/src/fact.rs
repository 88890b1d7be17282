//! Facts about a run, in the languages of its report.

/// A fact about a run for its report: name and value in English, and in Korean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Name and value in English.
    pub en: (&'static str, String),
    /// Name and value in Korean.
    pub ko: (&'static str, String),
}

impl Fact {
    /// Create a fact whose value has no words.
    pub fn same(en: &'static str, ko: &'static str, value: String) -> Self {
        Self::new((en, value.clone()), (ko, value))
    }

    /// Create a fact.
    pub fn new(en: (&'static str, String), ko: (&'static str, String)) -> Self {
        Self { en, ko }
    }
}

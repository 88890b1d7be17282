//! The remedy for characters that a vocabulary lacks.

/// A Unicode form of a text of which a vocabulary has all characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownForm {
    /// Composed (NFC); the text is decomposed.
    Composed,
    /// Decomposed (NFD); the text is composed.
    Decomposed,
}

/// The settings that decide which characters a tokenizer knows, as messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenizerKeys {
    /// The kind of the tokenizer.
    pub kind: &'static str,
    /// The Unicode form of all text.
    pub normalize: &'static str,
}

impl TokenizerKeys {
    /// Those of a language model.
    pub const LANGUAGE: Self = Self {
        kind: "tokenizer.kind",
        normalize: "data.normalize",
    };
}

/// Describe the remedy for characters that a vocabulary lacks.
pub(crate) fn remedy_for_unknown(form: Option<KnownForm>, keys: TokenizerKeys) -> String {
    let TokenizerKeys { kind, normalize } = keys;
    let (why, convert, to) = match form {
        None => {
            return format!(
                "use characters of its training text, or train a byte-level tokenizer ({kind} = \"bpe\"), which knows every character"
            );
        }
        Some(KnownForm::Composed) => (
            "composed (NFC), the text has only known characters, but it is decomposed (NFD), as macOS writes names",
            "compose it",
            "NFC",
        ),
        Some(KnownForm::Decomposed) => (
            "decomposed (NFD), the text has only known characters, because the tokenizer comes from decomposed text",
            "decompose it",
            "NFD",
        ),
    };
    format!(
        "{why}: {convert}, as by python3 -c \"import sys, unicodedata; sys.stdout.write(unicodedata.normalize('{to}', sys.stdin.read()))\" < TEXT; a run that is trained with {normalize} = \"nfc\" composes all it reads by itself"
    )
}

//! The data of a track, as they are read once for all of its cells.

use sisun_data::Corpus;
use sisun_data::pairs::Pairs;

/// The data of a track; a generated task of text needs none.
#[derive(Debug)]
pub(crate) enum TrackData {
    /// Text of a language track.
    Text(TrackText),
    /// Pairs, from files or generated.
    Pairs(TrackPairs),
}

/// The text of a language track.
#[derive(Debug)]
pub(crate) struct TrackText {
    pub(crate) track: String,
    pub(crate) corpus: Corpus,
}

/// The pairs of a track.
#[derive(Debug)]
pub(crate) struct TrackPairs {
    pub(crate) pairs: Pairs,
    /// True if all pairs that are held out have an alignment, beside which attention is measured.
    pub(crate) aligned: bool,
}

impl TrackData {
    /// Return the text of a language track.
    pub(crate) fn text(&self) -> Option<&TrackText> {
        match self {
            Self::Text(text) => Some(text),
            Self::Pairs(_) => None,
        }
    }

    /// Return the pairs of a track of pairs.
    pub(crate) fn pairs(&self) -> Option<&TrackPairs> {
        match self {
            Self::Text(_) => None,
            Self::Pairs(pairs) => Some(pairs),
        }
    }

    /// Return the hash of everything that a cell reads.
    pub(crate) fn sha256(&self) -> String {
        match self {
            Self::Text(text) => {
                format!("{} {}", text.corpus.sha256, text.corpus.tokenizer.sha256())
            }
            Self::Pairs(TrackPairs { pairs, .. }) => {
                let Pairs {
                    train,
                    validation,
                    tokenizers,
                } = pairs;
                // The hashes of the files cover alignments, that of the pairs their division.
                [
                    pairs.sha256(),
                    train.corpus.sha256.clone(),
                    validation.corpus.sha256.clone(),
                    tokenizers.source().sha256(),
                    tokenizers.target().sha256(),
                ]
                .join(" ")
            }
        }
    }
}

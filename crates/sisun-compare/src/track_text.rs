//! The text of a language track.

use sisun_data::Corpus;

/// The text of a language track.
#[derive(Debug)]
pub(crate) struct TrackText {
    pub(crate) track: String,
    pub(crate) corpus: Corpus,
}

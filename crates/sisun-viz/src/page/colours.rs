//! The colour maps of a page.

use crate::maps::Colours;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Return the colour maps by name, each as 256 colours of three bytes, in base64.
pub(crate) fn colours() -> BTreeMap<String, String> {
    let table = |colours: Colours| {
        (
            colours.to_string(),
            STANDARD.encode(colours.table().as_flattened()),
        )
    };
    Colours::ALL.into_iter().map(table).collect()
}

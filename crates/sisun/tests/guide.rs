//! Pictures of the guide.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The picture in the chapter as rustdoc shows it is the file beside the chapter.
#[test]
fn the_embedded_picture_is_the_file() {
    let file = include_bytes!("../guide/bottleneck.svg");
    let embedded = include_str!("../guide/bottleneck.md");
    let start = "[bottleneck]: data:image/svg+xml;base64,";
    let data = embedded.strip_prefix(start).unwrap().trim_end();
    assert!(
        STANDARD.decode(data).unwrap() == file,
        "write it anew: (printf '%s' {start:?}; base64 -w0 bottleneck.svg; echo; echo) > bottleneck.md"
    );
    let chapter = include_str!("../guide/sequence-to-sequence.md");
    assert!(chapter.contains("[bottleneck]: bottleneck.svg"));
}

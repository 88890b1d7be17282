//! What a picture says of itself in its metadata.

use svg::Node as _;
use svg::node::element::Element;

use super::label::is_plain;

/// Keywords and texts: those of a PNG's text chunks, and of the JSON in an SVG's `metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About(pub(super) Vec<(&'static str, String)>);

impl About {
    /// Return an SVG element with the entries as a JSON object.
    pub(super) fn element(&self) -> Element {
        let mut entries = serde_json::Map::new();
        for (keyword, text) in &self.0 {
            entries.insert((*keyword).to_owned(), text.as_str().into());
        }
        let json = serde_json::Value::Object(entries).to_string();
        let mut element = Element::new("metadata");
        element.append(svg::node::Text::new(in_xml(&json)));
        element
    }
}

/// Escape in JSON what XML forbids or viewers do not show.
fn in_xml(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == ' ' || is_plain(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped += &format!("\\u{unit:04x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn any_text_comes_back() {
        let text = "</metadata>\u{fffe}\u{202e} \"배\" \n\u{1}\u{1fffe}";
        let json = in_xml(&serde_json::json!({ "Text": text }).to_string());
        assert!(json.chars().all(|c| c == ' ' || is_plain(c)), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["Text"], text);
        let about = About(vec![("Text", text.to_owned())]);
        assert!(!about.element().to_string().contains("</metadata>\u{fffe}"));
    }
}

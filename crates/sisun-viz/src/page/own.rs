//! The page of given matrices, which needs no model.

use super::colours::colours;
use super::html;
use serde_json::{Value, json};
use sisun_infer::{Language, OwnNumbers, PRESETS};

/// Return a page in which matrices are typed in and worked through, filled with the given ones.
pub fn own_html(given: &OwnNumbers, language: Language) -> String {
    let title = match (given.title.as_str(), language) {
        ("", Language::English) => "Your own numbers",
        ("", Language::Korean) => "직접 입력",
        (title, _) => title,
    };
    let data = json!({
        "version": 1,
        "language": language.code(),
        "title": title,
        "colours": colours(),
        "given": given,
        "presets": presets(),
    });
    html::join(
        html::OWN,
        language.code(),
        title,
        &data.to_string(),
        std::iter::empty(),
    )
}

/// Return the examples as the page's scripts read them.
pub(super) fn presets() -> Vec<Value> {
    let preset =
        |preset: sisun_infer::OwnPreset| json!({ "name": preset.name, "given": preset.numbers() });
    PRESETS.map(preset).to_vec()
}

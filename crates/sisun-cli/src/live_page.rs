//! The page that holds its model, as `page` and `attend --live` write it.

use anyhow::Result;
use sisun_infer::{CaptureSelection, Language, LanguageModel};
use sisun_viz::page::{Kind, Page, WeightFormat};

/// Return the page of a model and a text as HTML, and the number format of its weights, which the
/// size of the model decides if none is given.
///
/// # Errors
/// If a page cannot hold the model, or the text is too long for it.
pub(crate) fn live_page(
    loaded: &LanguageModel,
    text: &str,
    language: Option<Language>,
    weights: Option<WeightFormat>,
) -> Result<(String, WeightFormat)> {
    let language = language.unwrap_or_else(|| Language::of(text));
    let all = CaptureSelection::default();
    let mut page = Page::new(Kind::Model, &loaded.name, text, &all, language, 1);
    let format = page.add_model(loaded, weights)?;
    page.add(loaded, loaded.title(), None)?;
    Ok((page.html(), format))
}

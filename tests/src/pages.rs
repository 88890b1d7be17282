//! Pages with the models of the reference files in them.

use crate::fixtures::Forward;
use burn::tensor::Device;
use sisun_data::Tokenizer;
use sisun_infer::{CaptureSelection, Language, LanguageModel};
use sisun_viz::page::{Kind, Page, WeightFormat};

/// Return a tokenizer whose ids are those of as many characters.
fn letters(vocab: usize) -> Tokenizer {
    let characters = (0..vocab as u32).map(|i| char::from_u32(0x100 + i).unwrap());
    Tokenizer::characters(characters, false).unwrap()
}

/// Return the text of these tokens of [`model_of`] a reference file.
pub fn text_of(ids: &[i64]) -> String {
    let letter = |id: &i64| char::from_u32(0x100 + u32::try_from(*id).unwrap()).unwrap();
    ids.iter().map(letter).collect()
}

/// Return the model of a reference file with a tokenizer of single characters.
pub fn model_of(fixture: &Forward, device: &Device) -> LanguageModel {
    let tokenizer = letters(fixture.config.vocab_size.unwrap());
    let model = fixture.model(device).unwrap();
    LanguageModel::new(fixture.name.clone(), None, model, tokenizer)
}

/// Return the rows of tokens of a reference file.
pub fn rows(fixture: &Forward) -> Vec<&[i64]> {
    let ([_, n], tokens) = &fixture.tokens;
    tokens.chunks(*n).collect()
}

/// Return the pattern of a head in a row of a reference file, each query up to its last visible
/// key.
pub fn visible_pattern(fixture: &Forward, row: usize, layer: usize, head: usize) -> Vec<f32> {
    let ([_, n], _) = fixture.tokens;
    let (shape, all) = &fixture.expected[&format!("pattern.{layer}")];
    let whole = &all[(row * shape[1] + head) * n * n..][..n * n];
    let width = |query: usize| if fixture.config.causal { query + 1 } else { n };
    let queries = whole.chunks(n).enumerate();
    queries
        .flat_map(|(query, row)| row[..width(query)].to_vec())
        .collect()
}

/// Return a page with a model in it.
pub fn page(loaded: &LanguageModel, text: &str, format: Option<WeightFormat>) -> String {
    let all = CaptureSelection::default();
    let mut page = Page::new(Kind::Model, &loaded.name, text, &all, Language::English, 1);
    page.add_model(loaded, format).unwrap();
    page.add(loaded, loaded.name.clone(), None).unwrap();
    page.html()
}

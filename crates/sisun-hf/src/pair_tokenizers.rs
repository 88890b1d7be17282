//! The tokenizers of an encoder–decoder as `transformers` opens them.

use crate::export::write_json;
use crate::{HfError, TOKENIZER, TOKENIZER_CONFIG, json};
use serde_json::{Value, json};
use sisun_data::Tokenizer;
use std::fs;
use std::path::Path;

/// The names of the tokens around a target.
const AROUND: [&str; 2] = ["<begin>", "<end>"];

/// Return true if the tokens of a tokenizer can have other numbers: its vocabulary lists them, and
/// does not number them by their order.
///
/// # Errors
/// If the tokenizer cannot be written as JSON.
pub(crate) fn can_be_moved(tokenizer: &Tokenizer, folder: &Path) -> Result<bool, HfError> {
    let path = folder.join(TOKENIZER);
    tokenizer.save(&path)?;
    let file: Value = json::parse(&path, &json::read(&path)?)?;
    fs::remove_file(&path).map_err(HfError::write(&path))?;
    Ok(file["model"]["vocab"].is_object())
}

/// Write a tokenizer that adds no tokens to a text, as the model was trained. `around` holds the ids of
/// begin and end, which are added for a target, and how far all other ids are moved.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write(
    tokenizer: &Tokenizer,
    around: Option<([u32; 2], u32)>,
    longest: usize,
    folder: &Path,
) -> Result<(), HfError> {
    let path = folder.join(TOKENIZER);
    tokenizer.save(&path)?;
    let mut file: Value = json::parse(&path, &json::read(&path)?)?;
    if file["post_processor"]["type"] != "ByteLevel" {
        file["post_processor"] = Value::Null;
    }
    let mut settings = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "clean_up_tokenization_spaces": false,
        "model_input_names": ["input_ids", "attention_mask"],
    });
    if let Some((ids, moved)) = around {
        let names = add_around(&mut file, ids, moved);
        settings["bos_token"] = names[0].as_str().into();
        settings["eos_token"] = names[1].as_str().into();
    }
    write_json(&path, &file)?;
    write_json(&folder.join(TOKENIZER_CONFIG), &settings)
}

/// Move all ids, and add the tokens around a target; return the names of these.
fn add_around(file: &mut Value, ids: [u32; 2], moved: u32) -> [String; 2] {
    let shift = |id: &mut Value| {
        if let Some(old) = id.as_u64() {
            *id = (old + u64::from(moved)).into();
        }
    };
    let mut names = AROUND.map(str::to_owned);
    if let Value::Object(vocab) = &mut file["model"]["vocab"] {
        vocab.values_mut().for_each(shift);
        for (name, id) in names.iter_mut().zip(ids) {
            // A text may hold a token of this name.
            while vocab.contains_key(name) {
                name.push('\'');
            }
            vocab.insert(name.clone(), id.into());
        }
    }
    if let Value::Array(added) = &mut file["added_tokens"] {
        added.iter_mut().for_each(|token| shift(&mut token["id"]));
        for (name, id) in names.iter().zip(ids) {
            added.push(json!({
                "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            }));
        }
    }
    names
}

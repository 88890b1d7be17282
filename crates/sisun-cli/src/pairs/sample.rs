//! Writing the targets of sources.

use super::open;
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::{Value, json};
use sisun_infer::{Decoding, Translation, Translator};
use sisun_model::Run;

/// A source, and where it stands if it is a line of a file.
pub(crate) struct GivenSource {
    pub(crate) text: String,
    pub(crate) place: Option<String>,
}

/// Write the target of each source on a line, or all as one JSON object.
pub(crate) fn sample(
    run: &Run,
    sources: &[GivenSource],
    decoding: Decoding,
    as_json: bool,
    device: &DeviceArgs,
) -> Result<()> {
    if sources.iter().any(|source| source.text.is_empty()) {
        return Err(Usage("the source is empty: give at least one character".to_owned()).into());
    }
    let loaded = open(run, device)?;
    // A source that cannot be read is reported before any target is printed.
    for GivenSource { text, place } in sources {
        loaded.source_tokens(text).map_err(|error| match place {
            Some(place) => {
                let told = format!("{place}: {error}");
                anyhow::Error::new(error).context(told)
            }
            None => error.into(),
        })?;
        device.note_form(loaded.tokenizers.source(), text)?;
    }
    let mut objects = Vec::new();
    for GivenSource { text: source, .. } in sources {
        let written = loaded.translate(source, decoding)?;
        match as_json {
            true => objects.push(object(&loaded, source, &written)?),
            false => show(&written, decoding, device)?,
        }
    }
    match objects.len() {
        0 => Ok(()),
        1 => say_json(&objects[0]),
        _ => say_json(&json!({ "samples": objects })),
    }
}

/// Print the best target, and note one that reached the longest length.
fn show(written: &[Translation], decoding: Decoding, device: &DeviceArgs) -> Result<()> {
    let Some(best) = written.first() else {
        return Ok(());
    };
    say(&best.text)?;
    if !best.ended {
        device.note("note: the model did not end this target before seq2seq.max_target_len");
    }
    if let Decoding::Beam(_) = decoding {
        for other in written.iter().skip(1) {
            device.note(&format!("also {:.3}  {}", other.score, other.text));
        }
    }
    Ok(())
}

fn object(loaded: &Translator, source: &str, written: &[Translation]) -> Result<Value> {
    let one = |found: &Translation| {
        json!({
            "text": found.text,
            "tokens": found.tokens,
            "finish": if found.ended { "end_of_text" } else { "length" },
            "log_prob": found.log_prob,
            "score": found.score,
        })
    };
    let mut object = written.first().map_or(Value::Null, one);
    object["prompt"] = source.into();
    object["prompt_tokens"] = loaded.source_tokens(source)?.len().into();
    object["others"] = written.iter().skip(1).map(one).collect();
    Ok(object)
}

//! The numbers as JSON, in which labels are the texts of the tokens as they are.

use anyhow::Result;
use serde_json::Value;
use sisun_infer::{Explanation, PairExplanation, Token};
use sisun_viz::worked::WorkedStep;

/// Return the object of an explanation, with the words of its steps.
pub(super) fn of_text(found: &Explanation, steps: &[WorkedStep]) -> Result<Value> {
    let mut object = serde_json::to_value(found)?;
    object["query_label"] = found.tokens[found.query].plain.as_str().into();
    relabel(&mut object, &found.tokens);
    object["steps"] = serde_json::to_value(steps)?;
    Ok(object)
}

/// Return the object of an explanation of a target token; `sources` are the tokens of the source.
pub(super) fn of_pair(found: &PairExplanation, sources: &[Token]) -> Result<Value> {
    let mut object = serde_json::to_value(found)?;
    if let Some(before) = found.written.checked_sub(1) {
        object["before"] = found.target_tokens[before].plain.as_str().into();
    }
    relabel(&mut object, sources);
    Ok(object)
}

fn relabel(object: &mut Value, tokens: &[Token]) {
    let keys = object["keys"].as_array_mut().into_iter().flatten();
    for (key, token) in keys.zip(tokens) {
        key["label"] = token.plain.as_str().into();
    }
}

//! The page of training: watched as it happens, or replayed from its events.

use super::colours::colours;
use super::encode::WeightCode;
use super::html;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sisun_infer::{AttentionMaps, Language};

/// Bits of a weight in an event: maps are small pictures, redrawn many times.
const CODE: WeightCode = WeightCode { bits: 8 };

/// Return the page of one or several runs. Without `events` it receives them from the server that
/// it comes from; with them, each a line of JSON, it replays them and works offline.
pub fn watch_html(title: &str, language: Language, events: Option<&[&str]>) -> String {
    let replay: Option<Vec<Value>> = events.map(|events| {
        let parsed = events.iter().map(|event| serde_json::from_str(event));
        parsed
            .map(|event| event.expect("events are JSON that this program wrote"))
            .collect()
    });
    let data = json!({
        "version": 1,
        "language": language.code(),
        "title": title,
        "colours": colours(),
        "events": replay,
    });
    let parts = match events {
        None => html::WATCH,
        Some(_) => html::REPLAY,
    };
    html::join(
        parts,
        language.code(),
        title,
        &data.to_string(),
        std::iter::empty(),
    )
}

/// Return the patterns of all heads at a step as an event: labels of the tokens, and the weights by
/// layer, head and visible cell, each as an integer of 8 bits.
pub fn heads_event(run: usize, step: u64, maps: &AttentionMaps) -> Value {
    let n = maps.tokens.len();
    let mut codes = Vec::new();
    let mut layers = 0;
    let mut heads = 0;
    for map in &maps.activations {
        layers += 1;
        heads = map.heads.len();
        for (_, pattern) in map.by_head() {
            for (query, row) in pattern.chunks_exact(n).enumerate() {
                let visible = if maps.causal { query + 1 } else { n };
                codes.extend(row[..visible].iter().map(|&p| CODE.code(p) as u8));
            }
        }
    }
    let labels: Vec<&str> = maps
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    json!({
        "kind": "heads",
        "run": run,
        "step": step,
        "layers": layers,
        "heads": heads,
        "causal": maps.causal,
        "tokens": labels,
        "weights": STANDARD.encode(codes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_events_stay_data() {
        let event = json!({ "kind": "sample", "text": "</script><script>alert(1)</script><!--" });
        let html = watch_html(
            "</title><b>",
            Language::English,
            Some(&[&event.to_string()]),
        );
        assert!(!html.contains("<script>alert") && !html.contains("</title><b>"));
        assert!(html.contains("\\u003c/script>\\u003cscript>alert(1)"));
        assert!(!html.contains("connect-src"), "a replay asks nobody");
        let watched = watch_html("run", Language::Korean, None);
        assert!(watched.contains("connect-src 'self'"));
    }
}

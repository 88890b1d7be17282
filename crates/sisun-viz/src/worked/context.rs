//! What a computation is like: flags and values for the words of its steps.

use super::words::word;
use serde::Serialize;
use sisun_config::{Ffn, Norm, NormPlacement, Position};
use sisun_infer::explain::{BlockForm, StreamSource};
use sisun_infer::{Explanation, Language};
use sisun_model::Activation;
use std::collections::{BTreeMap, BTreeSet};

/// Flags that select steps and sentences, and the values of their placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepContext {
    /// Flags that are set.
    pub flags: BTreeSet<&'static str>,
    /// Values by name.
    pub values: BTreeMap<String, String>,
}

impl StepContext {
    /// Return the context of a model's steps. `label` makes a token's text fit to be shown.
    pub fn of(found: &Explanation, label: impl Fn(&str) -> String, language: Language) -> Self {
        let mut context = Self::default();
        context.set_form(&found.form, found.position);
        let stream = &found.stream;
        context.set("products", true);
        context.set("model", true);
        context.set("deeper", found.layer > 0);
        context.set("grouped", found.n_kv_heads < found.n_heads);
        context.set("masked", found.keys.iter().any(|key| key.steps.hidden));
        context.set("bias", found.keys[0].steps.bias.is_some());
        context.set("edited-qkv", {
            let inputs = [Activation::Q, Activation::K, Activation::V];
            found.edited.iter().any(|edited| inputs.contains(edited))
        });
        for (flag, activation) in [
            ("edited-scores", Activation::Scores),
            ("edited-pattern", Activation::Pattern),
            ("edited-z", Activation::Z),
            ("edited-logits", Activation::Logits),
        ] {
            context.set(flag, found.edited.contains(&activation));
        }
        context.set("without", true);
        let is_scaled = found.scale != 1.0 || found.d_head == 1;
        context.set_scale(
            is_scaled,
            found.d_head,
            (found.d_head as f64).sqrt(),
            language,
        );

        let each = found.n_heads / found.n_kv_heads.max(1);
        let number = |number: usize| number.to_string();
        let after = stream.next.points.iter();
        let with = after
            .clone()
            .find(|point| point.part == StreamSource::Attention(found.layer))
            .map_or(f64::NAN, |point| point.probability);
        context.put_all([
            ("n", number(found.keys.len())),
            ("d", number(found.d_head)),
            ("dv", number(found.d_head)),
            ("H", number(found.n_heads)),
            ("layer", number(found.layer)),
            ("head", number(found.head)),
            ("query", label(&found.query_label)),
            ("place", number(found.query)),
            ("id", number(found.tokens[found.query].id as usize)),
            ("first", number(found.kv_head * each)),
            ("last", number((found.kv_head + 1) * each - 1)),
            ("kv", number(found.kv_head)),
            ("kvs", number(found.n_kv_heads)),
            ("edits", found.edits.join("; ")),
            ("top", fixed(found.max_score, 3)),
            ("next", label(&stream.next.label())),
            ("without", percent(stream.next.without_head)),
            ("with", percent(with)),
        ]);
        context.put_names(found.layer);
        if let Some(rotation) = &stream.rotation {
            context.put_rotation(&rotation.radians, found.d_head, found.query);
        }
        if let Some(slope) = slope(found) {
            context.put("slope", fixed(slope, 4));
        }
        context
    }

    /// Set the flags and values of a variant of blocks.
    pub(crate) fn set_form(&mut self, form: &BlockForm, position: Position) {
        let added = matches!(position, Position::Learned | Position::Sinusoidal);
        for (flag, is_set) in [
            ("added", added),
            ("learned", position == Position::Learned),
            ("sinusoidal", position == Position::Sinusoidal),
            ("rope", matches!(position, Position::Rope { .. })),
            ("alibi", position == Position::Alibi),
            ("positionless", position == Position::None),
            ("prenorm", form.norm_placement == NormPlacement::Pre),
            ("layernorm", form.norm == Norm::Layer),
            ("qknorm", form.qk_norm),
            ("attention-bias", form.attention_bias),
            ("residual", form.residual),
            ("parallel", form.parallel_residual && form.ffn != Ffn::None),
            ("ffn", form.ffn != Ffn::None),
        ] {
            self.set(flag, is_set);
        }
        let activation = match form.ffn {
            Ffn::Gelu => "GELU",
            Ffn::GeluTanh => "GELU (tanh)",
            Ffn::Relu => "ReLU",
            Ffn::ReluSquared => "ReLU²",
            Ffn::Swiglu => "SwiGLU",
            Ffn::None => "",
        };
        self.put_all([
            ("D", form.d_model.to_string()),
            ("F", form.d_ff.to_string()),
            ("V", form.vocab.to_string()),
            ("position", position.name().to_owned()),
            ("activation", activation.to_owned()),
        ]);
    }

    /// Put the names of the vectors, which depend on the layer and the variant.
    pub(crate) fn put_names(&mut self, layer: usize) {
        let is = |flag| self.flags.contains(flag);
        let x = if is("added") { "x̃" } else { "x" };
        let h = if layer > 0 { "h" } else { x };
        let input = if is("prenorm") { "x̂" } else { h };
        let (norm, post) = match is("prenorm") {
            true => ("", ""),
            false => ("norm(", ")"),
        };
        let added = |to: &str, what: &str| match is("residual") {
            true => format!("{norm}{to} + {what}{post}"),
            false => format!("{norm}{what}{post}"),
        };
        let (sum, ffn) = (
            added(h, "ΔE"),
            match is("parallel") {
                true => format!("{} + f", added(h, "ΔE")),
                false => added("h′", "f"),
            },
        );
        self.put_all([
            ("x", x.to_owned()),
            ("h", h.to_owned()),
            ("input", input.to_owned()),
            ("sum", sum),
            ("ffn-sum", ffn),
        ]);
    }

    /// Put how the scores are divided, by √d or by a given number `divisor`.
    pub(crate) fn set_scale(
        &mut self,
        is_scaled: bool,
        d: usize,
        divisor: f64,
        language: Language,
    ) {
        let is_root = divisor == (d as f64).sqrt();
        self.set("scaled", is_scaled && is_root);
        self.set("unscaled", !is_scaled);
        self.set("own-divisor", is_scaled && !is_root);
        let root = fixed(divisor, 3);
        let left_out = match self.flags.contains("model") {
            true => "left-out",
            false => "left-out-own",
        };
        let gives = if is_scaled { "scaled-scores" } else { left_out };
        self.put_all([
            (
                "divided",
                if is_root || !is_scaled {
                    "√d_head".to_owned()
                } else {
                    root.clone()
                },
            ),
            (
                "divisor",
                if is_root || !is_scaled {
                    format!("√{d}")
                } else {
                    root.clone()
                },
            ),
            ("root", root),
            ("scaled", word(gives, &[], language)),
        ]);
    }

    fn put_rotation(&mut self, radians: &[f64], d_head: usize, query: usize) {
        let half = radians.len();
        let theta = radians.first().copied().unwrap_or(0.0);
        self.set("partial", 2 * half < d_head);
        self.put_all([
            ("half", half.to_string()),
            ("half2", (half + 1).to_string()),
            ("rotary", (2 * half).to_string()),
            ("theta", fixed(theta, 4)),
            ("angle", fixed(theta * query as f64, 4)),
        ]);
    }

    pub(crate) fn set(&mut self, flag: &'static str, is_set: bool) {
        if is_set {
            self.flags.insert(flag);
        }
    }

    pub(crate) fn put(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    pub(crate) fn put_all<const N: usize>(&mut self, values: [(&str, String); N]) {
        for (name, value) in values {
            self.put(name, value);
        }
    }

    /// Return true if all flags are set, and those after "!" are not.
    pub(crate) fn holds(&self, when: &[String]) -> bool {
        when.iter().all(|flag| match flag.strip_prefix('!') {
            Some(flag) => !self.flags.contains(flag),
            None => self.flags.contains(flag.as_str()),
        })
    }
}

/// Return the decrease of the bias per token of distance, if it is linear.
fn slope(found: &Explanation) -> Option<f64> {
    let near = match found.query {
        0 => 1,
        query => query - 1,
    };
    Some(-found.keys.get(near)?.steps.bias?)
}

/// Format a number; zero has no sign.
pub(crate) fn fixed(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    match text.chars().all(|c| matches!(c, '-' | '0' | '.')) {
        true => text.trim_start_matches('-').to_owned(),
        false => text,
    }
}

/// Format a probability in per cent, as the page does.
pub fn percent(p: f64) -> String {
    match p {
        p if !p.is_finite() => "–".to_owned(),
        p if p > 0.0 && p < 0.00005 => "<0.01%".to_owned(),
        0.0 => "0%".to_owned(),
        p if p < 0.0995 => format!("{:.2}%", 100.0 * p),
        p => format!("{:.1}%", 100.0 * p),
    }
}

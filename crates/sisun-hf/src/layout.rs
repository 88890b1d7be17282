//! Mapping between the tensors of `transformers` and Sisun's parameters: one table for reading and
//! for writing.

use crate::family::Family;
use sisun_config::{Ffn, ModelConfig};
use std::collections::BTreeMap;
use std::ops::Range;

/// All tensors of a model of `transformers`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// For each of Sisun's parameters, the parts that are side by side along its last axis. A
    /// parameter without parts is zero.
    pub(crate) parameters: BTreeMap<String, Vec<Part>>,
    /// Tensors that must equal another tensor.
    pub(crate) twins: Vec<Twin>,
    /// Tensors that hold a single number.
    pub(crate) constants: Vec<Constant>,
}

/// All or some rows of a tensor in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// The tensor's name in the file.
    pub(crate) name: String,
    /// The tensor's shape in the file.
    pub(crate) shape: Vec<usize>,
    /// Selected indices of its first axis.
    pub(crate) rows: Rows,
    /// True if it is stored `[d_out, d_in]`, as in PyTorch's `Linear`, where Sisun's layout is
    /// `[d_in, d_out]`.
    pub(crate) transposed: bool,
}

/// Evenly spaced ranges of indices along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rows {
    first: usize,
    /// Length of a range.
    len: usize,
    /// Distance from the start of one range to the start of the next.
    step: usize,
    stretches: usize,
}

impl Rows {
    /// Select the first `n`.
    fn all(n: usize) -> Self {
        Self {
            first: 0,
            len: n,
            step: n,
            stretches: 1,
        }
    }

    fn count(self) -> usize {
        self.len * self.stretches
    }

    /// Return the ranges.
    pub(crate) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.stretches).map(move |stretch| {
            let first = self.first + stretch * self.step;
            first..first + self.len
        })
    }
}

/// A tensor that must equal another one.
#[derive(Clone, Debug)]
pub(crate) struct Twin {
    /// Its name.
    pub(crate) name: String,
    /// The other's name.
    pub(crate) of: String,
    /// The error message if they differ.
    pub(crate) otherwise: &'static str,
}

/// A tensor that must hold a single number.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    /// The entire tensor.
    pub(crate) part: Part,
    /// The number.
    pub(crate) value: f32,
    /// The error message if it does not.
    pub(crate) otherwise: &'static str,
}

impl Part {
    /// Return the number of columns of Sisun's parameter that the part fills.
    pub(crate) fn width(&self) -> usize {
        self.width_of(self.rows.count())
    }

    /// Return the number of columns that this many of its rows fill.
    pub(crate) fn width_of(&self, rows: usize) -> usize {
        match (self.transposed, &self.shape[..]) {
            (false, [_, columns]) => *columns,
            _ => rows,
        }
    }

    fn whole(name: String, shape: &[usize]) -> Self {
        Self {
            name,
            rows: Rows::all(shape[0]),
            shape: shape.to_vec(),
            transposed: false,
        }
    }

    /// Return the weight or the bias of a `Linear` with these outputs and inputs.
    fn linear(name: &str, kind: &str, [d_out, d_in]: [usize; 2]) -> Self {
        let name = format!("{name}.{kind}");
        match kind {
            "weight" => Self {
                transposed: true,
                ..Self::whole(name, &[d_out, d_in])
            },
            _ => Self::whole(name, &[d_out]),
        }
    }
}

/// Return the layout of a model whose tensors' names begin with `prefix`.
pub(crate) fn layout(family: Family, config: &ModelConfig, prefix: &str) -> Layout {
    let mut layout = Layout::default();
    let (d, vocab) = (config.d_model, config.vocab_size.unwrap_or(0));
    let embedding = format!("{prefix}{}.weight", family.embedding());
    layout.add("embed.weight", vec![Part::whole(embedding, &[vocab, d])]);
    match family {
        Family::Gpt2 => gpt2(config, prefix, &mut layout),
        Family::Neox => neox(config, prefix, &mut layout),
        Family::Llama | Family::Mistral | Family::Qwen2 | Family::Qwen3 => {
            llama(family, config, prefix, &mut layout)
        }
    }
    if !config.tied_head {
        layout.add(
            "head.weight",
            vec![Part::linear(family.head(), "weight", [vocab, d])],
        );
    }
    layout
}

impl Layout {
    fn add(&mut self, ours: impl Into<String>, parts: Vec<Part>) {
        self.parameters.insert(ours.into(), parts);
    }

    /// Add the norms before attention, before the feed-forward network and before the head.
    fn add_norms(
        &mut self,
        config: &ModelConfig,
        kinds: &[&str],
        theirs: impl Fn(usize) -> [String; 2],
        last: String,
    ) {
        let of_layer = |layer| {
            let [attention, ffn] = theirs(layer);
            [
                (format!("blocks.{layer}.norm_attn"), attention),
                (format!("blocks.{layer}.norm_ffn"), ffn),
            ]
        };
        let norms = (0..config.n_layers)
            .flat_map(of_layer)
            .chain([("norm_final".to_owned(), last)]);
        for (ours, theirs) in norms {
            for kind in kinds {
                let part = Part::whole(format!("{theirs}.{kind}"), &[config.d_model]);
                self.add(format!("{ours}.{kind}"), vec![part]);
            }
        }
    }
}

/// Add the tensors of GPT-2. Its `Conv1D` stores weights `[d_in, d_out]` and fuses q, k and v, as
/// Sisun does.
fn gpt2(config: &ModelConfig, prefix: &str, layout: &mut Layout) {
    let (d, ff) = (config.d_model, config.ff_width());
    layout.add(
        "position.weight",
        vec![Part::whole(
            format!("{prefix}wpe.weight"),
            &[config.context_len, d],
        )],
    );
    let norms = |layer| ["ln_1", "ln_2"].map(|norm| format!("{prefix}h.{layer}.{norm}"));
    layout.add_norms(config, &["weight", "bias"], norms, format!("{prefix}ln_f"));
    for layer in 0..config.n_layers {
        for (ours, theirs, [d_in, d_out]) in [
            ("attn.qkv", "attn.c_attn", [d, 3 * d]),
            ("attn.o", "attn.c_proj", [d, d]),
            ("ffn.up", "mlp.c_fc", [d, ff]),
            ("ffn.down", "mlp.c_proj", [ff, d]),
        ] {
            let (ours, theirs) = (
                format!("blocks.{layer}.{ours}"),
                format!("{prefix}h.{layer}.{theirs}"),
            );
            layout.add(
                format!("{ours}.weight"),
                vec![Part::whole(format!("{theirs}.weight"), &[d_in, d_out])],
            );
            layout.add(
                format!("{ours}.bias"),
                vec![Part::whole(format!("{theirs}.bias"), &[d_out])],
            );
        }
    }
}

/// Add the tensors of GPT-NeoX, which fuses q, k and v head by head: the rows of a head's q, then
/// its k, then its v.
fn neox(config: &ModelConfig, prefix: &str, layout: &mut Layout) {
    let (d, ff, d_head) = (config.d_model, config.ff_width(), config.d_head());
    let norms = |layer| {
        ["input_layernorm", "post_attention_layernorm"]
            .map(|norm| format!("{prefix}layers.{layer}.{norm}"))
    };
    layout.add_norms(
        config,
        &["weight", "bias"],
        norms,
        format!("{prefix}final_layer_norm"),
    );
    for layer in 0..config.n_layers {
        let (ours, theirs) = (format!("blocks.{layer}"), format!("{prefix}layers.{layer}"));
        for kind in ["weight", "bias"] {
            let mut linear =
                |name: &str, parts: Vec<Part>| layout.add(format!("{ours}.{name}.{kind}"), parts);
            let one =
                |name: &str, shape| vec![Part::linear(&format!("{theirs}.{name}"), kind, shape)];
            if kind == "weight" || config.has_attention_bias() {
                let fused = Part::linear(
                    &format!("{theirs}.attention.query_key_value"),
                    kind,
                    [3 * d, d],
                );
                let of_heads = |part: usize| Part {
                    rows: Rows {
                        first: part * d_head,
                        len: d_head,
                        step: 3 * d_head,
                        stretches: config.n_heads,
                    },
                    ..fused.clone()
                };
                linear("attn.qkv", (0..3).map(of_heads).collect());
                linear("attn.o", one("attention.dense", [d, d]));
            }
            linear("ffn.up", one("mlp.dense_h_to_4h", [ff, d]));
            linear("ffn.down", one("mlp.dense_4h_to_h", [d, ff]));
        }
    }
}

/// Add the tensors of LLaMA and related families, which store q, k and v separately.
fn llama(family: Family, config: &ModelConfig, prefix: &str, layout: &mut Layout) {
    let (d, ff) = (config.d_model, config.ff_width());
    let (q, kv) = (
        config.n_heads * config.d_head(),
        config.kv_heads() * config.d_head(),
    );
    let norms = |layer| {
        ["input_layernorm", "post_attention_layernorm"]
            .map(|norm| format!("{prefix}layers.{layer}.{norm}"))
    };
    layout.add_norms(config, &["weight"], norms, format!("{prefix}norm"));
    for layer in 0..config.n_layers {
        let (ours, theirs) = (format!("blocks.{layer}"), format!("{prefix}layers.{layer}"));
        let mut linear = |name: &str, parts: &[(&str, [usize; 2])], bias: bool| {
            for kind in if bias {
                &["weight", "bias"][..]
            } else {
                &["weight"]
            } {
                let parts = parts
                    .iter()
                    .map(|(of, shape)| Part::linear(&format!("{theirs}.{of}"), kind, *shape));
                layout.add(format!("{ours}.{name}.{kind}"), parts.collect());
            }
        };
        let (attention, ffn) = (config.has_attention_bias(), config.has_ffn_bias());
        let qkv = [
            ("self_attn.q_proj", [q, d]),
            ("self_attn.k_proj", [kv, d]),
            ("self_attn.v_proj", [kv, d]),
        ];
        linear("attn.qkv", &qkv, attention);
        linear(
            "attn.o",
            &[("self_attn.o_proj", [d, q])],
            attention && family != Family::Qwen2,
        );
        linear("ffn.down", &[("mlp.down_proj", [d, ff])], ffn);
        // The network in `transformers` is `down(act(gate(x)) ⊙ up(x))`.
        let (gate, up) = (
            format!("{theirs}.mlp.gate_proj"),
            format!("{theirs}.mlp.up_proj"),
        );
        let kinds = if ffn {
            &["weight", "bias"][..]
        } else {
            &["weight"]
        };
        match config.ffn {
            Ffn::Swiglu => {
                linear("ffn.gate", &[("mlp.gate_proj", [ff, d])], ffn);
                linear("ffn.up", &[("mlp.up_proj", [ff, d])], ffn);
            }
            // `relu(x)·x` is `relu(x)²`.
            Ffn::ReluSquared => {
                linear("ffn.up", &[("mlp.up_proj", [ff, d])], ffn);
                let twin = |kind: &&str| Twin {
                    name: format!("{gate}.{kind}"),
                    of: format!("{up}.{kind}"),
                    otherwise: "differs from up_proj; with hidden_act = \"relu\" only a gate that is up_proj itself is supported",
                };
                layout.twins.extend(kinds.iter().map(twin));
            }
            // `act(x)·1`, with an up projection that is always 1.
            _ => {
                linear("ffn.up", &[("mlp.gate_proj", [ff, d])], ffn);
                let constant = |kind: &&str| Constant {
                    part: Part::linear(&up, kind, [ff, d]),
                    value: if *kind == "bias" { 1.0 } else { 0.0 },
                    otherwise: "is no constant; with hidden_act = \"gelu\" only an up_proj that gives 1 is supported",
                };
                layout.constants.extend(kinds.iter().map(constant));
            }
        }
        if attention && family == Family::Qwen2 {
            layout.add(format!("{ours}.attn.o.bias"), Vec::new());
        }
        if config.qk_norm {
            for norm in ["q_norm", "k_norm"] {
                let part = Part::whole(
                    format!("{theirs}.self_attn.{norm}.weight"),
                    &[config.d_head()],
                );
                layout.add(format!("{ours}.attn.{norm}.weight"), vec![part]);
            }
        }
    }
}

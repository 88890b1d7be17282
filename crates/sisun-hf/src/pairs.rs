//! Export of a transformer encoder–decoder.
//!
//! Two classes of `transformers` have the blocks of ours, with biases and layer norms: Marian with
//! norms after each part, Pegasus with norms before it. Both add a table of positions, which holds
//! ours. Marian has a vocabulary for each side; Pegasus has one, in which the target's tokens follow
//! the source's, and a bias forbids to write the latter. BART and mBART are not written: they
//! normalize the embeddings, which nothing undoes.

use crate::config::activation;
use crate::export::{in_new_directory, write_json, write_tensors_as_they_are};
use crate::{CONFIG, ExportOptions, Exported, HfError, TARGET_FOLDER, pair_tokenizers};
use serde_json::{Value, json};
use sisun_config::{EncoderDecoderConfig, Ffn, Norm, NormPlacement, Position};
use sisun_data::GENERATION_CONFIG;
use sisun_data::pairs::PairTokenizers;
use sisun_files::make_folder;
use sisun_model::position::PositionEncoding;
use sisun_model::to_host;
use sisun_model::weights::{HostTensors, host_tensors};
use sisun_seq2seq::{EncoderDecoder, Network, Seq2Seq};
use std::path::Path;

/// The ε of the layer norms of both classes.
const NORM_EPS: f64 = 1e-5;
/// Added to the logits of tokens that are never written; within the range of float16.
const NEVER: f32 = -6e4;

/// Write an encoder–decoder: the files of [`crate::export`], with the source's tokenizer, and a
/// folder `target` with the target's, whose ids are those of the model's output. All of
/// them are written or none.
///
/// # Errors
/// If no class of `transformers` has some of the settings (all are listed), if a number is outside
/// the range of float16, if the directory already exists, or if a file cannot be written.
pub fn export_pairs(
    model: &Seq2Seq,
    tokenizers: &PairTokenizers,
    options: ExportOptions,
    dir: &Path,
) -> Result<Exported, HfError> {
    in_new_directory(dir, |aside| {
        let Network::Transformer(net) = &model.net else {
            let why = "seq2seq.kind = \"recurrent\": transformers has no encoder–decoder of GRU or LSTM cells; seq2seq.kind = \"transformer\" with norm_placement = \"post\" makes a Marian";
            return Err(HfError::NoPairsCounterpart {
                problems: vec![why.to_owned()],
            });
        };
        let stock = Stock::of(model, net, tokenizers, aside)?;
        let (parameters, bytes) =
            write_tensors_as_they_are(&stock.tensors(model, net, options), options.numbers, aside)?;
        let numbers = options.numbers.name();
        write_json(
            &aside.join(CONFIG),
            &stock.config(net.config(), options.materialize_head, numbers),
        )?;
        write_json(
            &aside.join(GENERATION_CONFIG),
            &stock.generation(net.config()),
        )?;
        let config = net.config();
        let target = aside.join(TARGET_FOLDER);
        make_folder(&target).map_err(HfError::write(&target))?;
        pair_tokenizers::write(tokenizers.source(), None, config.max_source_len, aside)?;
        let around = ([stock.begin(), stock.end()], stock.moved as u32);
        let longest = config.max_target_len;
        pair_tokenizers::write(tokenizers.target(), Some(around), longest, &target)?;
        Ok(Exported {
            architecture: stock.architecture(),
            parameters,
            bytes,
        })
    })
}

/// The class that a model becomes, with the sizes of its vocabularies.
struct Stock {
    is_post_norm: bool,
    source: usize,
    /// Rows of the target's embedding, begin and end included.
    target: usize,
    /// How far the target's tokens are moved in a common vocabulary.
    moved: usize,
    /// Rows of both position tables.
    positions: usize,
}

impl Stock {
    fn of(
        model: &Seq2Seq,
        net: &EncoderDecoder,
        tokenizers: &PairTokenizers,
        folder: &Path,
    ) -> Result<Self, HfError> {
        let config = net.config();
        let is_post_norm = config.norm_placement == NormPlacement::Post;
        let mut problems = problems(config);
        if !is_post_norm && !pair_tokenizers::can_be_moved(tokenizers.target(), folder)? {
            problems.push("target_tokenizer: its tokens are numbered by their order and cannot follow those of the source in the one vocabulary of Pegasus; seq2seq.norm_placement = \"post\" makes a Marian, which has two".to_owned());
        }
        if !problems.is_empty() {
            return Err(HfError::NoPairsCounterpart { problems });
        }
        let vocabularies = model.vocabularies();
        Ok(Self {
            is_post_norm,
            source: vocabularies.source,
            target: vocabularies.target_rows(),
            moved: if is_post_norm { 0 } else { vocabularies.source },
            positions: config.max_source_len.max(config.max_target_len),
        })
    }

    fn architecture(&self) -> &'static str {
        match self.is_post_norm {
            true => "MarianMTModel",
            false => "PegasusForConditionalGeneration",
        }
    }

    /// Return the ids before and after a target.
    fn begin(&self) -> u32 {
        (self.moved + self.target) as u32 - 2
    }

    fn end(&self) -> u32 {
        self.begin() + 1
    }

    fn config(&self, config: &EncoderDecoderConfig, untied: bool, dtype: &str) -> Value {
        let width = config.encoder().ff_width();
        let mut json = json!({
            "architectures": [self.architecture()],
            "model_type": if self.is_post_norm { "marian" } else { "pegasus" },
            "d_model": config.d_model,
            "encoder_layers": config.n_layers,
            "decoder_layers": config.n_layers,
            "encoder_attention_heads": config.n_heads,
            "decoder_attention_heads": config.n_heads,
            "encoder_ffn_dim": width,
            "decoder_ffn_dim": width,
            "activation_function": activation(config.ffn),
            "max_position_embeddings": self.positions,
            "dropout": config.dropout,
            "attention_dropout": config.dropout,
            "activation_dropout": 0.0,
            "scale_embedding": false,
            "init_std": config.init_std.min(1.0),
            "tie_word_embeddings": config.tied_head && !untied,
            "is_encoder_decoder": true,
            "use_cache": true,
            "bos_token_id": null,
            "pad_token_id": null,
            "eos_token_id": self.end(),
            "decoder_start_token_id": self.begin(),
            "forced_eos_token_id": null,
            "dtype": dtype,
        });
        if self.is_post_norm {
            json["vocab_size"] = self.source.into();
            json["decoder_vocab_size"] = self.target.into();
            json["share_encoder_decoder_embeddings"] = false.into();
        } else {
            json["vocab_size"] = (self.source + self.target).into();
        }
        json
    }

    /// Return the settings of `generate`: greedy, with the limit of ours.
    fn generation(&self, config: &EncoderDecoderConfig) -> Value {
        json!({
            "decoder_start_token_id": self.begin(),
            "eos_token_id": self.end(),
            // Sequences of a batch are padded after their ends.
            "pad_token_id": self.end(),
            "forced_eos_token_id": null,
            "suppress_tokens": [self.begin()],
            "do_sample": false,
            "num_beams": 1,
            // With the begin.
            "max_length": config.max_target_len + 1,
        })
    }

    /// Return all tensors by the names of `transformers`.
    fn tensors(
        &self,
        model: &Seq2Seq,
        net: &EncoderDecoder,
        options: ExportOptions,
    ) -> HostTensors {
        let config = net.config();
        let mut parts = Parts {
            ours: host_tensors(model),
            theirs: HostTensors::new(),
            d: config.d_model,
        };
        self.embeddings(&mut parts, config, options);
        let stacks = [
            ("encoder", &net.encoder.position, config.max_source_len),
            ("decoder", &net.decoder.position, config.max_target_len),
        ];
        for (stack, position, len) in stacks {
            self.positions(&mut parts, stack, position, len);
            for layer in 0..config.n_layers {
                parts.block(stack, layer, config);
            }
            if !self.is_post_norm {
                let norm = format!("net.Transformer.{stack}.norm_final");
                parts.norm(&norm, &format!("model.{stack}.layer_norm"));
            }
        }
        parts.theirs
    }

    fn embeddings(&self, parts: &mut Parts, config: &EncoderDecoderConfig, options: ExportOptions) {
        let d = config.d_model;
        let source = parts.values("net.Transformer.encoder.embed.weight");
        let target = parts.values("net.Transformer.decoder.embed.weight");
        let separate = !config.tied_head || options.materialize_head;
        // Ours is [d_model, rows].
        let head = match config.tied_head {
            true => target.clone(),
            false => turned(&parts.values("net.Transformer.decoder.head.weight"), d),
        };
        let forbidden = self.moved;
        let rows = self.moved + self.target;
        let bias = (0..rows).map(|row| if row < forbidden { NEVER } else { 0.0 });
        parts.put("final_logits_bias", vec![1, rows], bias.collect());
        let [encoder, decoder] =
            ["encoder", "decoder"].map(|of| format!("model.{of}.embed_tokens.weight"));
        if self.is_post_norm {
            parts.put(&encoder, vec![self.source, d], source);
            parts.put(&decoder, vec![self.target, d], target);
        } else {
            let shared = [source, target].concat();
            for name in [&encoder, &decoder].into_iter().filter(|_| separate) {
                parts.put(name, vec![rows, d], shared.clone());
            }
            parts.put("model.shared.weight", vec![rows, d], shared);
        }
        if separate {
            let unused = vec![0.0; forbidden * d];
            parts.put("lm_head.weight", vec![rows, d], [unused, head].concat());
        }
    }

    /// Put the position table of a stack; both have as many rows, of which the longer side needs all.
    fn positions(&self, parts: &mut Parts, stack: &str, position: &PositionEncoding, len: usize) {
        let d = parts.d;
        let device = burn::tensor::Device::flex();
        let rows = position.first_rows(len, d, &device);
        let mut table = rows.map_or_else(Vec::new, |rows| to_host(rows).1);
        table.resize(self.positions * d, 0.0);
        let name = format!("model.{stack}.embed_positions.weight");
        parts.put(&name, vec![self.positions, d], table);
    }
}

/// Tensors by our names, and by theirs.
struct Parts {
    ours: HostTensors,
    theirs: HostTensors,
    d: usize,
}

impl Parts {
    fn values(&self, ours: &str) -> Vec<f32> {
        self.ours
            .get(ours)
            .map_or_else(Vec::new, |(_, values)| values.clone())
    }

    fn put(&mut self, theirs: &str, shape: Vec<usize>, values: Vec<f32>) {
        self.theirs.insert(theirs.to_owned(), (shape, values));
    }

    /// Put some columns of a linear layer, and of its bias: zeros if ours has none.
    fn linear(&mut self, ours: &str, theirs: &str, columns: &[usize]) {
        let Some((shape, values)) = self.ours.get(&format!("{ours}.weight")) else {
            return;
        };
        let (inputs, width) = (shape[0], shape[1]);
        let cells = columns
            .iter()
            .flat_map(|&column| (0..inputs).map(move |input| (input, column)));
        let weight = cells.map(|(input, column)| values[input * width + column]);
        let weight: Vec<f32> = weight.collect();
        let bias = self.ours.get(&format!("{ours}.bias"));
        let bias = columns
            .iter()
            .map(|column| bias.map_or(0.0, |(_, values)| values[*column]))
            .collect();
        self.put(
            &format!("{theirs}.weight"),
            vec![columns.len(), inputs],
            weight,
        );
        self.put(&format!("{theirs}.bias"), vec![columns.len()], bias);
    }

    fn norm(&mut self, ours: &str, theirs: &str) {
        let d = self.d;
        let weight = self.values(&format!("{ours}.weight"));
        let mut bias = self.values(&format!("{ours}.bias"));
        bias.resize(d, 0.0);
        self.put(&format!("{theirs}.weight"), vec![d], weight);
        self.put(&format!("{theirs}.bias"), vec![d], bias);
    }

    fn block(&mut self, stack: &str, layer: usize, config: &EncoderDecoderConfig) {
        let ours = format!("net.Transformer.{stack}.blocks.{layer}");
        let theirs = format!("model.{stack}.layers.{layer}");
        let (heads, d_head) = (config.n_heads, config.d_model / config.n_heads);
        let kv = config.n_kv_heads.unwrap_or(heads);
        // Each query head gets its own copy of the keys and values that it reads.
        let of_heads = |first: usize, shared: usize| -> Vec<usize> {
            (0..heads)
                .flat_map(|head| {
                    let from = (first + head / shared) * d_head;
                    from..from + d_head
                })
                .collect()
        };
        let each = heads / kv;
        for (part, first, shared) in [("q", 0, 1), ("k", heads, each), ("v", heads + kv, each)] {
            let columns = of_heads(first, shared);
            self.linear(
                &format!("{ours}.attn.qkv"),
                &format!("{theirs}.self_attn.{part}_proj"),
                &columns,
            );
        }
        let all: Vec<usize> = (0..config.d_model).collect();
        self.linear(
            &format!("{ours}.attn.o"),
            &format!("{theirs}.self_attn.out_proj"),
            &all,
        );
        self.norm(
            &format!("{ours}.norm_attn"),
            &format!("{theirs}.self_attn_layer_norm"),
        );
        if stack == "decoder" {
            let at = format!("{theirs}.encoder_attn");
            self.linear(
                &format!("{ours}.cross.q"),
                &format!("{at}.q_proj"),
                &of_heads(0, 1),
            );
            self.linear(
                &format!("{ours}.cross.kv"),
                &format!("{at}.k_proj"),
                &of_heads(0, each),
            );
            self.linear(
                &format!("{ours}.cross.kv"),
                &format!("{at}.v_proj"),
                &of_heads(kv, each),
            );
            self.linear(&format!("{ours}.cross.o"), &format!("{at}.out_proj"), &all);
            self.norm(&format!("{ours}.norm_cross"), &format!("{at}_layer_norm"));
        }
        let wide: Vec<usize> = (0..config.encoder().ff_width()).collect();
        self.linear(&format!("{ours}.ffn.up"), &format!("{theirs}.fc1"), &wide);
        self.linear(&format!("{ours}.ffn.down"), &format!("{theirs}.fc2"), &all);
        self.norm(
            &format!("{ours}.norm_ffn"),
            &format!("{theirs}.final_layer_norm"),
        );
    }
}

/// Return the transpose of a matrix with this many rows.
fn turned(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    let column = |at: usize| (0..rows).map(move |row| values[row * columns + at]);
    (0..columns).flat_map(column).collect()
}

/// Return every setting that neither class supports.
fn problems(config: &EncoderDecoderConfig) -> Vec<String> {
    let position = match config.position {
        Position::None | Position::Learned | Position::Sinusoidal => None,
        Position::Rope { .. } | Position::Alibi | Position::T5Bias { .. } => Some(format!(
            "seq2seq.position = {:?}: theirs add a table to the embeddings, as \"sinusoidal\" and \"learned\" do, and \"none\" with zeros",
            config.position.name()
        )),
    };
    let others = [
        (
            config.norm == Norm::Rms,
            "seq2seq.norm = \"rms\": theirs are layer norms",
        ),
        (
            config.norm_eps != NORM_EPS,
            "seq2seq.norm_eps: that of theirs is 1e-5 and cannot be set",
        ),
        (
            config.ffn == Ffn::None,
            "seq2seq.ffn = \"none\": each of their blocks has a feed-forward network",
        ),
        (
            config.ffn == Ffn::Swiglu,
            "seq2seq.ffn = \"swiglu\": theirs has no gate",
        ),
        (config.qk_norm, "seq2seq.qk_norm = true: theirs have none"),
    ];
    let others = others
        .into_iter()
        .filter(|(wrong, _)| *wrong)
        .map(|(_, problem)| problem.to_owned());
    position.into_iter().chain(others).collect()
}

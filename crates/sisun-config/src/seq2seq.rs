//! The shape of a sequence-to-sequence model: an encoder reads the source, a decoder writes the
//! target.

use crate::error::Problems;
use crate::{ConfigError, Ffn, ModelConfig, Norm, NormPlacement, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest size that a key may have: products of two stay far below the limit of 64 bits.
const MOST: usize = 1 << 24;

/// `[seq2seq]`: every number that determines the shape of an encoder–decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Seq2SeqConfig {
    /// Recurrent encoder and decoder (Sutskever et al. 2014), with or without attention (Bahdanau
    /// et al. 2015; Luong et al. 2015).
    Recurrent(RecurrentConfig),
    /// Transformer encoder and decoder with cross-attention (Vaswani et al. 2017).
    Transformer(EncoderDecoderConfig),
}

/// A recurrent encoder and a decoder of the same cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecurrentConfig {
    /// Cell and direction of the encoder. The decoder has the same cell and one direction.
    #[schemars(extend("example" = "bigru"))]
    pub encoder: RecurrentEncoder,
    /// The vector that the decoder gets from the encoder, the same at every step or weighted anew.
    #[schemars(extend("example" = "additive"))]
    pub context: Context,
    /// Feed the attentional vector of the last step to the cell (Luong et al. 2015, §3.3). Not with
    /// `context = "last"`, which has none.
    #[serde(default)]
    pub input_feeding: bool,
    /// Width of the embeddings of source and target tokens.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 64, "unit" = "dimensions"))]
    pub d_embed: usize,
    /// Width of the states of encoder and decoder, and so of the fixed vector; even with `bigru`,
    /// whose directions have half of it each.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 128, "unit" = "dimensions"))]
    pub d_hidden: usize,
    /// Length of the longest source.
    #[serde(default = "default_max_len")]
    #[schemars(range(min = 1, max = 16_777_216), extend("unit" = "tokens"))]
    pub max_source_len: usize,
    /// Length of the longest target, its end included.
    #[serde(default = "default_max_len")]
    #[schemars(range(min = 1, max = 16_777_216), extend("unit" = "tokens"))]
    pub max_target_len: usize,
    /// Probability of dropping an activation: after the embeddings and before the output layer.
    #[serde(default)]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

/// Cell and direction of a recurrent encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecurrentEncoder {
    /// Gated recurrent units, left to right (Cho et al. 2014).
    Gru,
    /// Gated recurrent units in both directions; a state is both side by side (Schuster and Paliwal
    /// 1997; Bahdanau et al. 2015, §3.2).
    Bigru,
    /// Long short-term memory, left to right (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
    Lstm,
}

/// The vector c that the decoder gets from the encoder's states h₁ … hₙ, with the decoder's state s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// The encoder's last state, as the decoder's first (Sutskever et al. 2014).
    Last,
    /// The mean of the encoder's states, the same at every step.
    Mean,
    /// The largest of the encoder's states in each dimension, the same at every step.
    Max,
    /// Weighted states with scores `sₜ·hⱼ` (Luong et al. 2015, equation 8).
    Dot,
    /// Weighted states with scores `sₜᵀ·W·hⱼ` (Luong et al. 2015, equation 8).
    General,
    /// Weighted states with scores `v·tanh(W·sₜ₋₁ + U·hⱼ)` (Bahdanau et al. 2015, equation 6).
    Additive,
    /// The mean of the source's embeddings, without an encoder: the order of the source is lost.
    EmbeddingsMean,
}

impl RecurrentEncoder {
    /// Return the name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gru => "gru",
            Self::Bigru => "bigru",
            Self::Lstm => "lstm",
        }
    }
}

impl Context {
    /// Return the name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Dot => "dot",
            Self::General => "general",
            Self::Additive => "additive",
            Self::EmbeddingsMean => "embeddings-mean",
        }
    }

    /// Return true if the states are weighted anew at every step.
    pub fn is_attention(self) -> bool {
        matches!(self, Self::Dot | Self::General | Self::Additive)
    }
}

/// A transformer encoder and decoder with the same sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncoderDecoderConfig {
    /// Width of the model: the size of a token's vector. A multiple of `n_heads`.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 128, "unit" = "dimensions"))]
    pub d_model: usize,
    /// Number of blocks of the encoder, and of the decoder.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 2, "unit" = "blocks"))]
    pub n_layers: usize,
    /// Number of heads of each attention.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 4, "unit" = "heads"))]
    pub n_heads: usize,
    /// Number of key and value heads (grouped-query attention, Ainslie et al. 2023), a divisor of
    /// `n_heads`. Default: `n_heads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 2, "unit" = "heads"))]
    pub n_kv_heads: Option<usize>,
    /// Width of the feed-forward network. Default: `4 d_model`; with SwiGLU ⅔ of that, rounded up
    /// to a multiple of 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 512, "unit" = "dimensions"))]
    pub d_ff: Option<usize>,
    /// Length of the longest source.
    #[serde(default = "default_max_len")]
    #[schemars(range(min = 1, max = 16_777_216), extend("unit" = "tokens"))]
    pub max_source_len: usize,
    /// Length of the longest target, its end included.
    #[serde(default = "default_max_len")]
    #[schemars(range(min = 1, max = 16_777_216), extend("unit" = "tokens"))]
    pub max_target_len: usize,
    /// Probability of dropping an activation: after the embeddings, on the patterns, after attention
    /// and after the feed-forward network.
    #[serde(default)]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Add a bias to linear layers and layer norms.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Share the weights of the target's embedding with the output head (Press and Wolf 2017).
    #[serde(default = "yes")]
    pub tied_head: bool,
    /// Encoding of a token's position in source and target. Cross-attention has none.
    #[schemars(extend("example" = "sinusoidal"))]
    pub position: Position,
    /// Kind of normalization.
    #[serde(default)]
    pub norm: Norm,
    /// Position of the norm: before each part of a block (GPT-2) or after the residual sum (Vaswani
    /// et al. 2017).
    #[serde(default)]
    pub norm_placement: NormPlacement,
    /// ε inside the normalization's square root.
    #[serde(default = "default_norm_eps")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub norm_eps: f64,
    /// The feed-forward network's activation, or no feed-forward network.
    #[serde(default)]
    pub ffn: Ffn,
    /// Apply RMS norm to every query and key head (Dehghani et al. 2023).
    #[serde(default)]
    pub qk_norm: bool,
    /// Standard deviation of the initial weights (GPT-2: 0.02).
    #[serde(default = "default_init_std")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub init_std: f64,
}

impl Seq2SeqConfig {
    /// Return the length of the longest source.
    pub fn max_source_len(&self) -> usize {
        match self {
            Self::Recurrent(config) => config.max_source_len,
            Self::Transformer(config) => config.max_source_len,
        }
    }

    /// Return the length of the longest target, its end included.
    pub fn max_target_len(&self) -> usize {
        match self {
            Self::Recurrent(config) => config.max_target_len,
            Self::Transformer(config) => config.max_target_len,
        }
    }

    /// Return true if the decoder attends to the encoder's states.
    pub fn attends(&self) -> bool {
        match self {
            Self::Recurrent(config) => config.context.is_attention(),
            Self::Transformer(_) => true,
        }
    }

    /// Return the probability of dropping an activation.
    pub fn dropout(&self) -> f64 {
        match self {
            Self::Recurrent(config) => config.dropout,
            Self::Transformer(config) => config.dropout,
        }
    }

    /// Check every key against its range and against the others.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Recurrent(config) => config.validate(),
            Self::Transformer(config) => config.validate(),
        }
    }
}

impl RecurrentConfig {
    /// Return a model of these sizes with the defaults of a configuration file for the rest.
    pub fn new(
        encoder: RecurrentEncoder,
        context: Context,
        d_embed: usize,
        d_hidden: usize,
    ) -> Self {
        Self {
            encoder,
            context,
            input_feeding: false,
            d_embed,
            d_hidden,
            max_source_len: default_max_len(),
            max_target_len: default_max_len(),
            dropout: 0.0,
        }
    }

    /// Return true if the cells are long short-term memory.
    pub fn is_lstm(&self) -> bool {
        self.encoder == RecurrentEncoder::Lstm
    }

    /// Check every key against its range and against the others.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        for (key, value) in [
            ("seq2seq.d_embed", self.d_embed),
            ("seq2seq.d_hidden", self.d_hidden),
            ("seq2seq.max_source_len", self.max_source_len),
            ("seq2seq.max_target_len", self.max_target_len),
        ] {
            check_size(&mut problems, key, value);
        }
        check_dropout(&mut problems, self.dropout);
        problems.check(
            self.encoder != RecurrentEncoder::Bigru || self.d_hidden.is_multiple_of(2),
            "seq2seq.d_hidden",
            self.d_hidden,
            "must be even with seq2seq.encoder = \"bigru\": each direction has half of it",
        );
        problems.check(
            !self.input_feeding || self.context != Context::Last,
            "seq2seq.input_feeding",
            true,
            "has no meaning with seq2seq.context = \"last\", which has no attentional vector; remove it",
        );
        problems.end()
    }
}

impl EncoderDecoderConfig {
    /// Return a model of these sizes, with sinusoidal positions and the defaults of a configuration
    /// file for the rest.
    pub fn new(d_model: usize, n_layers: usize, n_heads: usize) -> Self {
        Self {
            d_model,
            n_layers,
            n_heads,
            n_kv_heads: None,
            d_ff: None,
            max_source_len: default_max_len(),
            max_target_len: default_max_len(),
            dropout: 0.0,
            bias: yes(),
            tied_head: yes(),
            position: Position::Sinusoidal,
            norm: Norm::default(),
            norm_placement: NormPlacement::default(),
            norm_eps: default_norm_eps(),
            ffn: Ffn::default(),
            qk_norm: false,
            init_std: default_init_std(),
        }
    }

    /// Return the encoder as the settings of a stack of blocks that see the whole sequence.
    pub fn encoder(&self) -> ModelConfig {
        self.stack(self.max_source_len, false)
    }

    /// Return the decoder, apart from its cross-attention, as the settings of a stack of blocks
    /// that hide later tokens.
    pub fn decoder(&self) -> ModelConfig {
        self.stack(self.max_target_len, true)
    }

    fn stack(&self, context_len: usize, causal: bool) -> ModelConfig {
        ModelConfig {
            vocab_size: None,
            n_kv_heads: self.n_kv_heads,
            d_ff: self.d_ff,
            dropout: self.dropout,
            bias: self.bias,
            tied_head: self.tied_head,
            position: self.position,
            norm: self.norm,
            norm_placement: self.norm_placement,
            norm_eps: self.norm_eps,
            ffn: self.ffn,
            qk_norm: self.qk_norm,
            causal,
            init_std: self.init_std,
            ..ModelConfig::new(1, self.d_model, self.n_layers, self.n_heads, context_len)
        }
    }

    /// Check every key against its range and against the others.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        check_size(&mut problems, "seq2seq.max_source_len", self.max_source_len);
        check_size(&mut problems, "seq2seq.max_target_len", self.max_target_len);
        // The lengths have been checked above; the rest is the same for both stacks.
        let stack = ModelConfig {
            context_len: 1,
            ..self.encoder()
        };
        let found = stack.validate();
        problems.take(found.map_err(|error| error.of_table("model.", "seq2seq.")));
        problems.end()
    }
}

fn check_size(problems: &mut Problems, key: &str, value: usize) {
    problems.check(value >= 1, key, value, "must be at least 1");
    problems.check(value <= MOST, key, value, "must be at most 16777216");
}

fn check_dropout(problems: &mut Problems, dropout: f64) {
    problems.check(
        (0.0..1.0).contains(&dropout),
        "seq2seq.dropout",
        dropout,
        "must be at least 0 and below 1",
    );
}

fn default_max_len() -> usize {
    256
}

fn yes() -> bool {
    true
}

fn default_norm_eps() -> f64 {
    1e-5
}

fn default_init_std() -> f64 {
    0.02
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Shape;

    fn read(text: &str) -> Result<Seq2SeqConfig, String> {
        let config: Seq2SeqConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.validate().map_err(|error| error.to_string())?;
        Ok(config)
    }

    const RECURRENT: &str =
        "kind = 'recurrent'\nencoder = 'gru'\ncontext = 'additive'\nd_embed = 8\nd_hidden = 16\n";
    const TRANSFORMER: &str =
        "kind = 'transformer'\nd_model = 16\nn_layers = 2\nn_heads = 2\nposition = 'rope'\n";

    #[test]
    fn both_kinds_are_read_written_and_described() {
        for text in [RECURRENT, TRANSFORMER] {
            let config = read(text).unwrap();
            let written = toml::to_string(&config).unwrap();
            assert_eq!(read(&written).unwrap(), config, "{written}");
        }
        let Shape::Kinds { known, by_name } = Shape::of::<Seq2SeqConfig>() else {
            panic!("a table with a kind");
        };
        assert!(!by_name);
        let names: Vec<(&str, usize)> = known.iter().map(|k| (k.name, k.keys.len())).collect();
        assert_eq!(names, [("recurrent", 8), ("transformer", 17)]);
        for key in known.iter().flat_map(|kind| kind.keys) {
            assert!(key.docs.ends_with('.'), "{}: {}", key.name, key.docs);
        }
    }

    #[test]
    fn what_contradicts_is_refused_under_its_own_name() {
        for (text, changed, expected) in [
            (
                RECURRENT,
                "d_hidden = 16 -> d_hidden = 0",
                "seq2seq.d_hidden = 0 must be at least 1",
            ),
            (
                RECURRENT,
                "'gru' -> 'bigru'; 16 -> 15",
                "seq2seq.d_hidden = 15 must be even",
            ),
            (
                RECURRENT,
                "'additive' -> 'last'\ninput_feeding = true",
                "seq2seq.input_feeding = true",
            ),
            (
                TRANSFORMER,
                "d_model = 16 -> d_model = 17",
                "seq2seq.d_model = 17 must be divisible by seq2seq.n_heads = 2",
            ),
            (
                TRANSFORMER,
                "d_model = 16 -> d_model = 18",
                "seq2seq.d_model = 18",
            ),
            (
                TRANSFORMER,
                "'rope' -> 'rope'\nmax_source_len = 0",
                "seq2seq.max_source_len = 0",
            ),
            (
                TRANSFORMER,
                "'rope' -> 'rope'\ndropout = 1.0",
                "seq2seq.dropout = 1",
            ),
            (
                TRANSFORMER,
                "'rope' -> 'rope'\ndepth = 1",
                "unknown field `depth`",
            ),
        ] {
            let mut text = text.to_owned();
            for change in changed.split("; ") {
                let (from, to) = change.split_once(" -> ").unwrap();
                text = text.replace(from, to);
            }
            let error = read(&text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("model."), "{error}");
        }
    }
}

//! The shape of a decoder-only transformer.

use crate::error::Problems;
use crate::{ConfigError, RopeScaling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[model]`: every number that determines the shape of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Number of tokens in the vocabulary, rows of the embedding. Default: the tokenizer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 1024, "unit" = "tokens"))]
    pub vocab_size: Option<usize>,
    /// Width of the model: the size of a token's vector. A multiple of `n_heads`, unless `d_head`
    /// is set.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 128, "unit" = "dimensions"))]
    pub d_model: usize,
    /// Number of blocks.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 4, "unit" = "blocks"))]
    pub n_layers: usize,
    /// Number of attention heads of each block (query heads).
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 4, "unit" = "heads"))]
    pub n_heads: usize,
    /// Number of key and value heads (grouped-query attention, Ainslie et al. 2023), a divisor of
    /// `n_heads`. Default: `n_heads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 2, "unit" = "heads"))]
    pub n_kv_heads: Option<usize>,
    /// Number of dimensions of one head. Default: `d_model / n_heads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 32, "unit" = "dimensions"))]
    pub d_head: Option<usize>,
    /// Width of the feed-forward network. Default: `4 d_model`; with SwiGLU ⅔ of that, rounded up
    /// to a multiple of 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 512, "unit" = "dimensions"))]
    pub d_ff: Option<usize>,
    /// Length of the longest sequence that the model is trained on.
    #[schemars(range(min = 1, max = 16_777_216), extend("example" = 128, "unit" = "tokens"))]
    pub context_len: usize,
    /// Probability of dropping an activation: after the embedding, on the pattern, after attention
    /// and after the feed-forward network.
    #[serde(default)]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Add a bias to linear layers and layer norms.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Add a bias to attention's linear layers. Default: `bias`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("example" = true))]
    pub attention_bias: Option<bool>,
    /// Add a bias to the feed-forward network's linear layers. Default: `bias`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("example" = true))]
    pub ffn_bias: Option<bool>,
    /// Share the embedding's weights with the output head (Press and Wolf 2017).
    #[serde(default = "yes")]
    pub tied_head: bool,
    /// Encoding of a token's position.
    #[schemars(extend("example" = "rope"))]
    pub position: Position,
    /// Kind of normalization.
    #[serde(default)]
    pub norm: Norm,
    /// Position of the norm: before each half of a block (GPT-2) or after the residual sum (Vaswani
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
    /// Add each half of a block to the residual stream (off: replace the stream by it).
    #[serde(default = "yes")]
    pub residual: bool,
    /// Let the feed-forward network read the input of attention, `x + attn(norm x) + ffn(norm x)`,
    /// instead of its result (Wang and Komatsuzaki 2021; GPT-NeoX, Pythia).
    #[serde(default, skip_serializing_if = "is_no")]
    #[schemars(extend("default" = false))]
    pub parallel_residual: bool,
    /// Apply RMS norm to every query and key head (Dehghani et al. 2023).
    #[serde(default)]
    pub qk_norm: bool,
    /// Hide later tokens. Off: every token sees the whole sequence, the future included.
    #[serde(default = "yes")]
    pub causal: bool,
    /// Divide scores by √d_head (Vaswani et al. 2017, §3.2.1).
    #[serde(default = "yes")]
    pub scaled_scores: bool,
    /// Standard deviation of the initial weights (GPT-2: 0.02).
    #[serde(default = "default_init_std")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub init_std: f64,
}

/// The encoding of a token's position.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema)]
#[schemars(tag = "kind", rename_all = "snake_case", extend("by_name" = true))]
pub enum Position {
    /// No encoding: only the causal mask distinguishes earlier from later tokens.
    None,
    /// A learned vector for each position up to `context_len` (Radford et al. 2019).
    Learned,
    /// Fixed sines and cosines added to the embedding (Vaswani et al. 2017, §3.5).
    Sinusoidal,
    /// Rotary embedding of queries and keys, by halves (Su et al. 2021).
    Rope {
        /// θ base of the frequencies `base^(−2i/r)`.
        #[schemars(default = "crate::position::default_base", range(max = 1e30), extend("exclusiveMinimum" = 1.0))]
        base: f64,
        /// Fraction of each head's dimensions that are rotated, at least one pair of them.
        #[schemars(default = "crate::position::default_fraction", range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
        fraction: f64,
        /// Scaling of the frequencies for contexts longer than those of training. Default: no
        /// scaling.
        scaling: Option<RopeScaling>,
    },
    /// A penalty linear in the distance, added to the scores (Press et al. 2022).
    Alibi,
    /// A learned bias per head and distance bucket, added to the scores (Raffel et al. 2020).
    T5Bias {
        /// Number of buckets, an even number.
        #[schemars(default = "crate::position::default_buckets", range(min = 2, max = 65_536), extend("multipleOf" = 2, "unit" = "buckets"))]
        buckets: usize,
        /// Distance from which all distances share the last bucket, more than half of `buckets`.
        #[schemars(default = "crate::position::default_max_distance", range(min = 2), extend("unit" = "tokens"))]
        max_distance: usize,
    },
}

/// The normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Layer norm (Ba et al. 2016).
    #[default]
    Layer,
    /// Root-mean-square norm (Zhang and Sennrich 2019).
    Rms,
}

/// Position of the normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormPlacement {
    /// `x + f(norm(x))`, and one norm before the head.
    #[default]
    Pre,
    /// `norm(x + f(x))`.
    Post,
}

/// The feed-forward network of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ffn {
    /// GELU by the error function (Hendrycks and Gimpel 2016).
    #[default]
    Gelu,
    /// GELU by its tanh approximation (GPT-2's `gelu_new`).
    GeluTanh,
    /// max(0, x).
    Relu,
    /// max(0, x)² (So et al. 2021).
    ReluSquared,
    /// `down(silu(gate x) ⊙ up x)` (Shazeer 2020).
    Swiglu,
    /// No feed-forward network: blocks are attention only.
    None,
}

impl ModelConfig {
    /// Return a model of these sizes, with rotary positions and the defaults of a configuration
    /// file for the rest.
    ///
    /// ```
    /// use sisun_config::{ModelConfig, Position};
    /// let small = ModelConfig::new(65, 128, 4, 4, 256);
    /// let alibi = ModelConfig { position: Position::Alibi, ..small };
    /// assert_eq!(alibi.d_head(), 32);
    /// ```
    pub fn new(
        vocab_size: usize,
        d_model: usize,
        n_layers: usize,
        n_heads: usize,
        context_len: usize,
    ) -> Self {
        Self {
            vocab_size: Some(vocab_size),
            d_model,
            n_layers,
            n_heads,
            n_kv_heads: None,
            d_head: None,
            d_ff: None,
            context_len,
            dropout: 0.0,
            bias: yes(),
            attention_bias: None,
            ffn_bias: None,
            tied_head: yes(),
            position: Position::rope(),
            norm: Norm::default(),
            norm_placement: NormPlacement::default(),
            norm_eps: default_norm_eps(),
            ffn: Ffn::default(),
            residual: yes(),
            parallel_residual: false,
            qk_norm: false,
            causal: yes(),
            scaled_scores: yes(),
            init_std: default_init_std(),
        }
    }

    /// Return the number of dimensions of one head.
    pub fn d_head(&self) -> usize {
        self.d_head.unwrap_or(self.d_model / self.n_heads)
    }

    /// Return true if the keys and values of tokens stay what they are while a text grows to `len`
    /// tokens, so that they can be kept: not without a causal mask, where each token looks at later
    /// ones, and not where the length changes RoPE's frequencies.
    pub fn keys_stay(&self, len: usize) -> bool {
        let frequencies_stay = match self.position {
            Position::Rope {
                scaling:
                    Some(RopeScaling::Dynamic {
                        original_context_len,
                        ..
                    }),
                ..
            } => len <= original_context_len,
            _ => true,
        };
        self.causal && frequencies_stay
    }

    /// Return the number of key and value heads.
    pub fn kv_heads(&self) -> usize {
        self.n_kv_heads.unwrap_or(self.n_heads)
    }

    /// Return the index of the key and value head that a query head reads.
    pub fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.kv_heads())
    }

    /// Return the factor of `q·k`: `1/√d_head` (Vaswani et al. 2017, equation 1), or 1 if scores
    /// are not scaled.
    pub fn score_scale(&self) -> f64 {
        if self.scaled_scores {
            1.0 / (self.d_head() as f64).sqrt()
        } else {
            1.0
        }
    }

    /// Return true if attention's linear layers have a bias.
    pub fn has_attention_bias(&self) -> bool {
        self.attention_bias.unwrap_or(self.bias)
    }

    /// Return true if the feed-forward network's linear layers have a bias.
    pub fn has_ffn_bias(&self) -> bool {
        self.ffn_bias.unwrap_or(self.bias)
    }

    /// Return the width of the feed-forward network, or 0 without one.
    pub fn ff_width(&self) -> usize {
        match (self.ffn, self.d_ff) {
            (Ffn::None, _) => 0,
            (_, Some(width)) => width,
            (Ffn::Swiglu, None) => (4 * self.d_model * 2).div_ceil(3).next_multiple_of(8),
            (_, None) => 4 * self.d_model,
        }
    }

    /// Return the number of dimensions of each head that RoPE rotates: even, at most `d_head`; 0
    /// for other position encodings.
    pub fn rotary_dims(&self) -> usize {
        match self.position {
            Position::Rope { fraction, .. } => {
                (self.d_head() as f64 * fraction / 2.0).round() as usize * 2
            }
            _ => 0,
        }
    }

    /// Return the initial standard deviation of the projections back into the residual stream:
    /// `init_std / √(2·n_layers)`, so that the stream's variance does not grow with depth (Radford
    /// et al. 2019, §2.3).
    pub fn residual_std(&self) -> f64 {
        self.init_std / (2.0 * self.n_layers as f64).sqrt()
    }

    /// Write the defaults that depend on other keys into their fields, so that a saved
    /// configuration is complete.
    pub fn resolve(&mut self) {
        self.n_kv_heads = Some(self.kv_heads());
        if self.ffn != Ffn::None {
            self.d_ff = Some(self.ff_width());
        }
    }

    /// Check every key against its range and against the others.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        for (key, value) in [
            ("model.d_model", self.d_model),
            ("model.n_layers", self.n_layers),
            ("model.n_heads", self.n_heads),
            ("model.n_kv_heads", self.n_kv_heads.unwrap_or(1)),
            ("model.d_head", self.d_head.unwrap_or(1)),
            ("model.context_len", self.context_len),
            ("model.d_ff", self.d_ff.unwrap_or(1)),
            ("model.vocab_size", self.vocab_size.unwrap_or(1)),
        ] {
            problems.check(value >= 1, key, value, "must be at least 1");
            // The product of two dimensions then stays far below the limit of 64 bits.
            problems.check(value <= 1 << 24, key, value, "must be at most 16777216");
        }
        if !problems.none() {
            return problems.end();
        }
        problems.check(
            self.d_head.is_some() || self.d_model.is_multiple_of(self.n_heads),
            "model.d_model",
            self.d_model,
            match self.d_model / self.n_heads {
                0 => format!(
                    "must be divisible by model.n_heads = {0}; {0} is",
                    self.n_heads
                ),
                n => format!(
                    "must be divisible by model.n_heads = {}; {} and {} are",
                    self.n_heads,
                    n * self.n_heads,
                    (n + 1) * self.n_heads
                ),
            },
        );
        problems.check(
            self.n_heads * self.d_head() <= 1 << 24,
            "model.d_head",
            self.d_head(),
            format!(
                "must be at most 16777216 / model.n_heads = {}",
                (1 << 24) / self.n_heads
            ),
        );
        problems.check(
            self.n_heads.is_multiple_of(self.kv_heads()),
            "model.n_kv_heads",
            self.kv_heads(),
            format!("must divide model.n_heads = {}", self.n_heads),
        );
        problems.check(
            (0.0..1.0).contains(&self.dropout),
            "model.dropout",
            self.dropout,
            "must be at least 0 and below 1",
        );
        problems.check(
            self.norm_eps.is_finite() && self.norm_eps > 0.0,
            "model.norm_eps",
            self.norm_eps,
            "must be a positive number",
        );
        problems.check(
            self.init_std.is_finite() && self.init_std > 0.0,
            "model.init_std",
            self.init_std,
            "must be a positive number",
        );
        problems.check(
            !self.parallel_residual || self.norm_placement == NormPlacement::Pre,
            "model.parallel_residual",
            true,
            "needs model.norm_placement = \"pre\"",
        );
        if self.ffn == Ffn::None {
            problems.check(
                self.d_ff.is_none(),
                "model.d_ff",
                self.d_ff.unwrap_or(0),
                "has no meaning with model.ffn = \"none\"; remove it",
            );
        }
        if problems.none() {
            self.validate_position(&mut problems);
        }
        problems.end()
    }

    fn validate_position(&self, problems: &mut Problems) {
        match self.position {
            Position::Rope {
                base,
                fraction,
                scaling,
            } => {
                problems.take(scaling.map_or(Ok(()), |scaling| scaling.validate()));
                problems.check(
                    base > 1.0 && base <= 1e30,
                    "model.position.base",
                    base,
                    "must be a number above 1, at most 1e30",
                );
                problems.check(
                    fraction > 0.0 && fraction <= 1.0,
                    "model.position.fraction",
                    fraction,
                    "must be above 0 and at most 1",
                );
                if fraction == 1.0 {
                    self.validate_pairs(problems);
                    return;
                }
                problems.check(
                    !(0.0..=1.0).contains(&fraction) || (2..=self.d_head()).contains(&self.rotary_dims()),
                    "model.position.fraction",
                    fraction,
                    format!(
                        "is less than one pair of the {} dimensions of a head: RoPE turns pairs of dimensions; must be at least {}",
                        self.d_head(),
                        2.0 / self.d_head() as f64,
                    ),
                );
            }
            Position::T5Bias {
                buckets,
                max_distance,
            } => {
                problems.check(
                    buckets >= 2 && buckets.is_multiple_of(2) && buckets <= 1 << 16,
                    "model.position.buckets",
                    buckets,
                    "must be an even number from 2 to 65536",
                );
                problems.check(
                    max_distance > buckets / 2,
                    "model.position.max_distance",
                    max_distance,
                    format!("must be above half of model.position.buckets = {buckets}"),
                );
            }
            Position::Sinusoidal => problems.check(
                self.d_model.is_multiple_of(2),
                "model.d_model",
                self.d_model,
                "must be even for sinusoidal positions, which come in pairs of sine and cosine",
            ),
            Position::None | Position::Learned | Position::Alibi => {}
        }
    }
}

impl ModelConfig {
    /// Check that the head size is even, as RoPE rotates pairs of dimensions.
    fn validate_pairs(&self, problems: &mut Problems) {
        let (d_head, n_heads) = (self.d_head(), self.n_heads);
        let even = |below: usize, apart: usize| match below {
            0 => format!("{apart} is the least"),
            below => format!("{below} and {} are the nearest", below + apart),
        };
        if self.d_head.is_some() {
            let rule = format!(
                "must be even for RoPE, which turns pairs of dimensions; {}",
                even(d_head / 2 * 2, 2)
            );
            return problems.check(d_head.is_multiple_of(2), "model.d_head", d_head, rule);
        }
        let apart = 2 * n_heads;
        problems.check(
            d_head.is_multiple_of(2),
            "model.d_model",
            self.d_model,
            format!(
                "makes heads of {d_head} dimensions (d_model / n_heads, with model.n_heads = {n_heads}), but RoPE turns pairs of them: must be divisible by {apart}; {}",
                even(self.d_model / apart * apart, apart)
            ),
        );
    }
}

fn is_no(set: &bool) -> bool {
    !*set
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

//! Position encodings: one module for each variant.
//!
//! A variant acts in one of three ways: it adds a row to the embedding (`learned`, `sinusoidal`),
//! rotates queries and keys (`rope`), or adds a bias to the scores (`alibi`, `t5_bias`). `none`
//! does nothing.

pub mod alibi;
pub mod rope;
pub mod sinusoidal;
pub mod t5_bias;

use crate::ModelError;
use crate::params::{Init, Params, param};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_config::{ModelConfig, Position, RopeScaling};
use sisun_kernels::RotaryTables;

/// The positions of the tokens of one pass.
#[derive(Clone, Debug)]
pub(crate) enum Positions {
    /// Consecutive positions: the first, and their number.
    From(usize, usize),
    /// Explicit positions, ascending.
    At(Vec<usize>),
}

impl Positions {
    fn iter(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::From(start, len) => Box::new(*start..start + len),
            Self::At(places) => Box::new(places.iter().copied()),
        }
    }

    /// Return the last position plus one.
    fn end(&self) -> usize {
        match self {
            Self::From(start, len) => start + len,
            Self::At(places) => places.last().map_or(0, |last| last + 1),
        }
    }
}

/// The position variant of the model and its parameters.
#[derive(Module, Debug)]
pub struct PositionEncoding {
    /// `learned`: a row for each position, `[context_len, d_model]`.
    pub weight: Option<Param<Tensor<2>>>,
    /// `t5_bias`: a bias for each bucket and head, `[buckets, n_heads]`, shared by all layers.
    pub bias: Option<Param<Tensor<2>>>,
    #[module(skip)]
    kind: Position,
    #[module(skip)]
    n_heads: usize,
    #[module(skip)]
    rotary_dims: usize,
    /// Factor on the sinusoidal table.
    #[module(skip)]
    sinusoidal_scale: f64,
    /// Tell later keys from earlier ones by their buckets.
    #[module(skip)]
    two_sided: bool,
}

impl PositionEncoding {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        let (mut weight, mut bias) = (None, None);
        match config.position {
            Position::Learned => {
                let shape = [config.context_len, config.d_model];
                weight = Some(param(
                    source,
                    &format!("{name}.weight"),
                    shape,
                    Init::Normal(config.init_std),
                )?);
            }
            // Zero: training starts without any distance bias.
            Position::T5Bias { buckets, .. } => {
                bias = Some(param(
                    source,
                    &format!("{name}.bias"),
                    [buckets, config.n_heads],
                    Init::Zeros,
                )?);
            }
            Position::None | Position::Sinusoidal | Position::Rope { .. } | Position::Alibi => {}
        }
        Ok(Self {
            weight,
            bias,
            kind: config.position,
            n_heads: config.n_heads,
            rotary_dims: config.rotary_dims(),
            sinusoidal_scale: config.init_std,
            two_sided: false,
        })
    }

    /// Return the same encoding for a sequence that every token sees whole: half of T5's buckets
    /// are for later keys (Raffel et al. 2020, in their code). Other variants are unchanged.
    #[must_use]
    pub fn two_sided(self) -> Self {
        Self {
            two_sided: true,
            ..self
        }
    }

    /// Return the same parameters with scaled RoPE frequencies; other variants are unchanged.
    pub(crate) fn with_scaling(mut self, changed: RopeScaling) -> Self {
        if let Position::Rope { scaling, .. } = &mut self.kind {
            *scaling = Some(changed);
        }
        self
    }

    /// Return the vectors added to the embeddings at these positions.
    ///
    /// # Shapes
    /// - result: `[positions, d_model]`
    ///
    /// # Panics
    /// If a position exceeds the learned table; call [`crate::Transformer::check_length`] first.
    pub fn first_rows(&self, n: usize, d_model: usize, device: &Device) -> Option<Tensor<2>> {
        self.embedding(&Positions::From(0, n), d_model, device)
    }

    /// Like [`PositionEncoding::first_rows`], for other positions.
    pub(crate) fn embedding(
        &self,
        positions: &Positions,
        d_model: usize,
        device: &Device,
    ) -> Option<Tensor<2>> {
        match self.kind {
            Position::Learned => self.weight.as_ref().map(|table| match positions {
                Positions::From(start, len) => table.val().narrow(0, *start, *len),
                Positions::At(places) => {
                    let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
                    let n = places.len();
                    table.val().select(
                        0,
                        Tensor::<1, Int>::from_data(
                            TensorData::new(places, [n]),
                            &device.clone().inner(),
                        ),
                    )
                }
            }),
            Position::Sinusoidal => {
                Some(sinusoidal::table(positions.iter(), d_model, device) * self.sinusoidal_scale)
            }
            Position::None | Position::Rope { .. } | Position::Alibi | Position::T5Bias { .. } => {
                None
            }
        }
    }

    /// Return the rotations at these positions.
    pub(crate) fn rotation(&self, positions: &Positions, device: &Device) -> Option<RotaryTables> {
        match self.kind {
            Position::Rope { base, scaling, .. } => {
                let frequencies =
                    rope::Frequencies::new(self.rotary_dims, base, scaling, positions.end());
                Some(rope::tables(positions.iter(), &frequencies, device))
            }
            Position::None
            | Position::Learned
            | Position::Sinusoidal
            | Position::Alibi
            | Position::T5Bias { .. } => None,
        }
    }

    /// Return the score bias by offset, in the order that [`sisun_kernels::AttentionOptions`]
    /// expects.
    ///
    /// # Shapes
    /// - result: `[n_key + n_query − 1, n_heads]`
    pub fn score_bias(&self, n_query: usize, n_key: usize, device: &Device) -> Option<Tensor<2>> {
        let offsets = (0..n_key + n_query - 1).map(|row| row as i64 - (n_query as i64 - 1));
        match self.kind {
            Position::Alibi => Some(alibi::bias(offsets, self.n_heads, device)),
            Position::T5Bias {
                buckets,
                max_distance,
            } => self.bias.as_ref().map(|table| {
                let bucket = match self.two_sided {
                    true => t5_bias::two_sided_bucket,
                    false => t5_bias::bucket,
                };
                let rows = offsets.map(|offset| bucket(offset, buckets, max_distance));
                t5_bias::bias(table.val(), rows)
            }),
            Position::None | Position::Learned | Position::Sinusoidal | Position::Rope { .. } => {
                None
            }
        }
    }
}

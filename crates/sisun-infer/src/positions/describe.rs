//! Describing the position encoding of each stack.

use super::{PositionMap, PositionNumbers, StackPart, StackPositions, rotation, similarity};
use crate::matrix::Matrix;
use crate::{InferError, LanguageModel, Translator};
use burn::tensor::Device;
use sisun_config::{ModelConfig, Position, Seq2SeqConfig};
use sisun_model::position::{PositionEncoding, alibi, t5_bias};
use sisun_model::{memory, to_host};
use sisun_seq2seq::Network;

/// Number of positions that are described unless a number is given, at most.
const USUAL: usize = 256;

/// A stack of blocks with its encoding.
struct Encoded<'m> {
    part: Option<StackPart>,
    encoding: &'m PositionEncoding,
    config: &'m ModelConfig,
    device: Device,
    /// Half of T5's buckets are for later keys.
    two_sided: bool,
}

impl LanguageModel {
    /// Return the position encoding in numbers, for the first `positions` positions. By default
    /// those of the context, at most 256.
    ///
    /// # Errors
    /// If there are more positions than a learned table has, or the numbers do not fit into memory.
    pub fn position_map(&self, positions: Option<usize>) -> Result<PositionMap, InferError> {
        let stack = Encoded {
            part: None,
            encoding: &self.model.position,
            config: self.model.config(),
            device: self.model.device(),
            two_sided: false,
        };
        Ok(PositionMap {
            model: self.title(),
            stacks: vec![stack.in_numbers(positions)?],
        })
    }
}

impl Translator {
    /// Return the position encodings of encoder and decoder, as [`LanguageModel::position_map`].
    /// Attention to the source has none.
    ///
    /// # Errors
    /// As [`LanguageModel::position_map`].
    pub fn position_map(&self, positions: Option<usize>) -> Result<PositionMap, InferError> {
        let model = self.title();
        let (Network::Transformer(net), Seq2SeqConfig::Transformer(config)) =
            (&self.model.net, self.model.config())
        else {
            let reason = "the model is recurrent: it reads one token after another, and its state tells them apart".to_owned();
            return Ok(PositionMap {
                model,
                stacks: vec![StackPositions {
                    part: None,
                    kind: "none",
                    causal: true,
                    positions: 0,
                    numbers: PositionNumbers::Nothing { reason },
                }],
            });
        };
        let (encoder, decoder) = (config.encoder(), config.decoder());
        let stack = |part, encoding, config| Encoded {
            part: Some(part),
            encoding,
            config,
            device: self.model.device(),
            two_sided: part == StackPart::Encoder,
        };
        let stacks = [
            stack(StackPart::Encoder, &net.encoder.position, &encoder),
            stack(StackPart::Decoder, &net.decoder.position, &decoder),
        ];
        let stacks = stacks.map(|stack| stack.in_numbers(positions));
        Ok(PositionMap {
            model,
            stacks: stacks.into_iter().collect::<Result<_, _>>()?,
        })
    }
}

impl Encoded<'_> {
    fn in_numbers(&self, asked: Option<usize>) -> Result<StackPositions, InferError> {
        let config = self.config;
        let n = asked.unwrap_or(config.context_len.min(USUAL));
        self.check(n)?;
        let numbers = match config.position {
            Position::None => PositionNumbers::Nothing {
                reason: nothing_encodes(config.causal).to_owned(),
            },
            Position::Learned | Position::Sinusoidal => self.added(n),
            Position::Rope { base, scaling, .. } => rotation::rotated(config, base, scaling, n),
            Position::Alibi => self.biased(n, Some(alibi::slopes(config.n_heads)), |_| None),
            Position::T5Bias {
                buckets,
                max_distance,
            } => {
                let of = match self.two_sided {
                    true => t5_bias::two_sided_bucket,
                    false => t5_bias::bucket,
                };
                self.biased(n, None, |offset| Some(of(offset, buckets, max_distance)))
            }
        };
        Ok(StackPositions {
            part: self.part,
            kind: config.position.name(),
            causal: config.causal,
            positions: n,
            numbers,
        })
    }

    fn check(&self, n: usize) -> Result<(), InferError> {
        let config = self.config;
        if config.position == Position::Learned && n > config.context_len {
            return Err(InferError::PastPositions {
                asked: n,
                rows: config.context_len,
            });
        }
        let n = n as u128;
        let bytes = match config.position {
            Position::None => 0,
            // The table in three forms, and the products of all pairs.
            Position::Learned | Position::Sinusoidal => 4 * n * (3 * config.d_model as u128 + n),
            // Angles as files hold them.
            Position::Rope { .. } => 16 * n * config.rotary_dims() as u128,
            Position::Alibi | Position::T5Bias { .. } => 24 * n * config.n_heads as u128,
        };
        let what = || format!("the numbers of {n} positions");
        let remedy = || "ask for fewer positions".to_owned();
        Ok(memory::check(bytes, &self.device, what, remedy)?)
    }

    fn added(&self, n: usize) -> PositionNumbers {
        let width = self.config.d_model;
        let rows = self.encoding.first_rows(n, width, &self.device);
        let (_, table) = to_host(rows.expect("learned and sinusoidal positions are added"));
        // A model without positions is exported as one whose table is zero.
        if table.iter().all(|&x| x == 0.0) {
            return PositionNumbers::Nothing {
                reason: format!(
                    "its table of positions is zero; {}",
                    nothing_encodes(self.config.causal)
                ),
            };
        }
        let table = Matrix::new(n, width, table);
        let scale = match self.config.position {
            Position::Sinusoidal => Some(self.config.init_std),
            _ => None,
        };
        let (cosine, dot) = similarity::of_rows(&table);
        PositionNumbers::Added {
            width,
            scale,
            table: table.values,
            cosine,
            dot,
        }
    }

    fn biased(
        &self,
        n: usize,
        slopes: Option<Vec<f64>>,
        bucket: impl Fn(i64) -> Option<usize>,
    ) -> PositionNumbers {
        let heads = self.config.n_heads;
        let bias = self.encoding.score_bias(n, n, &self.device);
        let (_, by_offset) = to_host(bias.expect("ALiBi and T5 bias the scores"));
        let last = n as i64 - 1;
        let first = if self.config.causal { 0 } else { -last };
        let offsets: Vec<i64> = (first..=last).collect();
        let from = (first + last) as usize;
        let of_head = |head: usize| {
            let rows = by_offset.chunks_exact(heads).skip(from);
            rows.map(move |row| row[head])
        };
        PositionNumbers::Biased {
            heads,
            bias: (0..heads).flat_map(of_head).collect(),
            slopes,
            buckets: offsets.iter().map(|&offset| bucket(offset)).collect(),
            offsets,
        }
    }
}

/// Say why a model without position encoding has no numbers.
fn nothing_encodes(causal: bool) -> &'static str {
    match causal {
        true => {
            "model.position = \"none\": nothing is added to embeddings, rotated or added to scores; only the causal mask tells earlier tokens from later ones (Haviv et al. 2022)"
        }
        false => {
            "position = \"none\", and no mask hides later tokens: nothing tells the order of the tokens, so their attention is that of a set"
        }
    }
}

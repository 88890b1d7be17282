//! The model inside a page that computes.

mod bias;
mod config;
mod served;
mod weights;

pub use served::ServedModel;
pub use weights::WeightFormat;

use super::encode::{Block, Blocks};
use super::thin::MOST_WEIGHTS;
use bias::bias_by_offset;
use burn::tensor::{Int, Tensor, TensorData};
use config::{LiveConfig, max_tokens};
use serde::Serialize;
use sisun_data::{NotPortable, PortableTokenizer};
use sisun_infer::{InferError, LanguageModel};
use sisun_model::weights::HostTensors;
use sisun_model::{Count, Pass, thousands, to_host};

/// Largest number of parameters of a model in a page.
const MOST_PARAMETERS: usize = 130_000_000;

/// Raw bytes that are deflated together.
const STREAM_BYTES: usize = 8 << 20;

/// An error of putting a model into a page.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The model is too large for a page.
    #[error(
        "the model has {} parameters, and a page holds {} at most",
        thousands(*parameters as u64),
        thousands(MOST_PARAMETERS as u64)
    )]
    TooLarge {
        /// Number of parameters.
        parameters: usize,
    },
    /// The model is so large that its page must be asked for.
    #[error(
        "the model has {} parameters, more than a page usually holds: name a number format, float16 (about {} MB) or int8 (about {} MB, less exact)",
        thousands(*parameters as u64),
        megabytes(2 * parameters),
        megabytes(*parameters)
    )]
    UnusuallyLarge {
        /// Number of parameters.
        parameters: usize,
    },
    /// A weight is outside the range of the format.
    #[error("{name} holds {value}, which float16 cannot express: choose float24")]
    OutOfRange {
        /// Name of the parameter.
        name: String,
        /// The weight.
        value: f32,
    },
    /// The page cannot encode text as the tokenizer does.
    #[error("the page cannot encode text as this model's tokenizer does: {0}")]
    Tokenizer(#[from] NotPortable),
    /// The text is longer than the page computes.
    #[error(
        "the text has {tokens} tokens, and the page computes {most} at most: give a shorter one"
    )]
    LongText {
        /// Number of tokens.
        tokens: usize,
        /// The largest number.
        most: usize,
    },
    /// The model cannot compute the text.
    #[error(transparent)]
    Infer(#[from] InferError),
}

/// Return the size of bytes in base64, in megabytes.
fn megabytes(bytes: usize) -> usize {
    bytes * 4 / 3 / 1_000_000
}

/// A model as the page's scripts read it; numbers are in the blocks to which it refers.
#[derive(Debug, Serialize)]
pub(super) struct LiveModel {
    config: LiveConfig,
    pub(super) parameters: usize,
    /// True if a server computes, and the page holds no weights.
    pub(super) served: bool,
    format: &'static str,
    /// Names and shapes, in the order of the bytes.
    tensors: Vec<(String, Vec<usize>)>,
    /// Blocks that hold the bytes of all tensors, one after another.
    weights: Vec<usize>,
    /// Block of the tokenizer's JSON.
    tokenizer: usize,
    /// Block of float32: logits of the token after the text.
    logits: usize,
}

impl LiveModel {
    /// Store a model, and its results on a text to which the page compares its own.
    pub(super) fn new(
        loaded: &LanguageModel,
        text: &str,
        format: Option<WeightFormat>,
        blocks: &mut Blocks,
    ) -> Result<(Self, WeightFormat), LiveError> {
        let config = loaded.model.config();
        let tokenizer = PortableTokenizer::of(&loaded.tokenizer)?;
        let most = max_tokens(config, loaded.window, MOST_WEIGHTS);
        let tokens = loaded.tokens(text)?;
        if tokens.len() > most {
            let tokens = tokens.len();
            return Err(LiveError::LongText { tokens, most });
        }
        let tensors = tensors(loaded, most);
        let parameters = tensors.values().map(|(_, values)| values.len()).sum();
        if parameters > MOST_PARAMETERS {
            return Err(LiveError::TooLarge { parameters });
        }
        let Some(format) = format.or(WeightFormat::of(parameters)) else {
            return Err(LiveError::UnusuallyLarge { parameters });
        };
        let mut bytes = Vec::new();
        for (name, (shape, values)) in &tensors {
            check_range(format, name, values)?;
            format.append(&mut bytes, shape, values);
        }
        let ids = tokens.iter().map(|token| token.id as i32).collect();
        let ids = Tensor::<2, Int>::from_data(
            TensorData::new::<i32, _>(ids, [1, tokens.len()]),
            &loaded.model.device(),
        );
        let (_, logits) = to_host(loaded.model.forward_last(ids, Pass::default()));
        let json = serde_json::to_vec(&tokenizer)
            .expect("plain structs of numbers and strings always serialise");
        let model = Self {
            config: LiveConfig::of(config, most),
            parameters,
            served: false,
            format: format.name(),
            tensors: tensors
                .iter()
                .map(|(name, (shape, _))| (name.clone(), shape.clone()))
                .collect(),
            weights: bytes
                .chunks(STREAM_BYTES)
                .map(|part| blocks.push(Block::weights(part)))
                .collect(),
            tokenizer: blocks.push(Block::new(&json)),
            logits: blocks.push(Block::floats(logits)),
        };
        Ok((model, format))
    }

    /// Describe a model that a server computes, and return what answers the page's requests.
    pub(super) fn served(
        loaded: &LanguageModel,
        text: &str,
        blocks: &mut Blocks,
    ) -> Result<(Self, ServedModel), LiveError> {
        let config = loaded.model.config();
        let tokenizer = PortableTokenizer::of(&loaded.tokenizer)?;
        let most = max_tokens(config, loaded.window, MOST_WEIGHTS);
        let tokens = loaded.tokens(text)?.len();
        if tokens > most {
            return Err(LiveError::LongText { tokens, most });
        }
        let json = serde_json::to_vec(&tokenizer)
            .expect("plain structs of numbers and strings always serialise");
        let nothing = blocks.push(Block::new(&[]));
        let model = Self {
            config: LiveConfig::of(config, most),
            parameters: Count::of(config).total as usize,
            served: true,
            format: match loaded.model.is_bf16() {
                true => "bfloat16",
                false => WeightFormat::Float32.name(),
            },
            tensors: Vec::new(),
            weights: Vec::new(),
            tokenizer: blocks.push(Block::new(&json)),
            logits: nothing,
        };
        Ok((model, ServedModel::new(loaded.clone(), most)))
    }
}

/// Return the parameters by name, with positions as tables: `position.added`, `[token, d_model]`,
/// and `position.bias`, `[head · offset]`.
fn tensors(loaded: &LanguageModel, most: usize) -> HostTensors {
    let mut tensors = loaded.model.to_host();
    tensors.remove("position.weight");
    tensors.remove("position.bias");
    if let Some(rows) = loaded.model.added_positions(most) {
        tensors.insert("position.added".to_owned(), to_host(rows));
    }
    if let Some(values) = bias_by_offset(loaded, most) {
        tensors.insert("position.bias".to_owned(), (vec![values.len()], values));
    }
    tensors
}

fn check_range(format: WeightFormat, name: &str, values: &[f32]) -> Result<(), LiveError> {
    let most = half::f16::MAX.to_f32();
    match values.iter().find(|value| value.abs() > most) {
        Some(&value) if format == WeightFormat::Float16 => Err(LiveError::OutOfRange {
            name: name.to_owned(),
            value,
        }),
        _ => Ok(()),
    }
}

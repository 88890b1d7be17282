//! Sequence-to-sequence models: what they compute, what never changes it, and that they learn.

mod learning;
mod peers;
mod properties;
mod slopes;

use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use sisun_config::{
    Context, EncoderDecoderConfig, RecurrentConfig, RecurrentEncoder, Seq2SeqConfig,
};
use sisun_model::weights::HostTensors;
use sisun_seq2seq::{PairTensors, Rows, Seq2Seq, Vocabularies};

const VOCABULARIES: Vocabularies = Vocabularies {
    source: 11,
    target: 9,
};

/// Tokens of a pair.
#[derive(Clone, Debug)]
struct Pair {
    source: Vec<u32>,
    target: Vec<u32>,
}

/// Pad tokens to the longest row.
fn padded(rows: &[Vec<u32>]) -> (Vec<u32>, Vec<usize>) {
    let lens: Vec<usize> = rows.iter().map(Vec::len).collect();
    let width = lens.iter().max().copied().unwrap();
    let fill = |row: &Vec<u32>| [&row[..], &vec![0; width - row.len()]].concat();
    (rows.iter().flat_map(fill).collect(), lens)
}

/// Make a batch of pairs.
fn batch(pairs: &[Pair], vocabularies: Vocabularies, device: &Device) -> PairTensors {
    let (source, source_lens) = padded(&pairs.iter().map(|p| p.source.clone()).collect::<Vec<_>>());
    let around = |pair: &Pair| [&[vocabularies.begin()], &pair.target[..]].concat();
    let (inputs, _) = padded(&pairs.iter().map(around).collect::<Vec<_>>());
    let ended = |pair: &Pair| [&pair.target[..], &[vocabularies.end()]].concat();
    let (targets, target_lens) = padded(&pairs.iter().map(ended).collect::<Vec<_>>());
    PairTensors::new(
        Rows {
            tokens: &source,
            lens: &source_lens,
        },
        &inputs,
        Rows {
            tokens: &targets,
            lens: &target_lens,
        },
        device,
    )
}

const ENCODERS: [RecurrentEncoder; 3] = [
    RecurrentEncoder::Gru,
    RecurrentEncoder::Bigru,
    RecurrentEncoder::Lstm,
];

const CONTEXTS: [Context; 7] = [
    Context::Last,
    Context::Mean,
    Context::Max,
    Context::Dot,
    Context::General,
    Context::Additive,
    Context::EmbeddingsMean,
];

/// Every recurrent model of irregular sizes.
fn recurrent() -> Vec<Seq2SeqConfig> {
    let mut all = Vec::new();
    for encoder in ENCODERS {
        for context in CONTEXTS {
            for input_feeding in [false, true] {
                if input_feeding && context == Context::Last {
                    continue;
                }
                all.push(Seq2SeqConfig::Recurrent(RecurrentConfig {
                    input_feeding,
                    ..RecurrentConfig::new(encoder, context, 7, 10)
                }));
            }
        }
    }
    all
}

/// Transformers with every position variant, and with other parts changed.
fn transformers() -> Vec<Seq2SeqConfig> {
    let config = |lines: &str| -> Seq2SeqConfig {
        let text = format!(
            "kind = \"transformer\"\nd_model = 24\nn_layers = 2\nn_heads = 3\nmax_source_len = 23\nmax_target_len = 19\ninit_std = 0.3\n{lines}"
        );
        let config: Seq2SeqConfig = toml::from_str(&text).unwrap();
        config.validate().unwrap();
        config
    };
    let mut all: Vec<Seq2SeqConfig> = sisun_tests::models::POSITIONS
        .iter()
        .map(|position| config(&format!("position = {position}")))
        .collect();
    for other in [
        "norm = \"rms\"\nffn = \"swiglu\"\nqk_norm = true\nbias = false\nn_kv_heads = 1",
        "norm_placement = \"post\"\ntied_head = false\nd_ff = 29",
        "ffn = \"none\"\nnorm_placement = \"post\"",
        "ffn = \"none\"",
    ] {
        all.push(config(&format!("position = \"rope\"\n{other}")));
    }
    all
}

/// A name for messages.
fn name(config: &Seq2SeqConfig) -> String {
    match config {
        Seq2SeqConfig::Recurrent(RecurrentConfig {
            encoder,
            context,
            input_feeding,
            ..
        }) => format!("{encoder:?} {context:?} feeding {input_feeding}"),
        Seq2SeqConfig::Transformer(EncoderDecoderConfig { position, norm, .. }) => {
            format!("transformer {position:?} {norm:?}")
        }
    }
}

/// Return the gradient of every parameter that has one.
fn gradients(model: &Seq2Seq, gradients: &Gradients) -> HostTensors {
    sisun_tests::models::gradients(model, gradients)
}

/// Fill the padding of tokens with other ones.
fn refill(tokens: &Tensor<2, Int>, pairs: &[Pair], len: impl Fn(&Pair) -> usize) -> Tensor<2, Int> {
    let [rows, width] = tokens.dims();
    let mut ids: Vec<i64> = tokens.clone().into_data().iter::<i64>().collect();
    for (row, pair) in pairs.iter().enumerate() {
        ids[row * width + len(pair)..(row + 1) * width].fill(6);
    }
    Tensor::from_data(TensorData::new(ids, [rows, width]), &tokens.device())
}

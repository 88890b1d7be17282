//! Names that other programs use for the choices of a key.

/// Other names of the choices of a key: the key, the choice, the names.
pub(crate) const CHOICES: &[(&str, &str, &str)] = &[
    ("model.position", "rope", "rotary rotary_embedding roformer"),
    (
        "model.position",
        "learned",
        "absolute wpe embedding gpt2 trained",
    ),
    (
        "model.position",
        "sinusoidal",
        "sin sine sincos sinusoid fixed",
    ),
    ("model.position", "none", "nope no off"),
    ("model.position", "t5_bias", "t5 relative relative_bias"),
    ("model.norm", "rms", "rmsnorm rms_norm"),
    ("model.norm", "layer", "layernorm layer_norm ln"),
    (
        "model.norm_placement",
        "pre",
        "pre_norm prenorm pre_ln before",
    ),
    (
        "model.norm_placement",
        "post",
        "post_norm postnorm post_ln after",
    ),
    (
        "model.ffn",
        "gelu_tanh",
        "gelu_new gelu_fast gelu_approx gelu_pytorch_tanh",
    ),
    (
        "model.ffn",
        "relu_squared",
        "relu2 relu_sq squared_relu sqrelu",
    ),
    ("model.ffn", "swiglu", "silu swish glu llamamlp llama"),
    ("model.ffn", "none", "off no"),
    (
        "train.optimizer",
        "adamw",
        "adam adamw_torch adamw_torch_fused adamw_hf sgd",
    ),
    ("train.precision", "float32", "fp32 f32 full 32"),
    (
        "train.precision",
        "bf16",
        "bfloat16 fp16 float16 half mixed 16 bf16_mixed amp",
    ),
    (
        "train.schedule",
        "cosine",
        "cosine_with_restarts cosine_decay cos",
    ),
    ("train.schedule", "linear", "linear_decay warmdown wsd"),
    (
        "train.schedule",
        "constant",
        "constant_with_warmup none off flat",
    ),
    (
        "train.windows",
        "epochs",
        "epoch shuffle shuffled sequential",
    ),
    ("data.documents", "line", "lines newline"),
    ("data.documents", "paragraph", "paragraphs blank_line"),
    ("data.documents", "file", "files whole"),
    ("data.normalize", "nfc", "nfkc nfd true"),
    ("tokenizer.kind", "char", "chars character characters"),
    (
        "tokenizer.kind",
        "bpe",
        "byte_bpe bytelevelbpe byte_level gpt2 subword tiktoken",
    ),
    (
        "tokenizer.kind",
        "file",
        "huggingface hf json tokenizer_json pretrained",
    ),
    ("seq2seq.kind", "recurrent", "rnn gru lstm bigru seq2seq"),
    (
        "seq2seq.kind",
        "transformer",
        "encoder_decoder vaswani marian bart t5",
    ),
    ("seq2seq.encoder", "gru", "rnn"),
    (
        "seq2seq.encoder",
        "bigru",
        "bi_gru bidirectional bidirectional_gru birnn",
    ),
    ("seq2seq.encoder", "lstm", "long_short_term_memory"),
    ("seq2seq.context", "last", "none fixed final sutskever off"),
    (
        "seq2seq.context",
        "mean",
        "avg average mean_pool mean_pooling pool",
    ),
    ("seq2seq.context", "max", "max_pool max_pooling maxpool"),
    (
        "seq2seq.context",
        "dot",
        "luong attention multiplicative dot_product luong_dot",
    ),
    ("seq2seq.context", "general", "bilinear luong_general"),
    (
        "seq2seq.context",
        "additive",
        "bahdanau concat tanh mlp bahdanau_attention",
    ),
    (
        "seq2seq.context",
        "embeddings-mean",
        "bow cbow bag_of_words embeddings_mean",
    ),
];

/// Tables whose keys have the choices of another table's.
const LIKE: [(&str, &str); 4] = [
    ("seq2seq.", "model."),
    ("source_tokenizer.", "tokenizer."),
    ("target_tokenizer.", "tokenizer."),
    ("pairs.", "data."),
];

/// Return the key of a language model's file that corresponds to one of a sequence-to-sequence
/// model's.
pub(crate) fn counterpart(key: &str) -> Option<String> {
    let like = LIKE
        .iter()
        .find_map(|(of_pairs, like)| Some((key.strip_prefix(of_pairs)?, like)));
    like.map(|(rest, like)| format!("{like}{rest}"))
}

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
];

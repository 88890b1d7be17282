//! The keys of a configuration. A test compares them with those that serde reads, key by key and
//! type by type.

use crate::shape::{Key, Shape};
use Shape::{Bool, Choice, Integer, Kinds, Number, Strings, Table, Text};

/// A whole experiment.
pub(crate) const CONFIG: Shape = Table(&[
    Key::needed("name", Text, "name of the experiment", "\"my-model\""),
    Key::new("finetune", Table(FINETUNE)),
    Key::needed("data", Table(DATA), "", ""),
    Key::needed("tokenizer", TOKENIZER, "", ""),
    Key::needed("model", MODEL, "", ""),
    Key::needed("train", TRAIN, "", ""),
    Key::new("sample", Table(SAMPLE)),
    Key::new("attend", Table(ATTEND)),
]);

/// An experiment whose model and tokenizer come from its base model.
pub(crate) const FINETUNED: Shape = Table(&[
    Key::needed("name", Text, "name of the experiment", "\"my-model\""),
    Key::new("finetune", Table(FINETUNE)),
    Key::needed("data", Table(DATA), "", ""),
    Key::new("tokenizer", TOKENIZER),
    Key::new("model", Shape::Part(MODEL_KEYS)),
    Key::needed("train", TRAIN, "", ""),
    Key::new("sample", Table(SAMPLE)),
    Key::new("attend", Table(ATTEND)),
]);

/// A file that describes only a model.
pub(crate) const MODEL_FILE: Shape = Table(&[
    Key::new("name", Text),
    Key::new("tokenizer", TOKENIZER),
    Key::needed("model", MODEL, "", ""),
]);

/// The table that describes fine-tuning.
pub(crate) const FINETUNE_FILE: Shape = Table(&[Key::needed("finetune", Table(FINETUNE), "", "")]);

/// The table that describes a tokenizer.
pub(crate) const TOKENIZER_FILE: Shape = Table(&[Key::needed("tokenizer", TOKENIZER, "", "")]);

/// `[model]`.
pub const MODEL: Shape = Table(MODEL_KEYS);

/// `[train]`.
pub const TRAIN: Shape = Table(TRAIN_KEYS);

/// `[tokenizer]`.
pub const TOKENIZER: Shape = Kinds {
    known: &[
        ("char", &[]),
        (
            "bpe",
            &[
                Key::needed("vocab_size", Integer, "how many tokens to learn", "1024"),
                Key::new("specials", Strings),
            ],
        ),
        (
            "file",
            &[Key::needed(
                "path",
                Text,
                "a Hugging Face tokenizer.json",
                "\"tokenizer.json\"",
            )],
        ),
    ],
    by_name: false,
};

/// Definition of one document.
pub const DOCUMENTS: Shape = Choice(&["file", "line", "paragraph"]);

const FINETUNE: &[Key] = &[
    Key::needed(
        "model",
        Text,
        "the model to begin from, a Hugging Face directory or a run",
        "\"models/gpt2\"",
    ),
    Key::new(
        "lora",
        Table(&[Key::new("rank", Integer), Key::new("alpha", Number)]),
    ),
];

const DATA: &[Key] = &[
    Key::needed(
        "sources",
        Strings,
        "files, folders or globs to learn from",
        "[\"my-text.txt\"]",
    ),
    Key::new("documents", DOCUMENTS),
    Key::new("jsonl_field", Text),
    Key::new("jsonl_answer_field", Text),
    Key::new("normalize", Choice(&["none", "nfc"])),
    Key::new("validation", Strings),
    Key::new("validation_fraction", Number),
    Key::new("cache_dir", Text),
];

/// The keys of `[model]`.
pub const MODEL_KEYS: &[Key] = &[
    Key::new("vocab_size", Integer),
    Key::needed("d_model", Integer, "width of the model", "128"),
    Key::needed("n_layers", Integer, "number of blocks", "4"),
    Key::needed("n_heads", Integer, "attention heads of each block", "4"),
    Key::new("n_kv_heads", Integer),
    Key::new("d_head", Integer),
    Key::new("d_ff", Integer),
    Key::needed(
        "context_len",
        Integer,
        "the longest sequence, in tokens",
        "128",
    ),
    Key::new("dropout", Number),
    Key::new("bias", Bool),
    Key::new("attention_bias", Bool),
    Key::new("ffn_bias", Bool),
    Key::new("tied_head", Bool),
    Key::needed(
        "position",
        POSITION,
        "how the model knows where a token stands",
        "\"rope\"",
    ),
    Key::new("norm", Choice(&["layer", "rms"])),
    Key::new("norm_placement", Choice(&["pre", "post"])),
    Key::new("norm_eps", Number),
    Key::new(
        "ffn",
        Choice(&[
            "gelu",
            "gelu_tanh",
            "relu",
            "relu_squared",
            "swiglu",
            "none",
        ]),
    ),
    Key::new("residual", Bool),
    Key::new("parallel_residual", Bool),
    Key::new("qk_norm", Bool),
    Key::new("causal", Bool),
    Key::new("scaled_scores", Bool),
    Key::new("init_std", Number),
];

const POSITION: Shape = Kinds {
    known: &[
        ("none", &[]),
        ("learned", &[]),
        ("sinusoidal", &[]),
        (
            "rope",
            &[
                Key::new("base", Number),
                Key::new("fraction", Number),
                Key::new("scaling", SCALING),
            ],
        ),
        ("alibi", &[]),
        (
            "t5_bias",
            &[
                Key::new("buckets", Integer),
                Key::new("max_distance", Integer),
            ],
        ),
    ],
    by_name: true,
};

const FACTOR: Key = Key::needed("factor", Number, "new context over trained context", "4.0");
const ORIGINAL: Key = Key::needed(
    "original_context_len",
    Integer,
    "the trained context, in tokens",
    "2048",
);

const SCALING: Shape = Kinds {
    known: &[
        ("linear", &[FACTOR]),
        ("ntk", &[FACTOR]),
        ("dynamic", &[FACTOR, ORIGINAL]),
        (
            "yarn",
            &[
                FACTOR,
                ORIGINAL,
                Key::new("beta_fast", Number),
                Key::new("beta_slow", Number),
                Key::new("attention_factor", Number),
                Key::new("truncate", Bool),
            ],
        ),
        (
            "llama3",
            &[
                FACTOR,
                ORIGINAL,
                Key::needed(
                    "low_freq_factor",
                    Number,
                    "pairs that turn less often are divided",
                    "1.0",
                ),
                Key::needed(
                    "high_freq_factor",
                    Number,
                    "pairs that turn more often stay",
                    "4.0",
                ),
            ],
        ),
    ],
    by_name: false,
};

/// The keys of `[train]`.
pub const TRAIN_KEYS: &[Key] = &[
    Key::new("seed", Integer),
    Key::needed(
        "steps",
        Integer,
        "how long to train, in optimizer steps",
        "1000",
    ),
    Key::needed("batch_size", Integer, "windows of text in one step", "8"),
    Key::new("gradient_accumulation_steps", Integer),
    Key::new("windows", Choice(&["random", "epochs"])),
    Key::new("precision", Choice(&["float32", "bf16"])),
    Key::new("optimizer", Choice(&["adamw", "muon"])),
    Key::needed("lr_max", Number, "the highest learning rate", "1e-3"),
    Key::new("lr_min", Number),
    Key::new("muon_lr_max", Number),
    Key::new("muon_momentum", Number),
    Key::new("warmup_steps", Integer),
    Key::new("schedule", Choice(&["cosine", "linear", "constant"])),
    Key::new("weight_decay", Number),
    Key::new("beta1", Number),
    Key::new("beta2", Number),
    Key::new("eps", Number),
    Key::new("grad_clip", Number),
    Key::new("eval_every", Integer),
    Key::new("eval_windows", Integer),
    Key::new("checkpoint_every", Integer),
    Key::new("keep_checkpoints", Integer),
    Key::new("log_every", Integer),
];

const SAMPLE: &[Key] = &[
    Key::needed(
        "prompt",
        Text,
        "the text that the model continues",
        "\"One day\"",
    ),
    Key::new("tokens", Integer),
    Key::new("temperature", Number),
    Key::new("top_k", Integer),
    Key::new("every", Integer),
];

const ATTEND: &[Key] = &[Key::needed(
    "text",
    Text,
    "the text whose attention maps are written",
    "\"The cat sat.\"",
)];

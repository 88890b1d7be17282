//! Names that other programs use for the keys of a configuration.

use crate::ConfigError;
use crate::keys::EXPERIMENT;

/// Other names of keys, each with the keys that it may mean.
pub(crate) const ALIASES: &[(&str, &[&str])] = &[
    ("name", &["run", "run_name", "experiment"]),
    ("data", &["dataset", "datasets", "corpus"]),
    ("tokenizer", &["tokeniser", "tok"]),
    ("model", &["network", "transformer", "architecture", "gpt"]),
    (
        "train",
        &[
            "training",
            "trainer",
            "optim",
            "optimization",
            "hyperparameters",
        ],
    ),
    ("sample", &["sampling", "generation", "generate"]),
    ("attend", &["attention", "maps"]),
    ("finetune", &["fine_tune", "finetuning", "fine_tuning"]),
    (
        "finetune.model",
        &["base", "base_model", "init_from", "pretrained"],
    ),
    ("finetune.lora", &["peft"]),
    ("finetune.lora.rank", &["r", "lora_r", "lora_rank"]),
    ("finetune.lora.alpha", &["lora_alpha"]),
    (
        "data.sources",
        &[
            "source",
            "path",
            "paths",
            "file",
            "files",
            "text",
            "input",
            "train_file",
            "train_files",
            "dataset",
            "corpus",
        ],
    ),
    (
        "data.validation",
        &["val", "valid", "val_file", "validation_file", "eval_file"],
    ),
    (
        "data.validation_fraction",
        &["val_fraction", "val_split", "validation_split", "test_size"],
    ),
    (
        "data.jsonl_field",
        &["field", "text_field", "text_column", "column"],
    ),
    (
        "data.jsonl_answer_field",
        &["answer_field", "target_field", "completion_field"],
    ),
    ("tokenizer.kind", &["type", "tokenizer_type"]),
    ("tokenizer.path", &["file", "tokenizer_file", "json"]),
    (
        "tokenizer.vocab_size",
        &[
            "vocab",
            "n_vocab",
            "vocabulary",
            "vocabulary_size",
            "num_tokens",
        ],
    ),
    ("tokenizer.specials", &["special_tokens"]),
    ("model.vocab_size", &["vocab", "n_vocab", "vocabulary_size"]),
    (
        "model.d_model",
        &[
            "n_embd",
            "n_embed",
            "hidden_size",
            "embed_dim",
            "embedding_dim",
            "d_embed",
            "emb_dim",
            "dim",
            "width",
        ],
    ),
    (
        "model.n_layers",
        &[
            "n_layer",
            "num_layers",
            "num_hidden_layers",
            "layers",
            "depth",
            "n_blocks",
        ],
    ),
    (
        "model.n_heads",
        &[
            "n_head",
            "num_heads",
            "num_attention_heads",
            "heads",
            "nhead",
        ],
    ),
    (
        "model.n_kv_heads",
        &["n_kv_head", "num_key_value_heads", "kv_heads"],
    ),
    ("model.d_head", &["head_dim", "head_size", "d_k"]),
    (
        "model.d_ff",
        &[
            "intermediate_size",
            "n_inner",
            "ffn_dim",
            "ff_dim",
            "hidden_dim",
            "mlp_dim",
            "dim_feedforward",
        ],
    ),
    (
        "model.context_len",
        &[
            "block_size",
            "max_seq_len",
            "max_seq_length",
            "seq_len",
            "sequence_length",
            "context",
            "context_length",
            "context_size",
            "ctx_len",
            "n_ctx",
            "n_positions",
            "max_position_embeddings",
            "max_length",
            "max_len",
        ],
    ),
    (
        "model.dropout",
        &[
            "dropout_p",
            "dropout_rate",
            "dropout_prob",
            "attn_pdrop",
            "resid_pdrop",
            "embd_pdrop",
        ],
    ),
    (
        "model.tied_head",
        &[
            "tie_weights",
            "tie_word_embeddings",
            "weight_tying",
            "tied",
            "tie_embeddings",
        ],
    ),
    (
        "model.position",
        &[
            "positions",
            "pos",
            "positional_encoding",
            "position_encoding",
            "pos_encoding",
            "pos_emb",
            "position_embedding",
            "pe",
        ],
    ),
    ("model.norm", &["normalization", "norm_type", "layer_norm"]),
    (
        "model.norm_eps",
        &["layer_norm_epsilon", "layer_norm_eps", "rms_norm_eps"],
    ),
    (
        "model.ffn",
        &[
            "activation",
            "activation_function",
            "hidden_act",
            "act",
            "mlp",
        ],
    ),
    ("model.init_std", &["initializer_range"]),
    ("model.position.base", &["rope_theta", "theta", "rope_base"]),
    (
        "model.position.fraction",
        &["partial_rotary_factor", "rotary_pct"],
    ),
    ("model.position.scaling", &["rope_scaling"]),
    ("train.seed", &["random_seed", "manual_seed"]),
    (
        "train.steps",
        &[
            "max_iters",
            "iters",
            "iterations",
            "max_steps",
            "num_steps",
            "n_steps",
            "total_steps",
            "train_steps",
            "num_train_steps",
            "epochs",
            "num_epochs",
            "num_train_epochs",
            "epoch",
        ],
    ),
    (
        "train.batch_size",
        &[
            "batch",
            "bs",
            "batchsize",
            "per_device_train_batch_size",
            "micro_batch_size",
            "train_batch_size",
        ],
    ),
    (
        "train.gradient_accumulation_steps",
        &[
            "grad_accum",
            "grad_accumulation",
            "grad_accumulation_steps",
            "accumulation",
            "accumulation_steps",
        ],
    ),
    (
        "train.precision",
        &[
            "dtype",
            "mixed_precision",
            "torch_dtype",
            "fp16",
            "bf16",
            "amp",
        ],
    ),
    ("train.optimizer", &["optim", "optimiser", "optimizer_type"]),
    (
        "train.lr_max",
        &["learning_rate", "lr", "max_lr", "peak_lr", "learningrate"],
    ),
    ("train.lr_min", &["min_lr", "final_lr"]),
    (
        "train.warmup_steps",
        &["warmup", "warmup_iters", "num_warmup_steps"],
    ),
    (
        "train.schedule",
        &[
            "scheduler",
            "lr_scheduler",
            "lr_scheduler_type",
            "lr_schedule",
            "decay",
        ],
    ),
    ("train.weight_decay", &["wd", "decay_rate"]),
    ("train.beta1", &["adam_beta1", "momentum"]),
    ("train.beta2", &["adam_beta2"]),
    ("train.eps", &["epsilon", "adam_epsilon"]),
    (
        "train.grad_clip",
        &[
            "clip",
            "max_grad_norm",
            "gradient_clip",
            "gradient_clipping",
            "clip_grad",
        ],
    ),
    ("train.eval_every", &["eval_interval", "eval_steps"]),
    ("train.eval_windows", &["eval_iters", "eval_batches"]),
    (
        "train.checkpoint_every",
        &[
            "save_every",
            "save_steps",
            "save_interval",
            "checkpoint_interval",
        ],
    ),
    (
        "train.keep_checkpoints",
        &["save_total_limit", "keep", "max_checkpoints"],
    ),
    ("train.log_every", &["log_interval", "logging_steps"]),
    (
        "sample.tokens",
        &["max_new_tokens", "max_tokens", "n_tokens"],
    ),
];

/// Options of the command line, each with the names of the settings that other programs have for
/// the same purpose.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "--device, as in --device wgpu",
        &[
            "device",
            "cuda",
            "gpu",
            "use_cuda",
            "accelerator",
            "backend",
            "no_cuda",
        ],
    ),
    (
        "--run of `sisun train`, --out of `sisun compare`",
        &[
            "out_dir",
            "output_dir",
            "run_dir",
            "save_dir",
            "checkpoint_dir",
            "log_dir",
        ],
    ),
    (
        "--resume of `sisun train`",
        &["resume", "resume_from", "resume_from_checkpoint"],
    ),
];

/// Return the option of the command line that an unknown key most likely means.
pub(crate) fn option(name: &str) -> Option<&'static str> {
    OPTIONS
        .iter()
        .find(|(_, names)| names.contains(&name))
        .map(|(option, _)| *option)
}

/// Return the known key that an unknown one most likely means: one that other programs call by that
/// name, or one of similar spelling; first in the same table, then in the others.
pub(crate) fn meant(at: &str, name: &str, siblings: &[String], all: &[String]) -> Option<String> {
    let name = name.to_lowercase().replace(['-', ' '], "_");
    let parent = |path: &str| {
        path.rsplit_once('.')
            .map_or(String::new(), |(parent, _)| parent.to_owned())
    };
    let called = || {
        ALIASES
            .iter()
            .filter(|(_, names)| names.contains(&&*name))
            .map(|(key, _)| (*key).to_owned())
    };
    let known = |key: &String| all.contains(key);
    let leaf = |path: &String| path.rsplit('.').next().unwrap_or(path).to_owned();
    let near = |paths: &[String]| {
        let distance = |path: &String| strsim::damerau_levenshtein(&leaf(path), &name);
        let close = |path: &&String| distance(path) <= leaf(path).len().max(4) / 2;
        paths
            .iter()
            .filter(close)
            .min_by_key(|path| distance(path))
            .cloned()
    };
    let exact = |paths: &[String]| paths.iter().find(|path| leaf(path) == name).cloned();
    called()
        .find(|key| siblings.contains(key) && parent(key) == at)
        .or_else(|| called().find(|key| known(key) && parent(key) == at))
        // A whole name in another table is meant rather than a similar one in this table.
        .or_else(|| exact(all))
        .or_else(|| called().find(known))
        .or_else(|| near(siblings))
        .or_else(|| {
            near(all)
                .filter(|path| strsim::damerau_levenshtein(&leaf(path), &name) <= name.len() / 3)
        })
}

/// Return the key that has this name in other programs, or without its table: `lr` is
/// `train.lr_max`.
pub fn key_meant(name: &str) -> Option<String> {
    let all = EXPERIMENT.paths("");
    let name = name.to_lowercase().replace('-', "_");
    let leaf = |key: &&String| key.rsplit('.').next() == Some(name.as_str());
    let found = all
        .iter()
        .find(leaf)
        .cloned()
        .or_else(|| meant("", &name, &[], &all));
    found.filter(|key| key.contains('.'))
}

/// Return the names that other programs use for a key.
pub(crate) fn other_names(key: &str) -> &'static [&'static str] {
    ALIASES
        .iter()
        .find(|(known, _)| *known == key)
        .map_or(&[], |(_, names)| *names)
}

/// Return the error for a key that none of the files has, with the one that is probably meant.
pub fn unknown_key(key: &str, all: &[String]) -> ConfigError {
    let (at, name) = key.rsplit_once('.').unwrap_or(("", key));
    let is_sibling = |path: &&String| {
        path.rsplit_once('.').map_or("", |(parent, _)| parent) == at && !at.is_empty()
    };
    let siblings: Vec<String> = all.iter().filter(is_sibling).cloned().collect();
    ConfigError::UnknownKey {
        key: key.to_owned(),
        suggestion: meant(at, name, &siblings, all),
        known: siblings,
    }
}

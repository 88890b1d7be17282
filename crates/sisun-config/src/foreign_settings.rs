//! Settings of other programs that no key of ours equals: those that count something else, those
//! that are chosen when training starts, and those without a counterpart.

use std::fmt;

/// Names that count something else than the key that they mean: the key, the names, and what to
/// write. See [`EPOCHS`] for those without a remark.
pub(crate) const CONVERTED: &[(&str, &str, &str)] = &[
    (
        "train.warmup_steps",
        "warmup_ratio warmup_fraction warmup_frac",
        "It counts steps: the ratio times train.steps",
    ),
    (
        "train.batch_size",
        "total_batch_size tokens_per_batch tokens_per_step",
        "It counts windows: the tokens divided by model.context_len",
    ),
    (
        "train.batch_size",
        "global_batch_size effective_batch_size",
        "It counts the windows of one pass: the whole batch divided by \
         train.gradient_accumulation_steps",
    ),
    (
        "train.eval_windows",
        "eval_iters eval_batches eval_max_batches",
        "It counts windows: the batches times their size",
    ),
    (
        "train.eval_windows",
        "eval_tokens val_tokens",
        "It counts windows: the tokens divided by model.context_len",
    ),
    (
        "train.steps",
        "max_tokens train_tokens total_tokens num_tokens",
        "It counts steps: the tokens divided by those of one step",
    ),
    (
        "train.lr_min",
        "final_lr_frac min_lr_ratio min_lr_frac",
        "It is a learning rate: the fraction times train.lr_max",
    ),
    (
        "data.validation_fraction",
        "train_fraction train_split train_ratio train_size",
        "It is the part that is held out: 1 less the part for training",
    ),
    (
        "train.beta1",
        "betas adam_betas",
        "It is the first of the two; the second is train.beta2",
    ),
];

/// Names for the length of a training in passes over the text.
pub(crate) const EPOCHS: &str = "epochs num_epochs num_train_epochs epoch max_epochs n_epochs";

/// A choice that no configuration holds, because it is made each time that training starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOption {
    /// The device to compute on.
    Device,
    /// The directory of a run, or of the results of a comparison.
    Directory,
    /// The run to resume.
    Resume,
}

impl fmt::Display for StartOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "the device",
            Self::Directory => "the directory to write",
            Self::Resume => "the run to resume",
        })
    }
}

/// Choices made when training starts, each with the names of the settings that other programs have
/// for the same purpose.
pub(crate) const OPTIONS: &[(StartOption, &str)] = &[
    (
        StartOption::Device,
        "device cuda gpu use_cuda accelerator backend no_cuda device_type use_cpu",
    ),
    (
        StartOption::Directory,
        "out_dir output_dir run_dir save_dir checkpoint_dir log_dir logging_dir work_dir",
    ),
    (
        StartOption::Resume,
        "resume resume_from resume_from_checkpoint load_checkpoint",
    ),
];

/// Settings of other programs without a counterpart: the names, and the reason.
pub(crate) const NEEDLESS: &[(&str, &str)] = &[
    (
        "compile torch_compile jit use_compile",
        "there is nothing to compile before a run",
    ),
    (
        "wandb wandb_log wandb_project wandb_entity report_to logger use_wandb tensorboard",
        "every run writes metrics.jsonl and files for TensorBoard",
    ),
    (
        "num_workers dataloader_num_workers pin_memory prefetch_factor dataloader",
        "the tokens of the text are mapped from a file, so there is no data loader",
    ),
    (
        "always_save_checkpoint load_best_model_at_end save_best save_last",
        "the newest checkpoints and the best are always kept",
    ),
    (
        "threads num_threads cpus workers",
        "set the environment variable RAYON_NUM_THREADS",
    ),
    (
        "use_cache kv_cache gradient_checkpointing flash flash_attention attn_implementation",
        "the fastest way is taken by itself",
    ),
    (
        "early_stopping early_stop early_stopping_patience patience",
        "a run takes all of its train.steps, and checkpoints/best keeps the lowest validation loss, which sample, attend and the others use",
    ),
    (
        "lora_dropout label_smoothing z_loss amsgrad nesterov",
        "Sisun has none",
    ),
];

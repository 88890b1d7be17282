//! The settings that a run may be resumed with.

/// Keys that may differ when a run is resumed: they affect its length and its outputs, not its
/// computation, and each takes effect. `train.eval_windows` is not among them, as it affects the
/// choice of the best checkpoint. `data` and the sources of `pairs` may refer to the same text in another way; other text is
/// rejected by its hash.
pub(crate) const MAY_CHANGE: [&str; 13] = [
    "name",
    "data",
    "pairs.sources",
    "pairs.targets",
    "pairs.validation",
    "pairs.validation_targets",
    "train.steps",
    "train.eval_every",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.log_every",
    "sample",
    "attend",
];

/// Keys of `data` that affect the contents of the training text, not only its location.
const OF_THE_TEXT: [&str; 4] = [
    "data.normalize",
    "data.jsonl_field",
    "data.jsonl_answer_field",
    "data.jsonl_separator",
];

/// Return true if a setting may differ when a run is resumed.
pub(crate) fn may_change(key: &str) -> bool {
    !OF_THE_TEXT.contains(&key)
        && MAY_CHANGE.iter().any(|may| {
            key.strip_prefix(may)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

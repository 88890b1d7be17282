//! Names that other programs use are understood.

use crate::keys::{EXPERIMENT, SEQ2SEQ};
use crate::meant::{choice_meant, needless, option};
use crate::tests::WHOLE;
use crate::{Config, ConfigError, PartialConfig, Shape, unknown_key};
use std::collections::BTreeSet;
use std::path::Path;
use toml::Table;

/// The settings of other programs, and those among them for which nothing here is meant.
const PROGRAMS: [(&str, &str); 8] = [
    (
        "nanoGPT",
        "out_dir eval_interval log_interval eval_iters always_save_checkpoint init_from wandb_log \
         dataset gradient_accumulation_steps batch_size block_size n_layer n_head n_embd dropout \
         bias learning_rate max_iters weight_decay beta1 beta2 grad_clip decay_lr warmup_iters \
         lr_decay_iters min_lr backend device dtype compile",
    ),
    (
        "nanochat",
        "depth max_seq_len sequence_len num_iterations device_batch_size total_batch_size \
         embedding_lr matrix_lr weight_decay grad_clip warmup_ratio final_lr_frac eval_every \
         eval_tokens sample_every vocab_size n_layer n_head n_kv_head n_embd device_type",
    ),
    (
        "minGPT",
        "n_layer n_head n_embd vocab_size block_size embd_pdrop resid_pdrop attn_pdrop \
         learning_rate betas weight_decay grad_norm_clip max_iters batch_size num_workers device",
    ),
    (
        "LitGPT",
        "global_batch_size micro_batch_size lr_warmup_steps epochs max_tokens max_steps \
         max_seq_length tie_embeddings max_norm min_lr save_interval log_interval block_size \
         padded_vocab_size n_query_groups head_size rotary_percentage parallel_residual bias \
         norm_class_name mlp_class_name intermediate_size rope_base norm_eps attn_bias lora_r \
         lora_alpha lora_dropout norm_qk",
    ),
    (
        "TrainingArguments",
        "output_dir per_device_train_batch_size gradient_accumulation_steps learning_rate \
         weight_decay adam_beta1 adam_beta2 adam_epsilon max_grad_norm num_train_epochs max_steps \
         lr_scheduler_type warmup_ratio warmup_steps logging_steps save_steps save_total_limit \
         seed bf16 fp16 eval_steps optim dataloader_num_workers report_to run_name \
         resume_from_checkpoint gradient_checkpointing torch_compile data_seed use_cpu",
    ),
    (
        "GPT2Config",
        "vocab_size n_positions n_embd n_layer n_head n_inner activation_function resid_pdrop \
         embd_pdrop attn_pdrop layer_norm_epsilon initializer_range scale_attn_weights \
         tie_word_embeddings use_cache",
    ),
    (
        "LlamaConfig",
        "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads \
         num_key_value_heads hidden_act max_position_embeddings initializer_range rms_norm_eps \
         tie_word_embeddings rope_theta rope_scaling rope_parameters attention_bias \
         attention_dropout mlp_bias head_dim",
    ),
    (
        "PyTorch",
        "d_model nhead num_layers num_decoder_layers dim_feedforward dropout activation \
         layer_norm_eps norm_first lr betas eps weight_decay momentum amsgrad batch_size shuffle",
    ),
];

#[test]
fn every_setting_of_other_programs_is_understood() {
    let all = EXPERIMENT.paths("");
    for (program, names) in PROGRAMS {
        for name in names.split_whitespace() {
            let understood = match unknown_key(name, &all) {
                _ if option(name).is_some() || needless(name).is_some() => true,
                ConfigError::UnknownKey { suggestion, .. } => suggestion.is_some(),
                _ => false,
            };
            assert!(understood, "{name} of {program}");
        }
    }
}

#[test]
fn names_of_other_programs_lead_to_ours() {
    for (shape, aliases) in [
        (&*EXPERIMENT, crate::aliases::ALIASES),
        (&*SEQ2SEQ, crate::aliases::ALIASES_OF_PAIRS),
    ] {
        let all = shape.paths("");
        let mut leaves = BTreeSet::new();
        for (key, names) in aliases {
            assert!(all.contains(&(*key).to_owned()), "{key} is no key");
            for name in names.split_whitespace() {
                assert!(!all.iter().any(|path| path == name), "{name} is a key");
                // Within one table a name means one key.
                let table = key.rsplit_once('.').map_or("", |(table, _)| table);
                assert!(leaves.insert((table, name)), "{table}.{name} stands twice");
            }
        }
    }
}

#[test]
fn names_of_pairs_lead_to_keys_of_pairs() {
    const WHOLE: &str = "name = 'a'\n[pairs]\nsources = ['a.jsonl']\n[source_tokenizer]\nkind = 'char'\n\
        [target_tokenizer]\nkind = 'char'\n[seq2seq]\nkind = 'recurrent'\nencoder = 'gru'\ncontext = 'dot'\n\
        d_embed = 4\nd_hidden = 8\n[train]\nsteps = 200\nbatch_size = 2\nlr_max = 1e-3\n";
    let told = |from: &str, to: &str| {
        let text = WHOLE.replacen(from, to, 1);
        let read = PartialConfig::parse(Path::new("a.toml"), &text)
            .and_then(PartialConfig::finish_seq2seq);
        read.expect_err(to).to_string()
    };
    for (from, to, part) in [
        (
            "context = 'dot'",
            "attention = 'dot'",
            "did you mean seq2seq.context?",
        ),
        (
            "context = 'dot'",
            "context = 'bahdanau'",
            "did you mean \"additive\"?",
        ),
        (
            "context = 'dot'",
            "context = 'luong'",
            "did you mean \"dot\"?",
        ),
        (
            "encoder = 'gru'",
            "encoder = 'bidirectional'",
            "did you mean \"bigru\"?",
        ),
        (
            "kind = 'recurrent'",
            "kind = 'rnn'",
            "did you mean \"recurrent\"?",
        ),
        (
            "d_hidden = 8",
            "hidden_size = 8",
            "did you mean seq2seq.d_hidden?",
        ),
        (
            "d_hidden = 8",
            "d_hidden = 8\ncontext_len = 9",
            "did you mean seq2seq.max_source_len?",
        ),
        ("sources = ", "source = ", "did you mean pairs.sources?"),
        ("sources = ", "train_file = ", "did you mean pairs.sources?"),
        ("[pairs]", "[data]", "did you mean pairs?"),
        (
            "kind = 'char'",
            "kind = 'characters'",
            "did you mean \"char\"?",
        ),
    ] {
        let told = told(from, to);
        assert!(told.contains(part), "{to}: {told}");
    }
    let transformer =
        "kind = 'transformer'\nd_model = 8\nn_layers = 1\nn_heads = 1\nposition = 'rotary'\n";
    let start = WHOLE.find("kind = 'recurrent'").expect("a model");
    let end = WHOLE.find("[train]").expect("training");
    let told = told(&WHOLE[start..end], transformer);
    assert!(told.contains("did you mean \"rope\"?"), "{told}");
}

#[test]
fn names_of_choices_lead_to_ours() {
    for (key, choice, names) in crate::choice_aliases::CHOICES {
        let shape = match key.starts_with("seq2seq.") {
            true => &*SEQ2SEQ,
            false => &*EXPERIMENT,
        };
        let (tables, key_of) = (shape.tables(), |path: &str| path == *key);
        let settings = tables.iter().flat_map(|table| &table.settings);
        let setting = settings.into_iter().find(|one| key_of(&one.path));
        let known: Vec<&str> = match setting.expect(key).key.shape {
            Shape::Choice(known) => known.iter().map(|one| one.name).collect(),
            Shape::Kinds { known, .. } => known.iter().map(|one| one.name).collect(),
            ref other => panic!("{key} is {other:?}"),
        };
        assert!(known.contains(choice), "{key} = {choice}");
        for name in names.split_whitespace() {
            assert!(!known.contains(&name), "{key} = {name}");
            assert_eq!(choice_meant(key, name), Some(*choice), "{key} = {name}");
        }
    }
}

/// The error for the whole configuration with one more line in a table.
fn told(table: &str, line: &str) -> String {
    let header = format!("[{table}]\n");
    let text = WHOLE.replacen(&header, &format!("{header}{line}\n"), 1);
    Config::parse(Path::new("a.toml"), &text)
        .expect_err(line)
        .to_string()
}

#[test]
fn a_setting_that_counts_something_else_is_converted() {
    for (table, line, part) in [
        (
            "train",
            "epochs = 3",
            "did you mean train.steps? Training is counted in steps: an epoch has (tokens of the text) / 64 of them, as a step reads train.batch_size = 2 × model.context_len = 16 × train.gradient_accumulation_steps = 2 tokens",
        ),
        (
            "train",
            "warmup_ratio = 0.1",
            "did you mean train.warmup_steps? It counts steps: the ratio times train.steps",
        ),
        ("train", "eval_iters = 20", "the batches times their size"),
        (
            "data",
            "train_split = 0.9",
            "did you mean data.validation_fraction? It is the part that is held out",
        ),
        (
            "train",
            "compile = true",
            "unknown key train.compile; remove it: there is nothing to compile",
        ),
        ("train", "betas = [0.9, 0.95]", "the second is train.beta2"),
        (
            "model",
            "use_cpu = true",
            "an option of training, the device",
        ),
    ] {
        let told = told(table, line);
        assert!(told.contains(part), "{line}: {told}");
    }
    // Without the numbers, the rule alone.
    let text = WHOLE.replace("batch_size = 2", "epochs = 3");
    let told = Config::parse(Path::new("a.toml"), &text).expect_err("epochs");
    assert!(
        told.to_string()
            .contains("(tokens of the text) / (train.batch_size × ")
    );
}

#[test]
fn a_choice_by_another_name_is_meant() {
    for (key, value, meant) in [
        ("model.norm", "RMSNorm", "rms"),
        ("model.ffn", "gelu_new", "gelu_tanh"),
        ("train.optimizer", "adam", "adamw"),
        ("train.precision", "bfloat16", "bf16"),
        ("model.position", "rotary", "rope"),
        ("tokenizer.kind", "character", "char"),
    ] {
        let mut table: Table = WHOLE.parse().expect("TOML");
        crate::apply_override(&mut table, &format!("{key}={value}")).expect("an override");
        let told = Config::parse(Path::new("a.toml"), &toml::to_string(&table).expect("TOML"))
            .expect_err(value)
            .to_string();
        assert!(told.contains(&format!("did you mean {meant:?}?")), "{told}");
    }
}

#[test]
fn a_key_set_twice_is_refused_with_both() {
    let set = |all: &[&str]| crate::apply_overrides(&mut Table::new(), all);
    for [first, second] in [
        ["train.steps=1", "train.steps=2"],
        ["train.steps = 1", " train . steps=1"],
        ["train.accumulate=1", "train.gradient_accumulation_steps=2"],
        ["vary.\"a.b\"=1", "vary.'a.b'=2"],
    ] {
        let told = set(&[first, "model.bias=true", second])
            .expect_err(second)
            .to_string();
        assert!(
            told.contains(first) && told.contains(second) && told.contains("keep one"),
            "{told}"
        );
    }
    set(&[
        "model.position=rope",
        "model.position.base=500",
        "model.positions=1",
    ])
    .expect("three keys");
}

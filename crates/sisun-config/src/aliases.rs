//! Names that other programs use for the keys of a configuration: nanoGPT, nanochat, minGPT, LitGPT,
//! PyTorch, and the `TrainingArguments` and model configurations of Hugging Face.

/// Other names of keys, each with the keys that it may mean, separated by spaces.
pub(crate) const ALIASES: &[(&str, &str)] = &[
    (
        "name",
        "run run_name experiment exp_name model_name wandb_run_name run_id",
    ),
    ("finetune", "fine_tune finetuning fine_tuning sft"),
    (
        "finetune.model",
        "base base_model init_from pretrained model_name_or_path \
         pretrained_model_name_or_path checkpoint_dir ckpt",
    ),
    ("finetune.lora", "peft adapter adapters"),
    ("finetune.lora.rank", "r lora_r lora_rank"),
    ("finetune.lora.alpha", "lora_alpha"),
    ("data", "dataset datasets corpus datamodule"),
    (
        "data.sources",
        "source path paths file files text input train_file train_files dataset corpus \
         data_path data_dir dataset_name train_data train_data_path",
    ),
    (
        "data.validation",
        "val valid val_file validation_file eval_file validation_files val_data val_data_path \
         test_file",
    ),
    (
        "data.validation_fraction",
        "val_fraction val_split validation_split test_size val_size val_ratio valid_fraction \
         val_split_fraction",
    ),
    ("data.jsonl_field", "field text_field text_column column"),
    (
        "data.jsonl_answer_field",
        "answer_field target_field completion_field",
    ),
    ("data.documents", "document split_by separator"),
    (
        "data.normalize",
        "normalization_form unicode_normalization nfc",
    ),
    ("data.cache_dir", "cache token_cache"),
    ("tokenizer", "tokeniser tok"),
    ("tokenizer.kind", "type tokenizer_type"),
    (
        "tokenizer.path",
        "file tokenizer_file json tokenizer_path vocab_file tokenizer_name",
    ),
    (
        "tokenizer.vocab_size",
        "vocab n_vocab vocabulary vocabulary_size",
    ),
    (
        "tokenizer.specials",
        "special_tokens additional_special_tokens",
    ),
    (
        "model",
        "network transformer architecture gpt model_args gpt_config config",
    ),
    (
        "model.vocab_size",
        "vocab n_vocab vocabulary_size padded_vocab_size",
    ),
    (
        "model.d_model",
        "n_embd n_embed hidden_size embed_dim embedding_dim d_embed emb_dim dim width \
         model_dim hidden_dimension n_dim residual_dim",
    ),
    (
        "model.n_layers",
        "n_layer num_layers num_hidden_layers layers depth n_blocks num_decoder_layers \
         num_encoder_layers num_blocks",
    ),
    (
        "model.n_heads",
        "n_head num_heads num_attention_heads heads nhead n_attention_heads attention_heads \
         num_query_heads n_q_heads",
    ),
    (
        "model.n_kv_heads",
        "n_kv_head num_key_value_heads kv_heads n_query_groups num_kv_heads num_query_groups",
    ),
    ("model.d_head", "head_dim head_size d_k d_v qk_head_dim"),
    (
        "model.d_ff",
        "intermediate_size n_inner ffn_dim ff_dim hidden_dim mlp_dim dim_feedforward \
         ffn_hidden_size mlp_hidden_dim ffn_size feedforward_dim ff_width",
    ),
    (
        "model.context_len",
        "block_size max_seq_len max_seq_length seq_len sequence_length context context_length \
         context_size ctx_len n_ctx n_positions max_position_embeddings max_length max_len \
         sequence_len block window window_size",
    ),
    (
        "model.dropout",
        "dropout_p dropout_rate dropout_prob attn_pdrop resid_pdrop embd_pdrop \
         attention_dropout hidden_dropout dropout_probability p_drop",
    ),
    (
        "model.tied_head",
        "tie_weights tie_word_embeddings weight_tying tied tie_embeddings",
    ),
    (
        "model.position",
        "positions pos positional_encoding position_encoding pos_encoding pos_emb \
         position_embedding pe position_embedding_type pos_embed positional_embedding \
         rope_parameters",
    ),
    (
        "model.norm",
        "normalization norm_type layer_norm norm_class_name norm_class normalization_type",
    ),
    (
        "model.norm_eps",
        "layer_norm_epsilon layer_norm_eps rms_norm_eps layernorm_epsilon norm_epsilon",
    ),
    (
        "model.ffn",
        "activation activation_function hidden_act act mlp mlp_class_name activation_fn \
         act_fn feed_forward feedforward gelu_approximate",
    ),
    (
        "model.init_std",
        "initializer_range init_scale initializer_std init_stddev",
    ),
    (
        "model.position.base",
        "rope_theta theta rope_base rotary_base",
    ),
    (
        "model.position.fraction",
        "partial_rotary_factor rotary_pct rotary_percentage rotary_fraction",
    ),
    ("model.position.scaling", "rope_scaling"),
    ("model.attention_bias", "attn_bias qkv_bias add_qkv_bias"),
    ("model.ffn_bias", "mlp_bias"),
    ("model.bias", "use_bias biases"),
    (
        "model.norm_placement",
        "norm_first pre_norm post_norm prenorm",
    ),
    (
        "model.residual",
        "residuals skip_connections skip use_residual",
    ),
    (
        "model.parallel_residual",
        "use_parallel_residual shared_attention_norm parallel",
    ),
    ("model.qk_norm", "norm_qk query_key_norm qk_layernorm"),
    ("model.causal", "is_causal causal_mask mask is_decoder"),
    (
        "model.scaled_scores",
        "scale_attn_weights scale_scores scale attention_scale",
    ),
    (
        "model.position.buckets",
        "relative_attention_num_buckets num_buckets",
    ),
    (
        "model.position.max_distance",
        "relative_attention_max_distance",
    ),
    ("model.position.scaling.factor", "scaling_factor"),
    (
        "model.position.scaling.original_context_len",
        "original_max_position_embeddings",
    ),
    (
        "train",
        "training trainer optim optimization hyperparameters train_args training_args \
         trainer_config optimizer_config",
    ),
    ("train.seed", "random_seed manual_seed data_seed"),
    (
        "train.steps",
        "max_iters iters iterations max_steps num_steps n_steps total_steps train_steps \
         num_train_steps num_iterations lr_decay_iters num_training_steps training_steps \
         num_iters",
    ),
    (
        "train.batch_size",
        "batch bs batchsize per_device_train_batch_size micro_batch_size train_batch_size \
         device_batch_size train_micro_batch_size",
    ),
    (
        "train.gradient_accumulation_steps",
        "grad_accum grad_accumulation grad_accumulation_steps accumulation accumulation_steps \
         accumulate_grad_batches gradient_accumulation",
    ),
    (
        "train.precision",
        "dtype mixed_precision torch_dtype fp16 bf16 amp float16 compute_dtype",
    ),
    ("train.optimizer", "optim optimiser optimizer_type"),
    (
        "train.lr_max",
        "learning_rate lr max_lr peak_lr learningrate max_learning_rate peak_learning_rate \
         embedding_lr base_lr initial_lr",
    ),
    ("train.lr_min", "min_lr final_lr min_learning_rate eta_min"),
    (
        "train.warmup_steps",
        "warmup warmup_iters num_warmup_steps lr_warmup_steps warm_up warmup_iterations",
    ),
    (
        "train.schedule",
        "scheduler lr_scheduler lr_scheduler_type lr_schedule decay decay_lr annealing",
    ),
    ("train.weight_decay", "wd weightdecay l2"),
    ("train.beta1", "adam_beta1 momentum"),
    ("train.beta2", "adam_beta2"),
    ("train.eps", "epsilon adam_epsilon adam_eps optimizer_eps"),
    (
        "train.grad_clip",
        "clip max_grad_norm gradient_clip gradient_clipping clip_grad grad_norm_clip max_norm \
         clip_grad_norm gradient_clip_val clipping",
    ),
    (
        "train.eval_every",
        "eval_interval eval_steps evaluation_interval val_check_interval eval_freq",
    ),
    ("train.eval_windows", ""),
    (
        "train.checkpoint_every",
        "save_every save_steps save_interval checkpoint_interval save_freq ckpt_interval \
         ckpt_every",
    ),
    (
        "train.keep_checkpoints",
        "save_total_limit keep max_checkpoints keep_last save_top_k",
    ),
    (
        "train.log_every",
        "log_interval logging_steps logging_interval log_freq log_every_n_steps",
    ),
    ("train.windows", "sampling_order shuffle order"),
    ("train.muon_lr_max", "matrix_lr muon_lr hidden_lr"),
    ("train.muon_momentum", "muon_beta"),
    ("sample", "sampling generation generate generation_config"),
    (
        "sample.tokens",
        "max_new_tokens n_tokens num_samples_tokens length gen_tokens",
    ),
    ("sample.prompt", "start text prefix input"),
    ("sample.temperature", "temp"),
    ("sample.top_k", "topk k"),
    ("sample.every", "sample_every sample_interval sample_freq"),
    ("attend", "attention maps"),
    ("attend.text", "prompt sentence input"),
];

/// Other names of keys that only a sequence-to-sequence experiment has.
pub(crate) const ALIASES_OF_PAIRS: &[(&str, &str)] = &[
    ("pairs", "data dataset datasets corpus parallel bitext"),
    (
        "pairs.sources",
        "source src path paths file files train_file train_files source_file src_file data_path",
    ),
    ("pairs.targets", "target tgt trg target_file tgt_file"),
    (
        "pairs.source_field",
        "src_field input_field source_column source_lang",
    ),
    (
        "pairs.target_field",
        "tgt_field output_field target_column target_lang",
    ),
    ("seq2seq", "translator rnn encoder_decoder s2s"),
    (
        "seq2seq.encoder",
        "cell cell_type rnn rnn_type encoder_type bidirectional",
    ),
    (
        "seq2seq.context",
        "attention attn attention_type attn_type attention_mechanism score score_function \
         alignment",
    ),
    ("seq2seq.input_feeding", "input_feed feed"),
    (
        "seq2seq.d_embed",
        "embed_dim embedding_dim emb_dim embed_size embedding_size emb_size word_vec_size n_embd",
    ),
    (
        "seq2seq.d_hidden",
        "hidden_size hidden hidden_dim n_hidden rnn_size units enc_hid_dim dec_hid_dim d_model \
         num_units",
    ),
    (
        "seq2seq.max_source_len",
        "context_len max_len max_length block_size max_src_len src_len max_source_length \
         max_input_len max_input_length max_seq_len context_length",
    ),
    (
        "seq2seq.max_target_len",
        "max_tgt_len tgt_len max_target_length max_output_len max_output_length",
    ),
];

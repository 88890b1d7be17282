//! Runs of language models.

use super::shown::{MapsOf, Sampler, Shown};
use crate::needs::Needs;
use anyhow::{Context, Result};
use burn::module::Module;
use sisun_config::{Config, SampleConfig, shell};
use sisun_data::{Tokenizer, Tokens, evaluation_targets};
use sisun_files::RunDir;
use sisun_infer::{
    CaptureSelection, GenerationOptions, InferError, Language, LanguageModel, Sampler as Choice,
};
use sisun_model::{Count, Transformer, thousands};
use sisun_train::{Session, TrainOutcome};
use sisun_viz::Unit;
use sisun_viz::maps::{self, Format, PictureOptions};
use std::ops::ControlFlow;
use std::path::PathBuf;

impl Shown for Transformer {
    const WINDOWS: &'static str = "windows";

    fn evaluated(session: &Session) -> usize {
        let (config, text) = (&session.config, &session.text.validation);
        let limit = config.train.eval_windows;
        evaluation_targets(text, config.model.context_len, limit).count()
    }

    fn describe(session: &Session) -> String {
        let (model, corpus) = (&session.config.model, &session.text);
        let total = thousands(Count::of(model).total);
        let finetune = session
            .config
            .finetune
            .as_ref()
            .map_or(String::new(), |finetune| {
                let adapters = finetune
                    .lora
                    .map_or(String::new(), |lora| format!(" (LoRA, rank {})", lora.rank));
                let trained = thousands(session.trained_parameters());
                format!(
                    "\nfrom: {}; trains {trained} of {total} parameters{adapters}",
                    finetune.model.display()
                )
            });
        let at = if session.step() > 0 {
            format!(", from step {}", thousands(session.step()))
        } else {
            String::new()
        };
        format!(
            "text: {} tokens to learn from{}, {} held out{}, {} kinds\nmodel: {} parameters, {} layers × {} heads, {} positions{finetune}\nrun: {}{at}",
            thousands(corpus.train.len() as u64),
            loss_tokens(&corpus.train),
            thousands(corpus.validation.len() as u64),
            loss_tokens(&corpus.validation),
            thousands(corpus.tokenizer.vocab_size() as u64),
            total,
            model.n_layers,
            model.n_heads,
            model.position.name(),
            session.run_dir.display(),
        )
    }

    fn settings_without_effect(config: &Config) -> Vec<(&'static str, &'static str)> {
        config.settings_without_effect()
    }

    fn needs(session: &Session) -> Needs {
        Needs::of(
            &session.config.model,
            &session.config.train,
            session.config.lora(),
            session.step(),
            Some(&session.text.train),
        )
    }

    fn sampler(session: &Session) -> Option<Sampler<Self>> {
        let sample = session.config.sample.clone()?;
        let tokenizer = session.text.tokenizer.clone();
        let seed = session.config.train.seed;
        Some(Box::new(move |step, model| {
            write(&sample, seed, step, model, &tokenizer)
        }))
    }

    fn fixed_text(session: &Session) -> Option<String> {
        let attend = session.config.attend.as_ref();
        attend.map(|attend| attend.text.clone())
    }

    fn maps(session: &Session) -> Option<MapsOf<Self>> {
        let text = Self::fixed_text(session)?;
        let name = session.config.name.clone();
        let tokenizer = session.text.tokenizer.clone();
        Some(Box::new(move |step, model| {
            let (name, tokenizer) = (name.clone(), tokenizer.clone());
            let loaded = LanguageModel::new(name, Some(step), model.valid(), tokenizer);
            loaded.attend(&text, &CaptureSelection::default())
        }))
    }

    fn write_maps(session: &Session, outcome: &TrainOutcome) -> Result<Option<PathBuf>> {
        let Some(attend) = &session.config.attend else {
            return Ok(None);
        };
        let folder = RunDir::new(&session.run_dir).maps();
        let name = session.config.name.clone();
        let loaded = LanguageModel::new(
            name,
            Some(outcome.step),
            session.model().valid(),
            session.text.tokenizer.clone(),
        );
        let found = loaded.attend(&attend.text, &CaptureSelection::default())?;
        // The folder belongs to the run; the marker file lets `attend --out` write there as well.
        sisun_files::claim_folder(&folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        maps::write(
            &found,
            &folder,
            &[Format::Png, Format::Npz],
            &PictureOptions {
                unit: Unit::Word,
                language: Some(Language::of(&attend.text)),
                ..PictureOptions::default()
            },
        )?;
        Ok(Some(folder))
    }

    fn overview() -> &'static str {
        "heads.png"
    }

    fn next_commands(session: &Session) -> Vec<String> {
        let run = shell::path(&session.run_dir);
        let opening = opening(session);
        let prompt = session
            .config
            .sample
            .as_ref()
            .map(|sample| sample.prompt.clone())
            .or_else(|| opening.clone());
        let text = session
            .config
            .attend
            .as_ref()
            .map(|attend| attend.text.clone())
            .or(opening);
        let usual = crate::commands::sample::TEMPERATURE;
        let temperature = session
            .config
            .sample
            .as_ref()
            .map(|sample| sample.temperature);
        let temperature = temperature
            .filter(|temperature| *temperature != usual)
            .map_or_else(String::new, |temperature| {
                format!(" --temperature {temperature}")
            });
        let sample = prompt.map(|prompt| {
            let prompt = shell::word(&prompt);
            format!("sisun sample {run} --prompt={prompt}{temperature}")
        });
        let attend = text.map(|text| {
            format!(
                "sisun attend {run} --text={} --out maps",
                shell::word(&text)
            )
        });
        sample.into_iter().chain(attend).collect()
    }
}

/// Continue the prompt of `[sample]`.
fn write(
    sample: &SampleConfig,
    seed: u64,
    step: u64,
    model: &Transformer,
    tokenizer: &Tokenizer,
) -> Result<String, InferError> {
    let loaded = LanguageModel::new(String::new(), Some(step), model.valid(), tokenizer.clone());
    let options = GenerationOptions {
        tokens: sample.tokens,
        sampler: Choice {
            temperature: sample.temperature,
            top_k: sample.top_k,
            seed,
            ..Choice::default()
        },
        stop: Vec::new(),
        number: 0,
    };
    let written = loaded.generate(&sample.prompt, &options, &mut |_| ControlFlow::Continue(()))?;
    Ok(format!("{}{}", sample.prompt, written.text))
}

/// Describe the number of tokens in the loss, if it is not all of them.
fn loss_tokens(tokens: &Tokens) -> String {
    match tokens.has_loss_mask() {
        true => format!(
            " ({} of them count for the loss)",
            thousands(tokens.loss_tokens() as u64)
        ),
        false => String::new(),
    }
}

/// Return a text to try the model on: the first question if answers are learnt, else the first
/// words.
fn opening(session: &Session) -> Option<String> {
    const WORDS: usize = 3;
    /// Maximum number of documents searched for a question.
    const LOOKED_AT: usize = 1000;
    let (tokenizer, text) = (&session.text.tokenizer, &session.text.train);
    let context_len = session.config.model.context_len;
    let mut questions = (0..text.documents().min(LOOKED_AT)).filter_map(|i| {
        let document = text.document(i);
        let start = (document.start + tokenizer.prefix().len()).min(document.end);
        let end = (start..document.end).find(|&at| text.loss_tokens_in(at..at + 1) == 1)?;
        (end > start && end - document.start <= context_len).then_some(start..end)
    });
    if text.has_loss_mask()
        && let Some(question) = questions.next()
    {
        return tokenizer.decode(&text.read(question)).ok();
    }
    let document = text.document(0);
    let from = (document.start + tokenizer.prefix().len()).min(document.end);
    let ids = text.read(from..document.end.min(from + 40));
    // The token that ends the text is not part of it.
    let ids = ids
        .split(|id| Some(*id) == tokenizer.end_of_text())
        .next()?;
    let text = tokenizer.decode(ids).ok()?;
    let words: Vec<&str> = text
        .lines()
        .find(|line| !line.trim().is_empty())?
        .split_whitespace()
        .take(WORDS)
        .collect();
    let opening = words.join(" ");
    tokenizer.encode(&opening).is_ok().then_some(opening)
}

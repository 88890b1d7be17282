//! Runs of sequence-to-sequence models.

use super::shown::{MapsOf, Sampler, Shown};
use crate::needs::Needs;
use crate::pairs::needs;
use anyhow::{Context, Result};
use burn::module::Module;
use sisun_config::{Seq2SeqExperiment, shell};
use sisun_files::RunDir;
use sisun_infer::{CaptureSelection, Decoding, Language, Translator};
use sisun_model::thousands;
use sisun_seq2seq::Seq2Seq;
use sisun_train::{Session, TrainOutcome, seq2seq};
use sisun_viz::maps::{self, Format, PictureOptions};
use std::path::PathBuf;

impl Shown for Seq2Seq {
    const WINDOWS: &'static str = "pairs";

    fn evaluated(session: &Session<Self>) -> usize {
        let limit = session.config.train.eval_windows.unwrap_or(usize::MAX);
        session.text.pairs.validation.tokens.len().min(limit)
    }

    fn describe(session: &Session<Self>) -> String {
        let pairs = &session.text.pairs;
        let at = match session.step() {
            0 => String::new(),
            step => format!(", from step {}", thousands(step)),
        };
        format!(
            "text: {} pairs to learn from, {} held out, {} kinds of source tokens, {} of target tokens with begin and end\nmodel: {} parameters, {}\nrun: {}{at}",
            thousands(pairs.train.tokens.len() as u64),
            thousands(pairs.validation.tokens.len() as u64),
            thousands(pairs.tokenizers.source().vocab_size() as u64),
            thousands(pairs.tokenizers.target_vocab() as u64),
            thousands(session.trained_parameters()),
            seq2seq::shape(&session.config.seq2seq),
            session.run_dir.display(),
        )
    }

    fn settings_without_effect(config: &Seq2SeqExperiment) -> Vec<(&'static str, &'static str)> {
        config.settings_without_effect()
    }

    fn needs(session: &Session<Self>) -> Needs {
        needs(
            &session.config,
            &session.text.pairs,
            session.trained_parameters(),
            session.step(),
        )
    }

    fn sampler(session: &Session<Self>) -> Option<Sampler<Self>> {
        let sources = session.config.sample.as_ref()?.sources.clone();
        let tokenizers = session.text.pairs.tokenizers.clone();
        Some(Box::new(move |step, model| {
            let loaded =
                Translator::new(String::new(), Some(step), model.valid(), tokenizers.clone());
            let mut lines = Vec::new();
            for source in &sources {
                let written = loaded.translate(source, Decoding::Greedy)?;
                let target = written.first().map_or("", |written| &written.text);
                lines.push(format!("{source} → {target}"));
            }
            Ok(lines.join("\n"))
        }))
    }

    fn fixed_text(session: &Session<Self>) -> Option<String> {
        let attend = session.config.attend.as_ref();
        attend.map(|attend| attend.source.clone())
    }

    /// A pair has no maps before it is written, and the model writes another target at each step.
    fn maps(_session: &Session<Self>) -> Option<MapsOf<Self>> {
        None
    }

    fn write_maps(session: &Session<Self>, outcome: &TrainOutcome) -> Result<Option<PathBuf>> {
        let attends = session.config.seq2seq.attends();
        let Some(attend) = session.config.attend.as_ref().filter(|_| attends) else {
            return Ok(None);
        };
        let folder = RunDir::new(&session.run_dir).maps();
        let loaded = Translator::new(
            session.config.name.clone(),
            Some(outcome.step),
            session.model().valid(),
            session.text.pairs.tokenizers.clone(),
        );
        let written = loaded.translate(&attend.source, Decoding::Greedy)?;
        let target = written.first().map_or("", |written| &written.text);
        if target.is_empty() {
            return Ok(None);
        }
        let pairs = &session.text.pairs;
        let alignment = loaded.alignment_among(pairs, &attend.source, target);
        let found = loaded.attend(
            &attend.source,
            target,
            alignment,
            &CaptureSelection::default(),
        )?;
        // The folder belongs to the run; the marker file lets `attend --out` write there as well.
        sisun_files::claim_folder(&folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        for part in &found {
            maps::write(
                part,
                &folder,
                &[Format::Png, Format::Npz],
                &PictureOptions {
                    language: Some(Language::of(&attend.source)),
                    ..PictureOptions::default()
                },
            )?;
        }
        Ok(Some(folder))
    }

    fn overview() -> &'static str {
        "cross-heads.png"
    }

    fn next_commands(session: &Session<Self>) -> Vec<String> {
        let run = shell::path(&session.run_dir);
        let Some(pair) = session.text.pairs.validation.corpus.pairs.first() else {
            return Vec::new();
        };
        let source = shell::word(&pair.source);
        let mut commands = vec![format!("sisun sample {run} --prompt={source}")];
        if session.config.seq2seq.attends() {
            // With its target, since a model that has hardly learned may write none.
            let target = shell::word(&pair.target);
            commands.push(format!(
                "sisun attend {run} --text={source} --target={target} --out maps"
            ));
        }
        commands
    }
}

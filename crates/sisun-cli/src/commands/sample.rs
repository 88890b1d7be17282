//! `sisun sample`.

mod args;
mod prompt;
mod trace_file;
mod translate;

pub(crate) use args::{Args, TEMPERATURE};

use crate::failure::Usage;
use crate::pairs;
use crate::terminal::{is_watched, say, say_json, write_now};
use crate::work;
use anyhow::Result;
use prompt::{Prompt, prompt};
use serde_json::{Value, json};
use sisun_infer::{Finish, GenerationOptions, InferError, LanguageModel, Reach, Sample, Sampler};
use std::ops::ControlFlow;
use trace_file::TraceFile;
use translate::translate;

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(run) = pairs::run_of(&args.run) {
        return translate(&args, &run);
    }
    if args.beam.is_some() && args.run.exists() {
        return Err(Usage(format!(
            "--beam is for sequence-to-sequence models, and {} holds a language model: leave it out",
            args.run.display()
        ))
        .into());
    }
    let prompt = prompt(&args)?;
    if prompt.as_ref().is_some_and(|prompt| prompt.text.is_empty()) {
        return Err(Usage(
            "the prompt is empty: give text to continue, or leave --prompt and --prompt-file out; then a model that \
             was trained on separate texts begins one by itself"
                .to_owned(),
        )
        .into());
    }
    let Prompt {
        text: mut prompt,
        ends_line,
    } = prompt.unwrap_or_default();
    let sampler = Sampler {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        repetition_penalty: args.repetition_penalty,
        seed: args.seed,
    };
    sampler.validate()?;
    note_idle(&args);
    let trace = args.trace.as_deref();
    let trace = trace
        .map(|path| TraceFile::new(path, args.force))
        .transpose()?;
    if trace.is_some() && args.samples.get() != 1 {
        return Err(Usage(
            "--trace tells how one sample came about: leave --samples out".to_owned(),
        )
        .into());
    }
    let chosen = args
        .device
        .choose(|| work::decoding(&args.run, args.precision))?;
    let source = args.precision.open(&args.run, &chosen.device)?;
    let separator = source.answer_separator().to_owned();
    let mut loaded = source.loaded;
    args.device.note(&loaded.introduction());
    if !prompt.is_empty() && !prompt.ends_with(&separator) {
        if ends_line && format!("{prompt}\n").ends_with(&separator) {
            prompt.push('\n');
        } else {
            args.device.note(&format!(
                "note: in training data.jsonl_separator = {separator:?} stood between text and answer: end the prompt with it to ask \
                 for an answer (a line end: in a file, with --prompt-file, or in bash and zsh as --prompt $'…\\n')"
            ));
        }
    }
    let read = loaded.prompt_tokens(&prompt).map_err(|error| match (error, prompt.as_str()) {
        (InferError::Empty { .. }, "") => {
            let why = "no token of this model begins or ends a text, so it cannot begin one by itself: give it words to \
                       go on from, with --prompt; a model that is trained on texts one by one (data.documents = \
                       \"paragraph\" or \"line\") can";
            Usage(why.to_owned()).into()
        }
        (error, _) => anyhow::Error::from(error),
    })?;
    let reach = Reach {
        what: "prompt",
        tokens: read.len(),
        longest: read.len() + args.tokens.saturating_sub(1),
    };
    loaded.edits = args.edit.of(&loaded, reach)?;
    args.device.note_form(&loaded.tokenizer, &prompt)?;
    args.device
        .note_prompt(read.len(), loaded.model.config().context_len);

    let mut objects = Vec::new();
    for number in 0..args.samples.get() {
        let options = GenerationOptions {
            tokens: args.tokens,
            sampler,
            stop: args.stop.clone(),
            number,
        };
        if args.json {
            let sample = generate(&loaded, &prompt, &options, trace.as_ref(), &mut |_| {
                ControlFlow::Continue(())
            })?;
            let mut object = object(&prompt, &sample);
            object["edits"] = args.edit.written().into();
            objects.push(object);
        } else {
            if args.samples.get() > 1 {
                say(&format!("--- {} of {} ---", number + 1, args.samples))?;
            }
            let sample = stream(&loaded, &prompt, &options, trace.as_ref())?;
            if args.samples.get() == 1
                && sample.finish == Finish::Length
                && (args.tokens <= FEW || is_watched())
            {
                let n = args.tokens;
                args.device.note(&format!(
                    "note: stopped after {n} tokens (-n {n}); a larger -n writes on, --samples N writes several texts"
                ));
            }
        }
    }
    match objects.len() {
        0 => Ok(()),
        1 => say_json(&objects[0]),
        _ => say_json(&json!({ "samples": objects })),
    }
}

/// Note options that change nothing where the most likely token is always taken.
fn note_idle(args: &Args) {
    let usual = Sampler::default();
    let idle: Vec<&str> = [
        ("--top-k", args.top_k != usual.top_k),
        ("--top-p", args.top_p != usual.top_p),
        ("--min-p", args.min_p != usual.min_p),
        ("--seed", args.seed != usual.seed),
        ("--samples", args.samples.get() != 1),
    ]
    .into_iter()
    .filter_map(|(option, given)| given.then_some(option))
    .collect();
    if args.temperature == 0.0 && !idle.is_empty() {
        args.device.note(&format!(
            "note: --temperature 0 always takes the most likely token: {} changes nothing",
            idle.join(", ")
        ));
    }
}

/// A `--tokens` of at most this is often meant as a number of samples.
const FEW: usize = 20;

fn generate(
    loaded: &LanguageModel,
    prompt: &str,
    options: &GenerationOptions,
    file: Option<&TraceFile>,
    write: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Sample> {
    let Some(file) = file else {
        return Ok(loaded.generate(prompt, options, write)?);
    };
    let (sample, trace) = loaded.trace(prompt, options, write)?;
    file.write(trace)?;
    Ok(sample)
}

fn stream(
    loaded: &LanguageModel,
    prompt: &str,
    options: &GenerationOptions,
    trace: Option<&TraceFile>,
) -> Result<Sample> {
    let mut failed = None;
    let mut first = true;
    let mut write = |text: &str| {
        // Print the prompt only after the model has accepted it.
        let result = if std::mem::take(&mut first) {
            write_now(&format!("{prompt}{text}"))
        } else {
            write_now(text)
        };
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let sample = generate(loaded, prompt, options, trace, &mut write)?;
    if let Some(error) = failed {
        return Err(error);
    }
    say(if first { prompt } else { "" })?;
    Ok(sample)
}

fn object(prompt: &str, sample: &Sample) -> Value {
    json!({
        "prompt": prompt,
        "text": sample.text,
        "tokens": sample.tokens,
        "finish": sample.finish,
        "prompt_tokens": sample.prompt_tokens,
        "prompt_tokens_read": sample.prompt_tokens_read,
        "tokens_per_second": sample.tokens_per_second,
        "prompt_s": sample.prompt_s,
    })
}

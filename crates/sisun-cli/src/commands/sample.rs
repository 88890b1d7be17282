//! `sisun sample`.

use crate::common::DeviceArgs;
use crate::edit_args::{EditArgs, edit_grammar};
use crate::failure::Usage;
use crate::given_text;
use crate::model_source::PrecisionArgs;
use crate::output::{ForceArgs, make_parent};
use crate::pairs;
use crate::terminal::{is_watched, say, say_json, write_now};
use crate::work;
use anyhow::Result;
use serde_json::{Value, json};
use sisun_files::write_atomic;
use sisun_infer::{
    Decoding, Finish, GenerationOptions, InferError, Language, LanguageModel, Reach, Sample,
    Sampler, Trace,
};
use sisun_model::Run;
use sisun_seq2seq::Beam;
use sisun_viz::page::trace_html;
use std::fs::File;
use std::io::Read;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Generate text with a trained model.
///
/// The text appears as it is generated. When it grows past the model's context, the older half of
/// the context is dropped and the rest is read again.
#[derive(clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  sisun sample runs/quickstart --prompt \"Once upon a time\"
  sisun sample runs/quickstart-ko --prompt \"옛날에\" --temperature 0
  sisun sample runs/quickstart --prompt \"Once\" --top-k 40 --trace why.html
  sisun sample runs/quickstart --samples 3 --stop '\\n'
  sisun sample runs/dates-gru --prompt \"5 March 1997\" --beam 4 --length-penalty 1
  echo \"One day\" | sisun sample runs/quickstart --prompt-file - --samples 3 --seed 7 --json
  sisun sample runs/quickstart --prompt \"Once\" --edit \"z 1.3 = zero\" --edit \"mlp_out 0 = scale 0.5\"",
    edit_grammar!()
))]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text to continue, or the source to write the target of [default: none; the model begins a
    /// new text]
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file", value_parser = given_text::argument)]
    prompt: Option<String>,
    /// Read the text to continue from a file, or - for standard input (sequence to sequence: a source
    /// on each line)
    #[arg(long, value_name = "FILE")]
    prompt_file: Option<PathBuf>,
    /// Generate at most this many tokens (for several texts: --samples)
    #[arg(long, short = 'n', value_name = "N", default_value_t = TOKENS)]
    tokens: usize,
    /// Softmax temperature; 0 always takes the most likely token
    #[arg(
        long,
        value_name = "T",
        default_value_t = TEMPERATURE,
        allow_negative_numbers = true
    )]
    temperature: f64,
    /// Sample from the K most likely tokens only; 0 takes all
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,
    /// Sample from the most likely tokens whose probabilities add up to P
    #[arg(
        long,
        value_name = "P",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    top_p: f64,
    /// Sample from tokens at least P times as likely as the most likely one
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    min_p: f64,
    /// Make tokens that already occurred less likely (usual: 1.1 to 1.3)
    #[arg(
        long,
        value_name = "F",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    repetition_penalty: f64,
    /// Sequence-to-sequence: keep the N best targets at each step, and write the best [default: 1,
    /// the most likely token at each step]
    #[arg(long, value_name = "N", value_parser = beam_width, help_heading = "Sequence to sequence")]
    beam: Option<NonZeroUsize>,
    /// Sequence-to-sequence: divide a target's log-probability by ((5 + length) / 6)^A; 0 prefers
    /// short targets, 1 compares their means (needs --beam)
    #[arg(
        long,
        value_name = "A",
        requires = "beam",
        value_parser = penalty,
        allow_negative_numbers = true,
        help_heading = "Sequence to sequence"
    )]
    length_penalty: Option<f64>,
    /// Stop at this text (may be repeated); \n is a newline, \t a tab, \\ a backslash
    #[arg(long, value_name = "TEXT", value_parser = unescaped)]
    stop: Vec<String>,
    /// Number of samples
    #[arg(long, value_name = "N", default_value_t = NonZeroU64::MIN)]
    samples: NonZeroU64,
    /// Random seed; the same seed gives the same text
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write how each token was chosen (candidates, what each stage removed, attention) to an .html
    /// page or a .json file, which replaces an earlier trace
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    edit: EditArgs,
    #[command(flatten)]
    force: ForceArgs,
    /// Print one JSON object: text, tokens with log-probabilities, speed; of a sequence-to-sequence
    /// run text, tokens, finish, log_prob, score (log_prob over the length penalty), and in others
    /// the rest of the beam
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

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

/// Write the targets of a sequence-to-sequence run.
fn translate(args: &Args, run: &Run) -> Result<()> {
    let usual = Sampler::default();
    const LIKELIEST: &str = "which draws nothing at random and writes the likeliest target: leave it out; --beam 4 compares several";
    let idle = [
        (
            "--tokens",
            args.tokens != TOKENS,
            "whose targets end by themselves, at seq2seq.max_target_len at the latest: leave it out",
        ),
        ("--temperature", args.temperature != TEMPERATURE, LIKELIEST),
        ("--top-k", args.top_k != usual.top_k, LIKELIEST),
        ("--top-p", args.top_p != usual.top_p, LIKELIEST),
        ("--min-p", args.min_p != usual.min_p, LIKELIEST),
        (
            "--repetition-penalty",
            args.repetition_penalty != usual.repetition_penalty,
            LIKELIEST,
        ),
        (
            "--stop",
            !args.stop.is_empty(),
            "whose targets end by themselves: leave it out",
        ),
        ("--samples", args.samples.get() != 1, LIKELIEST),
        ("--seed", args.seed != usual.seed, LIKELIEST),
        (
            "--trace",
            args.trace.is_some(),
            "whose attention is shown by `sisun attend`: leave it out; --beam N --json lists other targets",
        ),
        ("--precision", args.precision.is_reduced(), pairs::FLOAT32),
        ("--edit", args.edit.given(), pairs::NO_EDITS),
    ];
    pairs::refuse(run, &idle)?;
    let Some(sources) = sources(args)? else {
        return Err(Usage(format!(
            "{} holds a sequence-to-sequence model, which writes the target of a source: give one with --prompt",
            run.root().display()
        ))
        .into());
    };
    let decoding = match args.beam {
        None => Decoding::Greedy,
        Some(width) => Decoding::Beam(Beam {
            width: width.get(),
            length_penalty: args.length_penalty.unwrap_or(0.0),
        }),
    };
    pairs::sample(run, &sources, decoding, args.json, &args.device)
}

/// Return the sources to write targets of: the prompt, or each line of a file.
///
/// # Errors
/// If the file cannot be read or has a blank line between others.
fn sources(args: &Args) -> Result<Option<Vec<pairs::GivenSource>>> {
    let Some(Prompt { text, .. }) = prompt(args)? else {
        return Ok(None);
    };
    let Some(file) = &args.prompt_file else {
        return Ok(Some(vec![pairs::GivenSource { text, place: None }]));
    };
    let name = match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => format!("`{}`", file.display()),
    };
    let lines = text.trim_end().lines().zip(1..);
    let sources = lines.map(|(line, number)| {
        let place = format!("{name} line {number}");
        match line.trim().is_empty() {
            true => Err(Usage(format!(
                "{place}: the source is empty: write one on each line, or remove the line"
            ))),
            false => Ok(pairs::GivenSource {
                text: line.to_owned(),
                place: Some(place),
            }),
        }
    });
    let sources = sources.collect::<Result<Vec<_>, Usage>>()?;
    match sources.is_empty() {
        true => Err(Usage(format!("{name} holds no source: write one on each line")).into()),
        false => Ok(Some(sources)),
    }
}

/// Defaults of options that sequence-to-sequence models do not take.
const TOKENS: usize = 200;
pub(crate) const TEMPERATURE: f64 = 0.8;

/// A `--tokens` of at most this is often meant as a number of samples.
const FEW: usize = 20;

/// Largest width of a beam: each of its targets has a state of its own.
const WIDEST: usize = 256;

fn beam_width(given: &str) -> Result<NonZeroUsize, String> {
    let width: usize = given
        .parse()
        .map_err(|_| "expected a whole number".to_owned())?;
    NonZeroUsize::new(width)
        .filter(|width| width.get() <= WIDEST)
        .ok_or_else(|| format!("must be from 1 to {WIDEST}"))
}

fn penalty(given: &str) -> Result<f64, String> {
    let penalty: f64 = given.parse().map_err(|_| "expected a number".to_owned())?;
    match (0.0..=10.0).contains(&penalty) {
        true => Ok(penalty),
        false => Err("must be from 0 to 10".to_owned()),
    }
}

/// Replace the escapes `\n`, `\t`, `\r` and `\\` in a text.
fn unescaped(given: &str) -> Result<String, String> {
    let mut text = String::with_capacity(given.len());
    let mut characters = given.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('\\') => text.push('\\'),
                other => {
                    let found =
                        other.map_or_else(|| "at its end".to_owned(), |c| format!("before {c:?}"));
                    return Err(format!(
                        "a backslash {found} means nothing: write \\\\ for a backslash, \\n for a line end"
                    ));
                }
            },
            c => text.push(c),
        }
    }
    match text.is_empty() {
        true => Err("must hold at least one character".to_owned()),
        false => Ok(text),
    }
}

/// The text to continue.
#[derive(Default)]
struct Prompt {
    text: String,
    /// True if a line end followed it in a file, which is part of the prompt only where the model
    /// expects one.
    ends_line: bool,
}

/// Return the prompt, if there is one.
fn prompt(args: &Args) -> Result<Option<Prompt>> {
    Ok(match (&args.prompt, &args.prompt_file) {
        (Some(prompt), _) => Some(Prompt {
            text: prompt.clone(),
            ends_line: false,
        }),
        (None, Some(path)) => {
            let given_text::Lines { text, ends_line } = given_text::lines("prompt file", path)?;
            Some(Prompt { text, ends_line })
        }
        (None, None) => None,
    })
}

/// Return true if the file is an earlier trace, which the next one may replace.
fn holds_a_trace(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).map(|file| file.take(4096).read_to_end(&mut beginning));
    let beginning = String::from_utf8_lossy(&beginning);
    let parts: &[&str] = match path.extension().is_some_and(|end| end == "html") {
        true => &["<meta name=\"generator\" content=\"sisun trace\">"],
        false => &["{\"model\":", "\"sampler\":{\"temperature\":"],
    };
    matches!(read, Ok(Ok(_))) && parts.iter().all(|part| beginning.contains(part))
}

/// Destination of a trace.
struct TraceFile {
    path: PathBuf,
    page: bool,
}

impl TraceFile {
    fn new(path: &Path, force: ForceArgs) -> Result<Self> {
        let page = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => true,
            Some("json") => false,
            _ => {
                return Err(Usage(format!(
                    "--trace {}: name a .html or a .json file",
                    path.display()
                ))
                .into());
            }
        };
        // Check before generating, so that no text is lost to a missing folder.
        if !holds_a_trace(path) {
            force.check("--trace", path)?;
        }
        make_parent(path)?;
        Ok(Self {
            path: path.to_owned(),
            page,
        })
    }

    fn write(&self, trace: Trace) -> Result<()> {
        let language = Language::of(&trace.prompt);
        let content = if self.page {
            trace_html(trace, language)?
        } else {
            serde_json::to_string(&trace)?
        };
        write_atomic(&self.path, content.as_bytes())?;
        Ok(())
    }
}

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

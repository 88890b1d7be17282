//! The options of `sisun attend`.

use crate::ablation::AblationArgs;
use crate::common::DeviceArgs;
use crate::edit_args::{EditArgs, edit_grammar};
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::model_source::PrecisionArgs;
use anyhow::Result;
use sisun_infer::{Language, LanguageModel, Reach, Weighting, parse_activation};
use sisun_model::Activation;
use sisun_viz::Unit;
use sisun_viz::maps::{Colours, Font, Format, MapsError, PictureOptions, Values};
use sisun_viz::page::WeightFormat;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

/// Heading of the options of sequence-to-sequence runs.
const PAIRS: &str = "Sequence to sequence";

/// Write the attention maps of a text.
///
/// A map has one row for each query (the attending token) and one column for each key (the token
/// attended to); each row sums to 1. A sequence-to-sequence run has the maps of its encoder, its
/// decoder, and of cross-attention, with a row for each token of the target and a column for each
/// token of the source (cross-heads.png). heads.png shows all heads, layer5-head0.png a single one.
#[derive(clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  sisun attend runs/quickstart --text \"The cat sat on the mat.\" --out maps
  sisun attend runs/quickstart --text \"The cat sat on the mat.\" --out maps --format html
  sisun attend runs/quickstart --text \"The cat sat.\" --out maps --format html --checkpoints
  sisun attend runs/quickstart --text \"The cat sat.\" --out maps --format html --live
  sisun attend runs/rope --against runs/alibi --text \"The cat sat.\" --out maps --format html,png
  sisun attend runs/rope runs/alibi --text \"The cat sat.\" --out maps --format html
  sisun attend runs/quickstart-ko --text \"밥을 먹었어요.\" --out maps --format npz,svg --layers 3 --heads 0,2-3
  sisun attend runs/quickstart --text \"The cat\" --out maps --format json --activations pattern,scores,q,k,v,z
  sisun attend runs/quickstart --text \"The cat sat.\" --format svg --layers last --colours cividis --values always
  sisun attend runs/quickstart --text \"The cat sat.\" --format png,npz --weighting values
  sisun attend runs/quickstart-ko --text \"밥을 먹었어요.\" --format png --font NanumMyeongjo.ttf --font-size 18
  echo \"The cat sat.\" | sisun attend runs/quickstart --text-file - --layers last
  sisun attend runs/dates-gru --text \"Wednesday, 5 March 1997\" --out maps
  sisun attend runs/dates-gru --pair dates.jsonl:3 --out maps --format html,svg
  sisun attend runs/dates-gru --pair held-out.ko:3 --targets held-out.en --out maps
  sisun attend runs/dates-gru --text \"5 March 1997\" --out maps --format html --ablate
  sisun attend runs/quickstart --text \"The cat sat.\" --edit \"resid_mid 2 @1 = from 'The dog sat.'\"",
    edit_grammar!()
))]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory. Several share a page (html)
    #[arg(required = true, value_name = "RUN")]
    pub(super) runs: Vec<PathBuf>,
    /// The text whose attention is computed; of a sequence-to-sequence run, the source
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present_any = ["pair", "text_file"])]
    pub(super) text: Option<String>,
    #[command(flatten)]
    pub(super) text_file: TextFile,
    /// Sequence-to-sequence: the target [default: the one that the model writes]. The true alignment
    /// is outlined if the run's own pairs tell it
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, help_heading = PAIRS)]
    pub(super) target: Option<String>,
    /// Sequence-to-sequence: a pair in a file, and its true alignment, as in pairs.jsonl:3
    #[arg(long, value_name = "FILE:LINE", conflicts_with_all = ["text", "text_file", "target"], help_heading = PAIRS)]
    pub(super) pair: Option<String>,
    /// Sequence-to-sequence: the file with the target of --pair, on the line of the same number
    /// [default: the run's own, if FILE is one of its parallel files; else FILE holds both]
    #[arg(long, value_name = "FILE", requires = "pair", help_heading = PAIRS)]
    pub(super) targets: Option<String>,
    /// The output folder
    #[arg(long, value_name = "DIR", default_value = "maps")]
    pub(super) out: PathBuf,
    /// Output formats: any of html (one interactive page, attention.html), png, svg, json, csv,
    /// npz, safetensors
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "png,npz"
    )]
    pub(super) format: Vec<Output>,
    /// Layers to keep, counted from 0, as in 0,2-3, or from the end, as in last or -2--1 [default:
    /// all]
    #[arg(long, value_name = "LIST", allow_negative_numbers = true)]
    pub(super) layers: Option<String>,
    /// Heads to keep, likewise [default: all]
    #[arg(long, value_name = "LIST", allow_negative_numbers = true)]
    pub(super) heads: Option<String>,
    /// Activations of each head to write: any of pattern, scores, q, k, v, z. Pictures (png, svg)
    /// show pattern and scores, csv lists pattern; html always shows all but z
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "pattern", value_parser = parse_activation)]
    pub(super) activations: Vec<Activation>,
    /// A second run, whose weights are subtracted: files and pictures of the differences
    /// (difference-heads.png), and on the page both runs and their difference. Both must divide the
    /// text into the same tokens
    #[arg(long, value_name = "RUN", conflicts_with_all = ["checkpoints", "ablate"])]
    pub(super) against: Option<PathBuf>,
    /// What rows and columns of pictures, and of the page when it is opened, stand for: word,
    /// character or token. The tokens of a word are taken together: keys are summed, queries
    /// averaged. Scores and other files are by token [default: word]
    #[arg(long, value_name = "UNIT")]
    pub(super) by: Option<Unit>,
    /// Language of pictures and of the page: en or ko [default: ko if the text is Korean]
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) language: Option<Language>,
    /// The weights of the maps: attention, or values, each weight times the length of the vector that
    /// the key contributes, ‖α·(x·W_V + b_V)·W_O‖ (Kobayashi et al. 2020). The page switches between
    /// the two
    #[arg(long, value_name = "KIND", default_value = "attention", value_parser = read_weighting)]
    pub(super) weighting: Weighting,
    #[command(flatten)]
    pub(super) edit: EditArgs,
    /// Print one JSON object: tokens and the files written
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) precision: PrecisionArgs,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
    #[command(flatten)]
    pub(super) page: PageArgs,
    #[command(flatten)]
    pub(super) pictures: PictureArgs,
}

impl Args {
    /// Refuse what a page with its model in it does not have.
    pub(super) fn check_live(&self) -> Result<()> {
        const WHOLE: &str = "holds the whole model: leave it out";
        let refused = [
            (
                "--checkpoints",
                self.page.checkpoints,
                "holds one model: name one checkpoint",
            ),
            (
                "--ablate",
                self.page.ablate,
                "ablates heads by a click: leave it out",
            ),
            (
                "--by",
                self.by.is_some(),
                "lets its reader choose: leave it out",
            ),
            (
                "--against",
                self.against.is_some(),
                "compares sentences: leave it out",
            ),
            (
                "a second RUN",
                self.runs.len() > 1,
                "holds one model: write one for each",
            ),
            (
                "--edit",
                self.edit.given(),
                "is edited by hand: leave it out",
            ),
            ("--layers", self.layers.is_some(), WHOLE),
            ("--heads", self.heads.is_some(), WHOLE),
            (
                "--precision",
                self.precision.is_reduced(),
                "computes in float32: choose the format of its weights with --weights",
            ),
        ];
        match refused
            .into_iter()
            .find(|(_, given, _)| *given && self.page.live)
        {
            Some((option, _, why)) => {
                Err(Usage(format!("{option}: a page with --live {why}")).into())
            }
            None => Ok(()),
        }
    }

    /// Refuse options about pages and pictures where there are none.
    pub(super) fn check_shown(&self) -> Result<()> {
        let shows = |output: &Output| match output {
            Output::Page => true,
            Output::File(format) => format.is_picture(),
        };
        let options = [
            ("--by", self.by.is_some()),
            ("--language", self.language.is_some()),
        ];
        let idle = options.into_iter().find(|(_, given)| *given);
        match idle.filter(|_| !self.format.iter().any(shows)) {
            Some((option, _)) => Err(Usage(format!(
                "{option} is about pages and pictures: add html, png or svg to --format"
            ))
            .into()),
            None => Ok(()),
        }
    }

    /// Refuse weights by value where no file holds patterns.
    pub(super) fn check_weighting(&self, formats: &[Format]) -> Result<()> {
        let problem = if self.weighting != Weighting::Values {
            return Ok(());
        } else if formats.is_empty() {
            "--weighting values is about files: add png, svg, npz, json, csv or safetensors to --format; the page has a switch for it"
        } else if !self.activations.contains(&Activation::Pattern) {
            "--weighting values is about patterns: add pattern to --activations"
        } else {
            return Ok(());
        };
        Err(Usage(problem.to_owned()).into())
    }

    /// Refuse what has no difference.
    pub(super) fn check_against(&self) -> Result<()> {
        let problem = if self.against.is_none() {
            return Ok(());
        } else if self.runs.len() > 1 {
            "--against takes the place of a second RUN: name one before it"
        } else if self.activations != [Activation::Pattern] {
            "--against subtracts patterns: leave --activations out"
        } else if self.weighting != Weighting::Attention {
            "--against subtracts attention weights: leave --weighting out"
        } else {
            return Ok(());
        };
        Err(Usage(problem.to_owned()).into())
    }

    /// Let a model make the edits in each pass.
    pub(super) fn add_edits(&self, loaded: &mut LanguageModel, text: &str) -> Result<()> {
        if self.edit.given() {
            let n = loaded.tokens(text)?.len();
            let reach = Reach {
                what: "text",
                tokens: n,
                longest: n,
            };
            loaded.edits = self.edit.of(loaded, reach)?;
        }
        Ok(())
    }
}

/// Parse a weighting.
fn read_weighting(given: &str) -> Result<Weighting, String> {
    match given.trim() {
        "attention" => Ok(Weighting::Attention),
        "values" => Ok(Weighting::Values),
        other => Err(format!(
            "unknown weighting `{other}`; choose from attention, values"
        )),
    }
}

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Page,
    File(Format),
}

impl FromStr for Output {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.trim() {
            "html" => Ok(Self::Page),
            other => other
                .parse()
                .map(Self::File)
                .map_err(|error: MapsError| format!("{error}, html")),
        }
    }
}

impl Output {
    /// Return the activations that the format shows.
    pub(super) fn activations(self) -> &'static [Activation] {
        match self {
            Self::Page => &[
                Activation::Pattern,
                Activation::Scores,
                Activation::Q,
                Activation::K,
                Activation::V,
            ],
            Self::File(format) => format.activations(),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page => f.write_str("html"),
            Self::File(format) => format.fmt(f),
        }
    }
}

/// Refuse formats that hold none of the requested activations, and activations that no format
/// holds.
pub(super) fn check_activations(outputs: &[Output], activations: &[Activation]) -> Result<()> {
    let listed = |activations: &[Activation], between: &str| {
        let names: Vec<String> = activations.iter().map(ToString::to_string).collect();
        names.join(between)
    };
    let holds =
        |output: &Output, activation: &Activation| output.activations().contains(activation);
    let shown = |output: &Output| listed(output.activations(), ", ");
    let empty = outputs.iter().find(|output| {
        **output != Output::Page
            && !activations
                .iter()
                .any(|activation| holds(output, activation))
    });
    if let Some(output) = empty {
        let (given, shown) = (listed(activations, ","), shown(output));
        return Err(Usage(format!(
            "--activations {given}: {output} holds only {shown}; add one of these, or write json, npz or safetensors"
        ))
        .into());
    }
    let lost = activations
        .iter()
        .find(|activation| !outputs.iter().any(|output| holds(output, activation)));
    if let Some(name) = lost {
        let held: Vec<String> = outputs
            .iter()
            .map(|output| format!("{output} holds {}", shown(output)))
            .collect();
        return Err(Usage(format!(
            "--activations {name}: no format that is asked for holds it ({}); add json, npz or safetensors to --format, or leave it out",
            held.join("; ")
        ))
        .into());
    }
    Ok(())
}

/// Options of the pictures (png, svg).
#[derive(clap::Args)]
#[command(next_help_heading = "Pictures")]
pub(super) struct PictureArgs {
    /// Width of a cell in pixels [default: chosen by the number of tokens]
    #[arg(long, value_name = "PIXELS")]
    pub(super) cell: Option<NonZeroU32>,
    /// Colours of the weights: blues, viridis, cividis or magma. Dark is high in each of them;
    /// cividis suits colour-blind readers
    #[arg(long, value_name = "MAP", default_value_t)]
    pub(super) colours: Colours,
    /// Font file (.ttf, .otf or .ttc, of which the first font is used) for the labels. An SVG only
    /// names it [default: the embedded Pretendard]
    #[arg(long, value_name = "FILE")]
    pub(super) font: Option<PathBuf>,
    /// Size of the token labels in pixels, 4 to 200; other text is scaled with them [default: 10 to
    /// 13, depending on the space]
    #[arg(long, value_name = "PIXELS")]
    pub(super) font_size: Option<f32>,
    /// Write numbers into the cells of single heads: auto (where all fit), always (cells grow as
    /// needed) or never
    #[arg(long, value_name = "WHEN", default_value_t)]
    pub(super) values: Values,
}

impl PictureArgs {
    /// Return the first option that was given, if no picture is drawn.
    pub(super) fn idle(&self) -> Option<&'static str> {
        let given = [
            ("--cell", self.cell.is_some()),
            ("--colours", self.colours != Colours::default()),
            ("--font", self.font.is_some()),
            ("--font-size", self.font_size.is_some()),
            ("--values", self.values != Values::default()),
        ];
        given
            .into_iter()
            .find(|(_, given)| *given)
            .map(|(option, _)| option)
    }

    pub(super) fn options(&self, unit: Unit, language: Language) -> Result<PictureOptions> {
        let font = self.font.as_deref().map(Font::open).transpose()?;
        let Self {
            cell,
            colours,
            font_size,
            values,
            ..
        } = *self;
        Ok(PictureOptions {
            cell,
            colours,
            font,
            font_size,
            values,
            unit,
            language: Some(language),
        })
    }
}

/// Options of the page (html).
#[derive(clap::Args)]
#[command(next_help_heading = "Page")]
pub(super) struct PageArgs {
    /// Show all checkpoints of the run, with a slider: how heads form
    #[arg(long)]
    pub(super) checkpoints: bool,
    /// Ablate each head on held-out text and show by how much the loss rises; of a
    /// sequence-to-sequence run, show what it writes for the source without each head
    #[arg(long, alias = "silence")]
    pub(super) ablate: bool,
    #[command(flatten)]
    pub(super) ablation: AblationArgs,
    /// Put the model into the page, which then computes while you type: the page of `sisun page`
    #[arg(long)]
    pub(super) live: bool,
    /// With --live, number format of the weights: float32, float24, float16, or int8 [default: by
    /// the size of the model]
    #[arg(long, value_name = "FORMAT", requires = "live")]
    pub(super) weights: Option<WeightFormat>,
}

impl PageArgs {
    /// Refuse options that would be ignored.
    pub(super) fn check(&self, with_page: bool, runs: usize) -> Result<()> {
        let options = [
            ("--checkpoints", self.checkpoints),
            ("--ablate", self.ablate),
            ("--live", self.live),
        ];
        let problem = match options.into_iter().find(|(_, given)| *given && !with_page) {
            Some((option, _)) => format!("{option} is about the page: add html to --format"),
            None if !self.ablate && self.ablation.idle().is_some() => {
                format!(
                    "{} is about ablating heads: add --ablate",
                    self.ablation.idle().unwrap_or_default()
                )
            }
            None if self.checkpoints && runs > 1 => {
                "--checkpoints shows one run over time: name one run".to_owned()
            }
            None if self.ablate && (self.checkpoints || runs > 1) => {
                "--ablate takes a while for one model: leave it out where a page shows several"
                    .to_owned()
            }
            None => return Ok(()),
        };
        Err(Usage(problem).into())
    }
}

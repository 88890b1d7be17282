//! `sisun attend`.

mod page;

use crate::common::{DeviceArgs, claim, left_before};
use crate::failure::Usage;
use crate::given_text;
use crate::model_source::PrecisionArgs;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_infer::maps::{self, Colours, Font, Format, MapsError, PictureOptions, Values};
use sisun_infer::{CaptureSelection, check_per_head, parse_activation, parse_selection};
use sisun_model::Activation;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

/// Write the attention maps of a text.
///
/// A map has one row for each query (the attending token) and one column for each key (the token
/// attended to); each row sums to 1. heads.png shows all heads, layer5-head0.png a single one.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun attend runs/quickstart --text \"The cat sat on the mat.\" --out maps
  sisun attend runs/quickstart --text \"The cat sat on the mat.\" --out maps --format html
  sisun attend runs/quickstart --text \"The cat sat.\" --out maps --format html --checkpoints
  sisun attend runs/rope runs/alibi --text \"The cat sat.\" --out maps --format html
  sisun attend runs/quickstart-ko --text \"밥을 먹었어요.\" --out maps --format npz,svg --layers 3 --heads 0,2-3
  sisun attend runs/quickstart --text \"The cat\" --out maps --format json --activations pattern,scores,q,k,v,z
  sisun attend runs/quickstart --text \"The cat sat.\" --format svg --colours cividis --values always
  sisun attend runs/quickstart-ko --text \"밥을 먹었어요.\" --format png --font NanumMyeongjo.ttf --font-size 18")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory. Several share a page (html)
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The text whose attention is computed
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    text: String,
    /// The output folder
    #[arg(long, value_name = "DIR", default_value = "maps")]
    out: PathBuf,
    /// Output formats: any of html (one interactive page, attention.html), png, svg, json, csv,
    /// npz, safetensors
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "png,npz"
    )]
    format: Vec<Output>,
    /// Layers to keep, counted from 0, as in 0,2-3 [default: all]
    #[arg(long, value_name = "LIST")]
    layers: Option<String>,
    /// Heads to keep, counted from 0, as in 0,2-3 [default: all]
    #[arg(long, value_name = "LIST")]
    heads: Option<String>,
    /// Activations of each head to write: any of pattern, scores, q, k, v, z. Pictures (png, svg)
    /// show pattern and scores, csv lists pattern; html always shows all but z
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "pattern", value_parser = parse_activation)]
    activations: Vec<Activation>,
    /// Print one JSON object: tokens and the files written
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    page: page::PageArgs,
    #[command(flatten)]
    pictures: PictureArgs,
}

/// Something that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
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
    /// The activations that it shows.
    fn activations(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["pattern", "scores", "q", "k", "v"],
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

/// Refuses what would not be written: formats without a place for anything that is to be kept, and
/// activations that no format has a place for.
fn check_activations(outputs: &[Output], activations: &[Activation]) -> Result<()> {
    let names: Vec<String> = activations.iter().map(ToString::to_string).collect();
    let shown = |output: &Output| output.activations().join(", ");
    let empty = outputs.iter().find(|output| {
        **output != Output::Page
            && !names
                .iter()
                .any(|name| output.activations().contains(&name.as_str()))
    });
    if let Some(output) = empty {
        let (given, shown) = (names.join(","), shown(output));
        return Err(Usage(format!(
            "--activations {given}: {output} holds only {shown}; add one of these, or write json, npz or safetensors"
        ))
        .into());
    }
    let lost = names.iter().find(|name| {
        !outputs
            .iter()
            .any(|output| output.activations().contains(&name.as_str()))
    });
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

/// How the pictures (png, svg) are drawn.
#[derive(clap::Args)]
#[command(next_help_heading = "Pictures")]
struct PictureArgs {
    /// Width of a cell in pixels [default: chosen by the number of tokens]
    #[arg(long, value_name = "PIXELS")]
    cell: Option<NonZeroU32>,
    /// Colours of the weights: blues, viridis, cividis or magma. Dark is high in each of them;
    /// cividis suits colour-blind readers
    #[arg(long, value_name = "MAP", default_value_t)]
    colours: Colours,
    /// Font file (.ttf, .otf or .ttc, of which the first font is used) for the labels. An SVG only
    /// names it [default: the embedded Pretendard]
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// Size of the token labels in pixels, 4 to 200; other text is scaled with them [default: 10 to
    /// 13, depending on the space]
    #[arg(long, value_name = "PIXELS")]
    font_size: Option<f32>,
    /// Write numbers into the cells of single heads: auto (where all fit), always (cells grow as
    /// needed) or never
    #[arg(long, value_name = "WHEN", default_value_t)]
    values: Values,
}

impl PictureArgs {
    /// The first option that was given, where no picture is drawn.
    fn idle(&self) -> Option<&'static str> {
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

    fn options(&self) -> Result<PictureOptions> {
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
        })
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    let pictures = args.pictures.options()?;
    let selection =
        |what, given: Option<&String>| given.map(|given| parse_selection(what, given)).transpose();
    let looking = CaptureSelection {
        activations: args.activations.clone(),
        layers: selection("layer", args.layers.as_ref())?,
        heads: selection("head", args.heads.as_ref())?,
    };
    let formats: Vec<Format> = args
        .format
        .iter()
        .filter_map(|output| {
            if let Output::File(format) = output {
                Some(*format)
            } else {
                None
            }
        })
        .collect();
    let with_page = args.format.contains(&Output::Page);
    check_per_head(&args.activations)?;
    check_activations(&args.format, &args.activations)?;
    args.page.check(with_page, args.runs.len())?;
    if let (false, Some(option)) = (
        formats.iter().any(|format| format.is_picture()),
        args.pictures.idle(),
    ) {
        return Err(Usage(format!(
            "{option} is about pictures: add png or svg to --format"
        ))
        .into());
    }
    let [first, others @ ..] = &args.runs[..] else {
        return Err(Usage("name a run to look at".to_owned()).into());
    };
    if !others.is_empty() && !formats.is_empty() {
        return Err(Usage(format!(
            "{} of several runs would overwrite each other: only html takes several",
            formats[0]
        ))
        .into());
    }
    let chosen = args.device.choose()?;
    let opened = args.precision.open(first, &chosen.device)?;
    let loaded = &opened.loaded;
    args.device.note(&loaded.introduction());
    let tokens = loaded.tokens(&args.text)?;
    loaded.check_length(tokens.len())?;
    args.device.note_form(&loaded.tokenizer, &args.text)?;
    args.device
        .note_length(tokens.len(), loaded.model.config().context_len);
    let mut files = Vec::new();
    if !formats.is_empty() {
        let (layers, heads) = looking.of(loaded.model.config())?;
        loaded.check_room(tokens.len(), heads.len(), 2 * layers.len(), &looking)?;
        let found = loaded.attend(&args.text, &looking)?;
        claim(&args.out)?;
        files = maps::write(&found, &args.out, &formats, &pictures)?;
    }
    if with_page {
        files.push(page::write(
            &args,
            &opened,
            others,
            &looking,
            &chosen.device,
        )?);
    }
    if let (false, Some(left)) = (formats.is_empty(), left_before(&args.out, &files)) {
        args.device.note(&format!(
            "note: {} holds files of an earlier command as well: {left}",
            args.out.display()
        ));
    }
    if args.json {
        return say_json(&json!({ "text": args.text, "tokens": tokens, "files": files }));
    }
    for file in &files {
        say(&file.display().to_string())?;
    }
    Ok(())
}

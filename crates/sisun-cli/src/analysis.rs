//! What the commands that analyse a model share: opening it, and writing the result to files.

use crate::common::{DeviceArgs, claim, left_before};
use crate::earlier::Shown;
use crate::failure::Usage;
use crate::model_source::{ModelSource, PrecisionArgs};
use crate::terminal::say;
use crate::work;
use anyhow::{Context, Result};
use clap::Args;
use sisun_files::write_atomic;
use sisun_infer::{AnswerToken, Language, LanguageModel};
use sisun_viz::Sheet;
use sisun_viz::maps::{sheet_svg, svg_to_png};
use sisun_viz::page::{AnalysisPage, analysis_html};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Options of the output of an analysis.
#[derive(Args, Clone, Debug)]
pub(crate) struct AnalysisOutput {
    /// Write files and not a table: any of npz, png, svg, html (one interactive page)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) format: Vec<AnalysisFormat>,
    /// The folder of the files [default: maps]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Language of the page: en or ko [default: ko if the text is Korean]
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A file format of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnalysisFormat {
    Npz,
    Png,
    Svg,
    Html,
}

impl FromStr for AnalysisFormat {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given.trim() {
            "npz" => Ok(Self::Npz),
            "png" => Ok(Self::Png),
            "svg" => Ok(Self::Svg),
            "html" => Ok(Self::Html),
            other => Err(format!(
                "unknown format `{other}`; choose from npz, png, svg, html"
            )),
        }
    }
}

impl fmt::Display for AnalysisFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npz => "npz",
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Html => "html",
        })
    }
}

/// A form in which an analysis is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The table on the terminal.
    Table,
    /// The JSON object.
    Json,
    /// A file.
    File(AnalysisFormat),
}

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("the table"),
            Self::Json => f.write_str("--json"),
            Self::File(format) => format.fmt(f),
        }
    }
}

/// The result of an analysis, as files hold it.
pub(crate) struct Analysis<'a> {
    /// Name of the files.
    pub(crate) name: &'static str,
    /// Text that the model read; empty if it read none.
    pub(crate) text: &'a str,
    /// Pictures.
    pub(crate) sheets: Vec<Sheet>,
}

impl Analysis<'_> {
    /// Describe what the files show.
    fn shown(&self) -> Shown {
        let sheets = self.sheets.iter();
        let details: Vec<String> = sheets
            .flat_map(|sheet| [sheet.title.clone(), sheet.below.clone()])
            .collect();
        // The title of a picture ends with the model.
        let model = details.first().and_then(|title| title.rsplit(" · ").next());
        Shown {
            kind: self.name.to_owned(),
            model: model.unwrap_or_default().to_owned(),
            text: self.text.to_owned(),
            details,
        }
    }
}

impl AnalysisOutput {
    /// Return true if files of this format are to be written.
    pub(crate) fn wants(&self, format: AnalysisFormat) -> bool {
        self.format.contains(&format)
    }

    /// Check the options before anything is computed.
    pub(crate) fn check(&self) -> Result<()> {
        let problem = if self.out.is_some() && self.format.is_empty() {
            "--out is about files: name them with --format npz,png,svg,html"
        } else if self.language.is_some() && !self.wants(AnalysisFormat::Html) {
            "--language is about the page: add html to --format"
        } else {
            return Ok(());
        };
        Err(Usage(problem.to_owned()).into())
    }

    /// Refuse an option that would change nothing in what is asked for; `uses` are the forms that
    /// show it.
    ///
    /// # Errors
    /// If it is given and none of them is asked for.
    pub(crate) fn check_used(&self, option: &str, given: bool, uses: &[Shows]) -> Result<()> {
        let is_shown = |form: &Shows| match form {
            Shows::Table => self.format.is_empty() && !self.json,
            Shows::Json => self.json,
            Shows::File(format) => self.wants(*format),
        };
        if !given || uses.iter().any(is_shown) {
            return Ok(());
        }
        let listed: Vec<String> = uses.iter().map(ToString::to_string).collect();
        Err(Usage(format!(
            "{option} changes only {}: leave it out",
            listed.join(", ")
        ))
        .into())
    }

    /// Write the files and return their paths. `npz` makes the arrays, and `page` completes the
    /// page, if they are wanted.
    pub(crate) fn write(
        &self,
        found: &Analysis<'_>,
        npz: impl FnOnce() -> io::Result<Vec<u8>>,
        page: impl FnOnce(Language) -> AnalysisPage,
        device: &DeviceArgs,
    ) -> Result<Vec<PathBuf>> {
        if self.format.is_empty() {
            return Ok(Vec::new());
        }
        let mut contents: Vec<(String, Vec<u8>)> = Vec::new();
        if self.wants(AnalysisFormat::Npz) {
            let bytes = npz().context("the arrays do not fit into an NPZ file")?;
            contents.push((format!("{}.npz", found.name), bytes));
        }
        for sheet in &found.sheets {
            let pictures = [AnalysisFormat::Png, AnalysisFormat::Svg];
            if !pictures.iter().any(|format| self.wants(*format)) {
                break;
            }
            let formats = pictures.map(|format| self.wants(format));
            contents.extend(draw(sheet, formats)?);
            if self.wants(AnalysisFormat::Png) {
                let labels = sheet.rows.iter().chain(&sheet.columns);
                let labels = labels.chain(sheet.texts.iter().flatten());
                device.note_glyphs(labels.map(String::as_str), None);
            }
        }
        if self.wants(AnalysisFormat::Html) {
            let language = self.language.unwrap_or_else(|| Language::of(found.text));
            let html = analysis_html(&page(language), &found.sheets, language)?;
            contents.push((format!("{}.html", found.name), html.into_bytes()));
        }
        let out = self.out.as_deref().unwrap_or(Path::new("maps"));
        let shown = found.shown();
        shown.make_room(out, device)?;
        let files = write_files(out, contents, device)?;
        shown.record(out, &files)?;
        Ok(files)
    }
}

/// Draw a sheet as PNG, as SVG, or as both. Return the names of the files and what they hold.
fn draw(sheet: &Sheet, [png, svg]: [bool; 2]) -> Result<Vec<(String, Vec<u8>)>> {
    let drawn = sheet_svg(sheet)?;
    let mut pictures = Vec::new();
    if png {
        pictures.push((
            format!("{}.png", sheet.name),
            svg_to_png(&drawn, sheet.name)?,
        ));
    }
    if svg {
        pictures.push((format!("{}.svg", sheet.name), drawn.into_bytes()));
    }
    Ok(pictures)
}

/// Write files into a folder and return their paths. Files of earlier commands are noted.
pub(crate) fn write_files(
    out: &Path,
    contents: Vec<(String, Vec<u8>)>,
    device: &DeviceArgs,
) -> Result<Vec<PathBuf>> {
    claim(out)?;
    let mut files = Vec::new();
    for (name, bytes) in contents {
        let path = out.join(name);
        write_atomic(&path, &bytes)?;
        files.push(path);
    }
    if let Some(left) = left_before(out, &files) {
        device.note(&format!(
            "note: {} holds files of an earlier command as well: {left}",
            out.display()
        ));
    }
    Ok(files)
}

/// Print the paths of files, a line each.
pub(crate) fn say_files(files: &[PathBuf]) -> Result<()> {
    files
        .iter()
        .try_for_each(|file| say(&file.display().to_string()))
}

/// Note which token of an answer is taken, if it has several, and if it stands for characters that
/// the vocabulary lacks.
pub(crate) fn note_rest(
    option: &str,
    given: &str,
    token: &AnswerToken,
    loaded: &LanguageModel,
    device: &DeviceArgs,
) -> Result<()> {
    let encoding = loaded.tokenizer.encode(given)?;
    if let Some(unknown) = loaded.tokenizer.unknown(given, &encoding) {
        device.note(&format!("note: {option} {given:?}: {unknown}"));
    }
    if !token.rest.is_empty() {
        device.note(&format!(
            "note: {option} {given:?} is {} tokens: the first is taken, {:?}",
            token.rest.len() + 1,
            token.text
        ));
    }
    Ok(())
}

/// Open the model that a RUN argument names.
///
/// # Errors
/// If it names a sequence-to-sequence run; `because` says why that is not taken.
pub(crate) fn open(
    run: &Path,
    precision: Option<PrecisionArgs>,
    device: &DeviceArgs,
    because: &str,
) -> Result<ModelSource> {
    crate::pairs::refuse_run(run, |_| because.to_owned())?;
    let precision = precision.unwrap_or_default();
    let chosen = device.choose(|| work::reading(run, precision))?;
    let opened = precision.open(run, &chosen.device)?;
    device.note(&opened.loaded.introduction());
    Ok(opened)
}

/// Note what is special about a text: another Unicode form, or more tokens than in training.
pub(crate) fn note_text(opened: &ModelSource, text: &str, device: &DeviceArgs) -> Result<()> {
    let loaded = &opened.loaded;
    let n = loaded.tokens(text)?.len();
    loaded.check_length(n)?;
    device.note_form(&loaded.tokenizer, text)?;
    device.note_length(n, loaded.model.config().context_len);
    Ok(())
}

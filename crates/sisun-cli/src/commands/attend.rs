//! `sisun attend`.

mod args;
mod page;

pub(crate) use args::Args;
use args::{Output, check_activations};

use crate::common::left_before;
use crate::earlier::Shown;
use crate::failure::Usage;
use crate::model_source::ModelSource;
use crate::pairs::{self, MapOutput, PairText};
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use burn::tensor::Device;
use serde_json::json;
use sisun_infer::{CaptureSelection, Language, Weighting, check_per_head, parse_selection};
use sisun_model::{Activation, Run};
use sisun_viz::Unit;
use sisun_viz::maps::{self, Format, PictureOptions};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: Args) -> Result<()> {
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
    args.check_shown()?;
    args.check_against()?;
    let [first, others @ ..] = &args.runs[..] else {
        return Err(Usage("name a run to look at".to_owned()).into());
    };
    let of_pairs = pairs::run_of(first);
    if of_pairs.is_none() {
        check_activations(&args.format, &args.activations)?;
        args.page.check(with_page, args.runs.len())?;
        args.check_live()?;
    }
    args.check_weighting(&formats)?;
    if let (false, Some(option)) = (
        formats.iter().any(|format| format.is_picture()),
        args.pictures.idle(),
    ) {
        return Err(Usage(format!(
            "{option} is about pictures: add png or svg to --format"
        ))
        .into());
    }
    let text = args.text_file.or(args.text.as_ref())?.unwrap_or_default();
    let unit = args.by.unwrap_or(Unit::Word);
    let language = args.language.unwrap_or_else(|| Language::of(&text));
    let pictures = args.pictures.options(unit, language)?;
    if let Some(run) = of_pairs {
        return attend_to_source(&args, &run, &text, &formats, &pictures, &looking);
    }
    let given = args.target.as_ref().map(|_| "--target");
    let given = given.or(args.pair.as_ref().map(|_| "--pair"));
    if let Some(option) = given.filter(|_| first.exists()) {
        return Err(Usage(format!(
            "{option} is for sequence-to-sequence models, and {} holds a language model: give a --text",
            first.display()
        ))
        .into());
    }
    let text = text.as_str();
    if !others.is_empty() && !formats.is_empty() {
        return Err(Usage(format!(
            "{} of several runs would overwrite each other: only html takes several",
            formats[0]
        ))
        .into());
    }
    let chosen = args
        .device
        .choose(|| work::reading(first, args.precision))?;
    let mut opened = args.precision.open(first, &chosen.device)?;
    args.device.note(&opened.loaded.introduction());
    let tokens = opened.loaded.tokens(text)?;
    opened.loaded.check_length(tokens.len())?;
    args.add_edits(&mut opened.loaded, text)?;
    let loaded = &opened.loaded;
    args.device.note_form(&loaded.tokenizer, text)?;
    args.device
        .note_length(tokens.len(), loaded.model.config().context_len);
    let over_time = args.page.checkpoints.then(|| "checkpoints".to_owned());
    let live = args.page.live.then(|| "live".to_owned());
    let against = args.against.as_ref();
    let against = against.map(|run| format!("against {}", run.display()));
    let shown = Shown {
        kind: "attention".to_owned(),
        model: page::title(&args.runs, loaded),
        text: text.to_owned(),
        details: over_time.into_iter().chain(live).chain(against).collect(),
    };
    // Not before everything has been checked and computed.
    let make_room = || shown.make_room(&args.out, &args.device);
    let mut files = Vec::new();
    if let Some(against) = &args.against {
        files = difference(
            &args,
            text,
            &opened,
            against,
            &chosen.device,
            (&formats, &pictures, &looking),
            &make_room,
        )?;
    } else if !formats.is_empty() {
        let (layers, heads) = looking.of(loaded.model.config())?;
        loaded.check_room(tokens.len(), heads.len(), 2 * layers.len(), &looking)?;
        let found = match args.weighting {
            Weighting::Attention => loaded.attend(text, &looking)?,
            Weighting::Values => loaded.attend_by_values(text, &looking)?,
        };
        make_room()?;
        files = maps::write(&found, &args.out, &formats, &pictures)?;
        if formats.contains(&Format::Png) {
            let labels = found.tokens.iter().map(|token| token.text.as_str());
            args.device.note_glyphs(labels, pictures.font.as_ref());
        }
    }
    if with_page {
        files.push(page::write(
            &args,
            text,
            &opened,
            args.against.as_ref().map_or(others, std::slice::from_ref),
            &looking,
            &chosen.device,
            &make_room,
        )?);
    }
    shown.record(&args.out, &files)?;
    if let (false, Some(left)) = (formats.is_empty(), left_before(&args.out, &files)) {
        args.device.note(&format!(
            "note: {} holds files of an earlier command as well: {left}",
            args.out.display()
        ));
    }
    if args.json {
        let edits = &loaded.edits.written;
        return say_json(
            &json!({ "text": text, "tokens": tokens, "edits": edits, "files": files }),
        );
    }
    for file in &files {
        say(&file.display().to_string())?;
    }
    Ok(())
}

/// Write files of the differences of two runs' patterns; without formats only check that they have
/// any.
fn difference(
    args: &Args,
    text: &str,
    opened: &ModelSource,
    against: &Path,
    device: &Device,
    (formats, pictures, looking): (&[Format], &PictureOptions, &CaptureSelection),
    make_room: &dyn Fn() -> Result<()>,
) -> Result<Vec<PathBuf>> {
    let mut other = args.precision.open(against, device)?.loaded;
    args.device.note(&other.introduction());
    args.add_edits(&mut other, text)?;
    let mut one = opened.loaded.attend(text, looking)?;
    let mut other = other.attend(text, looking)?;
    // Runs of one configuration have one name, and folders of their own.
    if one.model == other.model {
        one.model = page::name(&args.runs[0]);
        other.model = page::name(against);
    }
    maps::check_common(&one, &other)?;
    if formats.is_empty() {
        return Ok(Vec::new());
    }
    make_room()?;
    Ok(maps::write_difference(
        &one, &other, &args.out, formats, pictures,
    )?)
}

/// Write the maps of a sequence-to-sequence run.
fn attend_to_source(
    args: &Args,
    run: &Run,
    text: &str,
    formats: &[Format],
    pictures: &PictureOptions,
    looking: &CaptureSelection,
) -> Result<()> {
    let idle = [
        (
            "--activations",
            args.activations != [Activation::Pattern],
            "whose maps hold patterns: leave it out; `sisun explain` shows q, k, v and scores of a target token",
        ),
        (
            "--checkpoints",
            args.page.checkpoints,
            "whose page shows one checkpoint: name one, as in runs/NAME/checkpoints/step-00000500, with an --out for each",
        ),
        ("--precision", args.precision.is_reduced(), pairs::FLOAT32),
        (
            "--live",
            args.page.live,
            "whose model no page holds: leave it out",
        ),
        (
            "--weighting",
            args.weighting != Weighting::Attention,
            "whose maps hold attention weights: leave it out",
        ),
        (
            "a second RUN",
            args.runs.len() > 1,
            "which has a page of its own: give each an --out",
        ),
        (
            "--data",
            !args.page.ablation.text.data.is_empty(),
            "whose heads are ablated on the given pair: leave it out",
        ),
        (
            "--windows",
            args.page.ablation.windows.is_some(),
            "whose heads are ablated on the given pair: leave it out",
        ),
        ("--edit", args.edit.given(), pairs::NO_EDITS),
        (
            "--against",
            args.against.is_some(),
            "whose maps are of the target that it writes itself: write those of each run to a folder of its own",
        ),
        (
            "--by",
            args.by.is_some_and(|unit| unit != Unit::Token),
            "whose maps are by token: leave it out",
        ),
    ];
    pairs::refuse(run, &idle)?;
    let text = match &args.pair {
        Some(named) => PairText::InFile(named, args.targets.as_deref()),
        None => PairText::Given {
            source: text,
            target: args.target.as_deref(),
        },
    };
    let output = MapOutput {
        folder: &args.out,
        formats,
        pictures,
        page: args.format.contains(&Output::Page).then_some(args.language),
        as_json: args.json,
        looking,
        ablate: args.page.ablate,
    };
    pairs::attend(run, text, &output, &args.device)
}

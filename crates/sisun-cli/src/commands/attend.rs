//! `sisun attend`.

mod args;
mod page;

pub(crate) use args::Args;
use args::{Output, check_activations};

use crate::common::{claim, left_before};
use crate::failure::Usage;
use crate::pairs::{self, MapOutput, PairText};
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use serde_json::json;
use sisun_infer::{CaptureSelection, check_per_head, parse_selection};
use sisun_model::{Activation, Run};
use sisun_viz::maps::{self, Format, PictureOptions};

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
    let [first, others @ ..] = &args.runs[..] else {
        return Err(Usage("name a run to look at".to_owned()).into());
    };
    let of_pairs = pairs::run_of(first);
    if of_pairs.is_none() {
        check_activations(&args.format, &args.activations)?;
        args.page.check(with_page, args.runs.len())?;
        args.check_live()?;
    }
    if let (false, Some(option)) = (
        formats.iter().any(|format| format.is_picture()),
        args.pictures.idle(),
    ) {
        return Err(Usage(format!(
            "{option} is about pictures: add png or svg to --format"
        ))
        .into());
    }
    if let Some(run) = of_pairs {
        return attend_to_source(&args, &run, &formats, &pictures, &looking);
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
    let text = args.text.as_deref().unwrap_or_default();
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
    let mut files = Vec::new();
    if !formats.is_empty() {
        let (layers, heads) = looking.of(loaded.model.config())?;
        loaded.check_room(tokens.len(), heads.len(), 2 * layers.len(), &looking)?;
        let found = loaded.attend(text, &looking)?;
        claim(&args.out)?;
        files = maps::write(&found, &args.out, &formats, &pictures)?;
    }
    if with_page {
        files.push(page::write(
            &args,
            text,
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
        return say_json(&json!({ "text": text, "tokens": tokens, "files": files }));
    }
    for file in &files {
        say(&file.display().to_string())?;
    }
    Ok(())
}

/// Write the maps of a sequence-to-sequence run.
fn attend_to_source(
    args: &Args,
    run: &Run,
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
    ];
    pairs::refuse(run, &idle)?;
    if args.page.language.is_some() && !args.format.contains(&Output::Page) {
        return Err(Usage("--language is about the page: add html to --format".to_owned()).into());
    }
    let text = match (&args.pair, &args.text) {
        (Some(named), _) => PairText::InFile(named, args.targets.as_deref()),
        (None, text) => PairText::Given {
            source: text.as_deref().unwrap_or_default(),
            target: args.target.as_deref(),
        },
    };
    let output = MapOutput {
        folder: &args.out,
        formats,
        pictures,
        page: args
            .format
            .contains(&Output::Page)
            .then_some(args.page.language),
        as_json: args.json,
        looking,
        ablate: args.page.ablate,
    };
    pairs::attend(run, text, &output, &args.device)
}

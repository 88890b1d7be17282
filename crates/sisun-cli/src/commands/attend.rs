//! `sisun attend`.

mod args;
mod page;

pub(crate) use args::Args;
use args::{Output, check_activations};

use crate::common::{claim, left_before};
use crate::failure::Usage;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use serde_json::json;
use sisun_infer::{CaptureSelection, check_per_head, parse_selection};
use sisun_viz::maps::{self, Format};

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
    let chosen = args
        .device
        .choose(|| work::reading(first, args.precision))?;
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

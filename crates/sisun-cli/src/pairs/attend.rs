//! Writing the attention maps of a source and its target.

mod known;

use super::{open, written_target};
use crate::common::{DeviceArgs, left_before};
use crate::earlier::Shown;
use crate::terminal::{say, say_json};
use anyhow::Result;
use known::{Cells, in_own_text, pair_in_file};
use serde_json::json;
use sisun_files::write_atomic;
use sisun_infer::{Ablations, AttentionMaps, AttentionPart, CaptureSelection, Language};
use sisun_model::Run;
use sisun_viz::maps::{self, Format, PictureOptions};
use sisun_viz::page::pairs_html;
use std::path::Path;

/// The texts to attend to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PairText<'a> {
    /// A source, with its target or the one that the model writes.
    Given {
        source: &'a str,
        target: Option<&'a str>,
    },
    /// A pair in a file, as `FILE:LINE`, and the file with its target if that is another.
    InFile(&'a str, Option<&'a str>),
}

/// Where and how maps are written.
pub(crate) struct MapOutput<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) formats: &'a [Format],
    pub(crate) pictures: &'a PictureOptions,
    /// Language of the page, if a page is written; `None` follows the text.
    pub(crate) page: Option<Option<Language>>,
    pub(crate) as_json: bool,
    /// Layers and heads to show.
    pub(crate) looking: &'a CaptureSelection,
    /// Write the target without each head.
    pub(crate) ablate: bool,
}

/// Write the maps of a sequence-to-sequence run.
pub(crate) fn attend(
    run: &Run,
    text: PairText<'_>,
    output: &MapOutput<'_>,
    device: &DeviceArgs,
) -> Result<()> {
    let config = run.seq2seq_config()?;
    let pair = match text {
        PairText::InFile(named, targets) => Some(pair_in_file(&config, named, targets)?),
        PairText::Given { .. } => None,
    };
    let loaded = open(run, device)?;
    loaded.check_attention()?;
    let (source, target, alignment): (String, String, Cells) = match (text, pair) {
        (_, Some(pair)) => {
            let alignment = loaded.alignment(&pair)?;
            (pair.source, pair.target, alignment)
        }
        (PairText::Given { source, target }, None) => {
            let target = match target {
                Some(target) => target.to_owned(),
                None => written_target(&loaded, source)?,
            };
            let alignment = in_own_text(&loaded, run, &config, [source, &target], device);
            (source.to_owned(), target, alignment)
        }
        (PairText::InFile(..), None) => unreachable!("the pair has been read above"),
    };
    let found = loaded.attend(&source, &target, alignment, output.looking)?;
    let ablations = output
        .ablate
        .then(|| loaded.ablations(&source, &target))
        .transpose()?;
    let first = found.first();
    let shown = Shown {
        kind: "attention".to_owned(),
        model: first.map_or_else(String::new, |maps| maps.model.clone()),
        text: format!("{source} → {target}"),
        details: Vec::new(),
    };
    shown.make_room(output.folder, device)?;
    let mut files = Vec::new();
    for part in found.iter().filter(|_| !output.formats.is_empty()) {
        files.extend(maps::write(
            part,
            output.folder,
            output.formats,
            output.pictures,
        )?);
    }
    if output.formats.contains(&Format::Png) {
        let tokens = found
            .iter()
            .flat_map(|maps| [&maps.tokens[..], maps.key_tokens()]);
        let labels = tokens.flatten().map(|token| token.text.as_str());
        device.note_glyphs(labels, output.pictures.font.as_ref());
    }
    if let Some(language) = output.page {
        let language = language.unwrap_or_else(|| Language::of(&source));
        let path = output.folder.join("attention.html");
        write_atomic(
            &path,
            pairs_html(&found, ablations.as_ref(), language)?.as_bytes(),
        )?;
        files.push(path);
    }
    shown.record(output.folder, &files)?;
    if let Some(left) = left_before(output.folder, &files) {
        device.note(&format!(
            "note: {} holds files of an earlier command as well: {left}",
            output.folder.display()
        ));
    }
    if output.as_json {
        let tokens = tokens(&found);
        return say_json(&json!({
            "text": source, "target": target, "source_tokens": tokens.1,
            "target_tokens": tokens.0, "alignment": tokens.2, "best_head": best_head(&found),
            "ablations": ablations, "files": files,
        }));
    }
    for file in &files {
        say(&file.display().to_string())?;
    }
    match &ablations {
        Some(ablations) => tell(ablations),
        None => Ok(()),
    }
}

/// List what the model writes without each head.
fn tell(ablations: &Ablations) -> Result<()> {
    say(&format!(
        "\nwith all heads: {} (log-probability {:.3})",
        ablations.text, ablations.log_prob
    ))?;
    say("without          log-probability   target")?;
    for head in &ablations.heads {
        let name = format!("{} {}.{}", head.part, head.layer, head.head);
        let target = match head.changed {
            true => &head.text,
            false => "the same",
        };
        say(&format!(
            "{name:<17}{:>+15.3}   {target}",
            head.log_prob - ablations.log_prob
        ))?;
    }
    Ok(())
}

/// Return the head of cross-attention that agrees best with the true alignment, if that is known.
fn best_head(found: &[AttentionMaps]) -> serde_json::Value {
    let best = found.iter().find_map(AttentionMaps::best_aligned);
    best.map_or_else(
        Default::default,
        |(layer, head)| json!({ "layer": layer, "head": head }),
    )
}

/// Return the tokens of target and source, and the true alignment.
fn tokens(found: &[AttentionMaps]) -> (serde_json::Value, serde_json::Value, serde_json::Value) {
    let cross = found.iter().find_map(|maps| match &maps.part {
        AttentionPart::Cross(keys) => Some((&maps.tokens, &keys.tokens, &keys.alignment)),
        _ => None,
    });
    cross.map_or_else(Default::default, |(targets, sources, alignment)| {
        (json!(targets), json!(sources), json!(alignment))
    })
}

//! `sisun attend --format html`.

use super::args::Args;
use crate::ablation::{Replacing, ablate};
use crate::live_page::live_page;
use crate::model_source::{ModelSource, is_damaged};
use anyhow::{Result, bail};
use burn::tensor::Device;
use sisun_files::write_atomic;
use sisun_infer::{AblationKind, CaptureSelection, Language, LanguageModel};
use sisun_viz::Unit;
use sisun_viz::page::{Kind, Page};
use std::path::{Path, PathBuf};

/// Write the page and return its path. `first` is the first run, `others` are the rest;
/// `make_room` is called before the file is written.
pub(super) fn write(
    args: &Args,
    text: &str,
    first: &ModelSource,
    others: &[PathBuf],
    looking: &CaptureSelection,
    device: &Device,
    make_room: &dyn Fn() -> Result<()>,
) -> Result<PathBuf> {
    let path = args.out.join("attention.html");
    if args.page.live {
        let (html, _) = live_page(&first.loaded, text, args.language, args.page.weights)?;
        make_room()?;
        write_atomic(&path, html.as_bytes())?;
        return Ok(path);
    }
    let language = args.language.unwrap_or_else(|| Language::of(text));
    let mut page = match (args.page.checkpoints, others) {
        (true, _) => over_time(args, text, first, looking, language, device)?,
        (false, []) => one(args, text, first, looking, language)?,
        (false, others) => {
            side_by_side(args, text, &first.loaded, others, looking, language, device)?
        }
    };
    page.open_by(args.by.unwrap_or(Unit::Word));
    page.note_edits(&first.loaded.edits.written);
    if args.against.is_some() {
        page.add_difference();
    }
    let html = page.html();
    make_room()?;
    write_atomic(&path, html.as_bytes())?;
    Ok(path)
}

fn one(
    args: &Args,
    text: &str,
    opened: &ModelSource,
    looking: &CaptureSelection,
    language: Language,
) -> Result<Page> {
    let loaded = &opened.loaded;
    let mut page = Page::new(Kind::Model, &loaded.name, text, looking, language, 1);
    let loss_rises = match args.page.ablate {
        true => {
            let tokens = opened.held_out(&args.page.ablation.text, &args.device)?;
            let (layers, heads) = looking.of(loaded.model.config())?;
            let all: Vec<(usize, usize)> = layers
                .iter()
                .flat_map(|&layer| heads.iter().map(move |&head| (layer, head)))
                .collect();
            let found = ablate(
                opened,
                &tokens,
                &all,
                Replacing::Zero,
                &args.page.ablation,
                &args.device,
            )?;
            found.rises.get(&AblationKind::Zero).cloned()
        }
        false => None,
    };
    page.add(loaded, label(loaded, language), loss_rises.as_ref())?;
    // The analyses are of the model as it is, in float32.
    if !args.edit.given() && !args.precision.is_reduced() {
        page.add_analyses(loaded)?;
    }
    Ok(page)
}

fn over_time(
    args: &Args,
    text: &str,
    opened: &ModelSource,
    looking: &CaptureSelection,
    language: Language,
    device: &Device,
) -> Result<Page> {
    let looked_at = &opened.loaded;
    let all = opened.checkpoints()?;
    if all.len() < 2 {
        bail!(
            "{} keeps {} checkpoint: train with a larger train.keep_checkpoints (and train.checkpoint_every as often as you \
             want to look) to see heads form",
            args.runs[0].display(),
            all.len()
        );
    }
    let fit = Page::checkpoints_that_fit(looked_at, text, looking)?;
    let chosen = evenly(&all, fit);
    let mut page = Page::new(
        Kind::Time,
        &looked_at.name,
        text,
        looking,
        language,
        chosen.len(),
    );
    if chosen.len() < all.len() {
        page.note(match language {
            Language::English => format!(
                "Of {} checkpoints {} are shown, evenly chosen.",
                all.len(),
                chosen.len()
            ),
            Language::Korean => {
                format!(
                    "체크포인트 {}개 가운데 {}개를 고른 간격으로 보여 줍니다.",
                    all.len(),
                    chosen.len()
                )
            }
        });
    }
    let mut shown = 0;
    for path in chosen {
        let loaded = match args.precision.open(path, device) {
            Err(error) if is_damaged(&error) => {
                args.device
                    .note(&format!("note: left out, because {error}"));
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                page.note(match language {
                    Language::English => format!("{name} is damaged and left out."),
                    Language::Korean => format!("{name} 체크포인트는 손상되어 뺐습니다."),
                });
                continue;
            }
            opened => {
                let mut loaded = opened?.loaded;
                args.add_edits(&mut loaded, text)?;
                loaded
            }
        };
        page.add(&loaded, label(&loaded, language), None)?;
        shown += 1;
    }
    if shown < 2 {
        bail!(
            "of the checkpoints of {} fewer than two are whole: nothing shows how heads form",
            args.runs[0].display()
        );
    }
    Ok(page)
}

fn side_by_side(
    args: &Args,
    text: &str,
    first: &LanguageModel,
    others: &[PathBuf],
    looking: &CaptureSelection,
    language: Language,
    device: &Device,
) -> Result<Page> {
    let title = match &args.against {
        Some(_) => {
            let runs = std::iter::once(&args.runs[0]).chain(others);
            runs.map(|run| name(run)).collect::<Vec<_>>().join(" − ")
        }
        None => title(&args.runs, first),
    };
    let views = 1 + others.len();
    let mut page = Page::new(Kind::Variants, &title, text, looking, language, views);
    page.add(first, name(&args.runs[0]), None)?;
    for path in others {
        let mut loaded = args.precision.open(path, device)?.loaded;
        args.device.note(&loaded.introduction());
        args.add_edits(&mut loaded, text)?;
        page.add(&loaded, name(path), None)?;
    }
    Ok(page)
}

/// Return the title of a model, or the names of several runs.
pub(super) fn title(runs: &[PathBuf], first: &LanguageModel) -> String {
    match runs {
        [_] => first.title(),
        several => several
            .iter()
            .map(|run| name(run))
            .collect::<Vec<_>>()
            .join(" · "),
    }
}

/// Return the last component of a path, preceded by the run if it is a checkpoint.
pub(super) fn name(run: &Path) -> String {
    let parts: Vec<_> = run
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    match &parts[..] {
        [.., run, folder, checkpoint] if folder == "checkpoints" => format!("{run}, {checkpoint}"),
        [.., run] => run.clone(),
        [] => run.display().to_string(),
    }
}

/// Return the step, or the name if the step is unknown.
fn label(loaded: &LanguageModel, language: Language) -> String {
    match (loaded.step, language) {
        (None, _) => loaded.name.clone(),
        (Some(step), Language::English) => format!("step {step}"),
        (Some(step), Language::Korean) => format!("{step}스텝"),
    }
}

/// Select at most `most` elements, evenly spaced, including the first and the last.
fn evenly<T>(all: &[T], most: usize) -> Vec<&T> {
    let taken = most.min(all.len());
    (0..taken)
        .map(|i| &all[i * (all.len() - 1) / (taken - 1).max(1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{evenly, name};
    use std::path::Path;

    #[test]
    fn the_first_and_the_last_are_always_shown() {
        assert_eq!(evenly(&[1, 2, 3, 4, 5, 6, 7], 3), [&1, &4, &7]);
        assert_eq!(evenly(&[1, 2, 3], 9), [&1, &2, &3]);
        assert_eq!(evenly(&[1, 2], 2), [&1, &2]);
    }

    #[test]
    fn runs_are_called_by_their_folder() {
        assert_eq!(name(Path::new("runs/rope/")), "rope");
        assert_eq!(
            name(Path::new("runs/rope/checkpoints/step-00000010")),
            "rope, step-00000010"
        );
        assert_eq!(name(Path::new("/")), "/");
    }
}

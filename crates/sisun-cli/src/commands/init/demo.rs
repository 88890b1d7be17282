//! The first example, for those without a checkout: its configuration and its text.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::output::{ForceArgs, make_parent};
use crate::terminal::say;
use anyhow::{Context, Result};
use sisun_config::shell;
use sisun_data::stories::{SHIPPED, StoryLanguage, write_stories};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// An example of `configs/`.
struct Demo {
    file: &'static str,
    config: &'static str,
}

const ENGLISH: Demo = Demo {
    file: "quickstart.toml",
    config: include_str!("../../../../../configs/quickstart.toml"),
};
const KOREAN: Demo = Demo {
    file: "quickstart-ko.toml",
    config: include_str!("../../../../../configs/quickstart-ko.toml"),
};

/// Write the example in this language: the configuration to `out`, and the text where that looks for
/// it.
pub(super) fn write(
    language: StoryLanguage,
    out: Option<PathBuf>,
    force: ForceArgs,
    device: &DeviceArgs,
) -> Result<()> {
    let demo = match language {
        StoryLanguage::English => ENGLISH,
        StoryLanguage::Korean => KOREAN,
    };
    let recipe = SHIPPED
        .iter()
        .find(|recipe| recipe.language == language)
        .context("no stories are shipped in this language")?;
    let out = out.unwrap_or_else(|| demo.file.into());
    let command = format!("sisun train configs/{}", demo.file);
    let here = format!("sisun train {}", shell::path(&out));
    // The schema lies beside the file of the repository only.
    let lines = demo.config.split_inclusive('\n');
    let config: String = lines
        .filter(|line| !line.starts_with("#:schema"))
        .map(|line| line.replace(&command, &here))
        .collect();
    let text = Path::new("data").join(recipe.file);
    if out == text {
        return Err(Usage(format!(
            "{} is where the stories go: name another file with --out",
            out.display()
        ))
        .into());
    }
    let mut stories = |to: &mut dyn Write| {
        let mut to = BufWriter::with_capacity(1 << 16, to);
        write_stories(recipe.language, recipe.seed, recipe.min_bytes, &mut to)?;
        to.flush()
    };
    let mut settings = |to: &mut dyn Write| to.write_all(config.as_bytes());
    // Both are checked before either is written.
    force.check_content("--out", &out, &mut settings)?;
    match force.check_content("--out", &text, &mut stories) {
        Err(error) if error.is::<Usage>() => {
            return Err(Usage(format!(
                "{} exists already, with another text: change to another folder, or replace it with --force",
                text.display()
            ))
            .into());
        }
        checked => checked?,
    }
    for (path, make) in [
        (
            &text,
            &mut stories as &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
        ),
        (&out, &mut settings),
    ] {
        make_parent(path)?;
        sisun_files::write_whole(path, |file| make(file))
            .with_context(|| format!("cannot write {}", path.display()))?;
        device.note(&format!("wrote {}", path.display()));
    }
    say(&format!("next: {here}"))
}

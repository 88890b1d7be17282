//! The configuration and the run directory that the arguments of `sisun train` name.

use crate::commands::init::FIRST_EXAMPLE;
use crate::failure::Usage;
use crate::train_commands::TrainCommand;
use anyhow::{Context, Result};
use sisun_files::{RunDir, is_file, is_folder};
use sisun_train::steps_done;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Return the message of a command without a configuration.
fn no_config() -> String {
    format!(
        "name a configuration, a TOML file\n\
         to train on your own text: sisun init my.txt && sisun train my.toml\n\
         to see a first example: {FIRST_EXAMPLE}"
    )
}

/// Return the result of `look` on a path; an error other than a missing file is returned.
pub(super) fn looks_like(
    path: &Path,
    look: impl FnOnce(&Path) -> io::Result<bool>,
) -> Result<bool> {
    match look(path) {
        // A path below a file does not exist.
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
        found => found.with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The settings to read and the directory to train in.
pub(super) struct Place {
    pub(super) config: PathBuf,
    /// Run directory; `None` if derived from the name in the settings.
    pub(super) run: Option<PathBuf>,
    pub(super) resumes: bool,
}

impl Place {
    /// Interpret the configuration, `--run` and `--resume`. A run has its own configuration.
    pub(super) fn of(
        config: Option<PathBuf>,
        run: Option<PathBuf>,
        resume: Option<Option<PathBuf>>,
        options: &[String],
    ) -> Result<Self> {
        let resumes = resume.is_some();
        let (mut configs, mut runs) = (Vec::new(), Vec::from_iter(run));
        for named in [config, resume.flatten()].into_iter().flatten() {
            if looks_like(&named.join("state.json"), is_file)? {
                let message = format!(
                    "{} is a checkpoint; name its run, which goes on from the newest",
                    named.display()
                );
                return Err(Usage(message).into());
            }
            // A configuration is a file; if the path does not exist, its most likely meaning
            // decides the error.
            let is_config = looks_like(&named, is_file)?
                || named.extension().is_some_and(|ending| ending == "toml")
                || !resumes;
            if is_config && !looks_like(&named, is_folder)? {
                configs.push(named)
            } else {
                runs.push(named)
            }
        }
        if let (false, true, Some(run)) = (resumes, configs.is_empty(), runs.first())
            && looks_like(run, is_folder)?
        {
            let command = TrainCommand {
                options: options.to_vec(),
                ..TrainCommand::default()
            };
            let run_name = run.display();
            let is_run = looks_like(&RunDir::new(run).config(), is_file)?;
            return Err(Usage(match (is_run, steps_done(run)) {
                (false, _) => {
                    format!("{run_name} is a directory: name a configuration, a TOML file")
                }
                (true, None) => format!(
                    "{run_name} is a run\nto go on with it: {}",
                    command.plain_resume(run)
                ),
                (true, Some(steps)) => format!(
                    "{run_name} is a run, and has done all of its {steps} steps\nto train it longer: {}",
                    command.longer(run, steps)
                ),
            })
            .into());
        }
        runs.dedup_by(|a, b| a.components().eq(b.components()));
        match (configs.len(), runs.len()) {
            (0, 0) if resumes => Err(Usage(
                "name a run to go on with, as in: sisun train --resume runs/quickstart".to_owned(),
            )
            .into()),
            (0, _) if !resumes => Err(Usage(no_config()).into()),
            (2.., _) | (_, 2..) => {
                let named: Vec<String> = configs
                    .iter()
                    .chain(&runs)
                    .map(|path| path.display().to_string())
                    .collect();
                Err(Usage(format!(
                    "one configuration and one run directory, not {}",
                    named.join(", ")
                ))
                .into())
            }
            _ => {
                let run = runs.pop();
                let own = || run.as_ref().map(|run| RunDir::new(run).config());
                let config = configs.pop().or_else(own).unwrap_or_default();
                Ok(Self {
                    config,
                    run,
                    resumes,
                })
            }
        }
    }
}

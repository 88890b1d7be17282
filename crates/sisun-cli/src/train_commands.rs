//! Commands of `sisun train` that messages suggest. Each works when pasted into a shell.

use sisun_config::shell;
use sisun_files::RunDir;
use sisun_train::{NewRun, may_change};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The arguments of `sisun train` besides the run, which suggested commands repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrainCommand {
    /// Configuration given with `--resume`.
    pub(crate) config: Option<PathBuf>,
    /// Each `KEY=VALUE` given with `--set`.
    pub(crate) set: Vec<String>,
    /// Other options, each a word.
    pub(crate) options: Vec<String>,
}

impl TrainCommand {
    /// Return the command that resumes a run with the same arguments.
    pub(crate) fn resume(&self, run_dir: &Path) -> String {
        let config = self
            .config
            .as_ref()
            .map_or_else(String::new, |path| format!("{} ", shell::path(path)));
        let mut command = format!("sisun train {config}--resume {}", shell::path(run_dir));
        for set in &self.set {
            command += &format!(" --set {}", shell::word(set));
        }
        command + &self.options()
    }

    /// Keep only settings of the training loop that a run can be resumed with: others are refused, and
    /// text that is named anew may not be there.
    pub(crate) fn that_may_change(&self) -> Self {
        let mut kept = self.clone();
        kept.set.retain(|set| {
            let key = set.split('=').next().unwrap_or_default().trim();
            key.starts_with("train.") && may_change(key)
        });
        kept
    }

    /// Return the command that resumes a run as it is, with the same options but without other
    /// settings.
    pub(crate) fn plain_resume(&self, run_dir: &Path) -> String {
        let plain = Self {
            options: self.options.clone(),
            ..Self::default()
        };
        plain.resume(run_dir)
    }

    /// Return the command that resumes a run with its own settings on the CPU.
    pub(crate) fn resume_on_cpu(&self, run_dir: &Path) -> String {
        let mut options = self.options.clone();
        if let Some(at) = options.iter().position(|option| option == "--device") {
            options.drain(at..(at + 2).min(options.len()));
        }
        options.extend(["--device".to_owned(), "cpu".to_owned()]);
        let on_cpu = Self {
            options,
            ..Self::default()
        };
        on_cpu.resume(run_dir)
    }

    /// Return the options for the end of a command, each after a space.
    pub(crate) fn options(&self) -> String {
        self.options
            .iter()
            .map(|option| format!(" {}", shell::word(option)))
            .collect()
    }

    /// Return the command that resumes a run from the directory where it was started.
    pub(crate) fn resume_from(&self, run_dir: &Path, started_in: &Path) -> String {
        let config = self
            .config
            .as_ref()
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        let there = Self {
            config,
            ..self.clone()
        };
        format!(
            "cd {} && {}",
            shell::path(started_in),
            there.resume(run_dir)
        )
    }

    /// Return the command that resumes a run without its newest checkpoints.
    pub(crate) fn resume_without_damaged(&self, run_dir: &Path, damaged: &[PathBuf]) -> String {
        let damaged: Vec<String> = damaged.iter().map(|path| shell::path(path)).collect();
        format!("rm -r {} && {}", damaged.join(" "), self.resume(run_dir))
    }

    /// Return the command that extends a finished run by its own number of steps.
    pub(crate) fn longer(&self, run_dir: &Path, steps: u64) -> String {
        let mut longer = self.clone();
        longer
            .set
            .retain(|set| set.split('=').next().map(str::trim) != Some("train.steps"));
        let steps = steps.saturating_mul(2);
        longer.set.push(format!("train.steps={steps}"));
        longer.resume(run_dir)
    }

    /// Return the command that starts a new run beside the one whose settings it takes.
    pub(crate) fn new_run(&self, new_run: &NewRun) -> String {
        let mut command = format!(
            "sisun train {} --run {}",
            shell::path(&RunDir::new(&new_run.run_dir).config()),
            shell::path(&vacant_beside(&new_run.run_dir))
        );
        for (key, value) in &new_run.settings {
            let set = format!("{key}={}", spelled(value));
            command += &format!(" --set {}", shell::word(&set));
        }
        command + &self.options()
    }
}

/// Format a value for `--set`: strings without quotes if unambiguous.
fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) if is_only_text(text) => text.clone(),
        Value::Float(number) if number.abs() >= 1e16 || (number.abs() < 1e-4 && *number != 0.0) => {
            format!("{number:e}")
        }
        other => other.to_string(),
    }
}

fn is_only_text(text: &str) -> bool {
    let read_as_toml = format!("v = {text}").parse::<Table>().is_ok();
    !text.is_empty() && text.trim() == text && !text.contains('#') && !read_as_toml
}

/// Return an unused sibling directory: `NAME-2`, or the next free number.
fn vacant_beside(run_dir: &Path) -> PathBuf {
    // The path `.` has no file name.
    let named = |dir: PathBuf| dir.file_name().map(|name| (dir.clone(), name.to_owned()));
    let found =
        named(run_dir.components().collect()).or_else(|| named(run_dir.canonicalize().ok()?));
    let (dir, name) = found.unwrap_or_else(|| ("run".into(), "run".into()));
    let numbered = |number: u64| {
        let mut name = name.clone();
        name.push(format!("-{number}"));
        dir.with_file_name(name)
    };
    (2..)
        .map(numbered)
        .find(|path| !path.exists())
        .unwrap_or(dir)
}

#[cfg(test)]
mod tests {
    use super::TrainCommand;
    use sisun_train::NewRun;
    use std::path::{Path, PathBuf};
    use toml::Value;

    #[test]
    fn commands_repeat_what_was_given() {
        let command = TrainCommand {
            config: Some(PathBuf::from("a b.toml")),
            set: vec!["train.steps=4".to_owned(), "sample.prompt=A b".to_owned()],
            options: ["--device", "wgpu", "--quiet"].map(str::to_owned).to_vec(),
        };
        let run = Path::new("runs/none");
        assert_eq!(
            command.longer(run, 4),
            "sisun train 'a b.toml' --resume runs/none --set 'sample.prompt=A b' \
             --set train.steps=8 --device wgpu --quiet"
        );
        assert_eq!(
            command.plain_resume(run),
            "sisun train --resume runs/none --device wgpu --quiet"
        );
        assert_eq!(
            command.resume_on_cpu(run),
            "sisun train --resume runs/none --quiet --device cpu"
        );
        let new_run = NewRun {
            run_dir: run.to_owned(),
            settings: vec![
                ("train.lr_max".to_owned(), Value::Float(3e-5)),
                // Text that TOML would read as a number.
                ("sample.prompt".to_owned(), Value::String("7".to_owned())),
            ],
        };
        assert_eq!(
            command.new_run(&new_run),
            "sisun train runs/none/config.toml --run runs/none-2 --set train.lr_max=3e-5 \
             --set 'sample.prompt=\"7\"' --device wgpu --quiet"
        );
    }
}

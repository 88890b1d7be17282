//! The runs that a path which names none may mean.

use sisun_config::nearest_path;
use sisun_files::{RunDir, is_file, is_folder, look};
use std::path::{Path, PathBuf};

/// Return a question for a message about a path that does not exist, if a model of this or a similar
/// name is there or under `runs/`; else nothing.
pub fn did_you_mean(path: &Path) -> String {
    if !matches!(look(path), Ok(None)) {
        return String::new();
    }
    let under_runs = Path::new("runs").join(path);
    let meant = match is_folder(&under_runs) {
        Ok(true) => Some(under_runs),
        _ => nearest_path(path, &is_model_folder)
            .or_else(|| nearest_path(&under_runs, &is_model_folder)),
    };
    meant.map_or_else(String::new, |meant| {
        sisun_config::did_you_mean(path, &meant)
    })
}

/// Return true if a folder holds what only a run or a Hugging Face directory holds.
fn is_model_folder(path: &Path) -> bool {
    [RunDir::new(path).config(), path.join("config.json")]
        .iter()
        .any(|file| matches!(is_file(file), Ok(true)))
}

/// Describe a folder or file that is not a run by the runs that are around it.
pub(crate) fn not_a_run(path: &Path) -> String {
    let nothing = "it holds no config.toml, nor a Hugging Face model's config.json";
    let is_run = |folder: &Path| matches!(is_file(&RunDir::new(folder).config()), Ok(true));
    if let Some(run) = path.ancestors().skip(1).find(|folder| is_run(folder)) {
        return format!("it is part of one: name {}", run.display());
    }
    let below = match path.file_name() {
        // The working directory is meant by its own name.
        None => Path::new("."),
        Some(_) => path,
    };
    let mut runs: Vec<PathBuf> = [below.to_owned(), below.join("runs")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| is_model_folder(folder))
        .collect();
    runs.sort();
    match runs.as_slice() {
        [] => nothing.to_owned(),
        [run] => format!("{nothing}; did you mean {}?", run.display()),
        [run, ..] => format!(
            "{nothing}; it holds {} models: name one, as {}",
            runs.len(),
            run.display()
        ),
    }
}

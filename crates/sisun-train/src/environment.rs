//! Recording the environment in which a run was started.

use crate::TrainError;
use crate::run_model::TextSums;
use serde::Serialize;
use sisun_files::{RunDir, write_atomic};
use sisun_model::Chosen;
use std::path::{Path, PathBuf};

/// `environment.json`.
#[derive(Serialize)]
struct Environment<'a> {
    sisun: &'a str,
    burn: &'a str,
    device: &'a str,
    deterministic: bool,
    os: &'a str,
    arch: &'a str,
    threads: usize,
    data_sha256: &'a str,
    tokenizer_sha256: &'a str,
    /// Base directory of relative paths in the configuration.
    working_directory: Option<PathBuf>,
}

/// Write the record to the run directory.
pub(crate) fn write_environment(
    run_dir: &Path,
    sums: &TextSums,
    chosen: &Chosen,
) -> Result<(), TrainError> {
    let environment = Environment {
        sisun: env!("CARGO_PKG_VERSION"),
        burn: "0.22.1",
        device: &chosen.name,
        deterministic: chosen.deterministic,
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        threads: sisun_kernels::pool_threads(),
        data_sha256: &sums.data_sha256,
        tokenizer_sha256: &sums.tokenizer_sha256,
        working_directory: std::env::current_dir()
            .ok()
            .filter(|path| path.to_str().is_some()),
    };
    let text = serde_json::to_string_pretty(&environment)
        .expect("plain numbers and strings always serialise");
    Ok(write_atomic(
        &RunDir::new(run_dir).environment(),
        text.as_bytes(),
    )?)
}

/// Return the directory where a run was started, if known and different from the current one.
pub(crate) fn started_elsewhere(run_dir: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(RunDir::new(run_dir).environment()).ok()?;
    let environment: serde_json::Value = serde_json::from_str(&text).ok()?;
    let started_in = PathBuf::from(environment.get("working_directory")?.as_str()?);
    let here = std::env::current_dir().ok()?;
    (started_in != here).then_some(started_in)
}

/// Return a note if a run resumes on another device, instruction set or number of threads:
/// floating-point sums are then taken in another order.
pub(crate) fn note_other_device(run_dir: &Path, chosen: &Chosen) -> Option<String> {
    let text = std::fs::read_to_string(RunDir::new(run_dir).environment()).ok()?;
    let environment: serde_json::Value = serde_json::from_str(&text).ok()?;
    let begun_on = environment.get("device")?.as_str()?;
    // Older versions wrote "1 threads".
    let same = begun_on.replace(", 1 threads)", ", 1 thread)") == chosen.name;
    (!same).then(|| {
        format!(
            "note: the run was begun on {begun_on} and goes on on {}: its bits will differ from those of a run that stayed there",
            chosen.name
        )
    })
}

//! `report.html` and `loss.svg` of a run, from its files.

use anyhow::{Context, Result};
use sisun_config::Experiment;
use sisun_files::RunDir;
use sisun_train::{RunModel, Session, read_metrics};
use sisun_viz::run_report::{self, RunReport};

/// Write both files to the run directory.
///
/// # Errors
/// If metrics or samples cannot be read, or a file cannot be written.
pub(crate) fn write<M: RunModel>(session: &Session<M>) -> Result<()> {
    let run_dir = &session.run_dir;
    let metrics = read_metrics(&RunDir::new(run_dir).metrics())?;
    let of = |split: &'static str| metrics.iter().filter(move |metric| metric.split == split);
    let report = RunReport {
        title: session.config.name().to_owned(),
        facts: session.facts(),
        // Steps without a loss had no token in the loss.
        train: of("train")
            .filter_map(|metric| Some((metric.step, metric.loss?)))
            .collect(),
        // Evaluations without a loss had a loss that is not finite.
        validation: of("validation")
            .map(|metric| (metric.step, metric.loss.unwrap_or(f64::NAN)))
            .collect(),
        exact_match: of("validation")
            .filter_map(|metric| Some((metric.step, metric.exact_match?)))
            .collect(),
        samples: session.samples()?,
    };
    run_report::write(run_dir, &report)
        .with_context(|| format!("cannot write the report in {}", run_dir.display()))
}

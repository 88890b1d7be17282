//! `report.html` and `loss.svg` of a run, from its files.

use anyhow::{Context, Result};
use sisun_config::Experiment;
use sisun_files::RunDir;
use sisun_infer::Language;
use sisun_train::{Fact, RunModel, Session, read_metrics};
use sisun_viz::run_report::{self, ReportFact, RunReport};
use std::path::Path;

/// Write both files to the run directory.
///
/// # Errors
/// If metrics or samples cannot be read, or a file cannot be written.
pub(crate) fn write<M: RunModel>(session: &Session<M>) -> Result<()> {
    let run_dir = &session.run_dir;
    let metrics = read_metrics(&RunDir::new(run_dir).metrics())?;
    let of = |split: &'static str| metrics.iter().filter(move |metric| metric.split == split);
    let samples = session.samples()?;
    let report = RunReport {
        title: session.config.name().to_owned(),
        language: Language::of(samples.last().map_or("", |(_, text)| text)),
        facts: session.facts().into_iter().map(fact).collect(),
        links: links(run_dir),
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
        samples,
    };
    run_report::write(run_dir, &report)
        .with_context(|| format!("cannot write the report in {}", run_dir.display()))
}

fn fact(Fact { en, ko }: Fact) -> ReportFact {
    ReportFact {
        name: [en.0.to_owned(), ko.0.to_owned()],
        value: [en.1, ko.1],
    }
}

/// Return the files of the run that exist, and belong to its report.
fn links(run_dir: &Path) -> Vec<(String, [&'static str; 2])> {
    let known = [
        ("maps/heads.png", ["Attention maps", "어텐션 맵"]),
        ("maps/cross-heads.png", ["Attention maps", "어텐션 맵"]),
        (
            "maps/attention.html",
            ["Attention, interactive", "어텐션(대화형)"],
        ),
        ("replay.html", ["Training replayed", "학습 다시 보기"]),
        ("loss.svg", ["Loss curve alone", "손실 곡선만"]),
    ];
    let there = known
        .into_iter()
        .filter(|(path, _)| run_dir.join(path).is_file());
    there.map(|(path, name)| (path.to_owned(), name)).collect()
}

//! The training metrics, written to both `metrics.jsonl` and TensorBoard events.

use crate::TrainError;
use crate::evaluate::Evaluation;
use crate::tensorboard::{EventWriter, keep_to};
use serde::{Deserialize, Serialize};
use sisun_config::{check_pointer, plain_words};
use sisun_files::RunDir;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A line of `metrics.jsonl`. Fields that do not apply to the split are absent. `null` is a value
/// that is not finite or, in the training split, a mean over no values: no step since the last line
/// had a token in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Steps completed.
    pub step: u64,
    /// `train` or `validation`.
    pub split: String,
    /// Nats per token in the loss; in the training split, averaged since the last line.
    pub loss: Option<f64>,
    /// Bits per byte of text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_per_byte: Option<f64>,
    /// `e^loss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
    /// Part of the held-out pairs whose whole target is generated greedily, of a
    /// sequence-to-sequence model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_match: Option<f64>,
    /// AdamW's learning rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// Global norm of the gradient before clipping, at the last step that had loss tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    /// Training tokens seen.
    pub tokens: u64,
    /// Training throughput since the last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Seconds of training, including earlier sessions of a resumed run.
    pub elapsed_s: f64,
    /// True in the last line of a run that ended because a loss or a weight was not finite.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diverged: bool,
}

impl Metric {
    /// Create a line for the validation split.
    pub(crate) fn validation(
        step: u64,
        evaluation: &Evaluation,
        tokens: u64,
        elapsed_s: f64,
    ) -> Self {
        Self {
            step,
            split: "validation".to_owned(),
            loss: Some(evaluation.loss),
            bits_per_byte: evaluation.bits_per_byte,
            perplexity: Some(evaluation.perplexity),
            exact_match: evaluation.exact_match,
            lr: None,
            grad_norm: None,
            tokens,
            tokens_per_second: None,
            elapsed_s,
            diverged: false,
        }
    }

    /// Create the last line of a run that diverged at `step`.
    pub(crate) fn diverged(step: u64, tokens: u64, elapsed_s: f64) -> Self {
        Self {
            step,
            split: "train".to_owned(),
            loss: None,
            bits_per_byte: None,
            perplexity: None,
            exact_match: None,
            lr: None,
            grad_norm: None,
            tokens,
            tokens_per_second: None,
            elapsed_s,
            diverged: true,
        }
    }
}

/// Writers of the two metrics files.
pub(crate) struct Metrics {
    path: PathBuf,
    file: File,
    events: EventWriter,
    events_dir: PathBuf,
}

impl Metrics {
    /// Open the files of a run at `step`. Metrics of later steps, left by a session that ended
    /// after its last checkpoint, are removed.
    pub(crate) fn open(run_dir: &Path, step: u64) -> Result<Self, TrainError> {
        let path = RunDir::new(run_dir).metrics();
        let kept: Vec<Metric> = read(&path)?
            .into_iter()
            .filter(|metric| metric.step <= step)
            .collect();
        let text: String = kept.iter().map(line).collect();
        sisun_files::write_atomic(&path, text.as_bytes())?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(TrainError::io("open", &path))?;
        let failed = || TrainError::io("write events in", run_dir);
        let went_before = keep_to(run_dir, step).map_err(failed())?;
        let mut events = EventWriter::create(run_dir, now()).map_err(failed())?;
        if went_before {
            events.resumed(step + 1, now()).map_err(failed())?;
        }
        Ok(Self {
            path,
            file,
            events,
            events_dir: run_dir.to_owned(),
        })
    }

    /// Append a line to each file.
    pub(crate) fn write(&mut self, metric: &Metric) -> Result<(), TrainError> {
        self.file
            .write_all(line(metric).as_bytes())
            .map_err(TrainError::io("write", &self.path))?;
        let split = &metric.split;
        let scalars = [
            ("loss", metric.loss),
            ("bits_per_byte", metric.bits_per_byte),
            ("perplexity", metric.perplexity),
            ("exact_match", metric.exact_match),
            ("lr", metric.lr),
            ("grad_norm", metric.grad_norm),
            ("tokens_per_second", metric.tokens_per_second),
        ];
        let wall_time = now();
        for (name, value) in scalars {
            if let Some(value) = value {
                self.events
                    .scalar(
                        metric.step,
                        &format!("{split}/{name}"),
                        value as f32,
                        wall_time,
                    )
                    .map_err(TrainError::io("write events in", &self.events_dir))?;
            }
        }
        self.events
            .flush()
            .map_err(TrainError::io("write events in", &self.events_dir))
    }
}

/// Read a `metrics.jsonl`; empty if it does not exist. A truncated last line, left by a killed
/// process, is skipped.
///
/// # Errors
/// If the file cannot be read or another line is damaged.
pub fn read(path: &Path) -> Result<Vec<Metric>, TrainError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read
            .and_then(|bytes| check_pointer(&bytes).map(|()| bytes))
            .map_err(TrainError::io("read", path))?,
    };
    let whole = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    let lines = bytes[..whole].split_inclusive(|&byte| byte == b'\n');
    let mut metrics: Vec<Metric> = lines
        .zip(1..)
        .map(|(line, number)| {
            let damaged = |error: serde_json::Error| TrainError::DamagedMetrics {
                path: path.to_owned(),
                line: number,
                problem: problem_of(&error),
            };
            serde_json::from_slice(line).map_err(damaged)
        })
        .collect::<Result<_, _>>()?;
    metrics.extend(serde_json::from_slice::<Metric>(&bytes[whole..]).ok());
    Ok(metrics)
}

/// Describe a damaged line, without the line number of the parser.
fn problem_of(error: &serde_json::Error) -> String {
    if !error.is_data() {
        return format!("it is no JSON object, from character {} on", error.column());
    }
    let message = error.to_string();
    plain_words(message.split(" at line ").next().unwrap_or(&message))
}

fn line(metric: &Metric) -> String {
    let mut text =
        serde_json::to_string(metric).expect("plain numbers and strings always serialise");
    text.push('\n');
    text
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Metric, line, read};
    use crate::TrainError;

    #[test]
    fn a_damaged_line_is_an_error_and_a_cut_last_one_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        assert_eq!(read(&path).unwrap(), []);
        let metric = |step| Metric {
            step,
            split: "train".to_owned(),
            loss: Some(1.5),
            bits_per_byte: None,
            perplexity: None,
            exact_match: None,
            lr: None,
            grad_norm: None,
            tokens: 7,
            tokens_per_second: None,
            elapsed_s: 0.5,
            diverged: false,
        };
        let lines = [line(&metric(1)), line(&metric(2)), line(&metric(3))];
        let whole = lines.concat();
        let read_back = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&path)
        };
        assert_eq!(
            read_back(whole.as_bytes()).unwrap(),
            [metric(1), metric(2), metric(3)]
        );
        for cut in 1..lines[2].len() {
            let found = read_back(&whole.as_bytes()[..whole.len() - cut]).unwrap();
            // A line without its line feed is still complete.
            assert_eq!(found.len(), if cut == 1 { 3 } else { 2 }, "{cut}");
        }
        assert_eq!(
            read_back(&[whole.as_bytes(), &[0; 9]].concat())
                .unwrap()
                .len(),
            3,
            "what a power cut leaves"
        );
        for (damaged, number) in [
            (
                whole.replacen("\"step\":2", "\"step\":x", 1).into_bytes(),
                2,
            ),
            (
                [lines[0].as_bytes(), b"\xFF\xFE\n", lines[1].as_bytes()].concat(),
                2,
            ),
            (format!("\n{whole}").into_bytes(), 1),
            (format!("{}{{}}\n", lines[0]).into_bytes(), 2),
        ] {
            let error = read_back(&damaged).unwrap_err();
            assert!(
                matches!(error, TrainError::DamagedMetrics { line, .. } if line == number),
                "{error}"
            );
        }
    }
}

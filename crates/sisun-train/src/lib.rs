//! Training: the loop ([`train`]), its steps, evaluation, and the files of a run directory.
//!
//! This crate prints nothing. A [`TrainObserver`] is notified of every step, measurement and
//! sample.

mod batch;
mod due_outputs;
mod environment;
mod error;
mod evaluate;
mod fact;
mod finetune;
mod gradients;
mod language;
mod metrics;
mod new_run;
mod optimizer;
mod own_text;
mod pending_losses;
mod place;
mod resume_check;
mod run_model;
mod run_summary;
pub mod schedule;
pub mod seq2seq;
mod session;
pub mod tensorboard;
mod train;
mod trainable;
mod trainer;
mod trial;

pub use error::TrainError;
pub use evaluate::{Evaluation, edited_loss, evaluate, evaluate_edited};
pub use fact::Fact;
pub use finetune::InitialWeights;
pub use gradients::{NamedGradients, batch_gradients, clip};
pub use metrics::{Metric, read as read_metrics};
pub use new_run::NewRun;
pub use optimizer::Optimizer;
pub use own_text::own_text;
pub use pending_losses::{NotFinite, PendingLosses, StepLoss, StepOutput};
pub use place::{hold_new, hold_run, steps_done};
pub use resume_check::{ChangedSetting, may_change};
pub use run_model::{Begun, RunModel, TextSums};
pub use session::Session;
pub use train::{TrainObserver, TrainOutcome, train};
pub use trainable::{MicroStep, Trainable, random_positions};
pub use trainer::Trainer;
pub use trial::{Trial, random_batch};

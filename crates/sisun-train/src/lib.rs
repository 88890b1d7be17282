//! Training: the loop ([`train`]), its steps, evaluation, and the files of a run directory.
//!
//! This crate prints nothing. A [`TrainObserver`] is notified of every step, measurement and
//! sample.

pub mod advice;
mod batch;
mod environment;
mod error;
mod evaluate;
mod finetune;
mod gradients;
mod language;
mod loss_window;
mod may_change;
mod metrics;
mod optimizer;
mod owed;
mod own_text;
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
pub use evaluate::{Evaluation, ablated_loss, evaluate};
pub use finetune::InitialWeights;
pub use gradients::{NamedGradients, batch_gradients, clip};
pub use loss_window::{LossWindow, NotFinite, StepLoss, StepOutput};
pub use metrics::{Metric, read as read_metrics};
pub use optimizer::Optimizer;
pub use own_text::own_text;
pub use place::{hold_new, hold_run};
pub use run_model::{Begun, RunModel, TextSums};
pub use session::Session;
pub use train::{TrainObserver, TrainOutcome, train};
pub use trainable::{MicroStep, Trainable, random_positions};
pub use trainer::Trainer;
pub use trial::{Trial, random_batch};

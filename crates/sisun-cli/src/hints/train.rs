//! Errors of training, with the commands that go on.

use super::{config, model};
use crate::train_commands::TrainCommand;
use anyhow::Error;
use sisun_config::shell;
use sisun_train::TrainError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &TrainError) -> Option<String> {
    match error {
        TrainError::Config(error) => config::message(error),
        TrainError::Model(error) => model::message(error),
        _ => Some(format!("{error}{}", hint(error, &TrainCommand::default())?)),
    }
}

/// Add a hint whose commands repeat the arguments of `command`.
pub(crate) fn with_hint(error: TrainError, command: &TrainCommand) -> Error {
    match hint(&error, command) {
        Some(hint) => {
            let message = format!("{error}{hint}");
            Error::new(error).context(message)
        }
        None => error.into(),
    }
}

/// Return the end of a message: the remedy, and the command to paste.
fn hint(error: &TrainError, command: &TrainCommand) -> Option<String> {
    Some(match error {
        TrainError::InUse { path, .. } => format!(
            ": choose another place with --run DIR, or go on with it when it is done\nto wait and go on: {} --wait",
            command.resume(path)
        ),
        TrainError::RunExists { path, done: None } => format!(
            ": choose another place with --run DIR, or go on with it\nto go on: {}",
            command.that_may_change().resume(path)
        ),
        TrainError::RunExists {
            path,
            done: Some(steps),
        } => format!(
            ": choose another place with --run DIR, or train it longer\nto train it longer: {}",
            command.that_may_change().longer(path, *steps)
        ),
        TrainError::PlaceTaken { .. } => {
            ": choose another place with --run DIR, or an empty folder".to_owned()
        }
        TrainError::NeverBegan { path } => format!(
            ": delete it and start again, or choose another place with --run DIR\nto delete it: rm -r {}",
            shell::path(path)
        ),
        TrainError::NothingToResume { .. } => {
            ": name another, or start one with a configuration and without --resume".to_owned()
        }
        TrainError::ConfigChanged { path, new_run, .. } => {
            let as_it_is = command.plain_resume(path);
            match new_run {
                Some(new_run) => format!(
                    "\nto go on as it is: {as_it_is}\nin a new run: {}",
                    command.new_run(new_run)
                ),
                None => format!(
                    "; to change them, start a new run with --run DIR\nto go on as it is: {as_it_is}"
                ),
            }
        }
        TrainError::NoText { .. } => {
            "; restore it, or name another text where a command takes --data".to_owned()
        }
        TrainError::DataChanged { new_run, .. } => {
            let new_run = new_run.as_ref().map_or_else(String::new, |new_run| {
                format!("\nin a new run: {}", command.new_run(new_run))
            });
            format!("; restore it, or name a text with --data where a command takes one{new_run}")
        }
        TrainError::DataElsewhere {
            path, started_in, ..
        } => format!("\nto go on: {}", command.resume_from(path, started_in)),
        TrainError::DamagedNewest { path, damaged, .. } => format!(
            "\nto go on: {}",
            command.resume_without_damaged(path, damaged)
        ),
        TrainError::DeviceFailed { path, .. } => {
            format!("\nto go on on the CPU: {}", command.resume_on_cpu(path))
        }
        TrainError::StepsAlreadyDone { path, steps, .. } | TrainError::Finished { path, steps } => {
            format!("\nto train it longer: {}", command.longer(path, *steps))
        }
        TrainError::NonFinite { retry, .. }
        | TrainError::NonFiniteWeights { retry, .. }
        | TrainError::NonFiniteValidation { retry, .. } => format!(
            "\nwith a tenth of the learning rate: {}",
            command.new_run(retry)
        ),
        _ => return None,
    })
}

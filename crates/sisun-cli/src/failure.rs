//! Errors and exit codes.

use crate::hints;
use crate::quotes::unquoted_text;
use crate::terminal::complain;
use anyhow::Error;
use sisun_compare::CompareError;
use sisun_config::{ConfigError, ErrorKind};
use sisun_data::DataError;
use sisun_hf::HfError;
use sisun_infer::InferError;
use sisun_kernels::{ThreadPoolError, UnknownLevel};
use sisun_model::ModelError;
use sisun_model::device::Adapter;
use sisun_train::TrainError;
use sisun_viz::maps::MapsError;
use std::fmt;
use std::process::ExitCode;

/// The error of a run that Ctrl-C ended after saving.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Wrong usage that clap cannot detect.
#[derive(Debug)]
pub(crate) struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Run a command. If it panics after it has opened a GPU, return an error that names the GPU: drivers
/// and shader compilers fail in ways that no check foresees.
///
/// # Errors
/// Those of the command.
pub(crate) fn of_the_gpu(command: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(command));
    result.unwrap_or_else(|payload| {
        let adapters = sisun_model::device::all_opened();
        if adapters.is_empty() {
            std::panic::resume_unwind(payload);
        }
        let names: Vec<String> = adapters.iter().map(Adapter::described).collect();
        Err(Error::msg(format!(
            "the computation stopped on {}: see above\nto compute on the CPU: repeat the command with --device cpu",
            names.join(" or ")
        )))
    })
}

/// Print the error, if any, and return the exit code: 0 success, 1 failure, 2 wrong usage or
/// configuration, 130 interrupted.
pub(crate) fn exit_code(result: Result<(), Error>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if error.is::<Interrupted>() {
        return ExitCode::from(130);
    }
    // The reader of our output has closed it (`sisun … | head`), which is not an error.
    if error.chain().any(is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    complain(&(hints::message(&error) + &quotes_tip()));
    ExitCode::from(code(&error))
}

/// Return a tip if a text was probably given without quotes.
fn quotes_tip() -> String {
    let typed: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|given| given.to_string_lossy().into_owned())
        .collect();
    unquoted_text(&typed).map_or_else(String::new, |tip| format!("\n\n  tip: {tip}"))
}

fn is_broken_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Return the exit code of an error that is not an interruption.
fn code(error: &Error) -> u8 {
    let is_usage = error.is::<Usage>()
        || error.is::<ConfigError>()
        || error.is::<UnknownLevel>()
        || matches!(
            error.downcast_ref::<ThreadPoolError>(),
            Some(ThreadPoolError::TooMany { .. })
        );
    match kind(error) {
        _ if is_usage => 2,
        Some(ErrorKind::Usage) => 2,
        Some(
            ErrorKind::Input
            | ErrorKind::Data
            | ErrorKind::FileSystem
            | ErrorKind::Machine
            | ErrorKind::Caller,
        )
        | None => 1,
    }
}

/// Return the kind of a library's error.
fn kind(error: &Error) -> Option<ErrorKind> {
    macro_rules! kind_of {
        ($($library:ty),*) => {
            None$(.or_else(|| error.downcast_ref::<$library>().map(<$library>::kind)))*
        };
    }
    kind_of!(
        ConfigError,
        DataError,
        ModelError,
        TrainError,
        InferError,
        MapsError,
        HfError,
        CompareError
    )
}

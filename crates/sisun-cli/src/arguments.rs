//! What clap says of a value that cannot be read, in words of people: `expected a whole number`, not `invalid digit found
//! in string`.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, Error, Parser};
use sisun_config::plain_words;
use std::error::Error as _;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

/// Reads the arguments, or ends the process with help or with what is wrong. Also tells whether any command was asked to be
/// quiet.
pub(crate) fn parse<C: Parser>() -> (C, bool) {
    let read =
        C::command().try_get_matches().and_then(|matches| Ok((C::from_arg_matches(&matches)?, is_quiet(&matches))));
    read.unwrap_or_else(|error| plain::<C>(error).exit())
}

fn is_quiet(matches: &ArgMatches) -> bool {
    // A command without this option does not know it.
    matches.try_get_one::<bool>("quiet").is_ok_and(|quiet| quiet == Some(&true))
        || matches.subcommand().is_some_and(|(_, inner)| is_quiet(inner))
}

/// The same error, without words of Rust.
fn plain<C: CommandFactory>(error: Error) -> Error {
    if error.kind() != ErrorKind::ValueValidation {
        return error;
    }
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let (argument, value) = (told(ContextKind::InvalidArg), told(ContextKind::InvalidValue));
    let Some(why) = error.source().map(|source| reason(source, &value)) else { return error };
    Error::raw(ErrorKind::ValueValidation, format!("invalid value '{value}' for '{argument}': {why}\n"))
        .with_cmd(&C::command())
}

fn reason(source: &(dyn std::error::Error + 'static), value: &str) -> String {
    let whole = |least: &str| match value.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && (1.0..1e15).contains(&number) => {
            format!("expected a whole number{least}; write {number:.0}")
        }
        _ => format!("expected a whole number{least}"),
    };
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::Zero => "must be at least 1".to_owned(),
            IntErrorKind::PosOverflow => "is too large".to_owned(),
            _ if value.starts_with('-') => whole(", not a negative one"),
            _ => whole(""),
        };
    }
    if source.is::<ParseFloatError>() {
        return "expected a number".to_owned();
    }
    plain_words(&source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;
    use clap::{ArgAction, Command};

    /// Whatever is typed for any option of any command is refused without a word of Rust.
    #[test]
    fn no_option_answers_in_words_of_rust() {
        let mut options = Vec::new();
        gather(&Cli::command(), &mut vec!["sisun".to_owned()], &mut options);
        assert!(options.len() > 60, "only {} options were found", options.len());
        let values = ["x", "", "0", "-1", "1.5", "1e3", "nan", "99999999999999999999999", "1,2", "한"];
        let mut refused = 0;
        for (command, option) in options {
            for value in values {
                let mut line = command.clone();
                line.push(format!("--{option}={value}"));
                let Err(error) = Cli::try_parse_from(&line) else { continue };
                let message = plain::<Cli>(error).to_string();
                refused += usize::from(message.contains("invalid value"));
                for word in [
                    "digit",
                    "float literal",
                    "target type",
                    "non-zero",
                    "variant",
                    "integer",
                    "string",
                    "ParseInt",
                    "usize",
                ] {
                    // What stands after the message is usage.
                    let first = message.lines().next().unwrap_or_default();
                    assert!(!first.contains(word), "{line:?}: {word} in {message}");
                }
            }
        }
        assert!(refused > 100, "only {refused} values were refused");
    }

    fn gather(command: &Command, at: &mut Vec<String>, options: &mut Vec<(Vec<String>, String)>) {
        for argument in command.get_arguments() {
            if let (Some(long), ArgAction::Set | ArgAction::Append) = (argument.get_long(), argument.get_action()) {
                options.push((at.clone(), long.to_owned()));
            }
        }
        for inner in command.get_subcommands() {
            at.push(inner.get_name().to_owned());
            gather(inner, at, options);
            at.pop();
        }
    }

    #[test]
    fn the_remedy_is_told() {
        let told = |arguments: &[&str]| {
            let line = [&["sisun"], arguments].concat();
            plain::<Cli>(Cli::try_parse_from(line).err().expect("an error")).to_string()
        };
        for (arguments, part) in [
            (&["sample", "r", "-n", "x"][..], "'x' for '--tokens <N>': expected a whole number\n"),
            (&["sample", "r", "-n", "1e3"], "expected a whole number; write 1000"),
            (&["sample", "r", "-n=-3"], "expected a whole number, not a negative one"),
            (&["sample", "r", "--temperature", "hot"], "'hot' for '--temperature <T>': expected a number\n"),
            (&["compare", "c", "--jobs", "0"], "must be at least 1"),
            (&["sample", "r", "--precision", "fp16"], "\"fp16\" is not known here; known here: float32, bf16"),
        ] {
            let found = told(arguments);
            assert!(found.contains(part), "{arguments:?}: {found}");
        }
    }
}

//! Rewording clap's errors about invalid values for users: `expected a whole number` instead of
//! `invalid digit found in string`.

use crate::quotes::forgotten_quotes;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, Error, Parser};
use sisun_config::{plain_words, shell};
use std::error::Error as _;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

/// Parse the arguments, or end the process with help or an error. The second value is true if any
/// command was given `--quiet`.
pub(crate) fn parse<C: Parser>() -> (C, bool) {
    let read = C::command()
        .try_get_matches()
        .and_then(|matches| Ok((C::from_arg_matches(&matches)?, is_quiet(&matches))));
    read.unwrap_or_else(|error| {
        let typed: Vec<String> = std::env::args_os()
            .skip(1)
            .map(|given| given.to_string_lossy().into_owned())
            .collect();
        plain::<C>(error, &typed).exit()
    })
}

fn is_quiet(matches: &ArgMatches) -> bool {
    // Commands without this option return an error.
    matches
        .try_get_one::<bool>("quiet")
        .is_ok_and(|quiet| quiet == Some(&true))
        || matches
            .subcommand()
            .is_some_and(|(_, inner)| is_quiet(inner))
}

/// Return the same error without Rust terms and with a working remedy; `typed` is the command line
/// after the program's name.
fn plain<C: CommandFactory>(error: Error, typed: &[String]) -> Error {
    match error.kind() {
        ErrorKind::UnknownArgument => return unknown::<C>(error, typed),
        ErrorKind::MissingRequiredArgument => return missing::<C>(error, typed),
        ErrorKind::ValueValidation => {}
        _ => return error,
    }
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let (argument, value) = (
        told(ContextKind::InvalidArg),
        told(ContextKind::InvalidValue),
    );
    let Some(why) = error.source().map(|source| reason(source, &value)) else {
        return error;
    };
    Error::raw(
        ErrorKind::ValueValidation,
        format!("invalid value '{value}' for '{argument}': {why}\n"),
    )
    .with_cmd(&C::command())
}

/// Return the error for missing arguments, with their meaning and an example.
fn missing<C: CommandFactory>(error: Error, typed: &[String]) -> Error {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let mut command = C::command();
    command.build();
    let (path, inner) = command_of(&command, typed);
    let name = [&["sisun"], &path[..]].concat().join(" ");
    let bare = |shown: &str| shown.replace(['[', ']', '<', '>'], "");
    let width = missing.iter().map(String::len).max().unwrap_or(0);
    let mut message = format!("{name} needs\n");
    for given in missing {
        let argument = inner
            .get_arguments()
            .find(|arg| bare(&arg.to_string()) == bare(given));
        let help = argument.and_then(Arg::get_help).map(ToString::to_string);
        let help = help.unwrap_or_default();
        message += format!("  {given:<width$}  {help}").trim_end();
        message.push('\n');
    }
    // A command's examples may stand in the help of the command above it.
    let mut above = vec![&command];
    for name in &path {
        above.extend(above[above.len() - 1].find_subcommand(name));
    }
    let helps: Vec<String> = above
        .iter()
        .rev()
        .filter_map(|command| Some(command.get_after_help()?.to_string()))
        .collect();
    let examples = || {
        let lines = helps.iter().flat_map(|help| help.lines()).map(str::trim);
        lines.filter(|line| line.starts_with(&format!("{name} ")))
    };
    // An example with the missing options, and best with those that were typed as well.
    let (needed, typed) = (options(missing), options(typed));
    let has = |line: &str, option: &&str| line.split(' ').any(|word| word == *option);
    let with_needed = |line: &&str| needed.iter().all(|option| has(line, option));
    let best = examples()
        .filter(with_needed)
        .rev()
        .max_by_key(|line| typed.iter().filter(|option| has(line, option)).count());
    if let Some(example) = best.or_else(|| examples().next()) {
        message += &format!("\nfor example: {example}");
    }
    message += &format!("\nall options: {name} --help\n");
    Error::raw(ErrorKind::MissingRequiredArgument, message)
}

/// Return the names of the options among some arguments.
fn options(given: &[String]) -> Vec<&str> {
    let options = given.iter().filter(|given| given.starts_with("--"));
    options
        .filter_map(|given| given.split([' ', '=']).next())
        .collect()
}

/// Return the error for an unknown argument, with a suggestion.
fn unknown<C: CommandFactory>(error: Error, typed: &[String]) -> Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let quoted = shell::word;
    // For `- Hello`, clap reports only the first two letters.
    let at = typed
        .iter()
        .position(|given| given == argument || given.starts_with(argument.as_str()));
    let before = at
        .and_then(|at| typed.get(at.checked_sub(1)?))
        .map_or("", String::as_str);
    let command = C::command();
    let (path, inner) = command_of(&command, typed);
    let options: Vec<&Arg> = inner.get_arguments().collect();
    let name = path.first().copied().unwrap_or_default();
    let option = |given: &str| {
        options
            .iter()
            .find(|option| is_option(option, given))
            .filter(|o| takes_value(o))
    };
    let key = argument
        .strip_prefix("--")
        .map(|key| key.split('=').next().unwrap_or(key));
    let tip = if let (Some(_), Some(at), true) = (option(before), at, argument.starts_with('-')) {
        let joined = if before.starts_with("--") {
            format!("{before}=")
        } else {
            before.to_owned()
        };
        let one = format!("{joined}{}", typed[at]);
        let line = ["sisun"]
            .into_iter()
            .chain(typed[..at - 1].iter().map(String::as_str))
            .chain([one.as_str()]);
        // Report an invalid value of the suggestion at once.
        match command
            .clone()
            .try_get_matches_from(line.chain(typed[at + 1..].iter().map(String::as_str)))
        {
            Err(error) if error.kind() == ErrorKind::ValueValidation => {
                return plain::<C>(error, typed);
            }
            _ => {}
        }
        format!(
            "a value that begins with - has to follow its option at once: {joined}{}",
            quoted(&typed[at])
        )
    } else if let Some(tip) = forgotten_quotes(typed, argument) {
        tip
    } else if let (Some(option), false) =
        (last_list(&options, typed, at), argument.starts_with('-'))
    {
        let option = option.get_long().unwrap_or_default();
        if option == "set" {
            "--set takes one KEY=VALUE: quote it as one word, as in --set 'data.sources=[\"a.txt\", \"b.txt\"]'".to_owned()
        } else {
            format!(
                "--{option} takes one name at a time: put a pattern such as '*.txt' in quotes, or repeat --{option}"
            )
        }
    } else if let (Some(key), "train" | "info") = (key, name)
        && let Some(key) = sisun_config::key_meant(key)
    {
        format!("a setting is changed with --set {key}=VALUE")
    } else if let (&["tokenizer", "train"], false) = (&path[..], argument.starts_with('-')) {
        format!("the text is named with --data: --data {}", quoted(argument))
    } else if key == Some("run") {
        "name the run alone, as in: sisun sample runs/quickstart".to_owned()
    } else {
        match error.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(similar)) => format!("a similar argument exists: {similar}"),
            _ => format!(
                "{} --help lists what there is",
                [&["sisun"], &path[..]].concat().join(" ")
            ),
        }
    };
    Error::raw(
        ErrorKind::UnknownArgument,
        format!(
            "unexpected argument {} found\n\n  tip: {tip}\n",
            quoted(argument)
        ),
    )
    .with_cmd(&command)
}

/// Return the typed command, with the path of its names.
fn command_of<'c>(command: &'c Command, typed: &[String]) -> (Vec<&'c str>, &'c Command) {
    let (mut at, mut path) = (command, Vec::new());
    for word in typed {
        let Some(inner) = at.find_subcommand(word) else {
            break;
        };
        at = inner;
        path.push(inner.get_name());
    }
    (path, at)
}

fn is_option(option: &Arg, given: &str) -> bool {
    let short = |name: char| {
        given
            .strip_prefix('-')
            .is_some_and(|rest| rest == name.to_string())
    };
    given
        .strip_prefix("--")
        .is_some_and(|name| option.get_long() == Some(name))
        || option.get_short().is_some_and(short)
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Return the option whose list of values is followed by argument number `at`, with only values in
/// between.
fn last_list<'c>(options: &[&'c Arg], typed: &[String], at: Option<usize>) -> Option<&'c Arg> {
    let given = typed
        .get(..at?)?
        .iter()
        .rev()
        .find(|given| given.starts_with('-'))?;
    let appends = |option: &&&Arg| {
        is_option(option, given) && matches!(option.get_action(), ArgAction::Append)
    };
    options.iter().find(appends).copied()
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

    /// Every option of every command refuses invalid values without Rust terms.
    #[test]
    fn no_option_answers_in_words_of_rust() {
        let mut options = Vec::new();
        gather(&Cli::command(), &mut vec!["sisun".to_owned()], &mut options);
        assert!(
            options.len() > 60,
            "only {} options were found",
            options.len()
        );
        let values = [
            "x",
            "",
            "0",
            "-1",
            "1.5",
            "1e3",
            "nan",
            "99999999999999999999999",
            "1,2",
            "한",
        ];
        let mut refused = 0;
        for (command, option) in options {
            for value in values {
                let mut line = command.clone();
                line.push(format!("--{option}={value}"));
                let Err(error) = Cli::try_parse_from(&line) else {
                    continue;
                };
                let message = plain::<Cli>(error, &line[1..]).to_string();
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
                    // An option may be called by such a word.
                    if option.contains(word) {
                        continue;
                    }
                    // The usage follows the message.
                    let first = message.lines().next().unwrap_or_default();
                    assert!(!first.contains(word), "{line:?}: {word} in {message}");
                }
            }
        }
        assert!(refused > 100, "only {refused} values were refused");
    }

    /// Every command that lacks an argument explains it and shows an example.
    #[test]
    fn missing_arguments_are_explained() {
        fn each(command: &Command, at: &mut Vec<String>, seen: &mut usize) {
            for inner in command.get_subcommands() {
                at.push(inner.get_name().to_owned());
                if let Some(error) = Cli::try_parse_from(&*at).err()
                    && error.kind() == ErrorKind::MissingRequiredArgument
                {
                    let message = plain::<Cli>(error, &at[1..]).to_string();
                    let lines: Vec<&str> = message.lines().collect();
                    assert_eq!(lines[0], format!("error: {} needs", at.join(" ")));
                    assert!(lines[1].split_whitespace().count() > 2, "{message}");
                    let example = format!("for example: {}", at.join(" "));
                    assert!(message.contains(&example), "{message}");
                    *seen += 1;
                }
                each(inner, at, seen);
                at.pop();
            }
        }
        let mut seen = 0;
        each(&Cli::command(), &mut vec!["sisun".to_owned()], &mut seen);
        assert!(seen > 8, "only {seen} commands need an argument");
    }

    fn gather(command: &Command, at: &mut Vec<String>, options: &mut Vec<(Vec<String>, String)>) {
        for argument in command.get_arguments() {
            if let (Some(long), ArgAction::Set | ArgAction::Append) =
                (argument.get_long(), argument.get_action())
            {
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
            let line: Vec<String> = std::iter::once(&"sisun")
                .chain(arguments)
                .map(ToString::to_string)
                .collect();
            plain::<Cli>(
                Cli::try_parse_from(&line).err().expect("an error"),
                &line[1..],
            )
            .to_string()
        };
        for (arguments, part) in [
            (
                &["sample", "r", "-n", "x"][..],
                "'x' for '--tokens <N>': expected a whole number\n",
            ),
            (
                &["sample", "r", "-n", "1e3"],
                "expected a whole number; write 1000",
            ),
            (
                &["sample", "r", "-n=-3"],
                "expected a whole number, not a negative one",
            ),
            (
                &["sample", "r", "--temperature", "hot"],
                "'hot' for '--temperature <T>': expected a number\n",
            ),
            (&["compare", "c", "--jobs", "0"], "must be at least 1"),
            (&["sample", "r", "--samples", "0"], "must be at least 1"),
            (&["sample", "r", "--prompt", "-1"], "at once: --prompt=-1\n"),
            (
                &["sample", "r", "--prompt", "- Hello"],
                "at once: --prompt='- Hello'\n",
            ),
            (&["sample", "r", "-n", "-x"], "expected a whole number"),
            (&["explain", "r", "--text", "a", "--query", "--"], "--query"),
            (
                &["sample", "r", "--seed", "-1"],
                "expected a whole number, not a negative one",
            ),
            (
                &["sample", "r", "-n", "-3"],
                "expected a whole number, not a negative one",
            ),
            (
                &["data", "make", "stories", "--xyzzy", "5"],
                "sisun data make stories --help",
            ),
            (&["tokenizer", "train", "my.txt"], "--data my.txt"),
            (&["sample", "--run", "r"], "name the run alone"),
            (
                &["train", "c.toml", "--steps", "5"],
                "--set train.steps=VALUE",
            ),
            (&["train", "c.toml", "--lr=3"], "--set train.lr_max=VALUE"),
            (
                &["train", "c.toml", "--n-layers", "5"],
                "--set model.n_layers=VALUE",
            ),
            (
                &["eval", "r", "--data", "a.txt", "b.txt"],
                "--data takes one name at a time: put a pattern",
            ),
            (
                &["sample", "r", "--samplse", "3"],
                "a similar argument exists: --samples",
            ),
            (&["heads", "r", "--xyzzy", "3"], "sisun heads --help"),
            (
                &["sample", "r", "--precision", "fp16"],
                "\"fp16\" is not known here; known here: float32, bf16",
            ),
        ] {
            let found = told(arguments);
            assert!(found.contains(part), "{arguments:?}: {found}");
        }
    }
}

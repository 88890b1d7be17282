//! Errors of configurations.

use sisun_config::{ConfigError, StartOption};

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &ConfigError) -> Option<String> {
    Some(match error {
        ConfigError::Several(problems) => {
            let several = error.to_string();
            let lines = problems.iter().map(|problem| {
                let line = problem.to_string();
                let message = message(problem).unwrap_or_else(|| line.clone());
                (line, message)
            });
            lines.fold(several, |text, (line, message)| {
                text.replacen(&format!("\n  {line}"), &format!("\n  {message}"), 1)
            })
        }
        ConfigError::Comparison => format!("{error}: run it with `sisun compare`"),
        ConfigError::LeftToBase => format!(
            "{error}: only `sisun train` and `sisun info` look at it; give them this file, or \
             another command the run that it makes"
        ),
        ConfigError::BadOverride { given } => {
            format!("--set {given}: expected KEY=VALUE, as in --set train.lr_max=3e-4")
        }
        ConfigError::BadQuotes { given } => format!(
            "--set {given}: the value is not one text in quotes; put quotes around all of it, or \
             around none"
        ),
        ConfigError::SetTwice { key, first, second } => {
            format!("--set {first} and --set {second}: {key} is set twice; keep one of them")
        }
        ConfigError::NotATable { given, key } => {
            format!("--set {given}: {key} is a value, not a table")
        }
        ConfigError::UnknownKey { .. } => format!("{error}: {}", option(error.start_option()?)),
        _ => return None,
    })
}

fn option(option: StartOption) -> &'static str {
    match option {
        StartOption::Device => "--device, as in --device wgpu",
        StartOption::Directory => "--run of `sisun train`, --out of `sisun compare`",
        StartOption::Resume => "--resume of `sisun train`",
    }
}

#[cfg(test)]
mod tests {
    use super::message;
    use sisun_config::{Config, ConfigError};
    use std::path::Path;

    #[test]
    fn each_of_several_problems_has_its_hint() {
        let text = "name = 'a'\ndevice = 'cpu'\nresume = true\n[model]\nd_modl = 4";
        let error = Config::parse(Path::new("a.toml"), text).expect_err("unknown keys");
        assert!(matches!(error, ConfigError::Several(_)), "{error}");
        let told = message(&error).expect("hints");
        for part in [
            "the device: --device, as in --device wgpu",
            "the run to resume: --resume of `sisun train`",
            "did you mean model.d_model?",
        ] {
            assert!(told.contains(part), "no {part:?} in {told}");
        }
    }
}

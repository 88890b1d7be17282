//! `~/` at the start of a path: the home directory. A shell expands it on the command line, but
//! not inside of a file.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// Deserialize a path, for `deserialize_with`.
pub(crate) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    expanded(String::deserialize(from)?)
        .map(PathBuf::from)
        .map_err(D::Error::custom)
}

/// Deserialize a path that may be absent, for `deserialize_with`.
pub(crate) fn optional_path<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<PathBuf>, D::Error> {
    path(from).map(Some)
}

/// Deserialize the sources of a text, for `deserialize_with`.
///
/// # Errors
/// If the home directory is not known.
pub fn sources<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let sources = Vec::<String>::deserialize(from)?;
    let all: Result<_, _> = sources.into_iter().map(expanded).collect();
    all.map_err(D::Error::custom)
}

/// Replace a `~` that stands alone, or before a separator, by the home directory. `~name` stays: it
/// may be the name of a file.
fn expanded(path: String) -> Result<String, String> {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(path);
    };
    if !(rest.is_empty() || rest.starts_with(std::path::is_separator)) {
        return Ok(path);
    }
    match dirs::home_dir().as_ref().and_then(|home| home.to_str()) {
        Some(home) => Ok(format!("{}{rest}", home.trim_end_matches('/'))),
        None => Err(format!(
            "the home directory, for which ~ stands in {path:?}, is not known; write the whole path, or ./~ for a file of that name"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::expanded;
    use crate::{Config, DataConfig, FinetuneConfig, TokenizerConfig};
    use std::path::Path;

    fn home() -> String {
        let home = dirs::home_dir().expect("a home directory");
        home.to_str().expect("UTF-8").to_owned()
    }

    #[test]
    fn only_a_tilde_alone_is_the_home_directory() {
        let home = home();
        for (given, path) in [
            ("~", home.clone()),
            ("~/texts/*.txt", format!("{home}/texts/*.txt")),
            ("~user/x.txt", "~user/x.txt".to_owned()),
            ("~$draft.txt", "~$draft.txt".to_owned()),
            ("./~/x", "./~/x".to_owned()),
            ("a/~/x", "a/~/x".to_owned()),
            ("-", "-".to_owned()),
        ] {
            assert_eq!(expanded(given.to_owned()), Ok(path), "{given}");
        }
    }

    #[test]
    fn every_path_of_a_configuration_is_expanded() {
        let home = home();
        let at = |path: &str| Path::new(&home).join(path);
        let data: DataConfig = toml::from_str(
            "sources = [\"~/a\", \"b\"]\nvalidation = [\"~/c\"]\ncache_dir = \"~/d\"",
        )
        .expect("settings");
        assert_eq!(data.sources, [format!("{home}/a"), "b".to_owned()]);
        assert_eq!(data.validation, [format!("{home}/c")]);
        assert_eq!(data.cache_dir, Some(at("d")));
        let tokenizer: TokenizerConfig =
            toml::from_str("kind = \"file\"\npath = \"~/t.json\"").expect("settings");
        assert_eq!(tokenizer, TokenizerConfig::File { path: at("t.json") });
        let finetune: FinetuneConfig = toml::from_str("model = \"~/gpt2\"").expect("settings");
        assert_eq!(finetune.model, at("gpt2"));
        let text = crate::tests::WHOLE.replace("[\"a.txt\"]", "\"~/a.txt\"");
        let whole = Config::parse(Path::new("a.toml"), &text).expect("a configuration");
        assert_eq!(whole.data.sources, [format!("{home}/a.txt")]);
    }
}

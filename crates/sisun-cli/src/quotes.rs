//! Texts that were given without quotes, of which the shell makes several arguments.

use sisun_config::shell;
use std::path::Path;

/// Options that take a text.
const TEXTS: [&str; 2] = ["--prompt", "--text"];

/// Return a tip if `word` follows the first word of a text that was given without quotes.
pub(crate) fn forgotten_quotes(typed: &[String], word: &str) -> Option<String> {
    let texts = (0..typed.len()).filter_map(|at| text_at(typed, at));
    texts
        .into_iter()
        .find(|(_, words)| words.iter().skip(1).any(|other| *other == word))
        .map(|(option, words)| in_quotes(option, &words))
}

/// Return a tip if a text is followed by words that are no paths, which were taken for other
/// arguments.
pub(crate) fn unquoted_text(typed: &[String]) -> Option<String> {
    (0..typed.len()).find_map(|at| {
        let (option, words) = text_at(typed, at)?;
        // `--text The runs/x` may be a text and a run.
        let names_one_before = at > 1 && !typed[1].starts_with('-');
        let enough = if names_one_before { 2 } else { 3 };
        let are_no_paths = words.iter().skip(1).all(|word| !Path::new(word).exists());
        (words.len() >= enough && are_no_paths).then(|| in_quotes(option, &words))
    })
}

fn in_quotes(option: &str, words: &[&str]) -> String {
    format!(
        "put the text in quotes: {option} {}",
        shell::word(&words.join(" "))
    )
}

/// Return the option of a text at this place of the command line, and all words up to the next
/// option.
fn text_at(typed: &[String], at: usize) -> Option<(&'static str, Vec<&str>)> {
    let (option, rest) = TEXTS
        .into_iter()
        .find_map(|option| Some((option, typed[at].strip_prefix(option)?)))?;
    let first = match rest.strip_prefix('=') {
        None if !rest.is_empty() => return None,
        first => first,
    };
    let following = typed[at + 1..]
        .iter()
        .map(String::as_str)
        .take_while(|word| !word.starts_with('-'));
    Some((option, first.into_iter().chain(following).collect()))
}

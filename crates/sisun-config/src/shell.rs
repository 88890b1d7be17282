//! Quoting of command words to be pasted into a shell.

use std::path::Path;

/// Characters other than letters and digits that are never special to a shell, wherever they are in
/// a word.
const PLAIN: &str = "_-./=,:@%+";

/// Return the text as one shell word: unchanged, or in quotes (of a POSIX shell; on Windows, double
/// quotes).
pub fn word(text: &str) -> String {
    if !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || PLAIN.contains(c))
    {
        return text.to_owned();
    }
    if cfg!(windows) {
        return format!("\"{}\"", text.replace('"', "\\\""));
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Return the path as one shell word that no program mistakes for an option.
pub fn path(path: &Path) -> String {
    let text = path.display().to_string();
    word(&if text.starts_with('-') {
        format!("./{text}")
    } else {
        text
    })
}

/// Return a hint if a path begins with `~`, which only a shell expands to the home folder, and only
/// outside of quotes.
pub fn of_tilde(path: &Path) -> &'static str {
    match path.starts_with("~") {
        true => "; `~` is not read as your home folder here: write the whole path",
        false => "",
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{path, word};
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        for text in [
            "runs/a",
            "my run",
            "it's",
            "",
            "$HOME `ls` \"x\"",
            "a\nb",
            "~",
            "*",
            "한글 실험",
            "a;b&c|d",
            "#x",
            "\\",
        ] {
            let script = format!("printf %s {}", word(text));
            let output = Command::new("sh")
                .args(["-c", &script])
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
        assert_eq!(word("runs/한글-2"), "runs/한글-2");
        assert_eq!(path(Path::new("-n x")), "'./-n x'");
    }
}

//! The path that a misspelt one most likely means.

use std::path::{Path, PathBuf};
use unicode_normalization_alignments::UnicodeNormalization;

/// Return the path in the same folder whose name differs least, among those that `is_meant` accepts,
/// if it differs in at most a third of its letters before the extension.
pub fn nearest_path(path: &Path, is_meant: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_string_lossy().to_lowercase();
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let letters = name_distance(&wanted, &name.to_lowercase())?;
            let path = folder.map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name));
            is_meant(&path).then_some((letters, path))
        })
        .min()
        .map(|(_, path)| path)
}

/// Return a question for the message about a path that does not exist.
pub fn did_you_mean(asked: &Path, near: &Path) -> String {
    let composed = |path: &Path| nfc(&path.to_string_lossy());
    match composed(asked) == composed(near) {
        // They look alike.
        true => format!(
            "; did you mean {}, a name in another form of Unicode? Copy it from here",
            near.display()
        ),
        false => format!("; did you mean {}?", near.display()),
    }
}

/// Return a path where nothing is yet: this one, or one with a number at the end of its name.
pub fn free_path(path: PathBuf) -> PathBuf {
    let stem = path.with_extension("");
    let numbered = (2..).map(|number: usize| {
        let mut name = stem.clone().into_os_string();
        name.push(format!("-{number}"));
        let named = PathBuf::from(name);
        match path.extension() {
            Some(extension) => named.with_added_extension(extension),
            None => named,
        }
    });
    std::iter::once(path.clone())
        .chain(numbered)
        .find(|path| path.symlink_metadata().is_err())
        .expect("a folder has finitely many files")
}

fn nfc(text: &str) -> String {
    text.nfc().map(|(c, _)| c).collect()
}

/// Return the number of letters in which two names differ, if they differ little. The Unicode form
/// of a name makes no difference.
fn name_distance(wanted: &str, name: &str) -> Option<usize> {
    let (wanted, name) = (nfc(wanted), nfc(name));
    let (wanted, name) = (wanted.as_str(), name.as_str());
    let halves = |name: &'_ str| -> (String, String) {
        match name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => (stem.to_owned(), extension.to_owned()),
            _ => (name.to_owned(), String::new()),
        }
    };
    let ((stem, extension), (other, other_extension)) = (halves(wanted), halves(name));
    let letters = strsim::osa_distance(&stem, &other);
    (letters <= stem.chars().count() / 3)
        .then(|| letters + strsim::osa_distance(&extension, &other_extension))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{did_you_mean, free_path, name_distance, nearest_path};

    #[test]
    fn only_near_names_are_near() {
        for (wanted, name) in [
            ("novl.txt", "novel.txt"),
            ("novel.tx", "novel.txt"),
            ("novel", "novel.txt"),
            ("storeis-en.txt", "stories-en.txt"),
        ] {
            assert!(name_distance(wanted, name).is_some(), "{wanted} {name}");
        }
        for (wanted, name) in [
            ("my.txt", "a1.txt"),
            ("a.txt", "b.txt"),
            ("novel.txt", "notes.txt"),
        ] {
            assert!(name_distance(wanted, name).is_none(), "{wanted} {name}");
        }
    }

    #[test]
    fn a_name_in_another_form_of_unicode_is_found_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let decomposed = folder.path().join("\u{1112}\u{1161}\u{11AB}.txt");
        std::fs::write(&decomposed, "a").unwrap();
        let asked = folder.path().join("한.txt");
        let near = nearest_path(&asked, &|path| path.is_file()).unwrap();
        assert_eq!(near, decomposed);
        assert!(did_you_mean(&asked, &near).contains("another form of Unicode"));
        assert!(did_you_mean(&asked, &folder.path().join("밖.txt")).ends_with("밖.txt?"));
    }

    #[test]
    fn a_free_path_has_the_first_number_that_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("a.b.jsonl");
        assert_eq!(free_path(wanted.clone()), wanted);
        std::fs::write(&wanted, "a").unwrap();
        std::fs::write(folder.path().join("a.b-2.jsonl"), "a").unwrap();
        assert_eq!(free_path(wanted), folder.path().join("a.b-3.jsonl"));
    }
}

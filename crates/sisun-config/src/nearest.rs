//! The path that a misspelt one most likely means.

use std::path::{Path, PathBuf};

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

/// Return the number of letters in which two names differ, if they differ little.
fn name_distance(wanted: &str, name: &str) -> Option<usize> {
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
    use super::name_distance;

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
}

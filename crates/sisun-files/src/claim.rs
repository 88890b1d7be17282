//! Folders for several output files: only those that are empty, new, or marked as Sisun's.

use crate::locked_dir::LOCK_FILE;
use crate::there::{is_file, make_folder};
use crate::write::write_atomic;
use std::fs;
use std::io;
use std::path::Path;

/// The file that marks a folder as an output folder of Sisun.
const MARK: &str = ".sisun";

/// Make a folder, if it does not exist, and mark it as an output folder of Sisun. Return false,
/// without any effect, if it holds files without the mark: they belong to the user and may have the
/// same names as the output.
///
/// # Errors
/// If the folder cannot be made, read or marked.
pub fn claim_folder(dir: &Path) -> io::Result<bool> {
    make_folder(dir)?;
    let mark = dir.join(MARK);
    if is_file(&mark)? {
        return Ok(true);
    }
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if name != LOCK_FILE && !is_hidden {
            return Ok(false);
        }
    }
    write_mark(dir, &[])?;
    Ok(true)
}

/// Return the text of the mark of an output folder.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn read_mark(dir: &Path) -> io::Result<String> {
    fs::read_to_string(dir.join(MARK))
}

/// Write the mark of an output folder, with further lines below its first.
///
/// # Errors
/// If it cannot be written.
pub fn write_mark(dir: &Path, lines: &[String]) -> io::Result<()> {
    let mut text = "Sisun wrote the files of this folder and may replace them.\n".to_owned();
    for line in lines {
        text += line;
        text.push('\n');
    }
    Ok(write_atomic(&dir.join(MARK), text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::claim_folder;
    use std::fs;

    #[test]
    fn a_folder_of_somebody_elses_files_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(claim_folder(&at("new/deep")).unwrap());
        fs::write(at("new/deep/report.html"), "ours").unwrap();
        assert!(claim_folder(&at("new/deep")).unwrap(), "marked");
        fs::create_dir(at("empty")).unwrap();
        assert!(claim_folder(&at("empty")).unwrap());
        fs::create_dir(at("theirs")).unwrap();
        fs::write(at("theirs/report.html"), "theirs").unwrap();
        assert!(!claim_folder(&at("theirs")).unwrap());
        assert_eq!(
            fs::read_dir(at("theirs")).unwrap().count(),
            1,
            "nothing was put there"
        );
        assert!(
            claim_folder(&at("theirs/report.html")).is_err(),
            "a file is no folder"
        );
    }
}

//! Pointer files that a clone without Git LFS leaves in place of the real files.

use std::io::{Error, ErrorKind};

/// First bytes of a pointer file, by the specification
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>) and before Git LFS had its name.
const BEGINNINGS: [&[u8]; 2] = [
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
];

/// Size in bytes that pointers do not reach.
const LARGEST: usize = 1024;

/// Check that a file that begins with these bytes is not a Git LFS pointer. Every reader of a
/// user's file should call this.
///
/// # Errors
/// If it is a pointer; the error explains pointers and how to get the file.
pub fn check_pointer(beginning: &[u8]) -> Result<(), Error> {
    let names_content = || {
        beginning
            .windows(4)
            .take(LARGEST)
            .any(|bytes| bytes == b"\noid")
    };
    if !BEGINNINGS.iter().any(|known| beginning.starts_with(known)) || !names_content() {
        return Ok(());
    }
    let message = "it is a pointer of Git LFS, which only stands for the file; get the file itself with `git lfs pull` in the clone, or download it";
    Err(Error::new(ErrorKind::InvalidData, message))
}

#[cfg(test)]
mod tests {
    use super::check_pointer;

    #[test]
    fn pointers_are_told_from_text_about_them() {
        let oid = "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 132735\n";
        for version in [
            "https://git-lfs.github.com/spec/v1",
            "https://hawser.github.com/spec/v1",
        ] {
            let told =
                check_pointer(format!("version {version}\next-0-foo sha256:1\n{oid}").as_bytes());
            assert!(
                told.is_err_and(|error| error.to_string().contains("git lfs pull")),
                "{version}"
            );
        }
        for text in [
            "",
            "version",
            "version https://git-lfs.github.com/spec/v1 is a specification.",
            oid,
        ] {
            assert!(check_pointer(text.as_bytes()).is_ok(), "{text}");
        }
    }
}

//! The kinds of errors that all libraries share.

/// The kind of an error, which determines who can correct it. The command line maps kinds to exit
/// codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A setting or an argument: ask for something else.
    Usage,
    /// A text that was given, or that a run was trained on: give another text.
    Input,
    /// A file with content that cannot be used: a damaged checkpoint, a foreign model, weights that
    /// are not finite.
    Data,
    /// A file or folder that is missing, exists already, is in use, or cannot be read or written.
    FileSystem,
    /// The machine: memory, devices, threads.
    Machine,
    /// An error of the caller's own code, passed on.
    Caller,
}

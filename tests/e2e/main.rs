//! The program from the user's perspective: the binary, its files, its messages.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod analysis;
mod bad_input;
mod bench;
mod browser;
mod caches;
mod comparing;
mod computing_pages;
mod cut_short;
mod data;
mod devices;
mod diagrams;
#[cfg(unix)]
mod documents;
mod edits;
mod explaining;
mod exporting;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(unix)]
mod files;
mod finetune;
mod going_on;
mod heads;
mod hints;
mod hostile_tokenizers;
mod housekeeping;
mod hugging_face;
mod init;
mod kept_files;
mod limits;
mod maps;
mod naming;
mod outputs;
mod own_text;
mod pages;
mod pairs;
mod pasting;
mod patching;
mod pointers;
mod positions;
#[cfg(target_os = "linux")]
mod races;
mod renames;
mod resume;
mod sampling;
mod senses;
mod serving;
mod settings;
#[cfg(target_os = "linux")]
mod signals;
mod sisun;
mod told;
mod training;
mod two_processes;
mod verifying;
mod watching;
mod whole_pages;
mod worked;
mod worked_cases;

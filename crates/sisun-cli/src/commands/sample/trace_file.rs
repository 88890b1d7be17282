//! The file of a trace.

use crate::failure::Usage;
use crate::output::{ForceArgs, make_parent};
use anyhow::Result;
use sisun_files::write_atomic;
use sisun_infer::{Language, Trace};
use sisun_viz::page::trace_html;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Return true if the file is an earlier trace, which the next one may replace.
fn holds_a_trace(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).map(|file| file.take(4096).read_to_end(&mut beginning));
    let beginning = String::from_utf8_lossy(&beginning);
    let parts: &[&str] = match path.extension().is_some_and(|end| end == "html") {
        true => &["<meta name=\"generator\" content=\"sisun trace\">"],
        false => &["{\"model\":", "\"sampler\":{\"temperature\":"],
    };
    matches!(read, Ok(Ok(_))) && parts.iter().all(|part| beginning.contains(part))
}

/// Destination of a trace.
pub(super) struct TraceFile {
    path: PathBuf,
    page: bool,
}

impl TraceFile {
    pub(super) fn new(path: &Path, force: ForceArgs) -> Result<Self> {
        let page = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => true,
            Some("json") => false,
            _ => {
                return Err(Usage(format!(
                    "--trace {}: name a .html or a .json file",
                    path.display()
                ))
                .into());
            }
        };
        // Check before generating, so that no text is lost to a missing folder.
        if !holds_a_trace(path) {
            force.check("--trace", path)?;
        }
        make_parent(path)?;
        Ok(Self {
            path: path.to_owned(),
            page,
        })
    }

    pub(super) fn write(&self, trace: Trace) -> Result<()> {
        let language = Language::of(&trace.prompt);
        let content = if self.page {
            trace_html(trace, language)?
        } else {
            serde_json::to_string(&trace)?
        };
        write_atomic(&self.path, content.as_bytes())?;
        Ok(())
    }
}

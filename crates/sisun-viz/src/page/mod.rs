//! Attention as a self-contained page: one file to open, store and share.
//!
//! The scripts, styles and template in `crates/sisun-viz/page` are joined here, unchanged, with the
//! data: one JSON object that describes it, and blocks of binary numbers (zlib, base64) to
//! which the object refers. A content security policy in the page allows only these scripts and
//! styles and no network access, whatever the text contains.
//!
//! Weights are stored as integers of 16 bits, or of 14 bits if there are millions; the page states
//! the error. Above 20 million weights, a cell of a map stands for several consecutive tokens, and
//! the page says so; a trace of this size is refused.

mod analysis;
mod architecture;
mod attention;
mod colours;
mod encode;
mod html;
mod live;
mod modules;
mod own;
mod pairs;
mod thin;
mod trace;
mod view;
mod walk;
mod watch;

pub use analysis::{AnalysisPage, LongAnalysis, analysis_html};
pub use attention::{Kind, Page};
pub use live::{LiveError, ServedModel, WeightFormat};
pub use own::own_html;
pub use pairs::{LongPair, pairs_html};
pub use trace::{LongTrace, trace_html};
pub use watch::{heads_event, watch_html};

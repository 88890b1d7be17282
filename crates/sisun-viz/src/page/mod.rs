//! Attention as one page that needs no network: a file to open, to keep and to send to a friend.
//!
//! The page's scripts, styles and template lie in `crates/sisun-viz/page` and are joined here, as
//! they are, with the data: one JSON object that describes it, and blocks of binary
//! numbers (raw deflate, base64) that the object names. A policy in the page (CSP) lets exactly
//! these scripts and styles run and nothing be fetched, whatever the text holds.
//!
//! Weights travel as whole numbers of 16 bits, or of 14 where there are millions; the page states
//! the error. Above 20 million weights a cell of a map stands for several tokens in a row, and the
//! page says so; a trace of so many is refused.

mod attention;
mod colours;
mod encode;
mod html;
mod modules;
mod thin;
mod trace;
mod units;
mod view;

pub use attention::{Kind, Page};
pub use trace::{LongTrace, trace_html};

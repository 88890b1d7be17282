//! Memory sizes.

use std::fmt;

/// A number of bytes, displayed as `20.1 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u128);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.0 as f64 / f64::from(1 << 30);
        match gib {
            _ if gib >= 1e6 => write!(f, "{gib:.0e} GiB"),
            _ if gib >= 100.0 => write!(f, "{gib:.0} GiB"),
            _ if gib >= 0.1 => write!(f, "{gib:.1} GiB"),
            _ => write!(f, "{:.0} MiB", gib * 1024.0),
        }
    }
}

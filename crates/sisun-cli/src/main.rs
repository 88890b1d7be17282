//! sisun
fn main() {}

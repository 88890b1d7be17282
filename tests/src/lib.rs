//! What the tests share: the devices they run on, the reference files they compare with, and how
//! they compare.

#![allow(clippy::unwrap_used)]

pub mod compare;
pub mod devices;
pub mod fixtures;
pub mod models;

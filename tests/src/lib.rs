//! Shared test helpers: devices, reference files and comparisons.

#![allow(clippy::unwrap_used)]

pub mod compare;
pub mod devices;
pub mod fixtures;
pub mod models;
pub mod pages;

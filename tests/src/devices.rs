//! Devices of the tests.

use burn::tensor::Device;
use sisun_model::device;
use std::io::Write;

/// Return the fast CPU backend.
pub fn cpu() -> Device {
    device::cpu("").device
}

/// Return the devices that every machine has, with their names.
pub fn everywhere() -> Vec<(String, Device)> {
    vec![
        ("cpu".to_owned(), cpu()),
        ("ndarray".to_owned(), device::ndarray().unwrap().device),
    ]
}

/// Return the wgpu device with its name, if this machine has an adapter; otherwise print that
/// `test` did not run on one.
pub fn wgpu(test: &str) -> Option<(String, Device)> {
    match device::wgpu() {
        Ok(adapter) => Some((format!("wgpu: {}", adapter.name), adapter.device)),
        Err(error) => {
            tell(&format!("WARNING: {test} DID NOT RUN ON WGPU: {error}"));
            None
        }
    }
}

/// Write a line to stderr even if the test passes; `eprintln!` is captured for passing tests.
pub fn tell(line: &str) {
    // A closed stderr must not fail the test.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

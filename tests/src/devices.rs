//! Devices of the tests.

use burn::tensor::Device;
use sisun_model::DeviceChoice;
use sisun_model::device::choose;
use std::io::Write;

/// Return the fast CPU backend.
pub fn cpu() -> Device {
    choose(DeviceChoice::Cpu).unwrap().device
}

/// Return the devices that every machine has, with their names.
pub fn everywhere() -> Vec<(String, Device)> {
    [DeviceChoice::Cpu, DeviceChoice::Ndarray]
        .map(|choice| (choice.to_string(), choose(choice).unwrap().device))
        .into()
}

/// Return the wgpu device with its name, if this machine has an adapter; otherwise print that
/// `test` did not run on one.
pub fn wgpu(test: &str) -> Option<(String, Device)> {
    match choose(DeviceChoice::Wgpu) {
        Ok(chosen) => Some((chosen.name, chosen.device)),
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

//! The devices that the tests run on.

use burn::tensor::Device;
use sisun_model::DeviceChoice;
use sisun_model::device::choose;
use std::io::Write;

/// The fast CPU backend.
pub fn cpu() -> Device {
    choose(DeviceChoice::Cpu).unwrap().device
}

/// The devices that every machine has, with their names.
pub fn everywhere() -> Vec<(String, Device)> {
    [DeviceChoice::Cpu, DeviceChoice::Ndarray]
        .map(|choice| (choice.to_string(), choose(choice).unwrap().device))
        .into()
}

/// The wgpu device, with its name, where this machine has an adapter. Where it has none, says
/// loudly that `test` did not run on one.
pub fn wgpu(test: &str) -> Option<(String, Device)> {
    match choose(DeviceChoice::Wgpu) {
        Ok(chosen) => Some((chosen.name, chosen.device)),
        Err(error) => {
            tell(&format!("WARNING: {test} DID NOT RUN ON WGPU: {error}"));
            None
        }
    }
}

/// Writes a line to stderr whether or not the test passes; `eprintln!` is held back from those that
/// do.
pub fn tell(line: &str) {
    // A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

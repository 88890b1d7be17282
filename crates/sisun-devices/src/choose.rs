//! The choice of a device.

use crate::check::{Report, check};
use crate::remembered::Remembered;
use crate::work::{Times, Work};
use burn::tensor::Device;
use serde_json::{Value, json};
use sisun_model::ModelError;
use sisun_model::device::{self, Adapter, Chosen, DeviceChoice};
use sisun_model::fault::Fault;

/// A GPU that may be chosen: an adapter, or a stand-in for one.
pub trait Gpu {
    /// Return the name of the adapter, `NVIDIA …`.
    fn name(&self) -> String;

    /// Return the name with that of the driver.
    fn described(&self) -> String {
        self.name()
    }

    /// Return what tells it from others: its name and its driver with its version.
    fn identity(&self) -> Value;

    /// Check it against values that were computed elsewhere.
    fn check(&self) -> Report;

    /// Return the seconds that a work takes.
    ///
    /// # Errors
    /// If it cannot be computed.
    fn seconds(&self, work: &Work) -> Result<f64, Fault>;

    /// Return it as the chosen device.
    fn chosen(&self, why: String) -> Chosen;
}

impl Gpu for Adapter {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn described(&self) -> String {
        Adapter::described(self)
    }

    fn identity(&self) -> Value {
        json!({ "name": self.name, "kind": self.kind, "driver": self.driver })
    }

    fn check(&self) -> Report {
        check(&self.device)
    }

    fn seconds(&self, work: &Work) -> Result<f64, Fault> {
        work.seconds_on(&self.device)
    }

    fn chosen(&self, why: String) -> Chosen {
        Adapter::chosen(self, why)
    }
}

/// Return the result of the check of a GPU, remembered for this adapter, driver and program. `note`
/// is called before it is checked.
pub fn checked(gpu: &dyn Gpu, remembered: &Remembered, note: &mut dyn FnMut(&str)) -> Report {
    let key = json!({ "check": gpu.identity() });
    let check = || {
        note(&format!(
            "checking {}, once for this driver and program",
            gpu.name()
        ));
        gpu.check()
    };
    remembered.get(&key, check, |_| true)
}

/// Choose the device for a work. `work` is asked for only if there is a GPU to try it on; `None`
/// stands for a model that cannot be read, for which the CPU is as good as another. `note` is called
/// with what should be known besides the reason of the choice.
///
/// # Errors
/// If `wgpu` is requested and no adapter is found, or `ndarray` is requested and this program was
/// built without it.
pub fn choose(
    choice: DeviceChoice,
    work: impl FnOnce() -> Option<Work>,
    remembered: &Remembered,
    note: &mut dyn FnMut(&str),
) -> Result<Chosen, ModelError> {
    match choice {
        DeviceChoice::Cpu => Ok(device::cpu("asked for")),
        DeviceChoice::Ndarray => device::ndarray(),
        DeviceChoice::Wgpu => {
            let adapter = device::wgpu()?;
            let report = checked(&adapter, remembered, note);
            if !report.holds() {
                note(&format!(
                    "note: {} computes wrong results, and is used because it was asked for: {}",
                    adapter.described(),
                    report.problems()
                ));
            }
            Ok(adapter.chosen(format!("asked for; {}", adapter.kind)))
        }
        DeviceChoice::Auto => {
            let mut gpus: Vec<Adapter> = Vec::new();
            for found in device::adapters() {
                if found.is_software() {
                    continue;
                }
                match found.open() {
                    Ok(adapter) => gpus.push(adapter),
                    Err(error) => note(&format!("note: {error}")),
                }
            }
            let gpus: Vec<&dyn Gpu> = gpus.iter().map(|gpu| gpu as &dyn Gpu).collect();
            Ok(auto(&gpus, work, remembered, note))
        }
    }
}

/// Choose among GPUs and the CPU: the first GPU that computes the expected results, and this work
/// faster than the CPU.
pub fn auto(
    gpus: &[&dyn Gpu],
    work: impl FnOnce() -> Option<Work>,
    remembered: &Remembered,
    note: &mut dyn FnMut(&str),
) -> Chosen {
    if gpus.is_empty() {
        return device::cpu("no GPU was found");
    }
    let work = match work() {
        None => return device::cpu("the model to choose for cannot be read"),
        Some(Work::OnCpu(why)) => return device::cpu(why),
        Some(work) => work,
    };
    let mut why = Vec::new();
    for gpu in gpus {
        let report = checked(*gpu, remembered, note);
        if !report.holds() {
            note(&format!(
                "note: {} computes wrong results, and is not used: {}\nto use it all the same: --device wgpu",
                gpu.described(),
                report.problems()
            ));
            why.push(format!("{} failed its check", gpu.name()));
            continue;
        }
        match timed(*gpu, &work, remembered) {
            Ok(times) if times.gpu_is_faster() => {
                return gpu.chosen(format!("faster here: {}", figures(&times, &work)));
            }
            Ok(times) => why.push(format!(
                "{} is slower here: {}",
                gpu.name(),
                figures(&times, &work)
            )),
            Err(fault) => {
                note(&format!(
                    "note: {} cannot compute this, and is not used: {fault}\nto use it all the same: --device wgpu",
                    gpu.described()
                ));
                why.push(format!("{} failed a trial", gpu.name()));
            }
        }
    }
    device::cpu(why.join("; "))
}

/// Return the times of a work on a GPU and the CPU, remembered for both devices and the shape.
fn timed(gpu: &dyn Gpu, work: &Work, remembered: &Remembered) -> Result<Times, Fault> {
    let cpu = device::cpu("");
    let key = json!({ "trial": work.key(), "gpu": gpu.identity(), "cpu": cpu.name });
    remembered
        .get(
            &key,
            || {
                let mut on_gpu = |work: &Work| gpu.seconds(work);
                let mut on_cpu = |work: &Work| work.seconds_on(&Device::flex());
                Times::measure(work, &mut on_gpu, &mut on_cpu).map_err(|Fault(problem)| problem)
            },
            // A fault may have had to do with what else ran.
            Result::is_ok,
        )
        .map_err(Fault)
}

/// `GPU 12 ms a step, CPU 95 ms`.
fn figures(times: &Times, work: &Work) -> String {
    let figure = |seconds: f64, is_least: bool| {
        let least = if is_least { "more than " } else { "" };
        match seconds {
            1.0.. => format!("{least}{seconds:.1} s"),
            0.01.. => format!("{least}{:.0} ms", seconds * 1e3),
            _ => format!("{least}{:.2} ms", seconds * 1e3),
        }
    };
    format!(
        "GPU {} {}, CPU {}",
        figure(times.gpu_s, times.gpu_is_least),
        work.unit(),
        figure(times.cpu_s, times.cpu_is_least)
    )
}

//! Choice of the compute device at run time.

use crate::ModelError;
use burn::tensor::{Device, DeviceKind, DeviceType};
use sisun_kernels::Level;
use std::fmt;
use std::str::FromStr;

/// True if this program was built with Burn's ndarray backend.
pub const HAS_NDARRAY: bool = cfg!(feature = "ndarray");

/// A value of `--device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A hardware GPU if there is one, otherwise the fast CPU backend.
    #[default]
    Auto,
    /// The best adapter that wgpu finds, including software adapters.
    Wgpu,
    /// Burn's fast CPU backend.
    Cpu,
    /// Burn's ndarray backend, an independent check of the CPU backend. Available with the feature
    /// `ndarray`.
    Ndarray,
}

const CHOICES: [(&str, DeviceChoice); 4] = [
    ("auto", DeviceChoice::Auto),
    ("wgpu", DeviceChoice::Wgpu),
    ("cpu", DeviceChoice::Cpu),
    ("ndarray", DeviceChoice::Ndarray),
];

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            CHOICES
                .iter()
                .find(|(_, choice)| choice == self)
                .map_or("", |(name, _)| name),
        )
    }
}

impl FromStr for DeviceChoice {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        CHOICES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| ModelError::NoDevice {
                wanted: name.to_owned(),
                problem: "use auto, wgpu, cpu or ndarray".to_owned(),
            })
    }
}

/// A chosen device, with the reason.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The device, without autodiff.
    pub device: Device,
    /// Display name: `cpu (flex, avx512)`, `wgpu: NVIDIA …`.
    pub name: String,
    /// Reason for the choice.
    pub why: String,
    /// True if repeated runs give bit-identical results.
    pub deterministic: bool,
}

/// A wgpu adapter.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The device.
    pub device: Device,
    /// Kind of adapter: `discrete GPU`, `integrated GPU`, `virtual GPU`, `software`, `other`.
    pub kind: &'static str,
    /// Name reported by the adapter.
    pub name: String,
}

impl Adapter {
    /// Return true if it computes on the CPU (llvmpipe, SwiftShader, WARP).
    pub fn is_software(&self) -> bool {
        self.kind == SOFTWARE
    }
}

/// Return the adapters that wgpu finds. Slow: it opens each adapter to read its name.
pub fn adapters() -> Vec<Adapter> {
    wgpu_devices()
        .into_iter()
        .map(|(device, kind)| {
            let name = adapter_name(&device);
            Adapter { device, kind, name }
        })
        .collect()
}

/// Choose the device.
///
/// # Errors
/// If `wgpu` is requested and no adapter is found, or `ndarray` is requested and this program was
/// built without it.
pub fn choose(choice: DeviceChoice) -> Result<Chosen, ModelError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu("asked for".to_owned())),
        DeviceChoice::Ndarray => ndarray(),
        DeviceChoice::Auto => Ok(
            match wgpu_devices()
                .into_iter()
                .find(|(_, kind)| *kind != SOFTWARE)
            {
                Some((device, kind)) => wgpu(device, format!("a {kind} was found")),
                None => cpu("no GPU was found".to_owned()),
            },
        ),
        DeviceChoice::Wgpu => {
            let mut found = wgpu_devices();
            found.sort_by_key(|(_, kind)| *kind == SOFTWARE);
            match found.into_iter().next() {
                Some((device, kind)) => Ok(wgpu(device, format!("asked for; {kind}"))),
                None => Err(ModelError::NoDevice {
                    wanted: choice.to_string(),
                    problem: "wgpu finds no adapter on this machine; on Linux install a Vulkan driver \
                              (mesa-vulkan-drivers and libvulkan1 bring a software one), or use --device cpu"
                        .to_owned(),
                }),
            }
        }
    }
}

const SOFTWARE: &str = "software adapter";

fn cpu(why: String) -> Chosen {
    let simd = if cfg!(target_arch = "x86_64") {
        Level::current().name()
    } else {
        std::env::consts::ARCH
    };
    let threads = sisun_kernels::pool_threads();
    let name = format!(
        "cpu ({simd}, {threads} thread{})",
        if threads == 1 { "" } else { "s" }
    );
    Chosen {
        device: Device::flex(),
        name,
        why,
        deterministic: true,
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)] // Upstream will remove it; until then it is an independent check of the other two.
fn ndarray() -> Result<Chosen, ModelError> {
    Ok(Chosen {
        device: Device::ndarray(),
        name: "ndarray (cpu)".to_owned(),
        why: "asked for".to_owned(),
        deterministic: true,
    })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Result<Chosen, ModelError> {
    Err(ModelError::NoDevice {
        wanted: DeviceChoice::Ndarray.to_string(),
        problem: "this program was built without Burn's ndarray backend; build it with \
                  --features ndarray, or use --device cpu"
            .to_owned(),
    })
}

fn wgpu(device: Device, why: String) -> Chosen {
    let name = format!("wgpu: {}", adapter_name(&device));
    Chosen {
        device,
        name,
        why,
        deterministic: false,
    }
}

fn adapter_name(device: &Device) -> String {
    device
        .identity()
        .map_or_else(|| "unnamed adapter".to_owned(), |identity| identity.name)
}

/// Return the adapters with their kinds, hardware first, in wgpu's order. Does not open them.
fn wgpu_devices() -> Vec<(Device, &'static str)> {
    Device::enumerate(DeviceType::Wgpu)
        .into_iter()
        .map(|device| {
            let is =
                |kind: fn(usize) -> DeviceKind| (0..8).any(|i| device == Device::wgpu(kind(i)));
            let kind = if is(DeviceKind::DiscreteGpu) {
                "discrete GPU"
            } else if is(DeviceKind::IntegratedGpu) {
                "integrated GPU"
            } else if is(DeviceKind::VirtualGpu) {
                "virtual GPU"
            } else if device == Device::wgpu(DeviceKind::Cpu) {
                SOFTWARE
            } else {
                "GPU of unknown kind"
            };
            (device, kind)
        })
        .collect()
}

//! Compute devices: the CPU, and the adapters that wgpu finds.
//!
//! `sisun-devices` chooses among them.

use crate::ModelError;
use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::{Device, DeviceKind, DeviceType};
use sisun_kernels::Level;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// True if this program was built with Burn's ndarray backend.
pub const HAS_NDARRAY: bool = cfg!(feature = "ndarray");

/// A value of `--device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A hardware GPU that computes correctly and faster than the CPU, otherwise the CPU.
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
    /// Display name: `cpu (avx512, 2 threads)`, `wgpu: NVIDIA …`.
    pub name: String,
    /// Reason for the choice.
    pub why: String,
    /// True if repeated runs give bit-identical results.
    pub deterministic: bool,
}

/// Return the CPU with Burn's fast backend. `why` is the reason for the choice.
pub fn cpu(why: impl Into<String>) -> Chosen {
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
        why: why.into(),
        deterministic: true,
    }
}

/// Return the CPU with Burn's ndarray backend.
///
/// # Errors
/// If this program was built without it.
#[cfg(feature = "ndarray")]
#[allow(deprecated)] // Upstream will remove it; until then it is an independent check of the other two.
pub fn ndarray() -> Result<Chosen, ModelError> {
    Ok(Chosen {
        device: Device::ndarray(),
        name: "ndarray (cpu)".to_owned(),
        why: "asked for".to_owned(),
        deterministic: true,
    })
}

/// Return the CPU with Burn's ndarray backend.
///
/// # Errors
/// If this program was built without it.
#[cfg(not(feature = "ndarray"))]
pub fn ndarray() -> Result<Chosen, ModelError> {
    Err(ModelError::NoDevice {
        wanted: DeviceChoice::Ndarray.to_string(),
        problem: "this program was built without Burn's ndarray backend; build it with \
                  --features ndarray"
            .to_owned(),
    })
}

/// An adapter that wgpu finds, not opened yet.
#[derive(Clone, Debug)]
pub struct FoundAdapter {
    selector: DeviceKind,
    /// Kind of adapter: `discrete GPU`, `integrated GPU`, `virtual GPU`, `software adapter`, `GPU of
    /// unknown kind`.
    pub kind: &'static str,
}

/// An open wgpu adapter.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The device, without autodiff.
    pub device: Device,
    /// Kind of adapter, as in [`FoundAdapter`].
    pub kind: &'static str,
    /// Name reported by the adapter.
    pub name: String,
    /// Graphics interface and version of the driver; empty if unknown.
    pub driver: String,
    /// Bytes of the largest buffer that a kernel can use; `None` if unknown.
    pub largest_buffer: Option<u64>,
}

const SOFTWARE: &str = "software adapter";

/// Return the adapters that wgpu finds, hardware first, in wgpu's order.
pub fn adapters() -> Vec<FoundAdapter> {
    // Burn counts the adapters of each kind from 0; a software adapter has no number.
    const OF_A_KIND: usize = 8;
    let mut found: Vec<FoundAdapter> = Device::enumerate(DeviceType::Wgpu)
        .into_iter()
        .map(|device| {
            let numbered = (0..OF_A_KIND)
                .flat_map(|i| {
                    [
                        (DeviceKind::DiscreteGpu(i), "discrete GPU"),
                        (DeviceKind::IntegratedGpu(i), "integrated GPU"),
                        (DeviceKind::VirtualGpu(i), "virtual GPU"),
                    ]
                })
                .find(|(selector, _)| device == Device::wgpu(selector.clone()));
            let software =
                || (device == Device::wgpu(DeviceKind::Cpu)).then_some((DeviceKind::Cpu, SOFTWARE));
            let (selector, kind) = numbered
                .or_else(software)
                .unwrap_or((DeviceKind::DefaultDevice, "GPU of unknown kind"));
            FoundAdapter { selector, kind }
        })
        .collect();
    found.sort_by_key(FoundAdapter::is_software);
    found
}

/// Adapters that this process has opened. A device can be opened once only.
static OPENED: Mutex<Vec<(DeviceKind, Adapter)>> = Mutex::new(Vec::new());

/// The handles of the adapters that this process has opened itself.
static HANDLES: Mutex<Vec<WgpuSetup>> = Mutex::new(Vec::new());

impl FoundAdapter {
    /// Return true if it computes on the CPU (llvmpipe, SwiftShader, WARP).
    pub fn is_software(&self) -> bool {
        self.kind == SOFTWARE
    }

    /// Open the adapter.
    ///
    /// # Errors
    /// If its driver refuses.
    pub fn open(&self) -> Result<Adapter, ModelError> {
        // A list of adapters is valid wherever another thread stopped.
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, adapter)) = opened.iter().find(|(kind, _)| *kind == self.selector) {
            return Ok(adapter.clone());
        }
        let options = Device::wgpu_options().device_kind(self.selector.clone());
        let adapter = match options.init_with_setup() {
            Ok((device, setup)) => {
                let adapter = Adapter::of(device, self.kind, &setup);
                let mut handles = HANDLES.lock().unwrap_or_else(PoisonError::into_inner);
                handles.push(setup);
                adapter
            }
            Err(error) => {
                let device = Device::wgpu(self.selector.clone());
                // Somebody who embeds this library may have opened it already.
                match std::panic::catch_unwind(|| device.identity()) {
                    Ok(Some(identity)) => Adapter {
                        device,
                        kind: self.kind,
                        name: identity.name,
                        driver: String::new(),
                        largest_buffer: None,
                    },
                    _ => {
                        return Err(ModelError::NoDevice {
                            wanted: DeviceChoice::Wgpu.to_string(),
                            problem: format!("the {} cannot be opened: {error}", self.kind),
                        });
                    }
                }
            }
        };
        opened.push((self.selector.clone(), adapter.clone()));
        Ok(adapter)
    }
}

impl Adapter {
    fn of(device: Device, kind: &'static str, setup: &WgpuSetup) -> Self {
        let info = setup.adapter.get_info();
        let driver = [info.backend.to_string(), info.driver, info.driver_info];
        let limits = setup.device.limits();
        Self {
            device,
            kind,
            name: info.name,
            driver: driver
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" "),
            largest_buffer: Some(
                limits
                    .max_buffer_size
                    .min(limits.max_storage_buffer_binding_size),
            ),
        }
    }

    /// Return true if it computes on the CPU (llvmpipe, SwiftShader, WARP).
    pub fn is_software(&self) -> bool {
        self.kind == SOFTWARE
    }

    /// Return its name with its driver, if that is known.
    pub fn described(&self) -> String {
        match self.driver.as_str() {
            "" => self.name.clone(),
            driver => format!("{} (driver: {driver})", self.name),
        }
    }

    /// Return this adapter as the chosen device. `why` is the reason for the choice.
    pub fn chosen(&self, why: impl Into<String>) -> Chosen {
        Chosen {
            device: self.device.clone(),
            name: format!("wgpu: {}", self.name),
            why: why.into(),
            deterministic: false,
        }
    }
}

/// Open the best adapter that wgpu finds, including software adapters.
///
/// # Errors
/// If there is none, or if it cannot be opened.
pub fn wgpu() -> Result<Adapter, ModelError> {
    let Some(best) = adapters().into_iter().next() else {
        return Err(ModelError::NoDevice {
            wanted: DeviceChoice::Wgpu.to_string(),
            problem: "wgpu finds no adapter on this machine; on Linux install a Vulkan driver \
                      (mesa-vulkan-drivers and libvulkan1 bring a software one)"
                .to_owned(),
        });
    };
    best.open()
}

/// Return the open adapter of a device, if it is one that [`FoundAdapter::open`] has opened.
pub fn opened(device: &Device) -> Option<Adapter> {
    let device = device.clone().inner();
    all_opened()
        .into_iter()
        .find(|adapter| adapter.device == device)
}

/// Return the adapters that this process has opened.
pub fn all_opened() -> Vec<Adapter> {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.iter().map(|(_, adapter)| adapter.clone()).collect()
}

/// Make this process lose the adapters that it has opened, as when a GPU is unplugged or its driver is
/// reset. For tests of what happens then.
#[doc(hidden)]
pub fn lose_all() {
    let handles = HANDLES.lock().unwrap_or_else(PoisonError::into_inner);
    handles.iter().for_each(|setup| setup.device.destroy());
}

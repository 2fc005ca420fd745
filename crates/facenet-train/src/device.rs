//! Where a network trains: the CPU, or a GPU when the program was built for one.

use burn::tensor::Device;
use facenet_core::BoxError;
use serde::{Deserialize, Serialize};

use crate::ops::Body;

/// Where a network trains and how precisely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceConfig {
    /// The kind of device.
    pub name: DeviceName,
    /// What maps are stored in between layers, and multiplied in. Weights, statistics and norms, the unit length of
    /// embeddings, and losses are in 32 bits whatever this says.
    pub precision: Precision,
}

/// A kind of device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceName {
    /// The processor, with layers of our own; the same seed gives the same weights.
    #[default]
    Cpu,
    /// A GPU by Vulkan; needs the feature `vulkan`. Runs differ in rounding.
    #[serde(alias = "wgpu")]
    Vulkan,
    /// An NVIDIA GPU by CUDA; needs the feature `cuda`. Runs differ in rounding.
    Cuda,
}

/// A format of floating-point numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the exponents of 32: half the memory, and faster on GPUs that compute in it.
    Bf16,
}

/// An opened device.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeDevice {
    config: DeviceConfig,
    device: Device,
    body: Body,
}

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The program lacks the code for it.
    #[error(
        "this program was built without GPU support for `{name}`\nhint: build with `--features {name}`, or take the \
         device `cpu`"
    )]
    NotBuilt {
        /// The device that was asked for.
        name: DeviceName,
    },
    /// The machine has none, or its driver cannot be used.
    #[error("no GPU was found for `{name}`\nhint: install its driver, or take the device `cpu`")]
    NotFound {
        /// The device that was asked for.
        name: DeviceName,
        /// What the driver said, if there is one.
        #[source]
        source: Option<BoxError>,
    },
    /// The device does not compute in that format.
    #[error("the device `{name}` does not compute in `{precision}`\nhint: take the precision `f32`")]
    Precision {
        /// The device that was asked for.
        name: DeviceName,
        /// The precision that was asked for.
        precision: Precision,
    },
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Vulkan => "vulkan",
            Self::Cuda => "cuda",
        })
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl DeviceConfig {
    /// Opens the device.
    ///
    /// # Errors
    /// When the program was built without it, the machine has none, or it does not compute in that precision.
    pub fn open(self) -> Result<ComputeDevice, DeviceError> {
        let (device, body) = match self.name {
            DeviceName::Cpu => (Device::flex(), Body::Cpu),
            DeviceName::Vulkan => (gpu::vulkan()?, Body::Portable),
            DeviceName::Cuda => (gpu::cuda()?, Body::Portable),
        };
        ComputeDevice { config: self, device, body }.checked()
    }
}

impl ComputeDevice {
    /// The CPU, in 32 bits: always there.
    pub fn cpu() -> Self {
        Self { config: DeviceConfig::default(), device: Device::flex(), body: Body::Cpu }
    }

    /// The CPU with the layers of other devices: for tests, which hold the two against each other.
    #[cfg(test)]
    pub(crate) fn portable() -> Self {
        Self { body: Body::Portable, ..Self::cpu() }
    }

    /// What was asked for.
    pub fn config(&self) -> DeviceConfig {
        self.config
    }

    /// The device of tensors that can learn.
    pub(crate) fn autodiff(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// The implementation of layers that runs on it.
    pub(crate) fn body(&self) -> Body {
        self.body
    }

    fn checked(self) -> Result<Self, DeviceError> {
        let DeviceConfig { name, precision } = self.config;
        let computes = match precision {
            Precision::F32 => true,
            // The layers of the CPU are written for 32 bits.
            Precision::Bf16 => {
                self.body == Body::Portable && self.device.supports_dtype(burn::tensor::FloatDType::BF16)
            }
        };
        if computes { Ok(self) } else { Err(DeviceError::Precision { name, precision }) }
    }
}

impl Default for ComputeDevice {
    fn default() -> Self {
        Self::cpu()
    }
}

/// The devices that a feature adds.
mod gpu {
    use burn::tensor::Device;

    use super::{DeviceError, DeviceName};

    /// Opened once: the runtime of a device lives as long as the program.
    #[cfg(feature = "vulkan")]
    pub(super) fn vulkan() -> Result<Device, DeviceError> {
        use std::sync::Mutex;

        static OPENED: Mutex<Option<Device>> = Mutex::new(None);
        let mut opened = OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(device) = &*opened {
            return Ok(device.clone());
        }
        let options =
            burn::tensor::wgpu::WgpuOptions::default().graphics_api(burn::tensor::wgpu::WgpuBackend::Vulkan);
        let device = options.init().map_err(|source| DeviceError::NotFound {
            name: DeviceName::Vulkan,
            source: Some(Box::new(source)),
        })?;
        Ok(opened.insert(device).clone())
    }

    #[cfg(not(feature = "vulkan"))]
    pub(super) fn vulkan() -> Result<Device, DeviceError> {
        Err(DeviceError::NotBuilt { name: DeviceName::Vulkan })
    }

    /// The driver's library is loaded by the first call, and its absence is a panic there.
    #[cfg(feature = "cuda")]
    pub(super) fn cuda() -> Result<Device, DeviceError> {
        let found =
            std::panic::catch_unwind(|| Device::enumerate(burn::tensor::DeviceType::Cuda).into_iter().next());
        found.ok().flatten().ok_or(DeviceError::NotFound { name: DeviceName::Cuda, source: None })
    }

    #[cfg(not(feature = "cuda"))]
    pub(super) fn cuda() -> Result<Device, DeviceError> {
        Err(DeviceError::NotBuilt { name: DeviceName::Cuda })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_precisions_are_chosen_by_name() {
        let parse = |text: &str| toml::from_str::<DeviceConfig>(text);
        assert_eq!(parse("").unwrap(), DeviceConfig { name: DeviceName::Cpu, precision: Precision::F32 });
        let gpu = DeviceConfig { name: DeviceName::Vulkan, precision: Precision::Bf16 };
        assert_eq!(parse("name = 'vulkan'\nprecision = 'bf16'").unwrap(), gpu);
        assert_eq!(parse("name = 'wgpu'\nprecision = 'bf16'").unwrap(), gpu);
        assert_eq!(parse(&toml::to_string(&gpu).unwrap()).unwrap(), gpu);
        assert!(parse("name = 'tpu'").unwrap_err().to_string().contains("`cpu`, `vulkan`"));
    }

    #[test]
    fn the_cpu_computes_in_32_bits_alone() {
        assert_eq!(DeviceConfig::default().open().unwrap(), ComputeDevice::cpu());
        let error =
            DeviceConfig { precision: Precision::Bf16, ..DeviceConfig::default() }.open().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the device `cpu` does not compute in `bf16`\nhint: take the precision `f32`"
        );
    }

    #[cfg(not(any(feature = "vulkan", feature = "cuda")))]
    #[test]
    fn a_program_without_gpus_names_the_feature_that_it_lacks() {
        for name in [DeviceName::Vulkan, DeviceName::Cuda] {
            let error = DeviceConfig { name, ..DeviceConfig::default() }.open().unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "this program was built without GPU support for `{name}`\n\
                     hint: build with `--features {name}`, or take the device `cpu`"
                )
            );
        }
    }
}

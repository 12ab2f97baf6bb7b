//! What a device says of itself: who made it, what it can hold, how data comes and goes.
//! It measures nothing.

use super::Bench;
use crate::device::gpu::open::Opened;

/// A heap of memory and the types that lie in it.
#[derive(Clone, Debug)]
pub struct Heap {
    /// Its size.
    pub bytes: u64,
    /// Whether it is the device's own.
    pub is_local: bool,
    /// The flags of each type in it, as the driver names them.
    pub types: Vec<String>,
}

/// What is known of a device.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The adapter's name.
    pub name: String,
    /// `DiscreteGpu`, `IntegratedGpu`, `VirtualGpu`, `Cpu` for software, or `Other`.
    pub kind: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// Numbers that the device keeps to, by their names.
    pub limits: Vec<(&'static str, u64)>,
    /// Its memory; empty where the graphics library does not tell.
    pub heaps: Vec<Heap>,
    /// `ring`: through mapped staging buffers; `unified`: storage buffers are mapped themselves.
    pub transfer: &'static str,
    /// What it does to NaN, ties, denormals.
    pub numerics: String,
    /// Nanoseconds of one count of its clock; none where it has none.
    pub tick_ns: Option<f64>,
}

impl Bench {
    /// What the device says of itself.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let opened = &*self.opened;
        let (info, limits) = (&opened.info, &opened.limits);
        Facts {
            name: info.name.clone(),
            kind: format!("{:?}", info.device_type),
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            limits: vec![
                ("max_buffer_bytes", limits.max_buffer_size),
                ("max_binding_bytes", limits.max_storage_buffer_binding_size),
                ("storage_buffers_a_kernel", limits.max_storage_buffers_per_shader_stage.into()),
                ("invocations_a_workgroup", limits.max_compute_invocations_per_workgroup.into()),
                ("workgroup_memory_bytes", limits.max_compute_workgroup_storage_size.into()),
                ("workgroups_an_axis", limits.max_compute_workgroups_per_dimension.into()),
                ("subgroup_least", info.subgroup_min_size.into()),
                ("subgroup_most", info.subgroup_max_size.into()),
            ],
            heaps: heaps(opened),
            transfer: if self.is_unified() { "unified" } else { "ring" },
            numerics: opened.numerics.to_string(),
            tick_ns: opened.ticks.map(|ticks| ticks.seconds * 1e9),
        }
    }
}

/// The heaps of a Vulkan device. The graphics library shows them only to who asks the driver behind it.
#[cfg(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd"))]
#[allow(unsafe_code, reason = "no safe call tells a device's heaps")]
fn heaps(opened: &Opened) -> Vec<Heap> {
    // SAFETY:
    // * the handles are only read, none is destroyed or kept beyond this function;
    // * `opened` keeps the device, and so its instance, alive meanwhile.
    let Some(device) = (unsafe { opened.device.as_hal::<wgpu::hal::api::Vulkan>() }) else { return Vec::new() };
    let instance = device.shared_instance().raw_instance();
    // SAFETY: the physical device is one of this instance's.
    let told = unsafe { instance.get_physical_device_memory_properties(device.raw_physical_device()) };
    let types_of = |heap: usize| told.memory_types_as_slice().iter().filter(move |ty| ty.heap_index as usize == heap);
    let heap = |(number, bytes): (usize, u64)| {
        let types: Vec<String> = types_of(number).map(|ty| format!("{:?}", ty.property_flags)).collect();
        let is_local = types.iter().any(|flags| flags.contains("DEVICE_LOCAL"));
        Heap { bytes, is_local, types }
    };
    told.memory_heaps_as_slice().iter().map(|heap| heap.size).enumerate().map(heap).collect()
}

#[cfg(not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn heaps(_: &Opened) -> Vec<Heap> {
    Vec::new()
}

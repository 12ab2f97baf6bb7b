//! Adapters and opened devices: one instance for the process, one device an adapter and mode, opened when first needed.
//! It does not know programs; it knows drivers.

use super::Wish;
use super::emit::Dialect;
use super::lock::lock;
use super::pace::Pace;
use super::pipeline::{BUILDING, Pipelines};
use super::probe::{self, Numerics};
use super::shared_memory::is_read_at_speed;
use crate::error::{Error, Result, bytes_text};
use crate::storage::Cache;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{Backends, DeviceType, Features};

/// A buffer is refused where a heap of the device would be fuller than this: blocks are made smaller then. Memory that runs out only
/// when work is sent is a lost device.
const THRESHOLDS: wgpu::MemoryBudgetThresholds =
    wgpu::MemoryBudgetThresholds { for_resource_creation: Some(95), for_device_loss: None };
/// The most bytes that are read of what a driver made of kernels before.
const MOST_KEPT: u64 = 64 << 20;

static INSTANCES: AtomicUsize = AtomicUsize::new(0);
static DEVICES: AtomicUsize = AtomicUsize::new(0);
static INSTANCE: Mutex<Option<wgpu::Instance>> = Mutex::new(None);
/// Opened devices by their name as asked for, whether shaders are checked, and which of the adapters that are meant.
type Devices = HashMap<(String, bool, usize), Arc<Opened>>;
static OPEN: Mutex<Option<Devices>> = Mutex::new(None);

/// How many instances of the graphics library this process made: none before a GPU is asked for.
#[must_use]
pub fn instances() -> usize {
    INSTANCES.load(Ordering::Relaxed)
}

/// How data comes to the device and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Through mapped staging buffers and copies.
    Ring,
    /// Storage buffers are mapped themselves: memory is shared.
    Unified,
}

/// A device's own clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticks {
    /// Seconds of a tick.
    pub seconds: f64,
    /// Whether the count can be noted between copies, not only around kernels.
    pub copies: bool,
}

/// Whether a device still works, as its callbacks say.
#[derive(Default)]
pub struct Health {
    lost: AtomicBool,
    condemned: AtomicBool,
    hung: AtomicBool,
    said: Mutex<Option<String>>,
}

impl Health {
    /// What went wrong, if anything did.
    pub fn trouble(&self) -> Option<String> {
        let said = lock(&self.said).clone();
        let lost = self.lost.load(Ordering::Acquire).then(|| "the device is lost".to_owned());
        said.or(lost)
    }

    /// Gives the device up; true for whoever is first to do so.
    pub fn condemn(&self, what: &str) -> bool {
        self.tell(what.to_owned());
        !self.condemned.swap(true, Ordering::AcqRel)
    }

    /// Gives the device up as one that does not answer: it cannot be waited for, so nothing is run again on it.
    pub fn hang(&self, what: &str) {
        self.hung.store(true, Ordering::Release);
        self.tell(what.to_owned());
    }

    /// Whether it does not answer.
    pub fn is_hung(&self) -> bool {
        self.hung.load(Ordering::Acquire)
    }

    fn tell(&self, what: String) {
        lock(&self.said).get_or_insert(what);
        self.lost.store(true, Ordering::Release);
    }
}

/// A device that was opened.
pub struct Opened {
    /// Which device of this process it is: buffers of one mean nothing to another.
    pub number: usize,
    /// The device.
    pub device: wgpu::Device,
    /// Its queue: one submission at a time.
    pub queue: Mutex<wgpu::Queue>,
    /// What the adapter says of itself.
    pub info: wgpu::AdapterInfo,
    /// The limits.
    pub limits: wgpu::Limits,
    /// How data comes and goes.
    pub transfer: Transfer,
    /// What its WGSL has.
    pub dialect: Dialect,
    /// Its clock, where it has one.
    pub ticks: Option<Ticks>,
    /// How fast it works.
    pub pace: Mutex<Pace>,
    /// Compiled kernels.
    pub pipelines: Pipelines,
    /// Whether it still works.
    pub health: Arc<Health>,
    /// What it does to NaN, infinities, denormals and ties.
    pub numerics: Numerics,
}

impl Opened {
    /// Whether the CPU plays the device.
    pub fn is_software(&self) -> bool {
        self.info.device_type == DeviceType::Cpu
    }

    /// Bytes of the device's memory that its buffers have, as the graphics library counts them.
    pub fn buffer_bytes(&self) -> u64 {
        u64::try_from(self.device.get_internal_counters().hal.buffer_memory.read()).unwrap_or(0)
    }
}

/// All adapters, real GPUs first; a computer without drivers has none.
pub fn adapters() -> Vec<wgpu::Adapter> {
    let mut made = lock(&INSTANCE);
    let instance = made.get_or_insert_with(|| {
        INSTANCES.fetch_add(1, Ordering::Relaxed);
        wgpu::Instance::new(description())
    });
    let mut all = pollster::block_on(instance.enumerate_adapters(Backends::VULKAN | Backends::METAL | Backends::DX12));
    all.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    all
}

fn description() -> wgpu::InstanceDescriptor {
    let mut description = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    // Validation of indirect calls would clip buffers to 4 GiB; our shaders make none.
    description.flags = wgpu::InstanceFlags::empty();
    description.memory_budget_thresholds = THRESHOLDS;
    description
}

fn rank(kind: DeviceType) -> usize {
    match kind {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

/// What makes two adapters give the same bits: the same hardware under the same driver.
fn kind_of(adapter: &wgpu::Adapter) -> (u32, u32, String, String, String) {
    let info = adapter.get_info();
    (info.vendor, info.device, info.name, info.driver, info.driver_info)
}

/// The adapter that is meant by `gpu` (the first real one) or by a part of its name, and all others of its kind.
fn find(name: &str) -> Result<Vec<wgpu::Adapter>> {
    let all = adapters();
    let known = names(&all);
    let wanted = name.to_lowercase();
    let is_meant = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        if wanted == "gpu" { info.device_type != DeviceType::Cpu } else { info.name.to_lowercase().contains(&wanted) }
    };
    if let Some(kind) = all.iter().find(|adapter| is_meant(adapter)).map(kind_of) {
        return Ok(all.into_iter().filter(|adapter| kind_of(adapter) == kind).collect());
    }
    let error = if wanted == "gpu" {
        Error::machine(format!("no GPU to run on ({known})"))
    } else {
        Error::caller(format!("no device is called '{name}' ({known})"))
    };
    let hint = if all.is_empty() {
        "--device cpu runs without a GPU; in a container the loader and the driver's Vulkan part must be there too: docs/gpu.md"
    } else {
        "--device cpu runs without a GPU; stackmill doctor says what was found"
    };
    Err(error.hint(hint))
}

fn names(all: &[wgpu::Adapter]) -> String {
    let names: Vec<String> = all.iter().map(|a| a.get_info().name).collect();
    if names.is_empty() {
        "no Vulkan, Metal or DirectX 12 driver was found".to_owned()
    } else {
        format!("found: {}", names.join(", "))
    }
}

/// The device that is wished for, or that many further of its kind; one that is lost is opened anew.
///
/// # Errors
/// No such adapter, a driver that refuses.
pub fn open(wish: &Wish, which: usize) -> Result<Arc<Opened>> {
    let mut all = lock(&OPEN);
    let all = all.get_or_insert_with(HashMap::new);
    let key = (wish.name.to_lowercase(), wish.checked, which);
    if let Some(opened) = all.get(&key).filter(|o| o.health.trouble().is_none()) {
        return Ok(opened.clone());
    }
    let alike = find(&wish.name)?;
    let adapter = alike.get(which).ok_or_else(|| {
        let what =
            format!("{} adapters were asked for, {} of one kind are there ({})", which + 1, alike.len(), names(&adapters()));
        Error::machine(what).hint("--gpus takes adapters of one kind only: others round differently")
    })?;
    let opened = Arc::new(opened(adapter, wish.checked, wish.cache.as_deref())?);
    // One that does not answer is never dropped: that would wait for it.
    if let Some(gone) = all.insert(key, opened.clone()).filter(|gone| gone.health.is_hung()) {
        std::mem::forget(gone);
    }
    Ok(opened)
}

fn opened(adapter: &wgpu::Adapter, checked: bool, cache: Option<&dyn Cache>) -> Result<Opened> {
    let info = adapter.get_info();
    let mappable = adapter.features() & Features::MAPPABLE_PRIMARY_BUFFERS;
    let is_shared = matches!(info.device_type, DeviceType::IntegratedGpu | DeviceType::Cpu)
        && !mappable.is_empty()
        && !is_set("STACKMILL_GPU_TRANSFER", "ring");
    let mut features = if is_shared { mappable } else { Features::empty() };
    features |= clocks(adapter) | (adapter.features() & Features::PIPELINE_CACHE);
    let description = wgpu::DeviceDescriptor {
        label: Some("stackmill"),
        required_features: features,
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    let refused = |e: wgpu::RequestDeviceError| Error::machine(format!("{}: the driver opens no device: {e}", info.name));
    let (device, queue) = {
        let _building = BUILDING.write().unwrap_or_else(PoisonError::into_inner);
        pollster::block_on(adapter.request_device(&description)).map_err(refused)?
    };
    let health = Arc::new(Health::default());
    let told = health.clone();
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| told.tell(error.to_string())));
    let told = health.clone();
    device.set_device_lost_callback(move |reason, message| told.tell(format!("device lost ({reason:?}): {message}")));
    let pipelines = Pipelines::new(checked, kept(&device, &info, cache));
    let dialect = Dialect { sloppy: is_set("STACKMILL_GPU_NUMBERS", "sloppy") };
    let numerics = probe::numerics(&device, &queue, &pipelines, dialect)?;
    let transfer = if is_shared && is_read_at_speed(&device)? { Transfer::Unified } else { Transfer::Ring };
    let limits = adapter.limits();
    let number = DEVICES.fetch_add(1, Ordering::Relaxed);
    let ticks = ticks(features, &queue);
    let (queue, pace) = (Mutex::new(queue), Mutex::default());
    Ok(Opened { number, device, queue, info, limits, transfer, dialect, ticks, pace, pipelines, health, numerics })
}

/// The name under which is kept what the driver makes of kernels; drivers without a cache have none.
fn kept_name(info: &wgpu::AdapterInfo) -> Option<String> {
    Some(format!("{}-{}", wgpu::util::pipeline_cache_key(info)?, env!("CARGO_PKG_VERSION")))
}

/// The driver's cache of kernels, with what an earlier process left in it.
#[allow(unsafe_code, reason = "bytes that a driver wrote are given back to it")]
fn kept(device: &wgpu::Device, info: &wgpu::AdapterInfo, cache: Option<&dyn Cache>) -> Option<wgpu::PipelineCache> {
    let name = kept_name(info).filter(|_| device.features().contains(Features::PIPELINE_CACHE))?;
    let data = cache.and_then(|cache| cache.get(&name, MOST_KEPT));
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    // SAFETY:
    // * the bytes are those that `PipelineCache::get_data` gave, from a folder that only this user writes;
    // * their header says of which adapter and driver they are: others are not used, and `fallback` makes an empty cache then;
    // * a file that is cut short or changed is refused by the hash that it ends with.
    let made = unsafe {
        device.create_pipeline_cache(&wgpu::PipelineCacheDescriptor { label: None, data: data.as_deref(), fallback: true })
    };
    pollster::block_on(scope.pop()).is_none().then_some(made)
}

impl Opened {
    /// Keeps what the driver made of the kernels that were compiled since the last time, for another process.
    pub fn keep(&self, cache: &dyn Cache) {
        if let Some((name, bytes)) = kept_name(&self.info).zip(self.pipelines.to_keep()) {
            cache.put(&name, &bytes);
        }
    }

    /// The adapter and its driver: what the bits of float results depend on.
    pub fn kind(&self) -> String {
        let wgpu::AdapterInfo { name, vendor, device, backend, driver, driver_info, .. } = &self.info;
        format!("{name} ({backend} {vendor:x}:{device:x}, {driver} {driver_info})")
    }
}

/// What an adapter has of timestamps: around passes of kernels, and between copies.
fn clocks(adapter: &wgpu::Adapter) -> Features {
    let known = adapter.features() & (Features::TIMESTAMP_QUERY | Features::TIMESTAMP_QUERY_INSIDE_ENCODERS);
    let has_any = known.contains(Features::TIMESTAMP_QUERY) && !is_set("STACKMILL_GPU_CLOCK", "none");
    if has_any { known } else { Features::empty() }
}

/// The clock of a device that was opened with these features.
fn ticks(features: Features, queue: &wgpu::Queue) -> Option<Ticks> {
    let seconds = 1e-9 * f64::from(queue.get_timestamp_period());
    let copies = features.contains(Features::TIMESTAMP_QUERY_INSIDE_ENCODERS);
    (features.contains(Features::TIMESTAMP_QUERY) && seconds > 0.0).then_some(Ticks { seconds, copies })
}

/// What a device has can be left alone, for tests and to tell a driver's fault from ours.
fn is_set(variable: &str, to: &str) -> bool {
    std::env::var_os(variable).is_some_and(|v| v == to)
}

/// One adapter of this machine, by what it says of itself.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Its name; a part of it asks for it.
    pub name: String,
    /// `DiscreteGpu`, `IntegratedGpu`, `VirtualGpu`, `Cpu` for software, or `Other`.
    pub kind: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
}

/// The adapters of this machine, real GPUs first. None is opened.
#[must_use]
pub fn available() -> Vec<Adapter> {
    let described = |info: wgpu::AdapterInfo| Adapter {
        kind: format!("{:?}", info.device_type),
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        name: info.name,
    };
    adapters().iter().map(|adapter| described(adapter.get_info())).collect()
}

/// What `doctor` tells of every adapter: its driver, limits, numerics, and whether it is used.
#[must_use]
pub fn report() -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    for adapter in adapters() {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let used = if info.device_type == DeviceType::Cpu {
            format!(
                "software, slower than the CPU's own kernels: used only where asked for by name, --device {}",
                first_word(&info.name)
            )
        } else {
            "used where asked for: --device gpu, or part of its name".to_owned()
        };
        rows.push([
            info.name.clone(),
            format!("{:?}, {}, driver {} {}", info.device_type, info.backend, info.driver, info.driver_info),
        ]);
        rows.push([String::new(), used]);
        let largest = bytes_text(limits.max_storage_buffer_binding_size);
        let (count, group) = (limits.max_storage_buffers_per_shader_stage, limits.max_compute_invocations_per_workgroup);
        rows.push([String::new(), format!("arrays of {largest} at most, {count} in a kernel, {group} invocations a group")]);
        let told = match opened(&adapter, false, None) {
            Ok(opened) => {
                format!("transfers: {:?}; numerics: {}", opened.transfer, opened.numerics)
            }
            Err(error) => error.what().to_owned(),
        };
        rows.push([String::new(), told]);
    }
    if rows.is_empty() {
        rows.push(["none".to_owned(), "no Vulkan, Metal or DirectX 12 driver was found; the CPU does all".to_owned()]);
    }
    rows
}

fn first_word(name: &str) -> String {
    name.split_whitespace().next().unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that runs out is told where a buffer is made, which the pool answers with smaller blocks, and not by a lost device.
    #[test]
    fn a_heap_that_is_nearly_full_refuses_buffers() {
        let thresholds = description().memory_budget_thresholds;
        assert!(thresholds.for_resource_creation.is_some_and(|percent| (50..100).contains(&percent)), "{thresholds:?}");
        assert_eq!(thresholds.for_device_loss, None);
    }
}

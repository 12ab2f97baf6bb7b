//! The adapter that is asked for, opened with all that it has; buffers and compiled kernels on it, and waiting for it.
//! It does not know what kernels compute nor how they are timed.

use crate::args::Args;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wgpu::{BufferUsages as U, DeviceType, Features};

/// All that a variant or its timing could use; each is asked for only where the adapter has it.
const WANTED: [Features; 4] =
    [Features::TIMESTAMP_QUERY, Features::TIMESTAMP_QUERY_INSIDE_ENCODERS, Features::SHADER_I16, Features::SUBGROUP];

/// Why there is no answer.
#[derive(Debug)]
pub enum Fault {
    /// The device has no room for this variant. Others can go on.
    Impossible(String),
    /// This variant's fault: it does not compile, or the driver refuses it. Others can go on.
    Refused(String),
    /// The device hangs or is lost: nothing can go on.
    Gone(String),
}

pub type Done<T> = Result<T, Fault>;

/// A compiled kernel.
pub struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// The opened device.
pub struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub info: wgpu::AdapterInfo,
    pub limits: wgpu::Limits,
    pub features: Features,
    /// Seconds of a tick of its clock, where it has one that may be used.
    pub tick: Option<f64>,
    checked: bool,
    timeout: Duration,
    told: Arc<Mutex<Option<String>>>,
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

/// The adapter of that name; without one, what was found.
fn find(name: Option<&str>) -> Result<wgpu::Adapter, String> {
    let mut description = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    // As the product opens it: validation of indirect calls would clip buffers to 4 GiB.
    description.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(description);
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut all = pollster::block_on(instance.enumerate_adapters(backends));
    all.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    let names: Vec<String> = all.iter().map(|adapter| adapter.get_info().name).collect();
    let found = if names.is_empty() { "no driver was found".to_owned() } else { format!("found: {}", names.join(", ")) };
    let name = name.ok_or(format!("--device is missing ({found})"))?.to_lowercase();
    let is_meant = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        if name == "gpu" { info.device_type != DeviceType::Cpu } else { info.name.to_lowercase().contains(&name) }
    };
    all.into_iter().find(is_meant).ok_or(format!("no adapter is meant by '{name}' ({found})"))
}

impl Gpu {
    /// Opens the adapter that is asked for.
    pub fn open(args: &Args) -> Result<Gpu, String> {
        let adapter = find(args.device.as_deref())?;
        let info = adapter.get_info();
        let features = WANTED.into_iter().fold(Features::empty(), |all, one| all | (one & adapter.features()));
        let description = wgpu::DeviceDescriptor {
            label: Some("gpu_lab"),
            required_features: features,
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&description));
        let (device, queue) = opened.map_err(|e| format!("{}: the driver opens no device: {e}", info.name))?;
        let told = Arc::new(Mutex::new(None));
        let tell = |told: Arc<Mutex<Option<String>>>| {
            move |what: String| {
                told.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
            }
        };
        let first = tell(told.clone());
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| first(error.to_string())));
        let second = tell(told.clone());
        device.set_device_lost_callback(move |reason, message| second(format!("device lost ({reason:?}): {message}")));
        let period = 1e-9 * f64::from(queue.get_timestamp_period());
        let has_clock = features.contains(Features::TIMESTAMP_QUERY) && period > 0.0 && !args.host_clock;
        let (limits, tick) = (adapter.limits(), has_clock.then_some(period));
        Ok(Gpu { device, queue, info, limits, features, tick, checked: args.checked, timeout: args.timeout, told })
    }

    /// Whether the CPU plays the device.
    pub fn is_software(&self) -> bool {
        self.info.device_type == DeviceType::Cpu
    }

    /// A variant's fault where the driver refuses what `make` asks for.
    pub fn refusable<T>(&self, make: impl FnOnce() -> T) -> Done<T> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let made = make();
        let errors = [pollster::block_on(internal.pop()), pollster::block_on(validation.pop()), pollster::block_on(memory.pop())];
        match errors.into_iter().flatten().next() {
            Some(error @ wgpu::Error::OutOfMemory { .. }) => Err(Fault::Impossible(one_line(&error.to_string()))),
            Some(error) => Err(Fault::Refused(one_line(&error.to_string()))),
            None => Ok(made),
        }
    }

    /// A buffer of so many bytes for kernels and copies; the device clears it.
    pub fn buffer(&self, size: u64, usage: U) -> Done<wgpu::Buffer> {
        let most = self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size);
        if size > most {
            let what = format!("not on this device: needs an array of {size} bytes, it takes {most}");
            return Err(Fault::Impossible(what));
        }
        let description = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        self.refusable(|| self.device.create_buffer(&description))
    }

    /// A kernel out of its text.
    pub fn compile(&self, text: &str) -> Done<Pipeline> {
        self.refusable(|| {
            let description = wgpu::ShaderModuleDescriptor { label: None, source: wgpu::ShaderSource::Wgsl(text.into()) };
            let module =
                if self.checked { self.device.create_shader_module(description) } else { trusted(&self.device, description) };
            let entries: Vec<_> = (0..BINDINGS).map(entry).collect();
            let groups = wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries };
            let layout = self.device.create_bind_group_layout(&groups);
            let whole = wgpu::PipelineLayoutDescriptor { label: None, bind_group_layouts: &[Some(&layout)], immediate_size: 0 };
            let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: Some(&self.device.create_pipeline_layout(&whole)),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            });
            Pipeline { pipeline, layout }
        })
    }

    /// Waits until the device has done all that was submitted; a device that hangs is given up. There are drivers whose waits
    /// and polls know no timeout (lavapipe's): for them the program's watch ends it.
    pub fn wait(&self) -> Done<()> {
        let begun = Instant::now();
        let waited = self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(self.timeout) });
        if let Some(what) = self.told.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(Fault::Gone(what));
        }
        match waited {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::Gone(format!("no answer after {:.0} s: {error}", begun.elapsed().as_secs_f64()))),
        }
    }

    /// The first bytes of a buffer.
    pub fn read(&self, from: &wgpu::Buffer, bytes: u64) -> Done<Vec<u8>> {
        let back = self.buffer(bytes, U::COPY_DST | U::MAP_READ)?;
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(from, 0, &back, 0, bytes);
        self.queue.submit([encoder.finish()]);
        back.map_async(wgpu::MapMode::Read, .., |_| {});
        self.wait()?;
        let range = back.get_mapped_range(..).map_err(|e| Fault::Gone(e.to_string()))?;
        Ok(range.to_vec())
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Parameters, result, table, two arrays that are read: every kernel has them all.
const BINDINGS: u32 = 5;

fn entry(binding: u32) -> wgpu::BindGroupLayoutEntry {
    let ty = match binding {
        0 => wgpu::BufferBindingType::Uniform,
        1 => wgpu::BufferBindingType::Storage { read_only: false },
        _ => wgpu::BufferBindingType::Storage { read_only: true },
    };
    let ty = wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
    wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::COMPUTE, ty, count: None }
}

fn trusted(device: &wgpu::Device, description: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    // SAFETY:
    // * every loop of the lab's shaders is bounded by a constant or a parameter;
    // * every index is held to the extents that the parameters tell, and buffers end in slack for whole words of a row's end;
    // * nothing is divided by zero;
    // * `--checked` runs the same texts with every check, and the answers are judged the same.
    unsafe { device.create_shader_module_trusted(description, wgpu::ShaderRuntimeChecks::unchecked()) }
}

/// Buffers by what they are for, made when first asked for.
pub struct Buffers<K> {
    made: HashMap<K, wgpu::Buffer>,
}

impl<K: std::hash::Hash + Eq + Copy> Buffers<K> {
    pub fn new() -> Buffers<K> {
        Buffers { made: HashMap::new() }
    }

    /// The buffer for that, where it was asked for before.
    pub fn found(&self, key: K) -> Option<wgpu::Buffer> {
        self.made.get(&key).cloned()
    }

    /// The buffer for that; one that is new holds what `fill` gives, or as many zeros.
    pub fn get(&mut self, gpu: &Gpu, key: K, bytes: u64, fill: impl FnOnce() -> Option<Vec<u8>>) -> Done<wgpu::Buffer> {
        if let Some(found) = self.made.get(&key) {
            return Ok(found.clone());
        }
        let made = gpu.buffer(bytes, U::STORAGE | U::COPY_SRC | U::COPY_DST)?;
        if let Some(data) = fill() {
            gpu.queue.write_buffer(&made, 0, &data);
        }
        self.made.insert(key, made.clone());
        Ok(made)
    }
}

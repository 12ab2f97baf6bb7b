//! Compiled kernels of a device, by their text. Our shaders bound their own loops and indices, so the checks that a driver
//! layer would add are left out; a checked mode keeps them.
//! It does not know what a kernel computes.

use super::emit::Kernel;
use super::lock::lock;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use wgpu::{BindGroupLayoutEntry, BindingType, BufferBindingType, ShaderStages};

/// Bytes of the parameters of one dispatch, as `frame.wgsl` declares them.
pub const PARAMETER_BYTES: u64 = 272;

/// A compiled kernel.
pub struct Pipeline {
    /// The pipeline.
    pub pipeline: wgpu::ComputePipeline,
    /// The layout of its one bind group.
    pub layout: wgpu::BindGroupLayout,
}

/// A kernel that is compiled by whoever asks first; others that ask meanwhile wait for it.
type Compiled = Arc<OnceLock<Result<Arc<Pipeline>>>>;

/// Devices are opened and kernels compiled, but never both at once: drivers have crashed there.
pub static BUILDING: RwLock<()> = RwLock::new(());

/// The compiled kernels of one device.
pub struct Pipelines {
    checked: bool,
    /// What the driver made of kernels before, in this process or an earlier one.
    kept: Option<wgpu::PipelineCache>,
    made: Mutex<HashMap<Kernel, Compiled>>,
    compiled: AtomicUsize,
}

impl Pipelines {
    /// Nothing is compiled; `kept` is what the driver made before, where it has a cache.
    pub fn new(checked: bool, kept: Option<wgpu::PipelineCache>) -> Pipelines {
        Pipelines { checked, kept, made: Mutex::default(), compiled: AtomicUsize::new(0) }
    }

    /// Whether a kernel is compiled.
    pub fn has(&self, kernel: &Kernel) -> bool {
        lock(&self.made).get(kernel).is_some_and(|made| made.get().is_some())
    }

    /// The compiled kernel. Kernels are compiled side by side, each once.
    pub fn get(&self, device: &wgpu::Device, kernel: &Kernel) -> Result<Arc<Pipeline>> {
        let made = lock(&self.made).entry(kernel.clone()).or_default().clone();
        made.get_or_init(|| {
            let _building = BUILDING.read().unwrap_or_else(PoisonError::into_inner);
            let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
            let pipeline = Arc::new(self.compile(device, kernel));
            self.compiled.fetch_add(1, Ordering::Relaxed);
            match pollster::block_on(scope.pop()) {
                Some(error) => Err(Error::bug(format!("a shader does not compile: {error}\n{}", kernel.text))),
                None => Ok(pipeline),
            }
        })
        .clone()
    }

    /// What the driver made of the kernels, for [`Pipelines::new`] of another process; none where nothing was compiled since the last
    /// call, or the driver has no cache.
    pub fn to_keep(&self) -> Option<Vec<u8>> {
        let is_new = self.compiled.swap(0, Ordering::Relaxed) > 0;
        self.kept.as_ref().filter(|_| is_new)?.get_data()
    }

    fn compile(&self, device: &wgpu::Device, kernel: &Kernel) -> Pipeline {
        let source = wgpu::ShaderSource::Wgsl(kernel.text.as_str().into());
        let description = wgpu::ShaderModuleDescriptor { label: None, source };
        let module = if self.checked { device.create_shader_module(description) } else { trusted(device, description) };
        let entries: Vec<BindGroupLayoutEntry> = (0..kernel.inputs + 3).map(entry).collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: self.kept.as_ref(),
        });
        Pipeline { pipeline, layout }
    }
}

/// Parameters, result, table, then the arrays that are read.
fn entry(binding: usize) -> BindGroupLayoutEntry {
    let ty = match binding {
        0 => BufferBindingType::Uniform,
        1 => BufferBindingType::Storage { read_only: false },
        _ => BufferBindingType::Storage { read_only: true },
    };
    BindGroupLayoutEntry {
        binding: u32::try_from(binding).unwrap_or(u32::MAX),
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer { ty, has_dynamic_offset: binding == 0, min_binding_size: None },
        count: None,
    }
}

/// A whole buffer at a binding.
pub fn bound(binding: usize, buffer: &wgpu::Buffer) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry { binding: u32::try_from(binding).unwrap_or(u32::MAX), resource: buffer.as_entire_binding() }
}

#[allow(unsafe_code, reason = "the shaders are ours")]
fn trusted(device: &wgpu::Device, description: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    // SAFETY:
    // * every loop of our shaders has a bound that is a constant or a parameter;
    // * every index comes from parameters and tables that the plan derived from the extents of the very buffers bound,
    //   which end in 32 bytes of slack for loads of whole quads;
    // * no integer is divided by zero: divisors are replaced first;
    // * the tests run every kernel with the checks as well and compare.
    unsafe { device.create_shader_module_trusted(description, wgpu::ShaderRuntimeChecks::unchecked()) }
}

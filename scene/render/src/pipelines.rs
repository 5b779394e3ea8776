//! Bind group layouts and pipelines. Layouts are explicit: those that wgpu derives cannot be shared.

use crate::flow::FlowVertex;
use crate::gpu::Gpu;
use crate::prepared::RawInstance;
use crate::still::SUM_FORMAT;
use crate::target::{COLOUR_FORMAT, DEPTH_FORMAT, MASK_FORMAT};
use rr_scene::Corner;
use wgpu::VertexFormat as F;

/// Every shader with its name, as given to the device.
pub(crate) const SHADERS: [(&str, &str); 8] = [
    ("mesh", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/mesh.wgsl"))),
    ("line", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/line.wgsl"))),
    ("sky", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/sky.wgsl"))),
    ("flow", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/flow.wgsl"))),
    ("outline", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/outline.wgsl"))),
    ("label", include_str!("shaders/label.wgsl")),
    ("blur", include_str!("shaders/blur.wgsl")),
    ("average", include_str!("shaders/average.wgsl")),
];

pub(crate) const FOOTPRINT_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::R8Unorm;

/// What shaders bind.
#[derive(Debug)]
pub(crate) struct Layouts {
    pub(crate) frame: wgpu::BindGroupLayout,
    pub(crate) lines: wgpu::BindGroupLayout,
    pub(crate) shadow: wgpu::BindGroupLayout,
    pub(crate) mask: wgpu::BindGroupLayout,
    pub(crate) labels: wgpu::BindGroupLayout,
    pub(crate) blur: wgpu::BindGroupLayout,
}

/// Pipelines of the main pass, one set per number of samples.
#[derive(Debug)]
pub(crate) struct MainPipelines {
    pub(crate) mesh: wgpu::RenderPipeline,
    /// The same for solids, without the backs of faces.
    pub(crate) solid: wgpu::RenderPipeline,
    /// Background without floor, with the grid, with grid and shadow.
    pub(crate) sky: [wgpu::RenderPipeline; 3],
    pub(crate) edges: wgpu::RenderPipeline,
    pub(crate) lines: wgpu::RenderPipeline,
    pub(crate) flow: wgpu::RenderPipeline,
}

/// Pipelines of passes without samples and depth.
#[derive(Debug)]
pub(crate) struct FlatPipelines {
    /// Faces and lines into the channel of selected devices, then into that of hovered ones.
    pub(crate) mask: [(wgpu::RenderPipeline, wgpu::RenderPipeline); 2],
    pub(crate) outline: wgpu::RenderPipeline,
    pub(crate) labels: wgpu::RenderPipeline,
    pub(crate) footprint: wgpu::RenderPipeline,
    pub(crate) blur: wgpu::RenderPipeline,
    /// Into the average of a resting picture, by the blend constant, and back.
    pub(crate) average: wgpu::RenderPipeline,
    pub(crate) averaged: wgpu::RenderPipeline,
}

#[derive(Debug)]
pub(crate) struct Shaders {
    modules: Vec<wgpu::ShaderModule>,
}

impl Shaders {
    pub(crate) fn new(gpu: &Gpu) -> Self {
        let modules = SHADERS.map(|(label, source)| {
            gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(label),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            })
        });
        Self { modules: modules.into() }
    }

    fn get(&self, name: &str) -> &wgpu::ShaderModule {
        // Names are those of the table above; the first one stands in for a misspelt one and fails in the tests.
        let index = SHADERS.iter().position(|(n, _)| *n == name).unwrap_or(0);
        &self.modules[index]
    }
}

impl Layouts {
    pub(crate) fn new(gpu: &Gpu) -> Self {
        let both = wgpu::ShaderStages::VERTEX_FRAGMENT;
        let fragment = wgpu::ShaderStages::FRAGMENT;
        let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        let uniform = buffer(wgpu::BufferBindingType::Uniform);
        let texture = |filterable| wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
        let make = |label, bindings: &[(wgpu::ShaderStages, wgpu::BindingType)]| {
            let entries: Vec<_> = (0u32..)
                .zip(bindings)
                .map(|(binding, &(visibility, ty))| wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None })
                .collect();
            let desc = wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries };
            gpu.device().create_bind_group_layout(&desc)
        };
        let storage = buffer(wgpu::BufferBindingType::Storage { read_only: true });
        Self {
            frame: make("frame", &[(both, uniform)]),
            lines: make("lines", &[(wgpu::ShaderStages::VERTEX, storage)]),
            shadow: make("shadow", &[(fragment, texture(true)), (fragment, sampler)]),
            mask: make("mask", &[(fragment, texture(false))]),
            labels: make("labels", &[(both, uniform), (fragment, texture(true)), (fragment, sampler)]),
            blur: make("blur", &[(fragment, texture(true)), (fragment, sampler), (fragment, uniform)]),
        }
    }
}

/// What differs between pipelines.
struct Spec<'a> {
    shader: &'static str,
    vertex: &'static str,
    fragment: &'static str,
    groups: &'a [Option<&'a wgpu::BindGroupLayout>],
    buffers: &'a [Option<wgpu::VertexBufferLayout<'a>>],
    topology: wgpu::PrimitiveTopology,
    target: wgpu::ColorTargetState,
    /// Write depth, or only test it; `None` for passes without depth.
    depth_write: Option<bool>,
    samples: u32,
    /// Which side is not drawn.
    cull: Option<wgpu::Face>,
}

fn build(gpu: &Gpu, shaders: &Shaders, spec: &Spec<'_>) -> wgpu::RenderPipeline {
    let module = shaders.get(spec.shader);
    let layout = gpu.device().create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(spec.vertex),
        bind_group_layouts: spec.groups,
        immediate_size: 0,
    });
    gpu.device().create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(spec.vertex),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some(spec.vertex),
            compilation_options: Default::default(),
            buffers: spec.buffers,
        },
        primitive: wgpu::PrimitiveState { topology: spec.topology, cull_mode: spec.cull, ..Default::default() },
        depth_stencil: spec.depth_write.map(|write| wgpu::DepthStencilState {
            format: DEPTH_FORMAT,
            depth_write_enabled: Some(write),
            // Depth is reversed: nearer is greater.
            depth_compare: Some(wgpu::CompareFunction::GreaterEqual),
            stencil: Default::default(),
            bias: Default::default(),
        }),
        multisample: wgpu::MultisampleState { count: spec.samples, ..Default::default() },
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(spec.fragment),
            compilation_options: Default::default(),
            targets: &[Some(spec.target.clone())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

const VERTEX_ATTRIBUTES: [wgpu::VertexAttribute; 3] =
    wgpu::vertex_attr_array![0 => Uint32x2, 1 => Unorm10_10_10_2, 2 => Unorm8x4];
const INSTANCE_ATTRIBUTES: [wgpu::VertexAttribute; 5] =
    wgpu::vertex_attr_array![4 => Float32x4, 5 => Float32x4, 6 => Float32x4, 7 => Unorm8x4, 8 => Float32x2];
const FLOW_ATTRIBUTES: [wgpu::VertexAttribute; 5] =
    wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3, 2 => Float32x2, 3 => Float32x2, 4 => Unorm8x4];
const LABEL_ATTRIBUTES: [wgpu::VertexAttribute; 3] =
    wgpu::vertex_attr_array![0 => Float32x4, 1 => Unorm16x4, 2 => Unorm8x4];

fn vertices() -> wgpu::VertexBufferLayout<'static> {
    wgpu::VertexBufferLayout {
        array_stride: size_of::<Corner>() as u64,
        step_mode: wgpu::VertexStepMode::Vertex,
        attributes: &VERTEX_ATTRIBUTES,
    }
}

fn instances() -> wgpu::VertexBufferLayout<'static> {
    wgpu::VertexBufferLayout {
        array_stride: size_of::<RawInstance>() as u64,
        step_mode: wgpu::VertexStepMode::Instance,
        attributes: &INSTANCE_ATTRIBUTES,
    }
}

fn opaque(format: wgpu::TextureFormat) -> wgpu::ColorTargetState {
    wgpu::ColorTargetState { format, blend: None, write_mask: wgpu::ColorWrites::ALL }
}

fn blended() -> wgpu::ColorTargetState {
    wgpu::ColorTargetState { blend: Some(wgpu::BlendState::ALPHA_BLENDING), ..opaque(COLOUR_FORMAT) }
}

impl MainPipelines {
    pub(crate) fn new(gpu: &Gpu, shaders: &Shaders, layouts: &Layouts, samples: u32, per_pixel: bool) -> Self {
        let triangles = wgpu::PrimitiveTopology::TriangleList;
        let faces = |cull: Option<wgpu::Face>| {
            let (vertex, fragment) = match (per_pixel, cull) {
                (true, _) => ("vs_mesh", "fs_mesh"),
                (false, None) => ("vs_lit", "fs_lit"),
                (false, Some(_)) => ("vs_front", "fs_front"),
            };
            build(
                gpu,
                shaders,
                &Spec {
                    shader: "mesh",
                    vertex,
                    fragment,
                    groups: &[Some(&layouts.frame)],
                    buffers: &[Some(vertices()), Some(instances())],
                    topology: triangles,
                    target: opaque(COLOUR_FORMAT),
                    depth_write: Some(true),
                    samples,
                    cull,
                },
            )
        };
        let sky = ["fs_sky", "fs_grid", "fs_floor"].map(|fragment| {
            build(
                gpu,
                shaders,
                &Spec {
                    shader: "sky",
                    vertex: "vs_sky",
                    fragment,
                    groups: &[Some(&layouts.frame), Some(&layouts.shadow)],
                    buffers: &[],
                    topology: triangles,
                    target: opaque(COLOUR_FORMAT),
                    depth_write: Some(false),
                    samples,
                    cull: None,
                },
            )
        });
        let line = |vertex, depth_write| {
            build(
                gpu,
                shaders,
                &Spec {
                    shader: "line",
                    vertex,
                    fragment: "fs_line",
                    groups: &[Some(&layouts.frame), Some(&layouts.lines)],
                    buffers: &[Some(instances())],
                    topology: triangles,
                    target: blended(),
                    depth_write: Some(depth_write),
                    samples,
                    cull: None,
                },
            )
        };
        let flow = build(
            gpu,
            shaders,
            &Spec {
                shader: "flow",
                vertex: "vs_flow",
                fragment: "fs_flow",
                groups: &[Some(&layouts.frame)],
                buffers: &[Some(wgpu::VertexBufferLayout {
                    array_stride: size_of::<FlowVertex>() as u64,
                    step_mode: wgpu::VertexStepMode::Vertex,
                    attributes: &FLOW_ATTRIBUTES,
                })],
                topology: triangles,
                target: blended(),
                depth_write: Some(false),
                samples,
                cull: None,
            },
        );
        let (mesh, solid) = (faces(None), faces(Some(wgpu::Face::Back)));
        Self { mesh, solid, sky, edges: line("vs_edge", false), lines: line("vs_line", true), flow }
    }
}

impl FlatPipelines {
    pub(crate) fn new(gpu: &Gpu, shaders: &Shaders, layouts: &Layouts) -> Self {
        let triangles = wgpu::PrimitiveTopology::TriangleList;
        let mask = [wgpu::ColorWrites::RED, wgpu::ColorWrites::GREEN].map(|write_mask| {
            let target = wgpu::ColorTargetState { write_mask, ..opaque(MASK_FORMAT) };
            let position_only = wgpu::VertexBufferLayout { attributes: &VERTEX_ATTRIBUTES[..1], ..vertices() };
            let faces = build(
                gpu,
                shaders,
                &Spec {
                    shader: "mesh",
                    vertex: "vs_mask",
                    fragment: "fs_mask",
                    groups: &[Some(&layouts.frame)],
                    buffers: &[Some(position_only), Some(instances())],
                    topology: triangles,
                    target: target.clone(),
                    depth_write: None,
                    samples: 1,
                    cull: None,
                },
            );
            let lines = build(
                gpu,
                shaders,
                &Spec {
                    shader: "line",
                    vertex: "vs_line_mask",
                    fragment: "fs_line_mask",
                    groups: &[Some(&layouts.frame), Some(&layouts.lines)],
                    buffers: &[Some(instances())],
                    topology: triangles,
                    target,
                    depth_write: None,
                    samples: 1,
                    cull: None,
                },
            );
            (faces, lines)
        });
        let full_screen = |shader, vertex, fragment, groups: &[Option<&wgpu::BindGroupLayout>], target| {
            let spec = Spec {
                shader,
                vertex,
                fragment,
                groups,
                buffers: &[],
                topology: triangles,
                target,
                depth_write: None,
                samples: 1,
                cull: None,
            };
            build(gpu, shaders, &spec)
        };
        let labels = build(
            gpu,
            shaders,
            &Spec {
                shader: "label",
                vertex: "vs_label",
                fragment: "fs_label",
                groups: &[Some(&layouts.labels)],
                buffers: &[Some(wgpu::VertexBufferLayout {
                    array_stride: F::Float32x4.size() + F::Unorm16x4.size() + F::Unorm8x4.size(),
                    step_mode: wgpu::VertexStepMode::Instance,
                    attributes: &LABEL_ATTRIBUTES,
                })],
                topology: wgpu::PrimitiveTopology::TriangleStrip,
                target: blended(),
                depth_write: None,
                samples: 1,
                cull: None,
            },
        );
        // Of two things above one spot the one nearer to the floor counts.
        let strongest = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::One,
            dst_factor: wgpu::BlendFactor::One,
            operation: wgpu::BlendOperation::Max,
        };
        let footprint = build(
            gpu,
            shaders,
            &Spec {
                shader: "mesh",
                vertex: "vs_footprint",
                fragment: "fs_footprint",
                groups: &[Some(&layouts.frame)],
                buffers: &[
                    Some(wgpu::VertexBufferLayout { attributes: &VERTEX_ATTRIBUTES[..1], ..vertices() }),
                    Some(instances()),
                ],
                topology: triangles,
                target: wgpu::ColorTargetState {
                    blend: Some(wgpu::BlendState { color: strongest, alpha: strongest }),
                    ..opaque(FOOTPRINT_FORMAT)
                },
                depth_write: None,
                samples: 1,
                cull: None,
            },
        );
        let outline_groups = [Some(&layouts.frame), Some(&layouts.mask)];
        let by_share = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::Constant,
            dst_factor: wgpu::BlendFactor::OneMinusConstant,
            operation: wgpu::BlendOperation::Add,
        };
        let average = wgpu::ColorTargetState {
            blend: Some(wgpu::BlendState { color: by_share, alpha: by_share }),
            ..opaque(SUM_FORMAT)
        };
        let picture = [Some(&layouts.mask)];
        Self {
            mask,
            average: full_screen("average", "vs_average", "fs_average", &picture, average),
            averaged: full_screen("average", "vs_average", "fs_average", &picture, opaque(COLOUR_FORMAT)),
            outline: full_screen("outline", "vs_outline", "fs_outline", &outline_groups, blended()),
            labels,
            footprint,
            blur: full_screen("blur", "vs_blur", "fs_blur", &[Some(&layouts.blur)], opaque(FOOTPRINT_FORMAT)),
        }
    }
}

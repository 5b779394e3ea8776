//! Bind group layouts and pipelines. Layouts are explicit: those that wgpu derives cannot be shared.

use crate::cull::FaceKind;
use crate::flow::FlowVertex;
use crate::gpu::Gpu;
use crate::prepared::RawInstance;
use crate::still::SUM_FORMAT;
use crate::target::{COLOUR_FORMAT, DEPTH_FORMAT, MASK_FORMAT, SECTION_DEPTH_FORMAT};
use rr_scene::Corner;
use wgpu::VertexFormat as F;

/// Every shader with its name, as given to the device.
pub(crate) const SHADERS: [(&str, &str); 11] = [
    (
        "mesh",
        concat!(
            include_str!("shaders/common.wgsl"),
            include_str!("shaders/light.wgsl"),
            include_str!("shaders/mesh.wgsl")
        ),
    ),
    (
        "cut",
        concat!(
            include_str!("shaders/common.wgsl"),
            include_str!("shaders/light.wgsl"),
            include_str!("shaders/cut.wgsl")
        ),
    ),
    ("line", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/line.wgsl"))),
    ("sky", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/sky.wgsl"))),
    ("flow", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/flow.wgsl"))),
    ("outline", concat!(include_str!("shaders/common.wgsl"), include_str!("shaders/outline.wgsl"))),
    ("label", include_str!("shaders/label.wgsl")),
    ("blur", include_str!("shaders/blur.wgsl")),
    ("average", include_str!("shaders/average.wgsl")),
    (
        "ambient",
        concat!(
            "alias DepthTexture = texture_depth_2d;\n",
            include_str!("shaders/common.wgsl"),
            include_str!("shaders/ambient.wgsl")
        ),
    ),
    (
        "ambient, multisampled",
        concat!(
            "alias DepthTexture = texture_depth_multisampled_2d;\n",
            include_str!("shaders/common.wgsl"),
            include_str!("shaders/ambient.wgsl")
        ),
    ),
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

/// Which set of pipelines the main pass takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) samples: u32,
    /// Light is computed per pixel, not per corner.
    pub(crate) per_pixel: bool,
    /// Section planes are in force.
    pub(crate) is_cut: bool,
}

/// Pipelines of the main pass in one mode.
#[derive(Debug)]
pub(crate) struct MainPipelines {
    open: wgpu::RenderPipeline,
    solid: wgpu::RenderPipeline,
    pub(crate) cut: Option<CutPipelines>,
    /// Background without floor, with the grid, with grid and shadow.
    pub(crate) sky: [wgpu::RenderPipeline; 3],
    pub(crate) edges: wgpu::RenderPipeline,
    pub(crate) lines: wgpu::RenderPipeline,
    /// Backs of transparent faces, then their fronts.
    pub(crate) glass: [wgpu::RenderPipeline; 2],
    pub(crate) flow: wgpu::RenderPipeline,
}

/// For what section planes go through.
#[derive(Debug)]
pub(crate) struct CutPipelines {
    faces: wgpu::RenderPipeline,
    /// None where the adapter has no stencil.
    pub(crate) fill: Option<FillPipelines>,
}

/// They fill the cuts of solids, in three steps. Pairs are for upright shapes and for mirrored ones.
#[derive(Debug)]
pub(crate) struct FillPipelines {
    /// Backs of faces open the stencil, fronts close it.
    count: [wgpu::RenderPipeline; 2],
    /// Where it is open, the nearest back says which colour the cut has.
    colour: [wgpu::RenderPipeline; 2],
    /// There the depth becomes that of the plane.
    pub(crate) plane: wgpu::RenderPipeline,
}

impl FillPipelines {
    /// The first two steps, by [`FaceKind`].
    pub(crate) fn faces(&self) -> [[Option<&wgpu::RenderPipeline>; FaceKind::COUNT]; 2] {
        [&self.count, &self.colour].map(|[upright, mirrored]| {
            FaceKind::ALL.map(|kind| match kind {
                FaceKind::CutSolid => Some(upright),
                FaceKind::CutMirrored => Some(mirrored),
                FaceKind::Open | FaceKind::Solid | FaceKind::CutOpen => None,
            })
        })
    }
}

/// Pipelines of passes without samples and depth.
#[derive(Debug)]
pub(crate) struct FlatPipelines {
    /// Into the channel of selected devices, then into that of hovered ones.
    pub(crate) mask: [MaskPipelines; 2],
    pub(crate) outline: wgpu::RenderPipeline,
    pub(crate) labels: wgpu::RenderPipeline,
    /// Without and with a section.
    pub(crate) footprint: [wgpu::RenderPipeline; 2],
    pub(crate) blur: wgpu::RenderPipeline,
    /// Into the average of a resting picture, by the blend constant, and back.
    pub(crate) average: wgpu::RenderPipeline,
    pub(crate) averaged: wgpu::RenderPipeline,
}

/// Without and with a section.
#[derive(Debug)]
pub(crate) struct MaskPipelines {
    pub(crate) faces: [wgpu::RenderPipeline; 2],
    pub(crate) lines: [wgpu::RenderPipeline; 2],
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
#[derive(Clone)]
pub(crate) struct Spec<'a> {
    pub(crate) shader: &'static str,
    pub(crate) vertex: &'static str,
    pub(crate) fragment: &'static str,
    pub(crate) groups: &'a [Option<&'a wgpu::BindGroupLayout>],
    pub(crate) buffers: &'a [Option<wgpu::VertexBufferLayout<'a>>],
    pub(crate) topology: wgpu::PrimitiveTopology,
    pub(crate) target: wgpu::ColorTargetState,
    /// Write depth, or only test it; `None` for passes without depth.
    pub(crate) depth_write: Option<bool>,
    pub(crate) depth_compare: wgpu::CompareFunction,
    pub(crate) samples: u32,
    /// Which side is not drawn.
    pub(crate) cull: Option<wgpu::Face>,
    /// Where triangles were turned over.
    pub(crate) clockwise: bool,
    pub(crate) stencil: Stencil,
    /// Section planes are in force.
    pub(crate) is_cut: bool,
}

/// Depth is reversed: nearer is greater.
const NEARER: wgpu::CompareFunction = wgpu::CompareFunction::GreaterEqual;

/// What becomes of the stencil, which is open where one looks into a cut solid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stencil {
    /// There is none.
    None,
    Keep,
    Count,
    /// Draws where it is open.
    Test,
}

/// The stencil is open above this value: room for counting in either direction.
pub(crate) const STENCIL_SHUT: u32 = 128;

impl Stencil {
    fn state(self) -> wgpu::StencilState {
        let keep = wgpu::StencilFaceState::IGNORE;
        let count = |pass_op| wgpu::StencilFaceState { pass_op, ..keep };
        let test = wgpu::StencilFaceState { compare: wgpu::CompareFunction::Less, ..keep };
        let (front, back) = match self {
            Self::None => return wgpu::StencilState::default(),
            Self::Keep => (keep, keep),
            Self::Count => (count(wgpu::StencilOperation::DecrementWrap), count(wgpu::StencilOperation::IncrementWrap)),
            Self::Test => (test, test),
        };
        wgpu::StencilState { front, back, read_mask: 0xff, write_mask: 0xff }
    }
}

pub(crate) fn build(gpu: &Gpu, shaders: &Shaders, spec: &Spec<'_>) -> wgpu::RenderPipeline {
    let module = shaders.get(spec.shader);
    let constants = [("is_cut", f64::from(u8::from(spec.is_cut)))];
    // Only these shaders know the constant.
    let constants = if matches!(spec.shader, "cut" | "line") { &constants[..] } else { &[] };
    let compilation_options = || wgpu::PipelineCompilationOptions { constants, ..Default::default() };
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
            compilation_options: compilation_options(),
            buffers: spec.buffers,
        },
        primitive: wgpu::PrimitiveState {
            topology: spec.topology,
            cull_mode: spec.cull,
            front_face: if spec.clockwise { wgpu::FrontFace::Cw } else { wgpu::FrontFace::Ccw },
            ..Default::default()
        },
        depth_stencil: spec.depth_write.map(|write| wgpu::DepthStencilState {
            format: if spec.stencil == Stencil::None { DEPTH_FORMAT } else { SECTION_DEPTH_FORMAT },
            depth_write_enabled: Some(write),
            depth_compare: Some(spec.depth_compare),
            stencil: spec.stencil.state(),
            bias: Default::default(),
        }),
        multisample: wgpu::MultisampleState { count: spec.samples, ..Default::default() },
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(spec.fragment),
            compilation_options: compilation_options(),
            targets: &[Some(spec.target.clone())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

const VERTEX_ATTRIBUTES: [wgpu::VertexAttribute; 3] =
    wgpu::vertex_attr_array![0 => Uint32x2, 1 => Unorm10_10_10_2, 2 => Unorm8x4];
const INSTANCE_ATTRIBUTES: [wgpu::VertexAttribute; 5] =
    wgpu::vertex_attr_array![4 => Float32x4, 5 => Float32x4, 6 => Float32x4, 7 => Unorm8x4, 8 => Float32x3];
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

pub(crate) fn opaque(format: wgpu::TextureFormat) -> wgpu::ColorTargetState {
    wgpu::ColorTargetState { format, blend: None, write_mask: wgpu::ColorWrites::ALL }
}

fn blended() -> wgpu::ColorTargetState {
    wgpu::ColorTargetState { blend: Some(wgpu::BlendState::ALPHA_BLENDING), ..opaque(COLOUR_FORMAT) }
}

impl MainPipelines {
    pub(crate) fn new(gpu: &Gpu, shaders: &Shaders, layouts: &Layouts, mode: Mode) -> Self {
        let Mode { samples, per_pixel, is_cut } = mode;
        let has_stencil = is_cut && gpu.has_stencil();
        let stencil = |kind| if has_stencil { kind } else { Stencil::None };
        let make = |spec: &Spec<'_>| build(gpu, shaders, spec);
        let base = Spec {
            shader: "mesh",
            vertex: "vs_mesh",
            fragment: "fs_mesh",
            groups: &[Some(&layouts.frame)],
            buffers: &[Some(vertices()), Some(instances())],
            topology: wgpu::PrimitiveTopology::TriangleList,
            target: opaque(COLOUR_FORMAT),
            depth_write: Some(true),
            depth_compare: NEARER,
            samples,
            cull: None,
            clockwise: false,
            stencil: stencil(Stencil::Keep),
            is_cut,
        };
        let (vertex, fragment) = if per_pixel { ("vs_mesh", "fs_mesh") } else { ("vs_lit", "fs_lit") };
        let open = make(&Spec { vertex, fragment, ..base.clone() });
        let (vertex, fragment) = if per_pixel { ("vs_mesh", "fs_mesh") } else { ("vs_front", "fs_front") };
        let solid = make(&Spec { vertex, fragment, cull: Some(wgpu::Face::Back), ..base.clone() });

        let cut = Spec { shader: "cut", vertex: "vs_cut", fragment: "fs_cut", ..base.clone() };
        let fill = || {
            let both = |spec: Spec<'_>| [false, true].map(|clockwise| make(&Spec { clockwise, ..spec.clone() }));
            let unseen = wgpu::ColorTargetState { write_mask: wgpu::ColorWrites::empty(), ..opaque(COLOUR_FORMAT) };
            let always = wgpu::CompareFunction::Always;
            let count = Spec { fragment: "fs_count", target: unseen.clone(), stencil: Stencil::Count, ..cut.clone() };
            let colour = Spec { fragment: "fs_fill", stencil: Stencil::Test, ..cut.clone() };
            let (vertex, fragment, target, stencil) = ("vs_plane", "fs_plane", unseen, Stencil::Test);
            let plane = Spec { vertex, fragment, buffers: &[], target, stencil, depth_compare: always, ..cut.clone() };
            FillPipelines {
                count: both(Spec { depth_write: Some(false), depth_compare: always, ..count }),
                colour: both(Spec { cull: Some(wgpu::Face::Front), ..colour }),
                plane: make(&plane),
            }
        };
        let cut = is_cut.then(|| CutPipelines { faces: make(&cut), fill: has_stencil.then(fill) });

        // What follows is drawn over all that.
        let base = Spec { depth_write: Some(false), ..base };
        let sky = ["fs_sky", "fs_grid", "fs_floor"].map(|fragment| {
            let (shader, vertex) = ("sky", "vs_sky");
            let groups = &[Some(&layouts.frame), Some(&layouts.shadow)];
            make(&Spec { shader, vertex, fragment, groups, buffers: &[], ..base.clone() })
        });
        let base = Spec { target: blended(), ..base };
        let line = Spec {
            shader: "line",
            vertex: "vs_edge",
            fragment: "fs_line",
            groups: &[Some(&layouts.frame), Some(&layouts.lines)],
            buffers: &[Some(instances())],
            ..base.clone()
        };
        let glass = [wgpu::Face::Front, wgpu::Face::Back].map(|side| {
            let (shader, vertex, fragment, cull) = ("cut", "vs_cut", "fs_glass", Some(side));
            make(&Spec { shader, vertex, fragment, cull, ..base.clone() })
        });
        let flow = Spec {
            shader: "flow",
            vertex: "vs_flow",
            fragment: "fs_flow",
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: size_of::<FlowVertex>() as u64,
                step_mode: wgpu::VertexStepMode::Vertex,
                attributes: &FLOW_ATTRIBUTES,
            })],
            ..base.clone()
        };
        Self {
            open,
            solid,
            cut,
            sky,
            edges: make(&line),
            lines: make(&Spec { vertex: "vs_line", depth_write: Some(true), ..line }),
            glass,
            flow: make(&flow),
        }
    }

    /// By [`FaceKind`].
    pub(crate) fn faces(&self) -> [Option<&wgpu::RenderPipeline>; FaceKind::COUNT] {
        let cut = self.cut.as_ref().map(|c| &c.faces);
        FaceKind::ALL.map(|kind| match kind {
            FaceKind::Open => Some(&self.open),
            FaceKind::Solid => Some(&self.solid),
            FaceKind::CutOpen | FaceKind::CutSolid | FaceKind::CutMirrored => cut,
        })
    }
}

impl FlatPipelines {
    pub(crate) fn new(gpu: &Gpu, shaders: &Shaders, layouts: &Layouts) -> Self {
        let make = |spec: &Spec<'_>| build(gpu, shaders, spec);
        // A picture that covers everything, drawn from another one.
        let full_screen = Spec {
            shader: "average",
            vertex: "vs_average",
            fragment: "fs_average",
            groups: &[Some(&layouts.mask)],
            buffers: &[],
            topology: wgpu::PrimitiveTopology::TriangleList,
            target: opaque(COLOUR_FORMAT),
            depth_write: None,
            depth_compare: NEARER,
            samples: 1,
            cull: None,
            clockwise: false,
            stencil: Stencil::None,
            is_cut: false,
        };
        let frame_only = [Some(&layouts.frame)];
        let face_buffers = [Some(vertices()), Some(instances())];
        let faces = |(shader, vertex, fragment, is_cut), target| {
            let (groups, buffers) = (&frame_only[..], &face_buffers[..]);
            make(&Spec { shader, vertex, fragment, groups, buffers, target, is_cut, ..full_screen.clone() })
        };
        let mask = [wgpu::ColorWrites::RED, wgpu::ColorWrites::GREEN].map(|write_mask| {
            let target = wgpu::ColorTargetState { write_mask, ..opaque(MASK_FORMAT) };
            let lines = Spec {
                shader: "line",
                vertex: "vs_line_mask",
                fragment: "fs_line_mask",
                groups: &[Some(&layouts.frame), Some(&layouts.lines)],
                buffers: &face_buffers[1..],
                target: target.clone(),
                ..full_screen.clone()
            };
            MaskPipelines {
                faces: [("mesh", "vs_mask", "fs_mask", false), ("cut", "vs_cut", "fs_mask_cut", true)]
                    .map(|entry| faces(entry, target.clone())),
                lines: [false, true].map(|is_cut| make(&Spec { is_cut, ..lines.clone() })),
            }
        });
        let labels = Spec {
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
            ..full_screen.clone()
        };
        let blend_all = |format, component| wgpu::ColorTargetState {
            blend: Some(wgpu::BlendState { color: component, alpha: component }),
            ..opaque(format)
        };
        // Of two things above one spot the one nearer to the floor counts.
        let strongest = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::One,
            dst_factor: wgpu::BlendFactor::One,
            operation: wgpu::BlendOperation::Max,
        };
        let footprint =
            [("mesh", "vs_footprint", "fs_footprint", false), ("cut", "vs_footprint_cut", "fs_footprint_cut", true)]
                .map(|entry| faces(entry, blend_all(FOOTPRINT_FORMAT, strongest)));
        let by_share = wgpu::BlendComponent {
            src_factor: wgpu::BlendFactor::Constant,
            dst_factor: wgpu::BlendFactor::OneMinusConstant,
            operation: wgpu::BlendOperation::Add,
        };
        let outline = Spec {
            shader: "outline",
            vertex: "vs_outline",
            fragment: "fs_outline",
            groups: &[Some(&layouts.frame), Some(&layouts.mask)],
            target: blended(),
            ..full_screen.clone()
        };
        let blur = Spec {
            shader: "blur",
            vertex: "vs_blur",
            fragment: "fs_blur",
            groups: &[Some(&layouts.blur)],
            target: opaque(FOOTPRINT_FORMAT),
            ..full_screen.clone()
        };
        Self {
            mask,
            outline: make(&outline),
            labels: make(&labels),
            footprint,
            blur: make(&blur),
            average: make(&Spec { target: blend_all(SUM_FORMAT, by_share), ..full_screen.clone() }),
            averaged: make(&full_screen),
        }
    }
}

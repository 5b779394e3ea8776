// Plates and glyphs of labels: rectangles in pixels.

struct Screen {
    // width, height, corner radius in pixels, -
    size: vec4<f32>,
}
@group(0) @binding(0) var<uniform> screen: Screen;
@group(0) @binding(1) var atlas: texture_2d<f32>;
@group(0) @binding(2) var atlas_sampler: sampler;

struct LabelIn {
    // left, top, width, height in pixels
    @location(0) rect: vec4<f32>,
    // The same in the atlas, 0 to 1; a plate has no width there
    @location(1) uv: vec4<f32>,
    @location(2) colour: vec4<f32>,
}

struct LabelOut {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
    @location(1) from_centre: vec2<f32>,
    @location(2) @interpolate(flat) colour: vec4<f32>,
    @location(3) @interpolate(flat) half_size: vec2<f32>,
    @location(4) @interpolate(flat) is_plate: f32,
}

@vertex
fn vs_label(@builtin(vertex_index) i: u32, in: LabelIn) -> LabelOut {
    let corner = vec2<f32>(f32(i & 1u), f32(i >> 1u));
    let px = in.rect.xy + in.rect.zw * corner;
    var out: LabelOut;
    out.position = vec4<f32>(px.x / screen.size.x * 2.0 - 1.0, 1.0 - px.y / screen.size.y * 2.0, 0.0, 1.0);
    out.uv = in.uv.xy + in.uv.zw * corner;
    out.from_centre = (corner - 0.5) * in.rect.zw;
    out.half_size = in.rect.zw * 0.5;
    out.colour = in.colour;
    out.is_plate = select(0.0, 1.0, in.uv.z <= 0.0);
    return out;
}

@fragment
fn fs_label(in: LabelOut) -> @location(0) vec4<f32> {
    var cover = 0.0;
    if (in.is_plate > 0.5) {
        let q = abs(in.from_centre) - in.half_size + screen.size.z;
        let distance = length(max(q, vec2<f32>(0.0))) + min(max(q.x, q.y), 0.0) - screen.size.z;
        cover = clamp(0.5 - distance, 0.0, 1.0);
    } else {
        cover = textureSampleLevel(atlas, atlas_sampler, in.uv, 0.0).r;
    }
    return vec4<f32>(in.colour.rgb, in.colour.a * cover);
}

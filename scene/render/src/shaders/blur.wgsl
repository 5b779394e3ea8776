// One direction of a Gaussian over the floor shadow.

@group(0) @binding(0) var source: texture_2d<f32>;
@group(0) @binding(1) var source_sampler: sampler;
// xy: step between taps in texture coordinates
@group(0) @binding(2) var<uniform> step_uv: vec4<f32>;

struct BlurOut {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn vs_blur(@builtin(vertex_index) i: u32) -> BlurOut {
    let corner = vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u));
    var out: BlurOut;
    out.position = vec4<f32>(corner * 2.0 - 1.0, 0.0, 1.0);
    out.uv = vec2<f32>(corner.x, 1.0 - corner.y);
    return out;
}

@fragment
fn fs_blur(in: BlurOut) -> @location(0) vec4<f32> {
    var sum = 0.0;
    var total = 0.0;
    for (var i = -6; i <= 6; i++) {
        let x = f32(i) / 3.0;
        let weight = exp(-0.5 * x * x);
        sum += textureSampleLevel(source, source_sampler, in.uv + step_uv.xy * f32(i), 0.0).r * weight;
        total += weight;
    }
    return vec4<f32>(sum / total, 0.0, 0.0, 1.0);
}

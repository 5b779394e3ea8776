// Background and floor in one triangle at infinite distance, drawn where no face is.

@group(1) @binding(0) var shadow_map: texture_2d<f32>;
@group(1) @binding(1) var shadow_sampler: sampler;

struct SkyOut {
    @builtin(position) position: vec4<f32>,
    @location(0) ndc: vec2<f32>,
}

@vertex
fn vs_sky(@builtin(vertex_index) i: u32) -> SkyOut {
    let corner = vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u)) * 2.0 - 1.0;
    var out: SkyOut;
    out.position = vec4<f32>(corner, 0.0, 1.0);
    out.ndc = corner;
    return out;
}

// Coverage of one-pixel lines at whole multiples of the cell; `d` is the size of a pixel in cells.
fn lines(p: vec2<f32>, d: vec2<f32>, width_px: f32) -> f32 {
    let distance = abs(fract(p - 0.5) - 0.5) / max(d, vec2<f32>(1e-6));
    let cover = clamp(vec2<f32>(0.5 + width_px * 0.5) - distance, vec2<f32>(0.0), vec2<f32>(1.0));
    // Cells of a few pixels would flicker: they fade before they get there.
    let fade = clamp((0.28 - d) * 5.0, vec2<f32>(0.0), vec2<f32>(1.0));
    let c = cover * fade;
    return max(c.x, c.y);
}

fn background(ndc: vec2<f32>) -> vec3<f32> {
    let t = ndc.y * 0.5 + 0.5;
    return mix(frame.background_bottom.rgb, frame.background_top.rgb, t * t * (3.0 - 2.0 * t));
}

@fragment
fn fs_sky(in: SkyOut) -> @location(0) vec4<f32> {
    var colour = background(in.ndc);
    let ray = frame.ray_forward.xyz + frame.ray_right.xyz * in.ndc.x + frame.ray_up.xyz * in.ndc.y;
    let t = -frame.eye.y / ray.y;
    // Derivatives are exact, not taken from neighbours: those would break at the horizon.
    if (frame.grid.w > 0.5 && t > 0.0 && t < 1e6) {
        let from_eye = ray.xz * t;
        let p = frame.eye.xz + from_eye;
        let up = frame.ray_up.xyz * (2.0 / frame.viewport.y);
        let dx = frame.ray_right.xz * (2.0 / frame.viewport.x) * t;
        let dy = (up.xz - ray.xz * (up.y / ray.y)) * t;
        let pixel = sqrt(dx * dx + dy * dy);
        let reach = length(from_eye) / frame.grid.z;
        let fade = 1.0 / (1.0 + reach * reach * reach);

        let uv = (p - frame.shadow.xy) * frame.shadow.zw;
        let inside = step(abs(uv.x - 0.5), 0.5) * step(abs(uv.y - 0.5), 0.5);
        if (inside > 0.0) {
            let shade = textureSampleLevel(shadow_map, shadow_sampler, uv, 0.0).r;
            colour = mix(colour, frame.shadow_colour.rgb, shade * frame.shadow_colour.a);
        }
        let cell = 1.0 / frame.grid.x;
        let minor = lines(p * cell, pixel * cell, 1.0) * frame.grid_minor.a;
        let major = lines(p * cell * 0.1, pixel * cell * 0.1, 1.3) * frame.grid_major.a;
        let strength = max(minor, major) * fade * frame.grid.y;
        colour = mix(colour, select(frame.grid_minor.rgb, frame.grid_major.rgb, major > minor), strength);
    }
    // Half a step of noise that stands still: the gradient shows no bands.
    let noise = fract(52.9829189 * fract(dot(in.position.xy, vec2<f32>(0.06711056, 0.00583715))));
    return vec4<f32>(colour + (noise - 0.5) / 255.0, 1.0);
}

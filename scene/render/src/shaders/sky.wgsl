// Background and floor at infinite distance, drawn where no face is. Three programs for three regions of the picture:
// a software adapter runs both sides of every branch, so what is not needed must not be in the program.

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
fn lines(p: vec2<f32>, d: vec2<f32>, per_d: vec2<f32>, reach_px: f32) -> f32 {
    let distance = abs(fract(p - 0.5) - 0.5) * per_d;
    // Cells of a few pixels would flicker: they fade before they get there.
    let cover = clamp(reach_px - distance, vec2<f32>(0.0), vec2<f32>(1.0)) * saturate((0.28 - d) * 5.0);
    return max(cover.x, cover.y);
}

fn background(ndc: vec2<f32>) -> vec3<f32> {
    let t = ndc.y * 0.5 + 0.5;
    return mix(frame.background_bottom.rgb, frame.background_top.rgb, t * t * (3.0 - 2.0 * t));
}

// Half a step of noise that stands still: the gradient shows no bands.
fn finished(colour: vec3<f32>, position: vec4<f32>) -> vec4<f32> {
    let noise = fract(52.9829189 * fract(dot(position.xy, vec2<f32>(0.06711056, 0.00583715))));
    return vec4<f32>(colour + (noise - 0.5) / 255.0, 1.0);
}

struct FloorPoint {
    at: vec2<f32>,
    from_eye: vec2<f32>,
    // Size of a pixel on the floor, metres
    pixel: vec2<f32>,
    is_floor: bool,
}

fn floor_point(ndc: vec2<f32>) -> FloorPoint {
    let ray = frame.ray_forward.xyz + frame.ray_right.xyz * ndc.x + frame.ray_up.xyz * ndc.y;
    let per_y = 1.0 / ray.y;
    let t = -frame.eye.y * per_y;
    // Derivatives are exact, not taken from neighbours: those would break at the horizon.
    let up = frame.ray_up.xyz * (2.0 / frame.viewport.y);
    let dx = frame.ray_right.xz * (2.0 / frame.viewport.x) * t;
    let dy = (up.xz - ray.xz * (up.y * per_y)) * t;
    var out: FloorPoint;
    out.from_eye = ray.xz * t;
    out.at = frame.eye.xz + out.from_eye;
    out.pixel = max(max(abs(dx), abs(dy)), vec2<f32>(1e-7));
    out.is_floor = t > 0.0 && t < 1e6;
    return out;
}

fn with_grid(colour: vec3<f32>, p: FloorPoint) -> vec3<f32> {
    let reach2 = dot(p.from_eye, p.from_eye) / (frame.grid.z * frame.grid.z);
    let fade = 1.0 / (1.0 + reach2 * reach2);
    let per_cell = 1.0 / frame.grid.x;
    let d = p.pixel * per_cell;
    let per_d = 1.0 / d;
    let at = p.at * per_cell;
    let minor = lines(at, d, per_d, 1.0) * frame.grid_minor.a;
    let major = lines(at * 0.1, d * 0.1, per_d * 10.0, 1.15) * frame.grid_major.a;
    let strength = select(0.0, max(minor, major) * fade * frame.grid.y, p.is_floor);
    return mix(colour, select(frame.grid_minor.rgb, frame.grid_major.rgb, major > minor), strength);
}

// Above the horizon.
@fragment
fn fs_sky(in: SkyOut) -> @location(0) vec4<f32> {
    return finished(background(in.ndc), in.position);
}

// Floor without shadow.
@fragment
fn fs_grid(in: SkyOut) -> @location(0) vec4<f32> {
    return finished(with_grid(background(in.ndc), floor_point(in.ndc)), in.position);
}

// Floor around the devices.
@fragment
fn fs_floor(in: SkyOut) -> @location(0) vec4<f32> {
    let p = floor_point(in.ndc);
    let uv = (p.at - frame.shadow.xy) * frame.shadow.zw;
    let inside = p.is_floor && abs(uv.x - 0.5) < 0.5 && abs(uv.y - 0.5) < 0.5;
    let shade = textureSampleLevel(shadow_map, shadow_sampler, uv, 0.0).r * select(0.0, frame.shadow_colour.a, inside);
    let ground = mix(background(in.ndc), frame.shadow_colour.rgb, shade);
    return finished(with_grid(ground, p), in.position);
}

// Ambient occlusion: corners and gaps get less of the light that comes from everywhere. Of some points around a pixel those
// count that rise above the surface there, by how steeply, and the less the farther away they are.
//
// Depth is reversed and infinite: over a plane it is an affine function of the pixel. So its steps to the neighbours
// give the surface, without a normal, and exactly.

@group(1) @binding(0) var depth: DepthTexture;
// What `fs_rough` found.
@group(2) @binding(0) var openness: texture_2d<f32>;

// A golden angle from one point to the next one, ever farther from the pixel.
const TURN = vec2<f32>(-0.7373688, 0.6754903);
const GOLDEN = 0.6180340;
// A surface that rises by less than this is a facet of a round one.
const FLAT = 0.12;
// Nothing is as far away as this depth says.
const NOWHERE = 1e-9;

@vertex
fn vs_ambient(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    // At infinite distance: what is nearer is a face.
    return vec4<f32>(vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u)) * 2.0 - 1.0, 0.0, 1.0);
}

// How depth grows from a pixel to the next one on the same surface, on the side where that goes on as it begins, and by
// how much it does not.
fn slope_of(here: f32, pixel: vec2<i32>, by: vec2<i32>) -> vec2<f32> {
    let before = here - textureLoad(depth, pixel - by, 0);
    let behind = textureLoad(depth, pixel + by, 0) - here;
    let bent_before = abs(here - 2.0 * before - textureLoad(depth, pixel - 2 * by, 0));
    let bent_behind = abs(here + 2.0 * behind - textureLoad(depth, pixel + 2 * by, 0));
    return select(vec2<f32>(behind, bent_behind), vec2<f32>(before, bent_before), bent_before < bent_behind);
}

// How much of the light is kept from a pixel, 0 to 1. `turn` in full turns and `first` (0 to 1) place the points.
fn occlusion(at: vec2<f32>, points: i32, turn: f32, first: f32) -> f32 {
    let near = frame.clip_from_world[3].z;
    let pixel = vec2<i32>(at);
    let here = textureLoad(depth, pixel, 0);
    let across = slope_of(here, pixel, vec2<i32>(1, 0));
    let down = slope_of(here, pixel, vec2<i32>(0, 1));
    let slope = vec2<f32>(across.x, down.x);
    // By lengths of a pixel: a surface of less than three pixels is none.
    let bent = max(across.y, down.y) / (max(here, NOWHERE) * frame.eye.w);

    let from_middle = at - frame.viewport.xy * 0.5;
    let distance = near / max(here, NOWHERE);
    let point = vec3<f32>(from_middle * frame.eye.w, 1.0) * distance;
    let normal = vec3<f32>(slope / frame.eye.w, here - dot(slope, from_middle));
    let to_plane = near * inverseSqrt(max(dot(normal, normal), 1e-30));
    let facing = to_plane * inverseSqrt(dot(point, point));

    let pixel_size = frame.eye.w * distance;
    let radius_px = min(frame.ambient.x / pixel_size, frame.ambient.y);
    let radius = radius_px * pixel_size;
    let per_radius2 = 1.0 / (radius * radius);
    // Seen at an angle they are farther away than they look.
    let step = radius_px * 0.7 / f32(points);
    var along = vec2<f32>(cos(turn * 6.2831853), sin(turn * 6.2831853));
    var reach = max(step * first, 1.0);
    var sum = 0.0;
    for (var i = 0; i < points; i++) {
        let by = floor(at + along * reach) + 0.5 - at;
        let to = at + by;
        let found = textureLoad(depth, vec2<i32>(to), 0);
        // The floor has no depth of its own.
        let ground = dot(frame.ground.xy, to) + frame.ground.z;
        let there = max(select(found, ground, found == 0.0), NOWHERE);
        let far = near / there;
        let rises = to_plane * (1.0 - (here + dot(slope, by)) / there);
        let apart = vec3<f32>((from_middle + by) * frame.eye.w, 1.0) * far - point;
        let apart2 = max(dot(apart, apart), 1e-20);
        sum += saturate(1.0 - apart2 * per_radius2) * max(rises * inverseSqrt(apart2) - FLAT, 0.0);
        along = vec2<f32>(along.x * TURN.x - along.y * TURN.y, along.x * TURN.y + along.y * TURN.x);
        reach += step;
    }
    // What is too small or seen too much along its surface shows noise at best.
    let certain = saturate(radius_px * 0.5 - 0.5) * saturate(facing * 6.0 - 0.3) * saturate(1.5 - bent);
    return saturate(sum * 4.0 / f32(points)) * certain;
}

// For one of several frames that are averaged: the points are others in each of them.
@fragment
fn fs_direct(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let n = frame.ambient.w;
    let kept = 1.0 - frame.ambient.z * occlusion(at.xy, 8, n * GOLDEN, fract(0.5 + n * 0.7548777));
    return vec4<f32>(kept, kept, kept, 1.0);
}

// For a frame on its own: the points are others in each pixel of a square of four by four, over which `fs_smooth` takes
// the mean. The pattern stands still: nothing flickers, and no noise is left for a video to carry.
@fragment
fn fs_rough(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let cell = vec2<i32>(at.xy) & vec2<i32>(3);
    let n = f32(cell.x + cell.y * 4);
    return vec4<f32>(1.0 - occlusion(at.xy, 10, n / 16.0, fract(n * 0.4375 + 0.03125)), 0.0, 0.0, 1.0);
}

@fragment
fn fs_smooth(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = vec2<i32>(at.xy);
    let here = textureLoad(depth, pixel, 0);
    // What is farther away than the points reach is another surface.
    let near = frame.clip_from_world[3].z;
    let distance = near / max(here, NOWHERE);
    let radius = min(frame.ambient.x, frame.ambient.y * frame.eye.w * distance);
    var sum = vec2<f32>(textureLoad(openness, pixel, 0).r, 1.0) * 0.01;
    for (var y = -2; y < 2; y++) {
        for (var x = -2; x < 2; x++) {
            let to = pixel + vec2<i32>(x, y);
            let apart = abs(near / max(textureLoad(depth, to, 0), NOWHERE) - distance);
            let weight = saturate(2.0 - apart * 4.0 / radius);
            sum += vec2<f32>(textureLoad(openness, to, 0).r, 1.0) * weight;
        }
    }
    let kept = 1.0 - frame.ambient.z * (1.0 - sum.x / sum.y);
    return vec4<f32>(kept, kept, kept, 1.0);
}

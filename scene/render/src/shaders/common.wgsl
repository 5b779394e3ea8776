// Shared by all shaders that see the scene. Colours arrive sRGB-encoded. Light is added up in a space of gamma 2
// (square in, square root out): one instruction, and a flat face at full light keeps the bytes of its file.

struct Frame {
    clip_from_world: mat4x4<f32>,
    // xyz: eye; w: height of the view frustum one metre ahead, divided by the picture's height (metres per pixel)
    eye: vec4<f32>,
    // Ray through a pixel: forward + right * ndc.x + up * ndc.y
    ray_forward: vec4<f32>,
    ray_right: vec4<f32>,
    ray_up: vec4<f32>,
    key_light: vec4<f32>,
    fill_light: vec4<f32>,
    // width, height, pixels per point, phase of the flow (0 to 1)
    viewport: vec4<f32>,
    // finest cell in metres, 1 when lines are drawn, metres at which they have faded, metres to what the camera looks at
    grid: vec4<f32>,
    // floor shadow: u = (x - shadow.x) * shadow.z, v = (z - shadow.y) * shadow.w
    shadow: vec4<f32>,
    background_top: vec4<f32>,
    background_bottom: vec4<f32>,
    grid_minor: vec4<f32>,
    grid_major: vec4<f32>,
    shadow_colour: vec4<f32>,
    edge: vec4<f32>,
    line: vec4<f32>,
    accent: vec4<f32>,
    hover: vec4<f32>,
    // Section planes: a point is cut away when dot(xyz, point) > w
    cut: array<vec4<f32>, 3>,
    // Ambient occlusion: metres and most pixels that it reaches, strength, number of the frame
    ambient: vec4<f32>,
    // Depth of the floor: x and y for each pixel to the right and down, z in the corner of the picture; 0 without floor
    ground: vec4<f32>,
}

@group(0) @binding(0) var<uniform> frame: Frame;

struct InstanceIn {
    // Rows of the matrix to the world from lengths along the grid of the shape
    @location(4) row0: vec4<f32>,
    @location(5) row1: vec4<f32>,
    @location(6) row2: vec4<f32>,
    @location(7) colour: vec4<f32>,
    // Radius of the shape in metres, step of its grid, opacity of what has no colour of its own
    @location(8) size: vec3<f32>,
}

// A point on the grid: 21 bits for each axis.
fn world_from_grid(i: InstanceIn, q: vec2<u32>) -> vec3<f32> {
    let n = vec3<u32>(q.x & 0x1fffffu, ((q.x >> 21u) | (q.y << 11u)) & 0x1fffffu, (q.y >> 10u) & 0x1fffffu);
    // Signed numbers become floats faster.
    let p = vec4<f32>(vec3<f32>(bitcast<vec3<i32>>(n)) * i.size.y, 1.0);
    return vec3<f32>(dot(i.row0, p), dot(i.row1, p), dot(i.row2, p));
}

fn turned(i: InstanceIn, n: vec3<f32>) -> vec3<f32> {
    return vec3<f32>(dot(i.row0.xyz, n), dot(i.row1.xyz, n), dot(i.row2.xyz, n));
}

fn is_cut_away(world: vec3<f32>) -> bool {
    let beyond = vec3<f32>(
        dot(frame.cut[0].xyz, world) - frame.cut[0].w,
        dot(frame.cut[1].xyz, world) - frame.cut[1].w,
        dot(frame.cut[2].xyz, world) - frame.cut[2].w,
    );
    return any(beyond > vec3<f32>(0.0));
}

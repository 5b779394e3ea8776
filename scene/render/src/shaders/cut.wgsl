// Faces that section planes go through, and faces one sees through. Lit per pixel: there are few of them.
//
// A cut solid is filled without any geometry for the cut. Every ray that leaves a closed body once more than it enters
// what is left of it starts inside of it, at a section plane: the stencil counts that. There the cut is drawn, before all
// other faces, which are behind it.

// Section planes are in force.
override is_cut: bool = true;

struct CutOut {
    @builtin(position) position: vec4<f32>,
    @location(0) world: vec3<f32>,
    @location(1) normal: vec3<f32>,
    // Squared colour and opacity
    @location(2) @interpolate(flat) base: vec4<f32>,
}

@vertex
fn vs_cut(
    @location(0) position: vec2<u32>,
    @location(1) normal: vec4<f32>,
    @location(2) colour: vec4<f32>,
    instance: InstanceIn,
) -> CutOut {
    var out: CutOut;
    out.world = world_from_grid(instance, position);
    out.position = frame.clip_from_world * vec4<f32>(out.world, 1.0);
    out.normal = turned(instance, normal.xyz * 2.0 - 1.0);
    out.base = vec4<f32>(squared_colour(colour, instance.colour), select(instance.size.z, colour.a, colour.a > 0.0));
    return out;
}

fn lit(in: CutOut) -> vec3<f32> {
    let to_eye = frame.eye.xyz - in.world;
    // CAD surfaces come with either orientation: the side one sees is the outside.
    let facing = select(-1.0, 1.0, dot(in.normal, to_eye) >= 0.0);
    return shade(in.base.rgb, unit(in.normal) * facing, unit(to_eye));
}

@fragment
fn fs_cut(in: CutOut) -> @location(0) vec4<f32> {
    if (is_cut_away(in.world)) {
        discard;
    }
    return vec4<f32>(lit(in), 1.0);
}

// Where a ray from the eye comes out of what is cut away, in lengths of the ray; 0 when it starts outside of that.
struct Entry {
    at: f32,
    normal: vec3<f32>,
}

fn entry(ray: vec3<f32>) -> Entry {
    var out = Entry(0.0, vec3<f32>(0.0));
    for (var i = 0; i < 3; i++) {
        let plane = frame.cut[i];
        let beyond = dot(plane.xyz, frame.eye.xyz) - plane.w;
        let towards = -dot(plane.xyz, ray);
        if (beyond > 0.0 && towards > 0.0 && beyond > out.at * towards) {
            out = Entry(beyond / towards, plane.xyz);
        }
    }
    return out;
}

@fragment
fn fs_count(in: CutOut) -> @location(0) vec4<f32> {
    if (is_cut_away(in.world)) {
        discard;
    }
    return vec4<f32>(0.0);
}

@fragment
fn fs_fill(in: CutOut) -> @location(0) vec4<f32> {
    let ray = in.world - frame.eye.xyz;
    let cut = entry(ray);
    if (cut.at == 0.0 || is_cut_away(in.world)) {
        discard;
    }
    let at = frame.eye.xyz + ray * cut.at;
    let distance = dot(ray, frame.ray_forward.xyz) * cut.at;
    let colour = shade(mix(in.base.rgb, vec3<f32>(0.75), 0.25), cut.normal, -unit(ray));
    return vec4<f32>(hatched(colour, at, cut.normal, distance), 1.0);
}

struct PlaneOut {
    @builtin(position) position: vec4<f32>,
    @location(0) ray: vec3<f32>,
}

@vertex
fn vs_plane(@builtin(vertex_index) i: u32) -> PlaneOut {
    let corner = vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u)) * 2.0 - 1.0;
    var out: PlaneOut;
    out.position = vec4<f32>(corner, 0.5, 1.0);
    out.ray = frame.ray_forward.xyz + frame.ray_right.xyz * corner.x + frame.ray_up.xyz * corner.y;
    return out;
}

struct PlanePoint {
    @location(0) colour: vec4<f32>,
    @builtin(frag_depth) depth: f32,
}

// The depth of the cut; its colour is there already.
@fragment
fn fs_plane(in: PlaneOut) -> PlanePoint {
    let cut = entry(in.ray);
    if (cut.at == 0.0) {
        discard;
    }
    let at = frame.eye.xyz + in.ray * cut.at;
    let clip = frame.clip_from_world * vec4<f32>(at, 1.0);
    return PlanePoint(vec4<f32>(0.0), clip.z / max(clip.w, 1e-6));
}

// With the slanted lines of a sectional drawing.
fn hatched(colour: vec3<f32>, at: vec3<f32>, normal: vec3<f32>, distance: f32) -> vec3<f32> {
    let upright = select(vec3<f32>(0.0, 1.0, 0.0), vec3<f32>(0.0, 0.0, -1.0), abs(normal.y) > 0.9);
    let across = unit(cross(upright, normal));
    let slanted = (across + cross(normal, across)) * 0.7071;
    // As far apart as looks right at the distance of what the camera looks at.
    let period = exp2(ceil(log2(frame.grid.w * frame.eye.w * 7.0 * frame.viewport.z)));
    let px = distance * frame.eye.w;
    let from_line = abs(fract(dot(at, slanted) / period) - 0.5) * period / px;
    let half_width = 0.55 * frame.viewport.z;
    // Where the lines are too close to be told apart only their mean is left.
    let mean = clamp(2.0 * half_width * px / period, 0.0, 1.0);
    let line = mix(clamp(half_width + 0.5 - from_line, 0.0, 1.0), mean, clamp(px * 4.0 / period - 0.5, 0.0, 1.0));
    return colour * (1.0 - 0.42 * line);
}

// Glass: more of it is seen where one looks along the surface.
@fragment
fn fs_glass(in: CutOut) -> @location(0) vec4<f32> {
    if (is_cut && is_cut_away(in.world)) {
        discard;
    }
    let v = unit(frame.eye.xyz - in.world);
    let along = 1.0 - abs(dot(unit(in.normal), v));
    let alpha = in.base.a + (1.0 - in.base.a) * 0.6 * along * along * along;
    return vec4<f32>(lit(in), alpha);
}

@fragment
fn fs_mask_cut(in: CutOut) -> @location(0) vec4<f32> {
    if (is_cut_away(in.world)) {
        discard;
    }
    return vec4<f32>(1.0);
}

@vertex
fn vs_footprint_cut(@location(0) position: vec2<u32>, instance: InstanceIn) -> CutOut {
    var out: CutOut;
    out.world = world_from_grid(instance, position);
    out.position = above(out.world);
    return out;
}

@fragment
fn fs_footprint_cut(in: CutOut) -> @location(0) vec4<f32> {
    if (is_cut_away(in.world)) {
        discard;
    }
    return vec4<f32>(floor_shade(in.world.y), 0.0, 0.0, 1.0);
}

// Faces as they are.

// Light per pixel, for adapters with the speed for it.

struct MeshOut {
    @builtin(position) position: vec4<f32>,
    @location(0) normal: vec3<f32>,
    @location(1) to_eye: vec3<f32>,
    @location(2) @interpolate(flat) base: vec3<f32>,
}

@vertex
fn vs_mesh(
    @location(0) position: vec2<u32>,
    @location(1) normal: vec4<f32>,
    @location(2) colour: vec4<f32>,
    instance: InstanceIn,
) -> MeshOut {
    let world = world_from_grid(instance, position);
    var out: MeshOut;
    out.position = frame.clip_from_world * vec4<f32>(world, 1.0);
    out.normal = turned(instance, normal.xyz * 2.0 - 1.0);
    out.to_eye = frame.eye.xyz - world;
    out.base = squared_colour(colour, instance.colour);
    return out;
}

@fragment
fn fs_mesh(in: MeshOut) -> @location(0) vec4<f32> {
    // CAD surfaces come with either orientation: the side one sees is the outside.
    let facing = select(-1.0, 1.0, dot(in.normal, in.to_eye) >= 0.0);
    return vec4<f32>(shade(in.base, unit(in.normal) * facing, unit(in.to_eye)), 1.0);
}

// Light per corner, for software adapters: there a picture has far more shaded pixels than corners. Both sides are
// lit, and the pixel picks the one that it sees.

struct LitOut {
    @builtin(position) position: vec4<f32>,
    @location(0) front: vec3<f32>,
    @location(1) back: vec3<f32>,
}

@vertex
fn vs_lit(
    @location(0) position: vec2<u32>,
    @location(1) normal: vec4<f32>,
    @location(2) colour: vec4<f32>,
    instance: InstanceIn,
) -> LitOut {
    let world = world_from_grid(instance, position);
    // A mirrored instance turns its triangles over.
    let mirror = sign(dot(cross(instance.row0.xyz, instance.row1.xyz), instance.row2.xyz));
    let n = unit(turned(instance, normal.xyz * 2.0 - 1.0)) * mirror;
    let v = unit(frame.eye.xyz - world);
    let base = squared_colour(colour, instance.colour);
    var out: LitOut;
    out.position = frame.clip_from_world * vec4<f32>(world, 1.0);
    out.front = shade(base, n, v);
    out.back = shade(base, -n, v);
    return out;
}

@fragment
fn fs_lit(in: LitOut, @builtin(front_facing) is_front: bool) -> @location(0) vec4<f32> {
    return vec4<f32>(select(in.back, in.front, is_front), 1.0);
}

// Of a solid only the front is seen: half the light to reckon.

struct FrontOut {
    @builtin(position) position: vec4<f32>,
    @location(0) front: vec3<f32>,
}

@vertex
fn vs_front(
    @location(0) position: vec2<u32>,
    @location(1) normal: vec4<f32>,
    @location(2) colour: vec4<f32>,
    instance: InstanceIn,
) -> FrontOut {
    let world = world_from_grid(instance, position);
    let n = unit(turned(instance, normal.xyz * 2.0 - 1.0));
    var out: FrontOut;
    out.position = frame.clip_from_world * vec4<f32>(world, 1.0);
    out.front = shade(squared_colour(colour, instance.colour), n, unit(frame.eye.xyz - world));
    return out;
}

@fragment
fn fs_front(in: FrontOut) -> @location(0) vec4<f32> {
    return vec4<f32>(in.front, 1.0);
}

struct MaskOut {
    @builtin(position) position: vec4<f32>,
}

@vertex
fn vs_mask(@location(0) position: vec2<u32>, instance: InstanceIn) -> MaskOut {
    var out: MaskOut;
    out.position = frame.clip_from_world * vec4<f32>(world_from_grid(instance, position), 1.0);
    return out;
}

// The pipelines for selected and for hovered devices write one channel each.
@fragment
fn fs_mask() -> @location(0) vec4<f32> {
    return vec4<f32>(1.0);
}

struct FootprintOut {
    @builtin(position) position: vec4<f32>,
    @location(0) height: f32,
}

@vertex
fn vs_footprint(@location(0) position: vec2<u32>, instance: InstanceIn) -> FootprintOut {
    let world = world_from_grid(instance, position);
    var out: FootprintOut;
    out.position = above(world);
    out.height = world.y;
    return out;
}

@fragment
fn fs_footprint(in: FootprintOut) -> @location(0) vec4<f32> {
    return vec4<f32>(floor_shade(in.height), 0.0, 0.0, 1.0);
}

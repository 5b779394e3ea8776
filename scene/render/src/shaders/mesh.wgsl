// Faces: hemisphere light, a key light with a highlight, a weak fill light.

// Light on a surface of that normal (unit length) as it reaches the eye; `base` is squared, the result encoded.
fn shade(base: vec3<f32>, n: vec3<f32>, v: vec3<f32>) -> vec3<f32> {
    let hemisphere = mix(0.22, 0.48, n.y * 0.5 + 0.5);
    // Softened at the terminator: round shapes have no hard line between day and night.
    let wrapped = max(dot(n, frame.key_light.xyz) * 0.8 + 0.2, 0.0);
    let key = wrapped * wrapped;
    let fill = max(dot(n, frame.fill_light.xyz), 0.0);
    let h = frame.key_light.xyz + v;
    var s = max(dot(n, h), 0.0);
    s = s * s / max(dot(h, h), 1e-6);
    s = s * s;
    s = s * s;
    s = s * s;
    s = s * s;
    let light = hemisphere + key * 0.66 + fill * 0.13;
    return sqrt(base * light + vec3<f32>(s * key * 0.13));
}

fn unit(v: vec3<f32>) -> vec3<f32> {
    return v * inverseSqrt(max(dot(v, v), 1e-20));
}

fn squared_colour(own: vec4<f32>, instance: vec4<f32>) -> vec3<f32> {
    let encoded = select(instance.rgb, own.rgb, own.a > 0.0);
    return encoded * encoded;
}

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

// The scene from above, as the floor sees it.
@vertex
fn vs_footprint(@location(0) position: vec2<u32>, instance: InstanceIn) -> FootprintOut {
    let world = world_from_grid(instance, position);
    let uv = (world.xz - frame.shadow.xy) * frame.shadow.zw;
    var out: FootprintOut;
    out.position = vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.5, 1.0);
    out.height = world.y * frame.fill_light.w;
    return out;
}

@fragment
fn fs_footprint(in: FootprintOut) -> @location(0) vec4<f32> {
    // What stands on the floor darkens it most; what is below it not at all.
    let strength = select(exp2(-max(in.height, 0.0)), 0.0, in.height < -0.02);
    return vec4<f32>(strength, 0.0, 0.0, 1.0);
}

// Faces: hemisphere light, a key light with a highlight, a weak fill light.

struct MeshOut {
    @builtin(position) position: vec4<f32>,
    @location(0) normal: vec3<f32>,
    @location(1) to_eye: vec3<f32>,
    @location(2) @interpolate(flat) base: vec3<f32>,
}

@vertex
fn vs_mesh(
    @location(0) position: vec3<f32>,
    @location(1) normal: vec4<f32>,
    @location(2) colour: vec4<f32>,
    instance: InstanceIn,
) -> MeshOut {
    let world = world_from_part(instance, position);
    let encoded = select(instance.colour.rgb, colour.rgb, colour.a > 0.5);
    var out: MeshOut;
    out.position = frame.clip_from_world * vec4<f32>(world, 1.0);
    out.normal = turned(instance, normal.xyz * 2.0 - 1.0);
    out.to_eye = frame.eye.xyz - world;
    out.base = encoded * encoded;
    return out;
}

@fragment
fn fs_mesh(in: MeshOut) -> @location(0) vec4<f32> {
    // CAD surfaces come with either orientation: the side one sees is the outside.
    let facing = dot(in.normal, in.to_eye);
    let n = in.normal * (sign(facing) * inverseSqrt(max(dot(in.normal, in.normal), 1e-20)));
    let v = in.to_eye * inverseSqrt(max(dot(in.to_eye, in.to_eye), 1e-20));

    let hemisphere = mix(0.26, 0.52, n.y * 0.5 + 0.5);
    let key = max(dot(n, frame.key_light.xyz), 0.0);
    let fill = max(dot(n, frame.fill_light.xyz), 0.0);
    let h = frame.key_light.xyz + v;
    var s = max(dot(n, h), 0.0);
    s = s * s / max(dot(h, h), 1e-6);
    s = s * s;
    s = s * s;
    s = s * s;
    s = s * s;
    let light = hemisphere + key * 0.52 + fill * 0.14;
    let lit = in.base * light + vec3<f32>(s * key * 0.13);
    return vec4<f32>(sqrt(lit), 1.0);
}

struct MaskOut {
    @builtin(position) position: vec4<f32>,
}

@vertex
fn vs_mask(@location(0) position: vec3<f32>, instance: InstanceIn) -> MaskOut {
    var out: MaskOut;
    out.position = frame.clip_from_world * vec4<f32>(world_from_part(instance, position), 1.0);
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
fn vs_footprint(@location(0) position: vec3<f32>, instance: InstanceIn) -> FootprintOut {
    let world = world_from_part(instance, position);
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

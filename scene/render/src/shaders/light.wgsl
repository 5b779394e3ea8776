// How faces are lit: hemisphere light, a key light with a highlight, a weak fill light.


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

// The scene from above, as the floor sees it.
fn above(world: vec3<f32>) -> vec4<f32> {
    let uv = (world.xz - frame.shadow.xy) * frame.shadow.zw;
    return vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.5, 1.0);
}

// What stands on the floor darkens it most; what is below it not at all.
fn floor_shade(y: f32) -> f32 {
    let height = y * frame.fill_light.w;
    return select(exp2(-max(height, 0.0)), 0.0, height < -0.02);
}

// Drawings over the picture: capsules in pixels, so that lines have round ends and dots are lines of no length.

struct CapsuleIn {
    // In clip space, w is 1
    @location(0) position: vec2<f32>,
    // Pixels from the middle of the capsule: along it, across it
    @location(1) local: vec2<f32>,
    // Half its length and half its width, pixels
    @location(2) half_size: vec2<f32>,
    @location(3) colour: vec4<f32>,
}

struct CapsuleOut {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) local: vec2<f32>,
    @location(1) @interpolate(flat) half_size: vec2<f32>,
    @location(2) @interpolate(flat) colour: vec4<f32>,
}

@vertex
fn vs_capsule(in: CapsuleIn) -> CapsuleOut {
    var out: CapsuleOut;
    out.position = vec4<f32>(in.position, 0.0, 1.0);
    out.local = in.local;
    out.half_size = in.half_size;
    out.colour = in.colour;
    return out;
}

@fragment
fn fs_capsule(in: CapsuleOut) -> @location(0) vec4<f32> {
    let beyond = max(abs(in.local.x) - in.half_size.x, 0.0);
    let cover = clamp(in.half_size.y + 0.5 - length(vec2<f32>(beyond, in.local.y)), 0.0, 1.0);
    return vec4<f32>(in.colour.rgb, in.colour.a * cover);
}

// Connections: ribbons of constant width on the screen with dashes that move towards the target, and an arrowhead.

struct FlowIn {
    @location(0) position: vec3<f32>,
    // Direction of the path here, of unit length
    @location(1) along: vec3<f32>,
    // x: along the path, y: across it, in points
    @location(2) offset: vec2<f32>,
    // x: metres from the start, y: metres in all; y is negative for an arrowhead
    @location(3) distance: vec2<f32>,
    @location(4) colour: vec4<f32>,
}

struct FlowOut {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) offset: vec2<f32>,
    @location(1) metres: f32,
    @location(2) @interpolate(flat) colour: vec4<f32>,
    @location(3) @interpolate(flat) is_head: f32,
    // Metres of path that one pixel covers
    @location(4) pixel: f32,
    // Connections that are short in the picture are thin and have small heads
    @location(5) size: f32,
}

const DASH_METRES: f32 = 0.5;
const HEAD_LENGTH: f32 = 15.0;
const HEAD_HALF: f32 = 6.5;
const RIBBON_HALF: f32 = 1.6;

@vertex
fn vs_flow(in: FlowIn) -> FlowOut {
    let scale = max(frame.viewport.z, 1.0);
    let clip = frame.clip_from_world * vec4<f32>(in.position, 1.0);
    let ahead = frame.clip_from_world * vec4<f32>(in.along, 0.0);
    let half_size = frame.viewport.xy * 0.5;
    // Derivative of the projection along the path.
    let w = max(clip.w, 1e-4);
    let slope = (ahead.xy * w - clip.xy * ahead.w) / (w * w) * half_size;
    let speed = length(slope);
    let along = select(vec2<f32>(0.0, 1.0), slope / max(speed, 1e-9), speed > 1e-6);
    var out: FlowOut;
    let length_px = abs(in.distance.y) / (w * frame.eye.w * scale);
    out.size = clamp(length_px / 70.0, 0.4, 1.0);
    let offset_px = out.size * (along * in.offset.x + vec2<f32>(-along.y, along.x) * in.offset.y) * scale;
    out.position = vec4<f32>(clip.xy + offset_px / half_size * clip.w, clip.z * (1.0 + frame.eye.w * 3.0), clip.w);
    out.offset = in.offset;
    out.metres = in.distance.x;
    out.colour = in.colour;
    out.is_head = select(0.0, 1.0, in.distance.y < 0.0);
    out.pixel = 1.0 / max(speed, 1e-3);
    return out;
}

@fragment
fn fs_flow(in: FlowOut) -> @location(0) vec4<f32> {
    let aa = 0.5 / (max(frame.viewport.z, 1.0) * in.size);
    if (in.is_head > 0.5) {
        // offset.x runs from 0 at the tip to -HEAD_LENGTH at the base.
        let half_width = -in.offset.x * (HEAD_HALF / HEAD_LENGTH);
        let cover = clamp((half_width - abs(in.offset.y)) / (2.0 * aa) + 0.5, 0.0, 1.0)
            * clamp((in.offset.x + HEAD_LENGTH) / (2.0 * aa) + 0.5, 0.0, 1.0);
        return vec4<f32>(in.colour.rgb, in.colour.a * cover);
    }
    let cover = clamp((RIBBON_HALF - abs(in.offset.y)) / (2.0 * aa) + 0.5, 0.0, 1.0);
    let dash = fract(in.metres / DASH_METRES - frame.viewport.w);
    // A dash is 60 % of the period with borders one pixel soft; dashes below a few pixels blur into a line.
    let soft = clamp(in.pixel / DASH_METRES, 0.02, 0.5);
    let on = clamp((0.3 - abs(dash - 0.5)) / soft + 0.5, 0.0, 1.0);
    let shown = mix(on, 0.6, clamp((soft - 0.15) * 6.0, 0.0, 1.0));
    return vec4<f32>(in.colour.rgb, in.colour.a * cover * mix(0.30, 1.0, shown));
}

// Lines as quads of constant width on the screen with smooth borders, so that they look right without multisampling.
// Four corners per segment are pulled from a storage buffer; the index buffer is shared by all lines.

struct Segment {
    start: vec2<u32>,
    end: vec2<u32>,
    colour: u32,
    size: f32,
}

@group(1) @binding(0) var<storage, read> segments: array<Segment>;

struct LineOut {
    @builtin(position) position: vec4<f32>,
    @location(0) @interpolate(linear) across: f32,
    @location(1) @interpolate(flat) colour: vec4<f32>,
    @location(2) @interpolate(flat) half_width: f32,
}

// Section planes are in force.
override is_cut: bool = false;

// The part of a segment that is not cut away; one point when there is none.
fn what_is_left(ends: array<vec3<f32>, 2>) -> array<vec3<f32>, 2> {
    var from_to = vec2<f32>(0.0, 1.0);
    let along = ends[1] - ends[0];
    for (var i = 0; i < 3; i++) {
        let plane = frame.cut[i];
        let beyond = dot(plane.xyz, ends[0]) - plane.w;
        let growth = dot(plane.xyz, along);
        if (beyond > 0.0 && beyond + growth > 0.0) {
            from_to.y = -1.0;
        } else if (growth > 0.0 && beyond + growth > 0.0) {
            from_to.y = min(from_to.y, -beyond / growth);
        } else if (growth < 0.0 && beyond > 0.0) {
            from_to.x = max(from_to.x, -beyond / growth);
        }
    }
    let is_left = from_to.x < from_to.y;
    // Nothing of it is left: behind the eye nobody sees it.
    let nowhere = frame.eye.xyz - frame.ray_forward.xyz;
    return array(
        select(nowhere, ends[0] + along * from_to.x, is_left),
        select(nowhere, ends[0] + along * from_to.y, is_left),
    );
}

fn line_corner(index: u32, i: InstanceIn, width_px: f32, lift_px: f32) -> LineOut {
    let segment = segments[index >> 2u];
    var ends = array(world_from_grid(i, segment.start), world_from_grid(i, segment.end));
    if (is_cut) {
        ends = what_is_left(ends);
    }
    var a = frame.clip_from_world * vec4<f32>(ends[0], 1.0);
    var b = frame.clip_from_world * vec4<f32>(ends[1], 1.0);
    // The part behind the eye is cut off here: dividing by its w would turn the line over. Depth is reversed and
    // infinite, so z is the near distance everywhere and w reaches it at the near plane.
    let near = a.z;
    if (a.w < near && b.w > near) {
        a = mix(a, b, (near - a.w) / (b.w - a.w));
    } else if (b.w < near && a.w > near) {
        b = mix(b, a, (near - b.w) / (a.w - b.w));
    }
    let half_size = frame.viewport.xy * 0.5;
    let screen = (b.xy / b.w - a.xy / a.w) * half_size;
    let span = length(screen);
    let along = select(vec2<f32>(1.0, 0.0), screen / max(span, 1e-6), span > 1e-4);
    let side = select(-1.0, 1.0, (index & 1u) == 1u);
    let is_end = (index & 2u) != 0u;
    let half_width = width_px * 0.5;
    let reach = half_width + 0.75;
    let offset = vec2<f32>(-along.y, along.x) * (side * reach) + along * select(-0.5, 0.5, is_end) * half_width;

    var out: LineOut;
    out.position = select(a, b, is_end);
    out.position = vec4<f32>(
        out.position.xy + offset / half_size * out.position.w,
        out.position.z * (1.0 + frame.eye.w * lift_px),
        out.position.w,
    );
    out.across = side * reach;
    out.half_width = half_width;
    let packed = unpack4x8unorm(segment.colour);
    out.colour = select(i.colour, vec4<f32>(packed.rgb, 1.0), packed.a > 0.0);
    return out;
}

@vertex
fn vs_edge(@builtin(vertex_index) index: u32, instance: InstanceIn) -> LineOut {
    var out = line_corner(index, instance, max(frame.viewport.z, 1.0), 1.6);
    // Edges of small parts would add up to a black blot: they fade with the part's size on the screen.
    let radius_px = instance.size.x / max(out.position.w * frame.eye.w, 1e-6);
    let fade = clamp((radius_px - 14.0) / 50.0, 0.0, 1.0);
    out.colour = vec4<f32>(frame.edge.rgb, frame.edge.a * fade);
    return out;
}

@vertex
fn vs_line(@builtin(vertex_index) index: u32, instance: InstanceIn) -> LineOut {
    var out = line_corner(index, instance, 1.4 * max(frame.viewport.z, 1.0), 2.0);
    // An instance that has no colour says so by alpha 0: then the line colour of the theme counts.
    out.colour = select(frame.line, out.colour, out.colour.a > 0.5);
    // Black lines of paper drawings on a dark floor, white ones on a bright one: nobody would see them.
    let weights = vec3<f32>(0.30, 0.59, 0.11);
    let contrast = abs(dot(out.colour.rgb - frame.background_bottom.rgb, weights));
    out.colour = mix(frame.line, out.colour, clamp((contrast - 0.22) * 8.0, 0.0, 1.0));
    return out;
}

@fragment
fn fs_line(in: LineOut) -> @location(0) vec4<f32> {
    let cover = clamp(in.half_width + 0.5 - abs(in.across), 0.0, 1.0);
    return vec4<f32>(in.colour.rgb, in.colour.a * cover);
}

@vertex
fn vs_line_mask(@builtin(vertex_index) index: u32, instance: InstanceIn) -> LineOut {
    return line_corner(index, instance, 2.0, 0.0);
}

@fragment
fn fs_line_mask() -> @location(0) vec4<f32> {
    return vec4<f32>(1.0);
}

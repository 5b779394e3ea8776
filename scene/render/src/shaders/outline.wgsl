// Outlines around what the mask holds: selected devices in the accent colour, the hovered one muted.

@group(1) @binding(0) var mask: texture_2d<f32>;

@vertex
fn vs_outline(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    return vec4<f32>(vec2<f32>(f32((i << 1u) & 2u), f32(i & 2u)) * 2.0 - 1.0, 0.0, 1.0);
}

@fragment
fn fs_outline(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let at = vec2<i32>(position.xy);
    let limit = vec2<i32>(textureDimensions(mask)) - 1;
    let centre = textureLoad(mask, at, 0).rg;
    let width = 2.0 * max(frame.viewport.z, 1.0);
    let reach = i32(ceil(width));
    // Nearness of the closest marked pixel: 1 within the width, falling to 0 over one pixel more.
    var near = vec2<f32>(0.0);
    for (var y = -reach; y <= reach; y++) {
        for (var x = -reach; x <= reach; x++) {
            let tap = textureLoad(mask, clamp(at + vec2<i32>(x, y), vec2<i32>(0), limit), 0).rg;
            let distance = length(vec2<f32>(f32(x), f32(y)));
            near = max(near, tap * clamp(width + 0.7 - distance, 0.0, 1.0));
        }
    }
    let selected = near.r * (1.0 - centre.r);
    let hovered = near.g * (1.0 - centre.g) * (1.0 - selected);
    let alpha = selected * frame.accent.a + hovered * frame.hover.a;
    let colour = mix(frame.hover.rgb, frame.accent.rgb, selected);
    return vec4<f32>(colour, alpha);
}

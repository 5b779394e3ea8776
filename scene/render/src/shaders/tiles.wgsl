// The farthest depth within each tile of the picture: what lies behind that is hidden there. Depth is reversed, so the
// farthest is the least.

// DEPTH_TEXTURE is texture_depth_2d or texture_depth_multisampled_2d; SAMPLES is how many there are.
@group(0) @binding(0) var depth: DEPTH_TEXTURE;
@group(0) @binding(1) var<storage, read_write> tiles: array<f32>;

const TILE: u32 = 8u;

@compute @workgroup_size(8, 8)
fn cs_tiles(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = textureDimensions(depth);
    let across = (size.x + TILE - 1u) / TILE;
    let down = (size.y + TILE - 1u) / TILE;
    if (id.x >= across || id.y >= down) {
        return;
    }
    let start = id.xy * TILE;
    let end = min(start + TILE, size);
    var farthest = 1.0;
    for (var y = start.y; y < end.y; y++) {
        for (var x = start.x; x < end.x; x++) {
            for (var s = 0; s < SAMPLES; s++) {
                farthest = min(farthest, textureLoad(depth, vec2<u32>(x, y), s));
            }
        }
    }
    tiles[id.y * across + id.x] = farthest;
}

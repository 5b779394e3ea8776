// The picture as video encoders take it: I420, BT.709, limited range. Rows of all planes begin at multiples of the pitch
// (of half of it for chroma), and the planes follow each other.

struct Shape {
    // Of the picture, both even.
    size: vec2<u32>,
    // Words from one row of luma to the next, and of chroma.
    luma_words: u32,
    chroma_words: u32,
    // Where the planes of chroma begin, in words.
    blue: u32,
    red: u32,
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> planes: array<u32>;
@group(0) @binding(2) var<uniform> shape: Shape;

// ITU-R BT.709-6, clause 3, for values from 0 to 1.
const LUMA = vec3<f32>(0.2126, 0.7152, 0.0722);
const BLUE = vec3<f32>(-0.2126, -0.7152, 0.9278) / 1.8556;
const RED = vec3<f32>(0.7874, -0.7152, -0.0722) / 1.5748;

fn colour(x: u32, y: u32) -> vec3<f32> {
    return textureLoad(picture, min(vec2<u32>(x, y), shape.size - 1u), 0).rgb;
}

fn byte(value: f32) -> u32 {
    return u32(value + 0.5);
}

// Eight columns of two rows: as many as make a word of each chroma plane.
@compute @workgroup_size(16, 8)
fn convert(@builtin(global_invocation_id) id: vec3<u32>) {
    let left = id.x * 8u;
    let top = id.y * 2u;
    if (left >= shape.size.x || top >= shape.size.y) {
        return;
    }
    var blue = 0u;
    var red = 0u;
    for (var side = 0u; side < 2u; side++) {
        var above = 0u;
        var below = 0u;
        for (var pair = 0u; pair < 2u; pair++) {
            let x = left + side * 4u + pair * 2u;
            let a = colour(x, top);
            let b = colour(x + 1u, top);
            let c = colour(x, top + 1u);
            let d = colour(x + 1u, top + 1u);
            let shift = pair * 16u;
            above |= (byte(16.0 + 219.0 * dot(a, LUMA)) | byte(16.0 + 219.0 * dot(b, LUMA)) << 8u) << shift;
            below |= (byte(16.0 + 219.0 * dot(c, LUMA)) | byte(16.0 + 219.0 * dot(d, LUMA)) << 8u) << shift;
            let mean = (a + b + c + d) * 0.25;
            let at = side * 16u + pair * 8u;
            blue |= byte(128.0 + 224.0 * dot(mean, BLUE)) << at;
            red |= byte(128.0 + 224.0 * dot(mean, RED)) << at;
        }
        let word = top * shape.luma_words + left / 4u + side;
        planes[word] = above;
        planes[word + shape.luma_words] = below;
    }
    let word = id.y * shape.chroma_words + id.x;
    planes[shape.blue + word] = blue;
    planes[shape.red + word] = red;
}

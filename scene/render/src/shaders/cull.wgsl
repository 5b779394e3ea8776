// Which objects are drawn, and in how much detail: what `cull.rs` does on the processor, one object per invocation. The
// draw commands are made here as well.

struct View {
    // Of the picture's borders, normals inwards
    planes: array<vec4<f32>, 5>,
    // xyz: eye; w: metres that one pixel covers at one metre
    eye: vec4<f32>,
    // How far surfaces may be off, in pixels; the smallest feature with edges, in pixels
    tolerance: vec4<f32>,
    // Section planes as in `Frame`
    cut: array<vec4<f32>, 3>,
    // The picture whose depth is known: its matrix, its size in pixels
    clip_from_world: mat4x4<f32>,
    size: vec4<f32>,
    // Its tiles from the finest level on: first, across, down
    levels: array<vec4<u32>, 16>,
    // FLAGS, number of objects, number of slots, number of levels
    numbers: vec4<u32>,
}

const BY_FRUSTUM: u32 = 1u;
const BY_SECTION: u32 = 2u;
const BY_SIZE: u32 = 4u;
const BY_LEVELS: u32 = 8u;
const BY_STAND_INS: u32 = 16u;
const BY_OCCLUSION: u32 = 32u;
const WITH_EDGES: u32 = 64u;
const IS_LATE: u32 = 128u;

struct Object {
    low: vec3<f32>,
    scale: f32,
    high: vec3<f32>,
    shape: u32,
    sphere: vec4<f32>,
    device: u32,
    flags: u32,
    reserved: vec2<u32>,
}

const IS_MIRRORED: u32 = 1u;
const IS_TRANSPARENT: u32 = 2u;
const IS_STAND_IN: u32 = 4u;
const IS_FIRST: u32 = 8u;

struct Device {
    low: vec3<f32>,
    stand_in: u32,
    high: vec3<f32>,
    // Objects; the highest bit: its stand-in replaces them all
    count: u32,
}

struct Shape {
    errors: array<f32, 16>,
    edge_slots: array<u32, 48>,
    // By kind of faces: the full shape, then its first coarser version
    full: array<u32, 5>,
    coarser: array<u32, 5>,
    level_count: u32,
    flags: u32,
    line_slot: u32,
    radius: f32,
    base_error: f32,
    reserved: u32,
}

const HAS_FACES: u32 = 1u;
const IS_SOLID: u32 = 2u;

const NONE: u32 = 0xffffffffu;
const MIN_RADIUS_PX: f32 = 0.6;
const MIN_EDGE_RADIUS_PX: f32 = 14.0;

// Reasons, and places of their counts
const SEEN: u32 = 0u;
const OUTSIDE: u32 = 1u;
const SMALL: u32 = 2u;
const CUT_AWAY: u32 = 3u;
const HIDDEN: u32 = 4u;
const STAND_INS: u32 = 5u;
const DRAWN: u32 = 6u;
const TRIANGLES: u32 = 7u;
const LINES: u32 = 8u;

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> objects: array<Object>;
@group(0) @binding(2) var<storage, read> devices: array<Device>;
@group(0) @binding(3) var<storage, read> shapes: array<Shape>;
@group(0) @binding(4) var<storage, read> farthest: array<f32>;
// Five words for each slot: indices, instances, first index, base vertex, first instance
@group(0) @binding(5) var<storage, read_write> commands: array<atomic<u32>>;
// Slots of an object for faces, edges and lines, each with the place among those of the slot
@group(0) @binding(6) var<storage, read_write> chosen: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> counts: array<atomic<u32>, 16>;

fn has(flag: u32) -> bool {
    return (view.numbers.x & flag) != 0u;
}

struct Sight {
    reason: u32,
    radius_px: f32,
    nearest: f32,
    is_cut: bool,
}

fn see(centre: vec3<f32>, radius: f32) -> Sight {
    var out = Sight(SEEN, 0.0, 0.0, false);
    if (has(BY_FRUSTUM)) {
        for (var i = 0; i < 5; i++) {
            if (dot(view.planes[i], vec4<f32>(centre, 1.0)) < -radius) {
                out.reason = OUTSIDE;
                return out;
            }
        }
    }
    out.nearest = length(centre - view.eye.xyz) - radius;
    out.radius_px = select(radius / (out.nearest * view.eye.w), 1e30, out.nearest <= 0.0);
    if (has(BY_SIZE) && out.radius_px < MIN_RADIUS_PX) {
        out.reason = SMALL;
        return out;
    }
    for (var i = 0; i < 3; i++) {
        let beyond = dot(view.cut[i].xyz, centre) - view.cut[i].w;
        if (has(BY_SECTION) && beyond > radius) {
            out.reason = CUT_AWAY;
            return out;
        }
        out.is_cut = out.is_cut || beyond > -radius;
    }
    return out;
}

fn is_box_cut_away(low: vec3<f32>, high: vec3<f32>) -> bool {
    let centre = (low + high) * 0.5;
    let half = (high - low) * 0.5;
    for (var i = 0; i < 3; i++) {
        let plane = view.cut[i];
        if (dot(plane.xyz, centre) - plane.w > dot(abs(plane.xyz), half)) {
            return true;
        }
    }
    return false;
}

fn is_hidden(low: vec3<f32>, high: vec3<f32>) -> bool {
    if (!has(BY_OCCLUSION) || any(low > high)) {
        return false;
    }
    var left_top = vec2<f32>(1e30);
    var right_bottom = vec2<f32>(-1e30);
    var nearest = 0.0;
    for (var i = 0u; i < 8u; i++) {
        let corner = select(low, high, vec3<bool>((i & 1u) != 0u, (i & 2u) != 0u, (i & 4u) != 0u));
        let clip = view.clip_from_world * vec4<f32>(corner, 1.0);
        if (clip.w <= clip.z) {
            return false;
        }
        let at = vec2<f32>(clip.x / clip.w * 0.5 + 0.5, 0.5 - clip.y / clip.w * 0.5) * view.size.xy;
        left_top = min(left_top, at);
        right_bottom = max(right_bottom, at);
        nearest = max(nearest, clip.z / clip.w);
    }
    left_top -= 1.0;
    right_bottom += 1.0;
    if (has(IS_LATE) && (any(left_top < vec2<f32>(0.0)) || any(right_bottom > view.size.xy))) {
        return false;
    }
    let start = vec2<i32>(clamp(left_top, vec2<f32>(0.0), view.size.xy - 1.0) / 8.0);
    let end = vec2<i32>(clamp(right_bottom, vec2<f32>(0.0), view.size.xy - 1.0) / 8.0);
    var level = 0u;
    while (level + 1u < view.numbers.w && any((end >> vec2<u32>(level)) - (start >> vec2<u32>(level)) > vec2<i32>(4))) {
        level++;
    }
    let tiles = view.levels[level];
    nearest *= 1.0002;
    let first = start >> vec2<u32>(level);
    let last = end >> vec2<u32>(level);
    for (var y = first.y; y <= last.y; y++) {
        for (var x = first.x; x <= last.x; x++) {
            if (!(farthest[tiles.x + u32(y) * tiles.y + u32(x)] > nearest)) {
                return false;
            }
        }
    }
    return true;
}

// `px` as a length at that distance; zero or less when the eye is within.
fn length_of(px: f32, nearest: f32) -> f32 {
    return select(min(px, 0.0), nearest * view.eye.w * px, nearest > 0.0);
}

fn choose(object: u32, place: u32, slot: u32) {
    if (slot != NONE) {
        chosen[object * 3u + place] = vec2<u32>(slot, atomicAdd(&commands[slot * 5u + 1u], 1u));
    }
}

fn choose_faces(index: u32, sight: Sight, error: f32) {
    let object = &objects[index];
    let shape = &shapes[(*object).shape];
    if (((*shape).flags & HAS_FACES) == 0u || ((*object).flags & IS_TRANSPARENT) != 0u) {
        return;
    }
    let allowed = error / (*object).scale;
    var coarser = NONE;
    for (var i = 0u; i < (*shape).level_count; i++) {
        if ((*shape).errors[i] <= allowed) {
            coarser = i;
        }
    }
    let is_solid = ((*shape).flags & IS_SOLID) != 0u;
    let is_mirrored = ((*object).flags & IS_MIRRORED) != 0u;
    var kind = select(0u, 1u, is_solid && !is_mirrored);
    if (sight.is_cut) {
        kind = select(2u, select(3u, 4u, is_mirrored), is_solid);
    }
    if (coarser == NONE) {
        choose(index, 0u, (*shape).full[kind]);
    } else {
        choose(index, 0u, (*shape).coarser[kind] + coarser);
    }
}

@compute @workgroup_size(64)
fn cs_choose(@builtin(global_invocation_id) id: vec3<u32>) {
    let index = id.x;
    if (index >= view.numbers.y) {
        return;
    }
    for (var i = 0u; i < 3u; i++) {
        chosen[index * 3u + i] = vec2<u32>(NONE, 0u);
    }
    let object = objects[index];
    let device = devices[object.device];
    let count = device.count & 0x7fffffffu;
    let centre = (device.low + device.high) * 0.5;
    var whole = see(centre, length(device.high - device.low) * 0.5);
    if (whole.reason == SEEN && has(BY_SECTION) && is_box_cut_away(device.low, device.high)) {
        whole.reason = CUT_AWAY;
    }
    if (whole.reason == SEEN && is_hidden(device.low, device.high)) {
        whole.reason = HIDDEN;
    }
    if (whole.reason != SEEN) {
        if ((object.flags & IS_FIRST) != 0u) {
            atomicAdd(&counts[whole.reason], count);
        }
        return;
    }
    let surface = length_of(view.tolerance.x, whole.nearest);
    var stands_in = false;
    if (device.stand_in != NONE && has(BY_STAND_INS) && !whole.is_cut) {
        let it = &objects[device.stand_in];
        stands_in = shapes[(*it).shape].base_error * (*it).scale <= surface;
    }
    if ((object.flags & IS_STAND_IN) != 0u) {
        if (stands_in) {
            atomicAdd(&counts[STAND_INS], 1u);
            atomicAdd(&counts[DRAWN], 1u);
            choose_faces(index, whole, surface);
        }
        return;
    }
    let has_edges = has(WITH_EDGES) && whole.radius_px >= MIN_EDGE_RADIUS_PX;
    if (stands_in && !has_edges && (device.count & 0x80000000u) != 0u) {
        return;
    }
    var sight = see(object.sphere.xyz, object.sphere.w);
    if (sight.reason == SEEN && count > 1u && is_hidden(object.low, object.high)) {
        sight.reason = HIDDEN;
    }
    if (sight.reason != SEEN) {
        atomicAdd(&counts[sight.reason], 1u);
        return;
    }
    if (!stands_in || (object.flags & IS_TRANSPARENT) != 0u) {
        atomicAdd(&counts[DRAWN], 1u);
        choose_faces(index, sight, select(-1.0, length_of(view.tolerance.x, sight.nearest), has(BY_LEVELS)));
    }
    let shape = &shapes[object.shape];
    if (has(WITH_EDGES) && sight.radius_px >= MIN_EDGE_RADIUS_PX) {
        let share = length_of(view.tolerance.y, sight.nearest) / ((*shape).radius * object.scale);
        let step = select(47u, u32(clamp(ceil(-log2(share) * 2.0), 0.0, 47.0)), share > 0.0);
        choose(index, 1u, (*shape).edge_slots[step]);
    }
    choose(index, 2u, (*shape).line_slot);
}

var<workgroup> sums: array<u32, 256>;

// Where the instances of each slot begin.
@compute @workgroup_size(256)
fn cs_place(@builtin(local_invocation_index) me: u32) {
    let each = (view.numbers.z + 255u) / 256u;
    let start = min(me * each, view.numbers.z);
    let end = min(start + each, view.numbers.z);
    var sum = 0u;
    for (var slot = start; slot < end; slot++) {
        sum += atomicLoad(&commands[slot * 5u + 1u]);
    }
    sums[me] = sum;
    workgroupBarrier();
    var first = 0u;
    for (var i = 0u; i < me; i++) {
        first += sums[i];
    }
    // Slots of faces come first; `size.z` says how many they are.
    let faces = bitcast<u32>(view.size.z);
    var triangles = 0u;
    var lines = 0u;
    for (var slot = start; slot < end; slot++) {
        let instances = atomicLoad(&commands[slot * 5u + 1u]);
        atomicStore(&commands[slot * 5u + 4u], first);
        first += instances;
        let indices = atomicLoad(&commands[slot * 5u]) * instances;
        if (slot < faces) {
            triangles += indices / 3u;
        } else {
            lines += indices / 6u;
        }
    }
    atomicAdd(&counts[TRIANGLES], triangles);
    atomicAdd(&counts[LINES], lines);
}

// Four rows for each instance
@group(1) @binding(0) var<storage, read> placed: array<array<vec4<u32>, 4>>;
@group(1) @binding(1) var<storage, read_write> instances: array<array<vec4<u32>, 4>>;

// Puts instances that are drawn alike beside each other.
@compute @workgroup_size(64)
fn cs_scatter(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= view.numbers.y) {
        return;
    }
    for (var i = 0u; i < 3u; i++) {
        let to = chosen[id.x * 3u + i];
        if (to.x != NONE) {
            instances[atomicLoad(&commands[to.x * 5u + 4u]) + to.y] = placed[id.x];
        }
    }
}

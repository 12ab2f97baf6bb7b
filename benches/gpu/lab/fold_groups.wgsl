// fold_groups: the sum of u16 by wide loads, four in flight a lane, then over the workgroup; two words of a 64-bit sum a
// workgroup.
//
//     a group: 32 KiB in a row of vectors |lane 0 .. 255| x 8, or what is left; a lane adds at most 64 pixels: no carry
//     the sum of 256 lanes < 2^30: one word holds it, so that halves need no carry either
//
// Two kernels differ in how lanes are joined: `tree` by halves in workgroup memory (8 steps with a barrier each), `subgroup` by
// the hardware's sum over a subgroup, one slot a subgroup, added by the first lane. Integers: any order gives the same sum. 2
// bytes a pixel, 1/8 load instruction, 2 operations. What lies right of a row's end is masked: a vector is 8 pixels, a row's
// pitch a multiple of 8, and where rows end within a vector its place in its row says how many count. `extra`: vectors of the
// array, vectors of a row, groups, groups in a row of groups.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;

const VECTORS = 2048u; // of a group: 8 a lane

// Bits of the pixels of a word that lie left of the end; `room` pixels do.
fn mask_of(room: i32) -> u32 {
    return select(select(0u, 0xffffu, room == 1), 0xffffffffu, room > 1);
}

// Of a vector whose first pixel is the `x`-th of its row.
fn counted(words: vec4<u32>, x: u32) -> u32 {
    let room = i32(p.size.x) - i32(x);
    var four = words;
    if (room < 8) {
        four &= vec4<u32>(mask_of(room), mask_of(room - 2), mask_of(room - 4), mask_of(room - 6));
    }
    let both = (four & vec4<u32>(0xffffu)) + (four >> vec4<u32>(16u));
    return both.x + both.y + both.z + both.w;
}

fn of_lane(first: u32, own: u32) -> u32 {
    var sum = 0u;
    for (var k = 0u; k < VECTORS; k += 1024u) {
        let at = first + k + own;
        let last = p.extra.x - 1u;
        let a = data[min(at, last)];
        let b = data[min(at + 256u, last)];
        let c = data[min(at + 512u, last)];
        let d = data[min(at + 768u, last)];
        sum += one(a, at) + one(b, at + 256u) + one(c, at + 512u) + one(d, at + 768u);
    }
    return sum;
}

fn one(words: vec4<u32>, at: u32) -> u32 {
    // A branch that all take the same way: rows of whole vectors need no division.
    var x = 0u;
    if ((p.size.x & 7u) != 0u) {
        x = 8u * (at % p.extra.y);
    }
    return select(0u, counted(words, x), at < p.extra.x);
}

// kernel tree

var<workgroup> sums: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) own: u32) {
    let number = group.y * p.extra.w + group.x;
    sums[own] = of_lane(number * VECTORS, own);
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (own < half) {
            sums[own] += sums[own + half];
        }
        workgroupBarrier();
    }
    if (own == 0u && number < p.extra.z) {
        result[2u * number] = sums[0];
        result[2u * number + 1u] = 0u;
    }
}

// kernel subgroup

// As many as there can be subgroups: the smallest has four lanes.
var<workgroup> sums: array<u32, 64>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) own: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let number = group.y * p.extra.w + group.x;
    let sum = subgroupAdd(of_lane(number * VECTORS, own));
    if (lane == 0u) {
        sums[subgroup] = sum;
    }
    workgroupBarrier();
    if (own == 0u && number < p.extra.z) {
        var all = 0u;
        for (var k = 0u; k < subgroups; k++) {
            all += sums[k];
        }
        result[2u * number] = all;
        result[2u * number + 1u] = 0u;
    }
}

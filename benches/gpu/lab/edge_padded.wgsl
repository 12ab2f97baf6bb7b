// edge_padded: v[x-2] + 4 v[x-1] + 6 v[x] + 4 v[x+1] + v[x+2] with reflected edges, by a padded copy: what the product does
// today.
//
// Where each index of the padded array lies is a table; a quad gathers its four elements by four table entries. The window
// kernels then read the copy and know no edge (`taps_today` or `taps_unpacked`). 4 more bytes a pixel, 8 more 32-bit loads a
// quad, and a dispatch. `reads[1]`: where the tables of x, y and the outer axes start.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

const NOWHERE = 0xffffffffu;

fn one_0(e: u32) -> u32 {
    return (data_0[e >> 1u] >> ((e & 1u) * 16u)) & 0xffffu;
}

fn store(e: u32, bits: vec4<u32>) {
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let starts = p.reads[1];
    let outside_y = starts.outer + outer;
    let places = vec4<u32>(table[outside_y.x], table[outside_y.y], table[outside_y.z], table[outside_y.w]);
    let row = table[starts.y + y];
    let outside = row == NOWHERE || any(places == vec4<u32>(NOWHERE));
    let base = p.reads[0].base + row + places.x + places.y + places.z + places.w;
    let first = starts.x + x;
    let columns = vec4<u32>(table[first], table[first + 1u], table[first + 2u], table[first + 3u]);
    let gone = (columns == vec4<u32>(NOWHERE)) | vec4<bool>(outside);
    let at = select(base + columns, vec4<u32>(0u), gone);
    let found = vec4<u32>(one_0(at.x), one_0(at.y), one_0(at.z), one_0(at.w));
    store(row_of(p.goal, y, outer) + x, select(found, vec4<u32>(p.extra.w), gone));
}

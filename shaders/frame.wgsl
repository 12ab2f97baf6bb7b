// The frame of every kernel: parameters, places of rows. It does not know what is computed.
// A quad is four neighbours along x; rows are padded to whole quads, so no row shares a word with another.

struct Place {
    base: u32,
    x: u32,
    y: u32,
    log_columns: u32, // of the result alone: quads of a row in a workgroup
    outer: vec4<u32>,
}

struct Params {
    grid: vec4<u32>, // quads of a row, rows, planes, zero
    outer: vec4<u32>, // extents of the axes outside y, from the inside
    goal: Place,
    reads: array<Place, 6>,
    extra: vec4<u32>,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> table: array<u32>;

fn row_of(place: Place, y: u32, outer: vec4<u32>) -> u32 {
    let steps = place.outer * outer;
    return place.base + place.y * y + steps.x + steps.y + steps.z + steps.w;
}

fn outer_of(plane: u32) -> vec4<u32> {
    let a = plane / p.outer.x;
    let b = a / p.outer.y;
    let c = b / p.outer.z;
    return vec4<u32>(plane - a * p.outer.x, a - b * p.outer.y, b - c * p.outer.z, c);
}

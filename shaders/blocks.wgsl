// The blocks of a reduction, whichever it is: `reads` are the places of blocks, the place and steps of elements, the extents
// of a whole block, the extents of what is reduced; `extra.x` words lie between two words of a result.

struct Rows {
    y: u32,
    outer: vec4<u32>,
}

// How many rows a block has along each axis: fewer at the far end.
fn rows_of_block(y: u32, outer: vec4<u32>) -> Rows {
    let whole = p.reads[2];
    let all = p.reads[3];
    return Rows(min(whole.y, all.y - y * whole.y), min(whole.outer, all.outer - outer * whole.outer));
}

fn steps_to(y: u32, outer: vec4<u32>) -> u32 {
    let steps = p.reads[1].outer * outer;
    return p.reads[1].y * y + steps.x + steps.y + steps.z + steps.w;
}

// The number of a row's first element within its block, C order of a whole block.
fn number_of(y: u32, outer: vec4<u32>) -> u32 {
    let whole = p.reads[2];
    let rows = ((outer.w * whole.outer.z + outer.z) * whole.outer.y + outer.y) * whole.outer.x + outer.x;
    return (rows * whole.y + y) * whole.x;
}

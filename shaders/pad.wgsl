// Other places of a value: what lies outside the array folded back in, or a view. Where each index of each axis lies is a
// table made by the planner; the greatest word stands for the constant outside. `reads[1]` says where the tables of
// x, y and the outer axes start, `extra.w` is the constant's bits.

const NOWHERE = 0xffffffffu;

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let starts = p.reads[1];
    let places = vec4<u32>(table[starts.outer.x + outer.x], table[starts.outer.y + outer.y], table[starts.outer.z + outer.z], table[starts.outer.w + outer.w]);
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

// The element of a rank in a small box, by a comparator network that is written beside this. `extra`: unused, unused,
// where the offsets of the box's elements start.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    store(row_of(p.goal, y, outer) + x, value(middle(first)));
}

fn at(first: u32, element: u32) -> Lane {
    return key(load_0(first + table[p.extra.z + element]));
}

// The element of a rank in a box of any size: its key is found bit by bit, by counting how many lie below. `extra`: the
// box's elements, unused, where their offsets start, the rank.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var found = vec4<u32>(0u);
    for (var bit = BITS; bit > 0u; bit--) {
        let step = 1u << (bit - 1u);
        let most = found | vec4<u32>(step - 1u);
        var below = vec4<u32>(0u);
        for (var k = 0u; k < p.extra.x; k++) {
            below += select(vec4<u32>(0u), vec4<u32>(1u), place_in_order(first + table[p.extra.z + k]) <= most);
        }
        found = select(found, found | vec4<u32>(step), below <= vec4<u32>(p.extra.w));
    }
    store(row_of(p.goal, y, outer) + x, value(from_order(found)));
}

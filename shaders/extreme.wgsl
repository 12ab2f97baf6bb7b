// The least or greatest of a window along one axis, decided on ordered keys. `extra`: the window's length, elements from
// one to the next.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var best = key(load_0(first));
    for (var k = 1u; k < p.extra.x; k++) {
        best = better(best, key(load_0(first + k * p.extra.y)));
    }
    store(row_of(p.goal, y, outer) + x, value(best));
}

// The least or greatest of a window along x, decided on ordered keys. A quad of keys slides by one element at a time.
// `extra`: the window's length.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var window = key(load_0(first));
    var best = window;
    for (var k = 1u; k < p.extra.x; k++) {
        window = Lane(window.yzw, key(Lane(value_0(first + k + 3u))).x);
        best = better(best, window);
    }
    store(row_of(p.goal, y, outer) + x, value(best));
}

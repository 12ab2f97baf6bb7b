// The least or greatest of a window along another axis, here y, decided on ordered keys. Some rows of results at a time:
// what their windows share is compared once, what comes before and after runs along; that part is written beside this.
// `extra`: the window's length, rows of results.

fn key_at(first: u32, row: u32) -> Lane {
    return key(load_0(first + row * p.reads[0].y));
}

// The extreme of the rows from `start` to the end of the first window.
fn shared_part(first: u32, start: u32) -> Lane {
    var best = key_at(first, start);
    for (var k = start + 1u; k < p.extra.x; k++) {
        best = better(best, key_at(first, k));
    }
    return best;
}

// A weighted sum along another axis, here y: four rows of results at a time, in the order of the CPU for each of them. The
// rows that they read slide by one a tap. `extra`: taps, rows of results, where the weights start.

fn quad(x: u32, four: u32, outer: vec4<u32>) {
    let y = 4u * four;
    let first = row_of(p.reads[0], y, outer) + x;
    let step = p.reads[0].y;
    let last = p.extra.x - 1u;
    let rows = min(p.extra.y - y, 4u);
    let bottom = rows + last - 1u; // no row after this one is there
    let head = select(last, p.extra.x / 2u, PAIRED);
    var a = load_0(first);
    var b = load_0(first + min(1u, bottom) * step);
    var c = load_0(first + min(2u, bottom) * step);
    var d = load_0(first + min(3u, bottom) * step);
    var e = load_0(first + last * step);
    var f = load_0(first + min(last + 1u, bottom) * step);
    var g = load_0(first + min(last + 2u, bottom) * step);
    var h = load_0(first + min(last + 3u, bottom) * step);
    let centre = weight(head);
    var sum_0 = load_0(first + head * step) * centre;
    var sum_1 = load_0(first + min(head + 1u, bottom) * step) * centre;
    var sum_2 = load_0(first + min(head + 2u, bottom) * step) * centre;
    var sum_3 = load_0(first + min(head + 3u, bottom) * step) * centre;
    for (var k = 0u; k < head; k++) {
        let w = weight(k);
        if (PAIRED) {
            sum_0 += pair(a, e) * w;
            sum_1 += pair(b, f) * w;
            sum_2 += pair(c, g) * w;
            sum_3 += pair(d, h) * w;
            h = g;
            g = f;
            f = e;
            e = load_0(first + (last - 1u - k) * step);
        } else {
            sum_0 += a * w;
            sum_1 += b * w;
            sum_2 += c * w;
            sum_3 += d * w;
        }
        a = b;
        b = c;
        c = d;
        d = load_0(first + min(k + 4u, bottom) * step);
    }
    let goal = row_of(p.goal, y, outer) + x;
    store(goal, sum_0);
    if (rows > 1u) {
        store(goal + p.goal.y, sum_1);
    }
    if (rows > 2u) {
        store(goal + 2u * p.goal.y, sum_2);
    }
    if (rows > 3u) {
        store(goal + 3u * p.goal.y, sum_3);
    }
}

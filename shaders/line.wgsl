// A weighted sum along one axis, in the order of the CPU: the centre and then pairs from the outside to the inside, or
// the last tap and then all others. `extra`: taps, elements from one to the next, where the weights start.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    let taps = p.extra.x;
    let step = p.extra.y;
    let head = select(taps - 1u, taps / 2u, PAIRED);
    var sum = load_0(first + head * step) * weight(head);
    for (var k = 0u; k < head; k++) {
        let left = load_0(first + k * step);
        if (PAIRED) {
            sum += pair(left, load_0(first + (taps - 1u - k) * step)) * weight(k);
        } else {
            sum += left * weight(k);
        }
    }
    store(row_of(p.goal, y, outer) + x, sum);
}

// A weighted sum along x, in the order of the CPU: the centre and then pairs from the outside to the inside, or the last tap
// and then all others. A quad slides by one element a tap. `extra`: taps, unused, where the weights start.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    let last = p.extra.x - 1u;
    let head = select(last, p.extra.x / 2u, PAIRED);
    var left = load_0(first);
    var right = load_0(first + last);
    var sum = load_0(first + head) * weight(head);
    for (var k = 0u; k < head; k++) {
        if (PAIRED) {
            sum += pair(left, right) * weight(k);
            right = Lane(value_0(first + last - 1u - k), right.xyz);
        } else {
            sum += left * weight(k);
        }
        left = Lane(left.yzw, value_0(first + k + 4u));
    }
    store(row_of(p.goal, y, outer) + x, sum);
}

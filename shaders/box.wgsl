// A weighted sum over a box, element after element in the order of the CPU. `extra`: elements, where their offsets start,
// where the weights start.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let first = row_of(p.reads[0], y, outer) + x;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < p.extra.x; k++) {
        sum += load_0(first + table[p.extra.y + k]) * bitcast<f32>(table[p.extra.z + k]);
    }
    store(row_of(p.goal, y, outer) + x, sum);
}

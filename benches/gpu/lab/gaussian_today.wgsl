// gaussian_today: a gaussian of u16 over both axes as the product makes it today, six dispatches through f32 intermediates.
//
//     cast      u16 -> f32                                     6 bytes a pixel
//     pad       rows reflected above and below, by tables      8
//     columns   y: centre, then pairs from the outside in      8     four rows of results a lane, 4 pixels wide
//     pad       pixels reflected left and right                8
//     line      x: the same order                              8     a quad a lane, sliding by one element a tap
//     rounded   f32 -> u16, to even, saturated                 6
//
// 44 bytes a pixel; an axis takes 17 additions and multiplications a pixel, 20 (y) and 24 (x) scalar loads for 4 pixels.
// `extra` of columns: taps, rows of results, where the weights start; of line: taps, unused, where the weights start.

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

// kernel cast

fn load_0(e: u32) -> vec4<i32> {
    let at = e >> 1u;
    var a = data_0[at];
    var b = data_0[at + 1u];
    if ((e & 1u) == 1u) {
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_0[at + 2u] << 16u);
    }
    return vec4<i32>(vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u));
}

fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    store(row_of(p.goal, y, outer) + x, vec4<f32>(load_0(row_of(p.reads[0], y, outer) + x)));
}

// kernel pad

fn one_0(e: u32) -> u32 {
    return data_0[e];
}

fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}

const NOWHERE = 0xffffffffu;

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let starts = p.reads[1];
    let outside_y = starts.outer + outer;
    let places = vec4<u32>(table[outside_y.x], table[outside_y.y], table[outside_y.z], table[outside_y.w]);
    let row = table[starts.y + y];
    let outside = row == NOWHERE || any(places == vec4<u32>(NOWHERE));
    let base = p.reads[0].base + row + places.x + places.y + places.z + places.w;
    let first = starts.x + x;
    let columns = vec4<u32>(table[first], table[first + 1u], table[first + 2u], table[first + 3u]);
    let gone = (columns == vec4<u32>(NOWHERE)) | vec4<bool>(outside);
    let at = select(base + columns, vec4<u32>(0u), gone);
    let found = vec4<u32>(one_0(at.x), one_0(at.y), one_0(at.z), one_0(at.w));
    store(row_of(p.goal, y, outer) + x, bitcast<vec4<f32>>(select(found, vec4<u32>(p.extra.w), gone)));
}

// kernel columns

fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}

fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}

alias Lane = vec4<f32>;

const PAIRED = true;

fn weight(k: u32) -> Lane {
    return Lane(bitcast<f32>(table[p.extra.z + k]));
}

fn pair(left: Lane, right: Lane) -> Lane {
    return left + right;
}

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

// kernel line

fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}

fn value_0(e: u32) -> f32 {
    return bitcast<f32>(data_0[e]);
}

fn store(e: u32, v: vec4<f32>) {
    let bits = bitcast<vec4<u32>>(v);
    result[e] = bits.x;
    result[e + 1u] = bits.y;
    result[e + 2u] = bits.z;
    result[e + 3u] = bits.w;
}

alias Lane = vec4<f32>;

const PAIRED = true;

fn weight(k: u32) -> Lane {
    return Lane(bitcast<f32>(table[p.extra.z + k]));
}

fn pair(left: Lane, right: Lane) -> Lane {
    return left + right;
}

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

// kernel rounded

const LEAST = vec4<i32>(-2147483647 - 1);
const MOST = vec4<i32>(2147483647);

fn load_0(e: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(data_0[e], data_0[e + 1u], data_0[e + 2u], data_0[e + 3u]));
}

fn store(e: u32, bits: vec4<u32>) {
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}

fn is_nan(a: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(a) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

fn i32_of_f32(a: vec4<f32>) -> vec4<i32> {
    let whole = round(a);
    let high = whole >= vec4<f32>(2147483648.0);
    let low = whole <= vec4<f32>(-2147483648.0);
    let none = is_nan(a);
    let safe = vec4<i32>(select(whole, vec4<f32>(0.0), high | low | none));
    return select(select(select(safe, LEAST, low), MOST, high), vec4<i32>(0), none);
}

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let rounded = clamp(i32_of_f32(load_0(row_of(p.reads[0], y, outer) + x)), vec4<i32>(0), vec4<i32>(65535));
    store(row_of(p.goal, y, outer) + x, bitcast<vec4<u32>>(rounded));
}

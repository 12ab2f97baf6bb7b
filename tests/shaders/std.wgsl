// std of u16

// kernel 1 of 1

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;

// lanes.wgsl

// blocks.wgsl

const WORDS = 4u;
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
alias Lane = vec4<i32>;
const SQUARES = true;
fn bits(v: Lane) -> vec4<u32> {
    return bitcast<vec4<u32>>(v);
}
fn sign(v: Lane) -> vec4<u32> {
    return bitcast<vec4<u32>>(v >> vec4<u32>(31u));
}
// whole.wgsl

// rows.wgsl

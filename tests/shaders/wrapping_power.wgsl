// wrapping_power of u16

// kernel 1 of 1

// frame.wgsl

@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> data_0: array<u32>;
@group(0) @binding(4) var<storage, read> data_1: array<u32>;

// lanes.wgsl

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
fn load_1(e: u32) -> vec4<i32> {
    let at = e >> 1u;
    var a = data_1[at];
    var b = data_1[at + 1u];
    if ((e & 1u) == 1u) {
        a = (a >> 16u) | (b << 16u);
        b = (b >> 16u) | (data_1[at + 2u] << 16u);
    }
    return vec4<i32>(vec4<u32>(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u));
}
fn store(e: u32, v: vec4<i32>) {
    let bits = bitcast<vec4<u32>>(clamp(v, vec4<i32>(0), vec4<i32>(65535)));
    let s = (bits & vec4<u32>(0xffffu)) << vec4<u32>(0u, 16u, 0u, 16u);
    result[e >> 1u] = s.x | s.y;
    result[(e >> 1u) + 1u] = s.z | s.w;
}
fn formula(x: u32, y: u32, outer: vec4<u32>) -> vec4<i32> {
    let at_0 = row_of(p.reads[0], y, outer) + x;
    let at_1 = row_of(p.reads[1], y, outer) + x;
    let s0 = load_0(at_0);
    let s1 = load_1(at_1);
    let s2 = s0;
    let s3 = s1;
    let s4 = (s3 & bitcast<vec4<i32>>(vec4<u32>(1u)));
    let s5 = truth(s4 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s6 = (bitcast<vec4<i32>>(vec4<u32>(1u)) * s2);
    let s7 = select(bitcast<vec4<i32>>(vec4<u32>(1u)), s6, s5 != vec4<u32>(0u));
    let s8 = (s2 * s2);
    let s9 = (s3 & bitcast<vec4<i32>>(vec4<u32>(2u)));
    let s10 = truth(s9 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s11 = (s7 * s8);
    let s12 = select(s7, s11, s10 != vec4<u32>(0u));
    let s13 = (s8 * s8);
    let s14 = (s3 & bitcast<vec4<i32>>(vec4<u32>(4u)));
    let s15 = truth(s14 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s16 = (s12 * s13);
    let s17 = select(s12, s16, s15 != vec4<u32>(0u));
    let s18 = (s13 * s13);
    let s19 = (s3 & bitcast<vec4<i32>>(vec4<u32>(8u)));
    let s20 = truth(s19 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s21 = (s17 * s18);
    let s22 = select(s17, s21, s20 != vec4<u32>(0u));
    let s23 = (s18 * s18);
    let s24 = (s3 & bitcast<vec4<i32>>(vec4<u32>(16u)));
    let s25 = truth(s24 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s26 = (s22 * s23);
    let s27 = select(s22, s26, s25 != vec4<u32>(0u));
    let s28 = (s23 * s23);
    let s29 = (s3 & bitcast<vec4<i32>>(vec4<u32>(32u)));
    let s30 = truth(s29 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s31 = (s27 * s28);
    let s32 = select(s27, s31, s30 != vec4<u32>(0u));
    let s33 = (s28 * s28);
    let s34 = (s3 & bitcast<vec4<i32>>(vec4<u32>(64u)));
    let s35 = truth(s34 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s36 = (s32 * s33);
    let s37 = select(s32, s36, s35 != vec4<u32>(0u));
    let s38 = (s33 * s33);
    let s39 = (s3 & bitcast<vec4<i32>>(vec4<u32>(128u)));
    let s40 = truth(s39 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s41 = (s37 * s38);
    let s42 = select(s37, s41, s40 != vec4<u32>(0u));
    let s43 = (s38 * s38);
    let s44 = (s3 & bitcast<vec4<i32>>(vec4<u32>(256u)));
    let s45 = truth(s44 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s46 = (s42 * s43);
    let s47 = select(s42, s46, s45 != vec4<u32>(0u));
    let s48 = (s43 * s43);
    let s49 = (s3 & bitcast<vec4<i32>>(vec4<u32>(512u)));
    let s50 = truth(s49 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s51 = (s47 * s48);
    let s52 = select(s47, s51, s50 != vec4<u32>(0u));
    let s53 = (s48 * s48);
    let s54 = (s3 & bitcast<vec4<i32>>(vec4<u32>(1024u)));
    let s55 = truth(s54 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s56 = (s52 * s53);
    let s57 = select(s52, s56, s55 != vec4<u32>(0u));
    let s58 = (s53 * s53);
    let s59 = (s3 & bitcast<vec4<i32>>(vec4<u32>(2048u)));
    let s60 = truth(s59 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s61 = (s57 * s58);
    let s62 = select(s57, s61, s60 != vec4<u32>(0u));
    let s63 = (s58 * s58);
    let s64 = (s3 & bitcast<vec4<i32>>(vec4<u32>(4096u)));
    let s65 = truth(s64 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s66 = (s62 * s63);
    let s67 = select(s62, s66, s65 != vec4<u32>(0u));
    let s68 = (s63 * s63);
    let s69 = (s3 & bitcast<vec4<i32>>(vec4<u32>(8192u)));
    let s70 = truth(s69 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s71 = (s67 * s68);
    let s72 = select(s67, s71, s70 != vec4<u32>(0u));
    let s73 = (s68 * s68);
    let s74 = (s3 & bitcast<vec4<i32>>(vec4<u32>(16384u)));
    let s75 = truth(s74 != bitcast<vec4<i32>>(vec4<u32>(0u)));
    let s76 = (s72 * s73);
    let s77 = select(s72, s76, s75 != vec4<u32>(0u));
    let s78 = (s77 & bitcast<vec4<i32>>(vec4<u32>(65535u)));
    let s79 = clamp(s78, vec4<i32>(0), vec4<i32>(65535));
    return s79;
}
// map.wgsl

// walk.wgsl

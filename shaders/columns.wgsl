// A reduction that keeps x: each quad of results takes the rows of its block one after another, in C order.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    let rows = rows_of_block(y, outer);
    let first = row_of(p.reads[0], y, outer) + x;
    var made = start();
    for (var d = 0u; d < rows.outer.w; d++) {
        for (var c = 0u; c < rows.outer.z; c++) {
            for (var b = 0u; b < rows.outer.y; b++) {
                for (var a = 0u; a < rows.outer.x; a++) {
                    let place = vec4<u32>(a, b, c, d);
                    for (var r = 0u; r < rows.y; r++) {
                        made = take(made, load_0(first + steps_to(r, place)), vec4<bool>(true), vec4<u32>(number_of(r, place)));
                    }
                }
            }
        }
    }
    let goal = row_of(p.goal, y, outer) + x;
    for (var k = 0u; k < WORDS; k++) {
        let words = word(made, k);
        let at = goal + k * p.extra.x;
        result[at] = words.x;
        result[at + 1u] = words.y;
        result[at + 2u] = words.z;
        result[at + 3u] = words.w;
    }
}

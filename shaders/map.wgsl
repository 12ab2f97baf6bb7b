// One output element from input elements: the formula is written beside this.

fn quad(x: u32, y: u32, outer: vec4<u32>) {
    store(row_of(p.goal, y, outer) + x, formula(x, y, outer));
}

//! The command line's entry. It knows nothing but where the command line lives.
fn main() {}

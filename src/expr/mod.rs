//! The formula language: what one output element is, in terms of input elements around it.
//! It does not know who evaluates a formula; infer, reach, tape and words are its interpretations.
//!
//! A formula is an arena of interned nodes, children before parents, so every pass over it is one loop and a shared
//! subformula is one node. While [`Formula::build`] runs, [`Expr`] is an index into the arena under construction on
//! this thread, which is what lets `x * y + 1.0` be written with plain operators on `Copy` values.

mod bounds;
mod fused;
mod infer;
mod narrow;
mod tape;
mod told;
mod words;

pub use bounds::{Known, Rounding};
pub use fused::{Part, Whence};
pub use infer::Halo;
pub use tape::{Operand, Step, StepOp, Tape};

use crate::dtype::{Dtype, Number, get, put};
use crate::error::{Error, Result};
use crate::grid::MAX_RANK;
use std::cell::RefCell;
use std::collections::HashMap;

/// How far from its own place an element is read, per axis, counted from the last axis backwards is not needed:
/// axes are the output's axes in order.
pub type Offset = [i32; MAX_RANK];

/// Functions of one number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Un {
    Neg,
    Abs,
    Sqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Floor,
    Ceil,
    Rint,
    Not,
    IsNan,
}

impl Un {
    /// Whether floats give the same bits on every device: signs, whole numbers and roots are made of bits.
    #[must_use]
    pub fn is_exact_of_floats(self) -> bool {
        !matches!(self, Un::Exp | Un::Log | Un::Sin | Un::Cos)
    }
}

/// Functions of two numbers. Integers saturate, but for `Wrap…`, which keep the low bits of a lane; `FloorDiv` and `Rem` are
/// NumPy's, 0 where an integer divides by 0. `Shl` and `Shr` by a number of bits that the lane has not leave no bit but the sign's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Bin {
    Add,
    Sub,
    Mul,
    WrapAdd,
    WrapSub,
    WrapMul,
    Div,
    FloorDiv,
    Rem,
    Pow,
    Min,
    Max,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Bin {
    /// Whether the result is a bool.
    #[must_use]
    pub fn compares(self) -> bool {
        matches!(self, Bin::Eq | Bin::Ne | Bin::Lt | Bin::Le | Bin::Gt | Bin::Ge)
    }

    /// Whether floats give the same bits on every device: order, quotients and remainders are made of bits. A device adds and
    /// multiplies by itself, and may flush denormals.
    #[must_use]
    pub fn is_exact_of_floats(self) -> bool {
        self.compares() || matches!(self, Bin::Min | Bin::Max | Bin::Div | Bin::FloorDiv | Bin::Rem)
    }
}

/// One node; the `u32`s are earlier nodes of the same arena.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// A constant: the element's bytes in its dtype, zero-extended.
    Const(u64),
    /// Input `input`, `at` elements away.
    Read {
        /// Which input.
        input: u8,
        /// How far away, per axis of the output.
        at: Offset,
    },
    /// A function of one number.
    Un(Un, u32),
    /// A function of two numbers of one dtype.
    Bin(Bin, u32, u32),
    /// `if bool { a } else { b }`.
    Select(u32, u32, u32),
    /// The same number in this node's dtype: rounded to even, saturated, NaN to 0 for integers.
    Cast(u32),
}

/// A node being built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expr(u32);

/// A finished formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    nodes: Vec<Node>,
    dtypes: Vec<Dtype>,
    root: u32,
    inputs: usize,
}

#[derive(Default)]
struct Arena {
    nodes: Vec<Node>,
    dtypes: Vec<Dtype>,
    seen: HashMap<(Node, Dtype), u32>,
    error: Option<Error>,
}

thread_local! {
    static ARENAS: RefCell<Vec<Arena>> = const { RefCell::new(Vec::new()) };
}

impl Arena {
    fn put(&mut self, node: Node, dtype: Dtype) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let Arena { nodes, dtypes, seen, .. } = self;
        *seen.entry((node, dtype)).or_insert_with(|| {
            nodes.push(node);
            dtypes.push(dtype);
            next
        })
    }

    /// The subformula at `root` with every read moved. Only what it is made of is looked at: structures of a thousand places shift
    /// a thousand reads.
    fn shift(&mut self, root: u32, axis: usize, by: i32) -> u32 {
        let mut needed = std::collections::BTreeSet::from([root]);
        let mut waiting = vec![root];
        while let Some(k) = waiting.pop() {
            each_child(&self.nodes[k as usize], |child| waiting.extend(needed.insert(child).then_some(child)));
        }
        let mut at: HashMap<u32, u32> = HashMap::with_capacity(needed.len());
        for k in needed {
            let node = match self.nodes[k as usize] {
                Node::Read { input, mut at } => {
                    at[axis] += by;
                    Node::Read { input, at }
                }
                other => map_children(other, |child| at.get(&child).copied().unwrap_or(child)),
            };
            let placed = self.put(node, self.dtypes[k as usize]);
            at.insert(k, placed);
        }
        at.get(&root).copied().unwrap_or(root)
    }

    fn refuse(&mut self, what: String) {
        self.error.get_or_insert_with(|| Error::bug(what));
    }
}

fn with_arena<R: Default>(f: impl FnOnce(&mut Arena) -> R) -> R {
    ARENAS.with(|arenas| arenas.borrow_mut().last_mut().map(f).unwrap_or_default())
}

fn push(node: Node, dtype: Dtype) -> Expr {
    Expr(with_arena(|arena| arena.put(node, dtype)))
}

/// The bytes of a number as an element of `dtype`, zero-extended to 64 bits.
fn const_bits(number: Number, dtype: Dtype) -> u64 {
    let mut bytes = [0; 8];
    put(number, dtype, &mut bytes[..dtype.size()]);
    u64::from_ne_bytes(bytes)
}

/// The number that [`const_bits`] keeps.
fn const_number(bits: u64, dtype: Dtype) -> Number {
    get(dtype, &bits.to_ne_bytes())
}

impl Formula {
    /// Builds a formula of inputs of the given dtypes.
    ///
    /// # Errors
    /// Operands of different dtypes: a fault of the op that wrote the formula.
    pub fn build(inputs: &[Dtype], body: impl FnOnce(&[Expr]) -> Result<Expr>) -> Result<Formula> {
        ARENAS.with(|arenas| arenas.borrow_mut().push(Arena::default()));
        let reads: Vec<Expr> = inputs
            .iter()
            .enumerate()
            .map(|(k, dtype)| push(Node::Read { input: u8::try_from(k).unwrap_or(u8::MAX), at: [0; MAX_RANK] }, *dtype))
            .collect();
        let root = body(&reads);
        let arena = ARENAS.with(|arenas| arenas.borrow_mut().pop()).unwrap_or_default();
        let root = root?.0;
        match arena.error {
            Some(error) => Err(error),
            None => Ok(Formula { nodes: arena.nodes, dtypes: arena.dtypes, root, inputs: inputs.len() }.pruned()),
        }
    }

    /// The nodes, children before parents, with their dtypes.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&Node, Dtype)> {
        self.nodes.iter().zip(self.dtypes.iter().copied())
    }

    /// The index of the result among the nodes.
    #[must_use]
    pub fn root(&self) -> usize {
        self.root as usize
    }

    /// How many inputs may be read.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Drops what the result does not need.
    fn pruned(self) -> Formula {
        let mut needed = vec![false; self.nodes.len()];
        if let Some(root) = needed.get_mut(self.root as usize) {
            *root = true;
        }
        for k in (0..self.nodes.len()).rev() {
            if needed[k] {
                each_child(&self.nodes[k], |c| needed[c as usize] = true);
            }
        }
        let mut place = vec![0; self.nodes.len()];
        let mut arena = Arena::default();
        for k in (0..self.nodes.len()).filter(|k| needed[*k]) {
            place[k] = arena.put(map_children(self.nodes[k], |c| place[c as usize]), self.dtypes[k]);
        }
        let root = place.get(self.root as usize).copied().unwrap_or(0);
        Formula { nodes: arena.nodes, dtypes: arena.dtypes, root, inputs: self.inputs }
    }
}

fn each_child(node: &Node, mut f: impl FnMut(u32)) {
    match node {
        Node::Const(_) | Node::Read { .. } => {}
        Node::Un(_, a) | Node::Cast(a) => f(*a),
        Node::Bin(_, a, b) => {
            f(*a);
            f(*b);
        }
        Node::Select(c, a, b) => {
            f(*c);
            f(*a);
            f(*b);
        }
    }
}

fn map_children(node: Node, f: impl Fn(u32) -> u32) -> Node {
    match node {
        Node::Const(_) | Node::Read { .. } => node,
        Node::Un(un, a) => Node::Un(un, f(a)),
        Node::Cast(a) => Node::Cast(f(a)),
        Node::Bin(bin, a, b) => Node::Bin(bin, f(a), f(b)),
        Node::Select(c, a, b) => Node::Select(f(c), f(a), f(b)),
    }
}

impl Expr {
    /// A constant of a dtype.
    #[must_use]
    pub fn of(number: Number, dtype: Dtype) -> Expr {
        push(Node::Const(const_bits(number, dtype)), dtype)
    }

    /// Its dtype.
    #[must_use]
    pub fn dtype(self) -> Dtype {
        with_arena(|arena| arena.dtypes.get(self.0 as usize).copied()).unwrap_or(Dtype::F64)
    }

    /// The same number as another dtype, by the cast rule; itself where the dtype is its own.
    #[must_use]
    pub fn cast(self, dtype: Dtype) -> Expr {
        if self.dtype() == dtype { self } else { push(Node::Cast(self.0), dtype) }
    }

    fn un(self, un: Un) -> Expr {
        let dtype = if un == Un::IsNan { Dtype::Bool } else { self.dtype() };
        push(Node::Un(un, self.0), dtype)
    }

    fn bin(self, bin: Bin, other: Expr) -> Expr {
        let (a, b) = (self.dtype(), other.dtype());
        if a != b {
            with_arena(|arena| arena.refuse(format!("a formula applies {bin:?} to {a} and {b}")));
        }
        push(Node::Bin(bin, self.0, other.0), if bin.compares() { Dtype::Bool } else { a })
    }

    /// `a` where this bool is true, else `b`.
    #[must_use]
    pub fn select(self, a: Expr, b: Expr) -> Expr {
        if a.dtype() != b.dtype() || self.dtype() != Dtype::Bool {
            with_arena(|arena| arena.refuse("a formula selects between different dtypes".to_owned()));
        }
        push(Node::Select(self.0, a.0, b.0), a.dtype())
    }

    /// The same formula at the neighbour `by` elements further along `axis`: shifts every read.
    #[must_use]
    pub fn shifted(self, axis: usize, by: i32) -> Expr {
        Expr(with_arena(|arena| arena.shift(self.0, axis, by)))
    }
}

macro_rules! methods {
    ($($(#[doc = $doc:literal])* $name:ident = $un:ident;)* -- $($(#[doc = $bdoc:literal])* $bname:ident = $bin:ident;)*) => {
        impl Expr {
            $($(#[doc = $doc])* #[must_use] pub fn $name(self) -> Expr { self.un(Un::$un) })*
            $($(#[doc = $bdoc])* #[must_use] pub fn $bname(self, other: Expr) -> Expr { self.bin(Bin::$bin, other) })*
        }
    };
}
methods! {
    /// Absolute value.
    abs = Abs;
    /// Square root.
    sqrt = Sqrt;
    /// e to this power.
    exp = Exp;
    /// Natural logarithm.
    log = Log;
    /// Sine of radians.
    sin = Sin;
    /// Cosine of radians.
    cos = Cos;
    /// Largest whole number not above.
    floor = Floor;
    /// Smallest whole number not below.
    ceil = Ceil;
    /// Nearest whole number, ties to even.
    rint = Rint;
    /// Whether it is NaN.
    is_nan = IsNan;
    --
    /// The smaller; NaN where either is.
    min = Min;
    /// The larger; NaN where either is.
    max = Max;
    /// Power.
    pow = Pow;
    /// Sum that wraps around in its lane.
    wrapping_add = WrapAdd;
    /// Difference that wraps around in its lane.
    wrapping_sub = WrapSub;
    /// Product that wraps around in its lane.
    wrapping_mul = WrapMul;
    /// Bits moved up.
    shift_left = Shl;
    /// Bits moved down, the sign kept.
    shift_right = Shr;
    /// Quotient rounded down.
    floor_div = FloorDiv;
    /// What floor division leaves; the sign of the divisor.
    modulo = Rem;
    /// Equal.
    eq = Eq;
    /// Not equal.
    ne = Ne;
    /// Less.
    lt = Lt;
    /// Less or equal.
    le = Le;
    /// Greater.
    gt = Gt;
    /// Greater or equal.
    ge = Ge;
}

macro_rules! infix {
    ($($Trait:ident $method:ident $bin:ident),*) => {$(
        impl std::ops::$Trait for Expr {
            type Output = Expr;
            fn $method(self, other: Expr) -> Expr { self.bin(Bin::$bin, other) }
        }
        impl std::ops::$Trait<f64> for Expr {
            type Output = Expr;
            fn $method(self, other: f64) -> Expr { self.bin(Bin::$bin, Expr::of(Number::Float(other), self.dtype())) }
        }
    )*};
}
infix!(Add add Add, Sub sub Sub, Mul mul Mul, Div div Div, BitAnd bitand And, BitOr bitor Or, BitXor bitxor Xor);

impl std::ops::Neg for Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        self.un(Un::Neg)
    }
}

impl std::ops::Not for Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        self.un(Un::Not)
    }
}

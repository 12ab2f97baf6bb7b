//! A formula as a straight-line program over a few typed registers.
//! It does not know how many elements a register holds, nor what executes a step.

use super::{Bin, Formula, Node, Offset, Un, const_number};
use crate::dtype::{Dtype, Lane};

/// Where a step takes an argument from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Operand {
    /// A register.
    Register(u16),
    /// A constant, the same for every element: an element of the lane's own type, zero-extended.
    Scalar(u64),
}

/// What a step does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StepOp {
    /// Loads input `input` at a distance, from its stored dtype into that dtype's lane.
    Load {
        /// Which input.
        input: u8,
        /// How far away, per axis.
        at: Offset,
        /// The stored dtype.
        dtype: Dtype,
    },
    /// A function of one number of `lane`.
    Un(Un),
    /// A function of two numbers of `lane`.
    Bin(Bin),
    /// `args[0]` (bool) chooses between `args[1]` and `args[2]` of `lane`.
    Select,
    /// From `lane` to the lane of the dtype, clamped (integers) or rounded (f16) to the dtype.
    Cast(Dtype),
}

/// One step: reads its arguments, writes register `out`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// What to do.
    pub op: StepOp,
    /// The lane of the arguments (of the second and third for a select).
    pub lane: Lane,
    /// Arguments; unused ones are scalar 0.
    pub args: [Operand; 3],
    /// The register written; it may be one whose last reader is this step only if `lane` differs from no other: the
    /// allocation below never hands out a register that this step still reads.
    pub out: u16,
}

/// A straight-line program. The result is `root`, in the lane of `dtype`.
#[derive(Clone, PartialEq, Debug)]
pub struct Tape {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// How many registers the steps use.
    pub registers: usize,
    /// Where the result is.
    pub root: Operand,
    /// The dtype that the result is stored as.
    pub dtype: Dtype,
}

const NOTHING: Operand = Operand::Scalar(0);

/// A constant in the bits of its lane: i32 for small integers, f32 for f16.
fn lane_bits(bits: u64, dtype: Dtype) -> u64 {
    super::const_bits(const_number(bits, dtype), dtype.lane().dtype())
}

impl Formula {
    /// Flattens the formula. Shared nodes are computed once; a register is reused after its last reader.
    #[must_use]
    pub fn tape(&self) -> Tape {
        let last_use = self.last_uses();
        let mut places = vec![NOTHING; self.nodes.len()];
        let mut free: Vec<u16> = Vec::new();
        let mut registers = 0u16;
        let mut steps = Vec::with_capacity(self.nodes.len());
        for (k, (node, dtype)) in self.nodes().enumerate() {
            if let Node::Const(bits) = node {
                places[k] = Operand::Scalar(lane_bits(*bits, dtype));
                continue;
            }
            let out = free.pop().unwrap_or_else(|| {
                registers += 1;
                registers - 1
            });
            places[k] = Operand::Register(out);
            steps.push(self.step(node, dtype, &places, out));
            super::each_child(node, |child| {
                let done = last_use[child as usize] == k;
                if let (true, Operand::Register(register)) = (done, places[child as usize])
                    && !free.contains(&register)
                {
                    free.push(register);
                }
            });
        }
        Tape {
            steps,
            registers: usize::from(registers),
            root: places.get(self.root()).copied().unwrap_or(NOTHING),
            dtype: self.dtype(),
        }
    }

    fn step(&self, node: &Node, dtype: Dtype, places: &[Operand], out: u16) -> Step {
        let place = |k: u32| places[k as usize];
        let lane = |k: u32| self.dtypes[k as usize].lane();
        let (op, lane, args) = match *node {
            Node::Const(_) => (StepOp::Select, dtype.lane(), [NOTHING; 3]),
            Node::Read { input, at } => (StepOp::Load { input, at, dtype }, dtype.lane(), [NOTHING; 3]),
            Node::Un(un, a) => (StepOp::Un(un), lane(a), [place(a), NOTHING, NOTHING]),
            Node::Bin(bin, a, b) => (StepOp::Bin(bin), lane(a), [place(a), place(b), NOTHING]),
            Node::Select(c, a, b) => (StepOp::Select, lane(a), [place(c), place(a), place(b)]),
            Node::Cast(a) => (StepOp::Cast(dtype), lane(a), [place(a), NOTHING, NOTHING]),
        };
        Step { op, lane, args, out }
    }

    /// Per node, the last node that reads it; the root is never released.
    fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![usize::MAX; self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate() {
            super::each_child(node, |child| last[child as usize] = k);
        }
        if let Some(root) = last.get_mut(self.root()) {
            *root = usize::MAX;
        }
        last
    }
}

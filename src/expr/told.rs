//! A tape as text, a step a line, for those who want to see what runs.
//! It does not know who runs it.

use super::{Operand, StepOp, Tape};
use crate::dtype::{Lane, get};
use crate::grid::MAX_RANK;

impl Tape {
    /// Its steps, a line each, with its inputs called by `names`.
    #[must_use]
    pub fn told(&self, names: &[String]) -> Vec<String> {
        let step = |step: &super::Step| {
            let given =
                |k: usize| operand(step.args[k], if step.op == StepOp::Select && k == 0 { Lane::Bool } else { step.lane });
            let what = match step.op {
                StepOp::Load { input, at, dtype } => {
                    let name = names.get(usize::from(input)).map_or("?", String::as_str);
                    let last = at.iter().rposition(|o| *o != 0).map_or(0, |k| k + 1);
                    let away: Vec<String> = at[..last.min(MAX_RANK)].iter().map(|o| format!("{o:+}")).collect();
                    let away = if last == 0 { String::new() } else { format!("[{}]", away.join(",")) };
                    format!("load {name}{away} as {dtype}")
                }
                StepOp::Un(un) => format!("{} {}", format!("{un:?}").to_lowercase(), given(0)),
                StepOp::Bin(bin) => format!("{} {}, {}", format!("{bin:?}").to_lowercase(), given(0), given(1)),
                StepOp::Select => format!("select {}, {}, {}", given(0), given(1), given(2)),
                StepOp::Cast(dtype) => format!("cast {} to {dtype}", given(0)),
            };
            format!("r{} = {what}  [{}]", step.out, format!("{:?}", step.lane).to_lowercase())
        };
        let stored = format!("store {} as {}", operand(self.root, self.dtype.lane()), self.dtype);
        self.steps.iter().map(step).chain([stored]).collect()
    }
}

fn operand(operand: Operand, lane: Lane) -> String {
    match operand {
        Operand::Register(register) => format!("r{register}"),
        Operand::Scalar(bits) => get(lane.dtype(), &bits.to_ne_bytes()).to_string(),
    }
}

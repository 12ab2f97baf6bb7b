//! The record of an op, and how a record becomes nodes. One `ops!` block per family defines records, methods and docs.
//! It does not know any particular op.

use super::args::{Args, Value};
use super::array::Array;
use super::axes::broadcast;
use super::fold::Fold;
use super::node::{Body, Origin, Scan, Stage, Window};
use super::rule::DtypeRule;
use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result, Subject, unknown};
use crate::expr::{Expr, Formula};
use crate::grid::{Dims, Edge};
use crate::storage::{Info, Kind};
use std::panic::Location;
use std::sync::Arc;

/// How near the results on all devices are to the exact meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Agreement {
    /// Bit for bit.
    Exact,
    /// Within this many units in the last place of the largest value in the neighbourhood.
    Ulp(u32),
    /// Within this factor of the sum of magnitudes.
    Relative(f64),
}

/// One parameter of an op.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// What to write in its place.
    pub kind: &'static str,
    /// The default; none where it must be given.
    pub default: Option<fn() -> Value>,
}

/// A window, what lies outside the array, and the number there for a constant edge.
pub type WindowMade = (Arc<dyn Window>, Edge, f64);

/// A reduction, the dtype of its result, and whether reduced axes stay with extent 1.
pub type FoldMade = (Arc<dyn Fold>, Dtype, bool);

/// A running computation and the dtype of its result.
pub type ScanMade = (Arc<dyn Scan>, Dtype);

/// What an op computes, by which of the few kinds of meaning.
#[derive(Clone, Copy)]
pub enum Meaning {
    /// One output element from input elements, all read as the rule's dtype.
    Formula(fn(&[Expr], &Args) -> Result<Expr>),
    /// Built from other ops.
    Compose(fn(&[Array], &Args) -> Result<Array>),
    /// A neighbourhood function with its edge.
    Window(fn(&Info, &Args) -> Result<WindowMade>),
    /// A reduction and the dtype of its result.
    Fold(fn(&Info, &Args) -> Result<FoldMade>),
    /// A running computation and the dtype of its result.
    Scan(fn(&Info, &Args) -> Result<ScanMade>),
}

impl Meaning {
    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Meaning::Formula(_) => "formula",
            Meaning::Compose(_) => "composed",
            Meaning::Window(_) => "window",
            Meaning::Fold(_) => "fold",
            Meaning::Scan(_) => "scan",
        }
    }
}

/// What the crate knows of an op. Docs, methods, command-line steps and tests are derived from it.
pub struct Op {
    /// Its name everywhere.
    pub name: &'static str,
    /// The family it is documented with.
    pub family: &'static str,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
    /// Names of its arrays.
    pub inputs: &'static [&'static str],
    /// Its parameters: those that must be given first.
    pub params: &'static [Param],
    /// What it computes.
    pub meaning: Meaning,
    /// How its dtype follows.
    pub rule: DtypeRule,
    /// Whose meaning the name has.
    pub same_as: Option<&'static str>,
    /// How near all devices are.
    pub agreement: Agreement,
    /// The meaning as it is written.
    pub source: &'static str,
}

impl Op {
    /// Applies the op; an error travels in the array.
    #[must_use]
    pub fn apply(&'static self, inputs: &[Array], args: Args, line: &'static Location<'static>) -> Array {
        let origin = Origin { op: self.words(&args), part: String::new(), line };
        let built = match inputs.iter().find_map(|a| a.info().err()) {
            Some(error) => return Array::broken(error, origin),
            None => self.build(inputs, &args, &origin),
        };
        match built {
            Ok(array) => array,
            Err(error) => Array::broken(error.in_op(self.name, line), origin),
        }
    }

    /// Applies the op to values given by position and name, as the command line and Python do.
    ///
    /// # Errors
    /// Too many, unknown, repeated or missing parameters.
    pub fn args(&'static self, positional: Vec<Value>, named: Vec<(String, Value)>) -> Result<Args> {
        if positional.len() > self.params.len() {
            let what = format!("{} takes {} parameters, got {}", self.name, self.params.len(), positional.len());
            return Err(Error::caller(what).hint(self.signature()));
        }
        let mut given: Vec<Option<Value>> = positional.into_iter().map(Some).collect();
        given.resize(self.params.len(), None);
        for (name, value) in named {
            let known = || self.params.iter().map(|p| p.name);
            let place =
                known().position(|p| p == name).ok_or_else(|| unknown(&format!("parameter of {}", self.name), &name, known()))?;
            if given[place].replace(value).is_some() {
                return Err(Error::caller(format!("{} got '{name}' twice", self.name)).hint(self.signature()));
            }
        }
        let fill = |(param, value): (&Param, Option<Value>)| {
            let missing = || Error::caller(format!("{} needs '{}'", self.name, param.name)).hint(self.signature());
            value.or_else(|| param.default.map(|d| d())).ok_or_else(missing)
        };
        self.params.iter().zip(given).map(fill).collect::<Result<_>>().map(Args)
    }

    /// `gaussian(x, sigma, order=0, …)`.
    #[must_use]
    pub fn signature(&self) -> String {
        let params = self.params.iter().map(|p| match p.default {
            Some(default) => format!("{}={}", p.name, default()),
            None => p.name.to_owned(),
        });
        let all: Vec<String> = self.inputs.iter().map(|i| (*i).to_owned()).chain(params).collect();
        format!("{}({})", self.name, all.join(", "))
    }

    /// The op and those of its arguments that are not defaults.
    #[must_use]
    pub fn words(&self, args: &Args) -> String {
        let told = self.params.iter().zip(&args.0).filter(|(p, v)| p.default.is_none_or(|d| d() != **v));
        let told: Vec<String> = told.map(|(p, v)| format!("{}={v}", p.name)).collect();
        if told.is_empty() { self.name.to_owned() } else { format!("{}({})", self.name, told.join(", ")) }
    }

    fn build(&'static self, inputs: &[Array], args: &Args, origin: &Origin) -> Result<Array> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::caller(format!("{} takes {} arrays, got {}", self.name, self.inputs.len(), inputs.len())));
        }
        let first = inputs.first().map(Array::info).transpose()?.cloned();
        let first = first.ok_or_else(|| Error::bug("an op without inputs"))?;
        let is_nan = |(_, value): &(&Param, &Value)| matches!(value, Value::Float(v) if v.is_nan());
        if let Some((param, _)) = self.params.iter().zip(&args.0).find(is_nan).filter(|_| !first.dtype.is_float()) {
            let what = format!("'{}' is NaN, which no {} is", param.name, first.dtype);
            return Err(Error::caller(what).on(Subject::Dtype).hint("make the array one of floats first: astype('f32')"));
        }
        match self.meaning {
            Meaning::Formula(body) => self.formula(inputs, args, body, origin),
            Meaning::Compose(compose) => compose(inputs, args).map(|array| renamed(&array, origin)),
            Meaning::Window(window) => {
                let (window, edge, constant) = window(&first, args)?;
                let stage = Stage::Window { window, edge, constant: Number::Float(constant) };
                Ok(Array::from_stage(stage, inputs.to_vec(), Ok(first), origin.clone()))
            }
            Meaning::Fold(fold) => {
                let (fold, dtype, keep) = fold(&first, args)?;
                let info = reduced(&first, &fold.axes(), dtype, keep);
                Ok(Array::from_stage(Stage::Fold(fold), inputs.to_vec(), Ok(info), origin.clone()))
            }
            Meaning::Scan(scan) => {
                let (scan, dtype) = scan(&first, args)?;
                Ok(Array::from_stage(Stage::Scan(scan), inputs.to_vec(), Ok(Info { dtype, ..first }), origin.clone()))
            }
        }
    }

    /// A formula node: literals become constants, 0-d floats follow the arrays, the rest is read and broadcast.
    fn formula(&self, inputs: &[Array], args: &Args, body: fn(&[Expr], &Args) -> Result<Expr>, origin: &Origin) -> Result<Array> {
        let infos = inputs.iter().map(Array::info).collect::<Result<Vec<_>>>()?;
        let dtypes = beside_each_other(inputs, &infos, self.rule == DtypeRule::Where);
        let (reads, out) = self.rule.read(&dtypes)?;
        let arrays: Vec<Array> = inputs.iter().filter(|a| a.as_literal().is_none()).cloned().collect();
        let stored: Vec<Dtype> = arrays.iter().map(Array::dtype).collect::<Result<_>>()?;
        let formula = Formula::build(&stored, |loaded| {
            let mut loaded = loaded.iter().copied();
            let read = |(k, array): (usize, &Array)| match array.as_literal() {
                Some(number) => Expr::of(number, dtypes[k]).cast(reads[k]),
                None => loaded.next().unwrap_or_else(|| Expr::of(Number::Int(0), reads[k])).cast(reads[k]),
            };
            let exprs: Vec<Expr> = inputs.iter().enumerate().map(read).collect();
            body(&exprs, args).map(|e| e.cast(out))
        })?;
        let shape = broadcast(&infos.iter().map(|i| i.shape).collect::<Vec<_>>())?;
        let info = merged(&infos, shape, out);
        let stage = Stage::Formula { formula: Arc::new(formula), edge: Edge::Reflect, constant: Number::Int(0) };
        Ok(Array::from_stage(stage, arrays, Ok(info), origin.clone()))
    }
}

/// The dtypes that inputs count as: literals and 0-d floats follow the arrays beside them. A condition, the first input of a
/// choice, is beside nothing that is computed; literals follow it where nothing else is there.
fn beside_each_other(inputs: &[Array], infos: &[&Info], chooses: bool) -> Vec<Dtype> {
    let weak = |k: usize| inputs[k].as_literal().is_some() || infos[k].shape.is_empty() && infos[k].dtype.is_float();
    let strong_from =
        |first: usize| (first..inputs.len()).filter(|k| !weak(*k)).map(|k| infos[k].dtype).reduce(crate::dtype::common);
    let computed = strong_from(usize::from(chooses));
    let written = computed.or_else(|| strong_from(0));
    let count = |k: usize| match (inputs[k].as_literal(), written, computed) {
        (Some(number), Some(beside), _) => number.dtype_beside(beside),
        (Some(number), None, _) => number.dtype_alone(),
        (None, _, Some(beside)) if weak(k) => beside.float(),
        (None, ..) => infos[k].dtype,
    };
    (0..inputs.len()).map(count).collect()
}

/// The description of an elementwise result: axes of the input that has most of them, bools are masks.
fn merged(infos: &[&Info], shape: Dims, dtype: Dtype) -> Info {
    let fullest = infos.iter().copied().find(|i| i.shape.len() == shape.len());
    let mut info = fullest.cloned().unwrap_or_else(|| Info::new(shape, dtype));
    info.shape = shape;
    if dtype == Dtype::Bool {
        (info.kind, info.nodata) = (Kind::Mask, None);
    } else if info.kind == Kind::Mask || dtype != info.dtype {
        info.kind = if info.kind == Kind::Rgb { Kind::Rgb } else { Kind::Image };
    }
    info.dtype = dtype;
    info
}

/// The description of a reduction: reduced axes go, or stay with extent 1.
fn reduced(info: &Info, axes: &[usize], dtype: Dtype, keep: bool) -> Info {
    let kept: Vec<usize> = (0..info.shape.len()).filter(|a| keep || !axes.contains(a)).collect();
    Info {
        shape: kept.iter().map(|a| if axes.contains(a) { 1 } else { info.shape[*a] }).collect(),
        dtype,
        axes: kept.iter().map(|a| info.axes[*a].clone()).collect(),
        kind: if info.kind == Kind::Mask && dtype != Dtype::Bool { Kind::Image } else { info.kind },
        nodata: None,
    }
}

/// A composed op's last node under the op's own name; its parts keep theirs inside the op's.
fn renamed(array: &Array, origin: &Origin) -> Array {
    let node = array.node();
    match &node.body {
        Body::Stage(stage) => {
            let part = if node.origin.part.is_empty() { node.origin.op.clone() } else { node.origin.part.clone() };
            let origin = Origin { part, ..origin.clone() };
            Array::from_stage(stage.clone(), node.inputs.clone(), node.info.clone(), origin)
        }
        _ => array.clone(),
    }
}

/// The op's name out of its Rust identifier: a trailing underscore only dodges a keyword (`where_`).
#[must_use]
pub const fn op_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [.., b'_'] => identifier.split_at(identifier.len() - 1).0,
        _ => identifier,
    }
}

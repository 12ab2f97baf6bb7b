//! Parameters of ops: the values that front ends pass and the types that ops receive.
//! It does not know any particular op.

use crate::dtype::{Dtype, Number};
use crate::error::{Error, Result, unknown};
use crate::grid::Edge;
use std::fmt;

/// A parameter as a front end passes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: the default of an optional parameter.
    None,
    /// True or False.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// A length with its unit, `0.25um`.
    Length(f64, String),
    /// A name.
    Text(String),
    /// A list, per axis.
    List(Vec<Value>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => write!(f, "None"),
            Value::Bool(b) => write!(f, "{}", Number::Bool(*b)),
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(v) => write!(f, "{v:?}"),
            Value::Length(v, unit) => write!(f, "{v:?}{unit}"),
            Value::Text(text) => write!(f, "'{text}'"),
            Value::List(items) => write!(f, "[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// A type that a parameter can have.
pub trait ParamType: Sized + Clone {
    /// What to write in its place, in the documentation.
    const KIND: &'static str;
    /// The parameter out of what a front end passed.
    ///
    /// # Errors
    /// A value of another kind or outside the type's range.
    fn from_value(value: &Value) -> Result<Self>;
    /// The parameter as a front end would pass it.
    fn into_value(self) -> Value;
}

fn wrong(kind: &str, value: &Value) -> Error {
    Error::caller(format!("expected {kind}, got {value}"))
}

impl ParamType for f64 {
    const KIND: &'static str = "number";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(i) => Ok(*i as f64),
            Value::Float(v) => Ok(*v),
            other => Err(wrong(Self::KIND, other)),
        }
    }
    fn into_value(self) -> Value {
        Value::Float(self)
    }
}

impl ParamType for i64 {
    const KIND: &'static str = "whole number";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Int(i) => Ok(*i),
            other => Err(wrong(Self::KIND, other)),
        }
    }
    fn into_value(self) -> Value {
        Value::Int(self)
    }
}

impl ParamType for bool {
    const KIND: &'static str = "True or False";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Bool(b) => Ok(*b),
            Value::Int(bit @ (0 | 1)) => Ok(*bit == 1),
            other => Err(wrong(Self::KIND, other)),
        }
    }
    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl ParamType for Dtype {
    const KIND: &'static str = "dtype";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Text(name) => Dtype::parse(name),
            other => Err(wrong(Self::KIND, other)),
        }
    }
    fn into_value(self) -> Value {
        Value::Text(self.name().to_owned())
    }
}

impl ParamType for Edge {
    const KIND: &'static str = "mode";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Text(name) => {
                let found = Edge::ALL.into_iter().find(|edge| edge.name() == name);
                found.ok_or_else(|| unknown("mode", name, Edge::ALL.iter().map(|edge| edge.name())))
            }
            other => Err(wrong(Self::KIND, other)),
        }
    }
    fn into_value(self) -> Value {
        Value::Text(self.name().to_owned())
    }
}

impl<T: ParamType> ParamType for Option<T> {
    const KIND: &'static str = T::KIND;
    fn from_value(value: &Value) -> Result<Self> {
        if *value == Value::None { Ok(None) } else { T::from_value(value).map(Some) }
    }
    fn into_value(self) -> Value {
        self.map_or(Value::None, ParamType::into_value)
    }
}

/// A distance along an axis: in pixels, or as a length that the axis's pixel size converts.
#[derive(Clone, Debug, PartialEq)]
pub enum Extent {
    /// Pixels.
    Pixels(f64),
    /// A length and its unit.
    Length(f64, String),
}

impl From<f64> for Extent {
    fn from(pixels: f64) -> Self {
        Extent::Pixels(pixels)
    }
}

impl ParamType for Extent {
    const KIND: &'static str = "number or length";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Length(v, unit) => Ok(Extent::Length(*v, unit.clone())),
            other => f64::from_value(other).map(Extent::Pixels),
        }
    }
    fn into_value(self) -> Value {
        match self {
            Extent::Pixels(v) => Value::Float(v),
            Extent::Length(v, unit) => Value::Length(v, unit),
        }
    }
}

/// One value for every axis that is meant, or one per axis in array order.
#[derive(Clone, Debug, PartialEq)]
pub enum PerAxis<T> {
    /// The same for z, y, x where any axis is named, for all axes where none is.
    One(T),
    /// In array order.
    Each(Vec<T>),
}

impl<T: ParamType> ParamType for PerAxis<T> {
    const KIND: &'static str = T::KIND;
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::List(items) => items.iter().map(T::from_value).collect::<Result<_>>().map(PerAxis::Each),
            other => T::from_value(other).map(PerAxis::One),
        }
    }
    fn into_value(self) -> Value {
        match self {
            PerAxis::One(one) => one.into_value(),
            PerAxis::Each(each) => Value::List(each.into_iter().map(ParamType::into_value).collect()),
        }
    }
}

impl From<i64> for PerAxis<i64> {
    fn from(one: i64) -> Self {
        PerAxis::One(one)
    }
}

impl From<i32> for PerAxis<i64> {
    fn from(one: i32) -> Self {
        PerAxis::One(one.into())
    }
}

impl<T, U: Into<T>, const N: usize> From<[U; N]> for PerAxis<T> {
    fn from(each: [U; N]) -> Self {
        PerAxis::Each(each.into_iter().map(Into::into).collect())
    }
}

impl From<f64> for PerAxis<Extent> {
    fn from(one: f64) -> Self {
        PerAxis::One(Extent::Pixels(one))
    }
}

/// Which axes: all that the op means by default, or a choice by number (negative from the end) or name.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum AxisList {
    /// The op's default.
    #[default]
    Default,
    /// Numbers; negative ones count from the end.
    Numbers(Vec<i64>),
    /// Names.
    Names(Vec<String>),
}

impl ParamType for AxisList {
    const KIND: &'static str = "axis or list of axes";
    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::None => Ok(AxisList::Default),
            Value::Int(i) => Ok(AxisList::Numbers(vec![*i])),
            Value::Text(name) => Ok(AxisList::Names(vec![name.clone()])),
            Value::List(items) if items.iter().all(|v| matches!(v, Value::Text(_))) && !items.is_empty() => {
                Ok(AxisList::Names(items.iter().map(|v| v.to_string().trim_matches('\'').to_owned()).collect()))
            }
            Value::List(items) => items.iter().map(i64::from_value).collect::<Result<_>>().map(AxisList::Numbers),
            other => Err(wrong(Self::KIND, other)),
        }
    }
    fn into_value(self) -> Value {
        match self {
            AxisList::Default => Value::None,
            AxisList::Numbers(numbers) => Value::List(numbers.into_iter().map(Value::Int).collect()),
            AxisList::Names(names) => Value::List(names.into_iter().map(Value::Text).collect()),
        }
    }
}

impl From<i64> for AxisList {
    fn from(axis: i64) -> Self {
        AxisList::Numbers(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for AxisList {
    fn from(axes: [i64; N]) -> Self {
        AxisList::Numbers(axes.to_vec())
    }
}

impl From<&str> for AxisList {
    fn from(name: &str) -> Self {
        AxisList::Names(vec![name.to_owned()])
    }
}

/// The values of an op's parameters, in the order of its record.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Args(pub Vec<Value>);

impl Args {
    /// Parameter number `k` as its type.
    ///
    /// # Errors
    /// A value of another kind.
    pub fn get<T: ParamType>(&self, k: usize, name: &str) -> Result<T> {
        let value = self.0.get(k).unwrap_or(&Value::None);
        T::from_value(value).map_err(|e| e.about(&format!("parameter '{name}'")))
    }
}

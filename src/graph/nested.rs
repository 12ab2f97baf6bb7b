//! Parameters that are small arrays: the weights or the footprint of a neighbourhood, written as nested lists.
//! It does not know what they are used for.

use super::args::{ParamType, Value};
use crate::error::{Error, Result};
use crate::grid::{Dims, MAX_RANK};

/// The most elements of such an array.
const MOST: usize = 1 << 16;

/// A small array: `[[0, 1, 0], [1, 1, 1], [0, 1, 0]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nested<T> {
    /// Its extents.
    pub shape: Dims,
    /// Its elements, C order.
    pub items: Vec<T>,
}

impl<T: Clone> Nested<T> {
    /// The elements in reverse along every axis.
    #[must_use]
    pub fn reversed(&self) -> Nested<T> {
        Nested { shape: self.shape, items: self.items.iter().rev().cloned().collect() }
    }
}

impl<T: ParamType> ParamType for Nested<T> {
    const KIND: &'static str = "nested lists";

    fn from_value(value: &Value) -> Result<Self> {
        let mut shape = Vec::new();
        let mut level = value;
        while let Value::List(items) = level {
            shape.push(items.len());
            let Some(first) = items.first() else { break };
            level = first;
        }
        if shape.is_empty() || shape.contains(&0) {
            return Err(Error::caller(format!("expected {} of numbers, got {value}", Self::KIND)));
        }
        if shape.len() > MAX_RANK {
            return Err(Error::caller(format!("{} of {} axes; the most are {MAX_RANK}", Self::KIND, shape.len())));
        }
        let mut items = Vec::new();
        gather(value, &shape, &mut items)?;
        if items.len() > MOST {
            return Err(Error::caller(format!("{} elements in {}; the most are {MOST}", items.len(), Self::KIND)));
        }
        Ok(Nested { shape: Dims::from(&shape[..]), items })
    }

    fn into_value(self) -> Value {
        let mut level: Vec<Value> = self.items.into_iter().map(ParamType::into_value).collect();
        for extent in self.shape.iter().rev() {
            level = level.chunks((*extent).max(1)).map(|row| Value::List(row.to_vec())).collect();
        }
        level.pop().unwrap_or(Value::None)
    }
}

/// The elements of a level of lists, whose extents must be `shape`.
fn gather<T: ParamType>(value: &Value, shape: &[usize], items: &mut Vec<T>) -> Result<()> {
    match (value, shape) {
        (Value::List(level), [extent, inner @ ..]) if level.len() == *extent => {
            level.iter().try_for_each(|part| gather(part, inner, items))
        }
        (Value::List(_), _) | (_, [_, ..]) => Err(Error::caller("nested lists of different lengths are no array")),
        (one, []) => T::from_value(one).map(|item| items.push(item)),
    }
}

impl<T> From<Vec<T>> for Nested<T> {
    fn from(items: Vec<T>) -> Self {
        Nested { shape: Dims::from([items.len()]), items }
    }
}

impl<T, const N: usize> From<[T; N]> for Nested<T> {
    fn from(items: [T; N]) -> Self {
        Vec::from(items).into()
    }
}

impl<T, const N: usize, const M: usize> From<[[T; N]; M]> for Nested<T> {
    fn from(rows: [[T; N]; M]) -> Self {
        Nested { shape: Dims::from([M, N]), items: rows.into_iter().flatten().collect() }
    }
}

impl<T, const N: usize, const M: usize, const K: usize> From<[[[T; N]; M]; K]> for Nested<T> {
    fn from(planes: [[[T; N]; M]; K]) -> Self {
        Nested { shape: Dims::from([K, M, N]), items: planes.into_iter().flatten().flatten().collect() }
    }
}

//! tifffile's image description: `{"shape": [5, 64, 64], "axes": "ZYX"}`, read leniently and written by its rules.
//! It does not know pages, and no JSON beyond these flat keys.

use crate::grid::{Dims, MAX_RANK};
use crate::storage::Info;

/// What such a description says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shaped {
    pub shape: Dims,
    /// Lower case, one letter an axis, where they were given.
    pub axes: Option<String>,
    /// Distance between slices.
    pub spacing: Option<f64>,
}

/// Reads a description; `None` where it is not tifffile's or its shape has more axes than an array can have.
pub(super) fn parse(text: &str) -> Option<Shaped> {
    let text = text.trim();
    if !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    let (list, _) = value(text, "shape")?.strip_prefix('[')?.split_once(']')?;
    let numbers: Option<Vec<usize>> = list.split(',').map(|n| n.trim().parse().ok().filter(|n| *n > 0)).collect();
    let shape = numbers.filter(|n| n.len() <= MAX_RANK)?;
    let axes = value(text, "axes").and_then(|v| v.strip_prefix('"')?.split_once('"')).map(|(letters, _)| letters.to_lowercase());
    let spacing = value(text, "spacing").and_then(|v| v.split([',', '}']).next()?.trim().parse::<f64>().ok());
    Some(Shaped {
        axes: axes.filter(|letters| letters.chars().count() == shape.len()),
        shape: Dims::from(shape.as_slice()),
        spacing: spacing.filter(|s| s.is_finite() && *s > 0.0),
    })
}

/// What follows `"key":`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("\"{key}\""))?;
    rest.trim_start().strip_prefix(':').map(str::trim_start)
}

/// The description of an array; axes are named where all are.
pub(super) fn print(info: &Info, spacing: Option<f64>) -> String {
    let shape: Vec<String> = info.shape.iter().map(ToString::to_string).collect();
    let mut text = format!("{{\"shape\": [{}]", shape.join(", "));
    let letters = info.letters();
    if letters.len() == info.shape.len() && letters.chars().all(|c| c.is_ascii_uppercase()) {
        text += &format!(", \"axes\": \"{letters}\"");
    }
    if let Some(spacing) = spacing {
        text += &format!(", \"spacing\": {spacing:?}");
    }
    text + "}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_tifffile_writes() {
        let shaped = parse("{\"shape\": [2, 3, 4], \"axes\": \"ZYX\", \"spacing\": 0.5}").unwrap();
        assert_eq!((shaped.shape, shaped.axes.as_deref(), shaped.spacing), (Dims::from([2, 3, 4]), Some("zyx"), Some(0.5)));
        assert_eq!(parse("{\"shape\": [2, 0]}"), None);
        assert_eq!(parse("{\"shape\": [1, 1, 1, 1, 1, 1, 2]}"), None);
        assert_eq!(parse("{\"size\": [2]}"), None);
    }
}

//! OME-Zarr's `multiscales`: 0.1 to 0.5 are read leniently, 0.5 is written.
//! It does not know arrays or chunks, and leaves pyramids, plates and display settings alone.

use super::meta::{finite_step, unique_names};
use crate::error::{Error, Result};
use crate::storage::{Axis, Info, Kind};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The order in which axes must stand.
const ORDER: [&str; 5] = ["t", "c", "z", "y", "x"];

/// The finest level of an image.
pub struct Image {
    /// The folder of its array inside the image's.
    pub path: String,
    axes: Vec<Axis>,
    is_labels: bool,
}

/// The object that holds the metadata: `attributes.ome` since 0.5, the attributes themselves before.
fn holder(attributes: &Value) -> &Value {
    attributes.get("ome").unwrap_or(attributes)
}

fn first_multiscale(attributes: &Value) -> Option<&Value> {
    holder(attributes).get("multiscales").and_then(|m| m.get(0))
}

/// Whether a group's attributes make it an image.
pub fn is_image(attributes: &Value) -> bool {
    first_multiscale(attributes).is_some()
}

/// Reads the first multiscale.
///
/// # Errors
/// No dataset in it, or one without a path.
pub fn parse(group: &Path, attributes: &Value) -> Result<Image> {
    let broken = |what: &str| Error::caller(format!("{}: OME-Zarr metadata: {what}", group.display()));
    let image = first_multiscale(attributes).ok_or_else(|| broken("no multiscales"))?;
    let level = image.get("datasets").and_then(|d| d.get(0)).ok_or_else(|| broken("multiscales have no datasets"))?;
    let path = level.get("path").and_then(Value::as_str).ok_or_else(|| broken("the first dataset has no path"))?;
    let mut axes = axes_of(image);
    for (number, axis) in axes.iter_mut().enumerate() {
        let step = scale_at(level, number) * scale_at(image, number);
        axis.step = if step.is_finite() && step > 0.0 { step } else { 1.0 };
    }
    let is_labels = holder(attributes).get("image-label").is_some();
    Ok(Image { path: path.to_owned(), axes, is_labels })
}

/// Axes as objects (0.4 on), as texts (0.3), or none: always t, c, z, y, x (0.1, 0.2).
fn axes_of(image: &Value) -> Vec<Axis> {
    let Some(listed) = image.get("axes").and_then(Value::as_array) else {
        return ORDER.iter().map(|name| Axis::named(name)).collect();
    };
    let name = |axis: &Value| axis.get("name").unwrap_or(axis).as_str().unwrap_or("").to_owned();
    let names: Vec<String> = listed.iter().map(name).collect();
    let names = unique_names(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let unit = |axis: &Value| axis.get("unit").and_then(Value::as_str).map(str::to_owned);
    names.into_iter().zip(listed).map(|(name, axis)| Axis { name, step: 1.0, unit: unit(axis) }).collect()
}

/// The product of all scales along one axis that an object's transformations list.
fn scale_at(object: &Value, axis: usize) -> f64 {
    let listed = object.get("coordinateTransformations").and_then(Value::as_array);
    listed.map_or(1.0, |all| {
        all.iter().map(|t| t.get("scale").and_then(|s| s.get(axis)).and_then(Value::as_f64).unwrap_or(1.0)).product()
    })
}

impl Image {
    /// Gives the array its axes.
    ///
    /// # Errors
    /// Another number of axes than the array has.
    pub fn describe(&self, group: &Path, info: &mut Info) -> Result<()> {
        if self.axes.len() != info.shape.len() {
            let (named, rank) = (self.axes.len(), info.shape.len());
            let what = format!("{}: multiscales name {named} axes, the array {} has {rank}", group.display(), info.shape);
            return Err(Error::caller(what));
        }
        info.axes = self.axes.iter().cloned().collect();
        if self.is_labels && info.dtype.is_int() {
            info.kind = Kind::Labels;
        }
        Ok(())
    }
}

/// The axes under which an array is written: unnamed ones get the last of t, c, z, y, x by their place.
///
/// # Errors
/// Fewer than 2 or more than 5 axes, other names, another order, fewer than two axes of space.
pub fn axes_to_write(target: &Path, info: &Info) -> Result<Vec<Axis>> {
    let rank = info.shape.len();
    let refused = |what: String| Error::caller(format!("{}: OME-Zarr {what}", target.display()));
    let Some(first) = ORDER.len().checked_sub(rank).filter(|_| rank >= 2) else {
        return Err(refused(format!("has 2 to 5 axes, the array {} has {rank}", info.shape))
            .hint("a name that ends in .zarr takes any array"));
    };
    let named = |(number, axis): (usize, &Axis)| match axis.name.as_str() {
        "" => Axis { name: ORDER[first + number].to_owned(), ..axis.clone() },
        _ => axis.clone(),
    };
    let axes: Vec<Axis> = info.axes.iter().enumerate().map(named).collect();
    let places: Option<Vec<usize>> = axes.iter().map(|a| ORDER.iter().position(|o| *o == a.name)).collect();
    let ordered = places.is_some_and(|p| p.windows(2).all(|pair| pair[0] < pair[1]));
    let in_plane = ["y", "x"].iter().all(|name| axes.iter().any(|a| a.name == *name));
    if !ordered || !in_plane {
        let listed = axes.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join(", ");
        let what = format!("needs axes in the order t, c, z, y, x with y and x among them; these are {listed}");
        return Err(refused(what).hint("a name that ends in .zarr takes any array"));
    }
    Ok(axes)
}

/// The attribute `ome` of a group whose only level is in folder `0`.
pub fn attribute(name: &str, axes: &[Axis]) -> Value {
    let axis = |a: &Axis| {
        let mut map = Map::new();
        let sort = match a.name.as_str() {
            "t" => "time",
            "c" => "channel",
            _ => "space",
        };
        map.insert("name".to_owned(), json!(a.name));
        map.insert("type".to_owned(), json!(sort));
        if let Some(unit) = &a.unit {
            map.insert("unit".to_owned(), json!(unit));
        }
        Value::Object(map)
    };
    let scale: Vec<f64> = axes.iter().map(finite_step).collect();
    json!({
        "version": "0.5",
        "multiscales": [{
            "name": name,
            "axes": axes.iter().map(axis).collect::<Vec<_>>(),
            "datasets": [{
                "path": "0",
                "coordinateTransformations": [{"type": "scale", "scale": scale}],
            }],
        }],
    })
}

//! The lab's tables and its JSON. It does not know how numbers came about.

use crate::harness::Timed;
use crate::variants::{Family, Shape};
use serde_json::{Value, json};

/// What is known of one variant.
pub struct Row {
    pub family: Family,
    pub name: String,
    /// Counted bytes a pixel.
    pub bytes: f64,
    pub timed: Option<Timed>,
    pub compile_seconds: Option<f64>,
    /// None: it was not judged.
    pub right: Option<bool>,
    /// How it was right or wrong, or why there is no answer.
    pub said: String,
}

/// What is known of the run.
pub struct Header {
    pub adapter: String,
    pub driver: String,
    pub backend: String,
    pub kind: String,
    pub checked: bool,
    pub shape: Shape,
    pub features: Vec<&'static str>,
    pub workgroup_bytes: u32,
    pub subgroups: [u32; 2],
}

/// Bytes a second of the fastest right copy.
pub fn copy_rate(shape: Shape, rows: &[Row]) -> Option<f64> {
    let copies = rows.iter().filter(|row| row.family == Family::Copy && row.right == Some(true));
    let rates = copies.filter_map(|row| row.timed.map(|t| Family::Copy.ideal() * shape.pixels() / t.seconds));
    rates.reduce(f64::max)
}

/// The share of the device's own copy: the bytes that must move, in the time that they took.
fn rho(shape: Shape, row: &Row, copy: Option<f64>) -> Option<f64> {
    Some(row.family.ideal() * shape.pixels() / row.timed?.seconds / copy?)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |v| format!("{v:.digits$}"))
}

/// The report's head.
pub fn head(header: &Header, copy: Option<f64>) -> String {
    let Shape { width, height } = header.shape;
    let checks = if header.checked { "every check kept" } else { "no checks" };
    let features = if header.features.is_empty() { "none".to_owned() } else { header.features.join(", ") };
    let [least, most] = header.subgroups;
    let copy = copy.map_or("no copy was timed: no rho".to_owned(), |rate| format!("{:.1} GB/s", rate / 1e9));
    format!(
        "# gpu_lab: {}\n\n\
         {}, {}, driver {}; {width} x {height} pixels, shaders with {checks}\n\
         has {features}; subgroups of {least} to {most}; {} bytes of workgroup memory\n\
         its own copy of the u16 image, in and out: {copy}\n",
        header.adapter, header.kind, header.backend, header.driver, header.workgroup_bytes
    )
}

/// The head of a family's table.
pub fn table_head(family: Family) -> String {
    let (name, what, ideal) = family.told();
    format!(
        "\n## {name}: {what}; ideal {ideal} B/px\n\n\
         | variant | ms | Gpx/s | counted B/px | GB/s | rho | compile ms | exact |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    )
}

/// A variant's line of it.
pub fn line(shape: Shape, row: &Row, copy: Option<f64>) -> String {
    let seconds = row.timed.map(|timed| timed.seconds);
    let rate = seconds.map(|s| shape.pixels() / s / 1e9);
    let clock = if row.timed.is_some_and(|timed| !timed.by_device) { " (host clock)" } else { "" };
    let cells = [
        row.name.clone(),
        number(seconds.map(|s| 1e3 * s), 4) + clock,
        number(rate, 2),
        number(Some(row.bytes), 1),
        number(rate.map(|r| r * row.bytes), 1),
        number(rho(shape, row, copy), 3),
        number(row.compile_seconds.map(|s| 1e3 * s), 1),
        said(row),
    ];
    format!("| {} |", cells.join(" | "))
}

fn said(row: &Row) -> String {
    let said = row.said.replace('|', "/");
    if row.right == Some(false) { format!("**WRONG** {said}") } else { said }
}

/// The same for programs.
pub fn json<'r>(header: &Header, rows: impl Iterator<Item = &'r Row>, copy: Option<f64>) -> Value {
    let Shape { width, height } = header.shape;
    let variants: Vec<Value> = rows.map(|row| one(header.shape, row, copy)).collect();
    let size = if width == height { json!(width) } else { json!([height, width]) };
    json!({
        "adapter": header.adapter, "driver": header.driver, "backend": header.backend, "kind": header.kind,
        "features": header.features, "workgroup_bytes": header.workgroup_bytes, "subgroups": header.subgroups,
        "checked": header.checked, "size": size, "copy_gbs": copy.map(|rate| rate / 1e9), "variants": variants,
    })
}

fn one(shape: Shape, row: &Row, copy: Option<f64>) -> Value {
    let seconds = row.timed.map(|timed| timed.seconds);
    let rate = seconds.map(|s| shape.pixels() / s / 1e9);
    json!({
        "family": row.family.name(), "name": row.name, "ms": seconds.map(|s| 1e3 * s), "gpx_s": rate,
        "bytes_px": row.bytes, "ideal_bytes_px": row.family.ideal(), "gb_s": rate.map(|r| r * row.bytes),
        "rho": rho(shape, row, copy), "compile_ms": row.compile_seconds.map(|s| 1e3 * s),
        "clock": row.timed.map(|timed| if timed.by_device { "device" } else { "host" }),
        "repeats": row.timed.map(|timed| timed.count), "right": row.right, "why": row.said,
    })
}

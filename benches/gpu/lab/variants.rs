//! The table of variants: which kernels over which arrays in which geometry, and what they are counted to move.
//! It does not know devices; texts lie beside it.

use crate::today::{self, Place};

/// Why two runs of a family can be compared: one input, one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    Copy,
    Map,
    MapFloat,
    Taps,
    Edge,
    Gaussian,
    Tophat,
    Median,
    Fold,
}

impl Family {
    /// All, in the order of the report; copies first, for the others are measured by them.
    pub const ALL: [Family; 9] = [
        Family::Copy,
        Family::Map,
        Family::MapFloat,
        Family::Taps,
        Family::Edge,
        Family::Gaussian,
        Family::Tophat,
        Family::Median,
        Family::Fold,
    ];

    /// Its name, what it computes, and the bytes that must move a pixel.
    pub fn told(self) -> (&'static str, &'static str, f64) {
        match self {
            Family::Copy => ("copy", "u16 as it is", 4.0),
            Family::Map => ("map", "min(v + 1000, 65535) of u16", 4.0),
            Family::MapFloat => ("map_f32", "v / 2 + 1 of f32", 8.0),
            Family::Taps => ("taps", "5 taps along x of padded u16", 4.0),
            Family::Edge => ("edge", "5 taps along x of u16, edges reflected", 4.0),
            Family::Gaussian => ("gaussian", "gaussian of u16, sigma 2, 17 taps an axis", 4.0),
            Family::Tophat => ("tophat", "white top-hat of u16, flat 15 x 15", 4.0),
            Family::Median => ("median", "median of u16, 3 x 3", 4.0),
            Family::Fold => ("fold", "sum of u16 in 64 bits", 2.0),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.told().0
    }

    /// The bytes that must move a pixel.
    pub fn ideal(self) -> f64 {
        self.told().2
    }
}

/// An array on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The image as u16, rows of [`Shape::pitch`] pixels.
    Image,
    /// The image as f32, rows of the same.
    Floats,
    /// The image as u16 with two reflected pixels left and right, rows of [`Shape::padded`].
    Padded,
    /// What is made, as u16 or as sums.
    Result,
    /// What is made, as f32.
    FloatResult,
    /// What lies between kernels.
    A,
    B,
    C,
}

/// The image, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub width: u32,
    pub height: u32,
}

/// The widest halo, in pixels.
const HALO: u32 = 8;
/// Bytes behind the last row, for loads of whole words.
const SLACK: u64 = 64;

impl Shape {
    /// Pixels from a row to the next.
    pub fn pitch(self) -> u32 {
        self.width.next_multiple_of(8)
    }

    /// The same where rows have a halo.
    pub fn padded(self) -> u32 {
        (self.width + 2 * HALO).next_multiple_of(8)
    }

    /// Pixels.
    pub fn pixels(self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }

    /// Bytes of an array.
    pub fn bytes(self, slot: Slot) -> u64 {
        let (pitch, padded) = (u64::from(self.pitch()), u64::from(self.padded()));
        let (rows, more) = (u64::from(self.height), u64::from(self.height + 2 * HALO));
        SLACK
            + match slot {
                Slot::Image | Slot::Result => 2 * pitch * rows,
                Slot::Padded => 2 * padded * rows,
                Slot::Floats | Slot::FloatResult => 4 * pitch * rows,
                Slot::A | Slot::B | Slot::C => 4 * padded * more,
            }
    }
}

/// How a result lies in its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Laid {
    /// u16 in rows.
    Shorts,
    /// f32 in rows.
    Floats,
    /// So many pairs of words, each a sum in 64 bits, the lower word first.
    Pairs(usize),
    /// The same, each row's lower words before its higher ones: sums in a row, words from a row to the next, rows.
    Planes(usize, usize, usize),
}

impl Laid {
    /// Bytes of it.
    pub fn bytes(self, shape: Shape) -> u64 {
        let pixels = u64::from(shape.pitch()) * u64::from(shape.height);
        match self {
            Laid::Shorts => 2 * pixels,
            Laid::Floats => 4 * pixels,
            Laid::Pairs(count) => 8 * count as u64,
            Laid::Planes(_, pitch, rows) => 8 * (pitch * rows) as u64,
        }
    }
}

/// What comes before a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// The lab's own parameters.
    Lab,
    /// The product's frame and walk.
    Walk,
    /// The product's frame alone.
    Frame,
}

/// One dispatch.
pub struct Kernel {
    pub text: &'static str,
    /// What names its sections of the text; empty: there are none.
    pub section: &'static str,
    pub before: Before,
    pub reads: [Slot; 2],
    pub result: Slot,
    pub table: Vec<u32>,
    pub params: Vec<u32>,
    pub groups: [u32; 3],
}

/// What is done. The last kernel makes the result.
pub enum Work {
    /// The driver's own copy, image to result.
    Transfer,
    /// Kernels, one after another.
    Kernels(Vec<Kernel>),
}

/// What a device must have.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// 16-bit integers.
    pub shorts: bool,
    /// Sums over subgroups.
    pub subgroups: bool,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
}

/// One way to make a family's answer.
pub struct Variant {
    pub family: Family,
    pub name: String,
    /// Bytes that its arrays move a pixel, halos and caches aside.
    pub bytes: f64,
    pub needs: Needs,
    pub laid: Laid,
    pub work: Work,
}

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!($name, ".wgsl"))
    };
}

/// The texts that come before.
pub const PRELUDE: &str = text!("prelude");
pub const TODAY: &str = text!("today");

const ANY: Needs = Needs { shorts: false, subgroups: false, workgroup_bytes: 0 };
const SHORTS: Needs = Needs { shorts: true, ..ANY };
/// The weights of the windows of five.
const FIVE: [u32; 5] = [1, 4, 6, 4, 1];

fn variant(family: Family, name: &str, bytes: f64, needs: Needs, laid: Laid, kernels: Vec<Kernel>) -> Variant {
    Variant { family, name: name.to_owned(), bytes, needs, laid, work: Work::Kernels(kernels) }
}

/// Where what is made of an array goes.
fn result_of(from: Slot) -> Slot {
    if from == Slot::Floats { Slot::FloatResult } else { Slot::Result }
}

/// A kernel of the lab's own: `per` pixels a lane along x and `rows` along y, 64 x 4 lanes a group.
fn own(shape: Shape, text: &'static str, section: &'static str, from: Slot, per: u32, rows: u32) -> Kernel {
    let lanes = shape.pitch() / per;
    let groups = [lanes.div_ceil(64), shape.height.div_ceil(4 * rows), 1];
    let extra = [lanes, FIVE.len() as u32, 0, 0];
    lab(shape, text, section, from, extra, groups)
}

/// A kernel of the lab's own.
fn lab(shape: Shape, text: &'static str, section: &'static str, from: Slot, extra: [u32; 4], groups: [u32; 3]) -> Kernel {
    let in_pitch = if from == Slot::Padded { shape.padded() } else { shape.pitch() };
    let mut params = vec![shape.width, shape.height, in_pitch, shape.pitch()];
    params.extend(extra);
    let (before, reads, table) = (Before::Lab, [from, from], FIVE.to_vec());
    Kernel { text, section, before, reads, result: result_of(from), table, params, groups }
}

/// All variants, in the order of the report.
pub fn variants(shape: Shape) -> Vec<Variant> {
    let families = [copies, maps, taps, edges, gaussians, tophats, medians, folds];
    families.into_iter().flat_map(|family| family(shape)).collect()
}

fn copies(shape: Shape) -> Vec<Variant> {
    let make = |name, kernel| variant(Family::Copy, name, 4.0, ANY, Laid::Shorts, vec![kernel]);
    let vectors = shape.pitch() / 8 * shape.height;
    let groups = [vectors.div_ceil(1024).min(65_535), 1, 1];
    let four = lab(shape, text!("copy_vec4x4"), "", Slot::Image, [vectors, 0, 0, 0], groups);
    let transfer = Variant { work: Work::Transfer, ..make("copy_buffer", own(shape, "", "", Slot::Image, 8, 1)) };
    vec![
        transfer,
        make("copy_scalar", own(shape, text!("copy_scalar"), "", Slot::Image, 2, 1)),
        make("copy_vec4", own(shape, text!("copy_vec4"), "", Slot::Image, 8, 1)),
        make("copy_vec4x4", four),
    ]
}

fn maps(shape: Shape) -> Vec<Variant> {
    let make = |name, needs, kernel| variant(Family::Map, name, 4.0, needs, Laid::Shorts, vec![kernel]);
    let float = |name, kernel| variant(Family::MapFloat, name, 8.0, ANY, Laid::Floats, vec![kernel]);
    let today = |text, section, from| {
        today::quads(shape, text, section, [from, from], result_of(from), &[Place::rows(shape.pitch())], [0; 4], vec![0])
    };
    vec![
        make("map_today", ANY, today(text!("map_today"), "packed", Slot::Image)),
        make("map_today_native", SHORTS, today(text!("map_today"), "native", Slot::Image)),
        make("map_vec2", ANY, own(shape, text!("map_vec2"), "", Slot::Image, 4, 1)),
        make("map_vec4", ANY, own(shape, text!("map_vec4"), "", Slot::Image, 8, 1)),
        make("map_native", SHORTS, own(shape, text!("map_native"), "", Slot::Image, 4, 1)),
        float("mapf_today", today(text!("mapf_today"), "", Slot::Floats)),
        float("mapf_scalar", own(shape, text!("mapf_scalar"), "", Slot::Floats, 1, 1)),
        float("mapf_vec4", own(shape, text!("mapf_vec4"), "", Slot::Floats, 4, 1)),
    ]
}

/// The window of five as the product slides it, over padded rows of a slot.
fn five_today(shape: Shape, from: Slot) -> Kernel {
    let (text, reads) = (text!("taps_today"), [Place::rows(shape.padded())]);
    today::quads(shape, text, "", [from, from], Slot::Result, &reads, [FIVE.len() as u32, 0, 0, 0], FIVE.to_vec())
}

fn taps(shape: Shape) -> Vec<Variant> {
    let make = |name, kernel| variant(Family::Taps, name, 4.0, ANY, Laid::Shorts, vec![kernel]);
    vec![
        make("taps_today", five_today(shape, Slot::Padded)),
        make("taps_funnel", own(shape, text!("taps_funnel"), "", Slot::Padded, 8, 1)),
        make("taps_unpacked", own(shape, text!("taps_unpacked"), "", Slot::Padded, 8, 1)),
    ]
}

fn edges(shape: Shape) -> Vec<Variant> {
    let make = |name, bytes, kernels| variant(Family::Edge, name, bytes, ANY, Laid::Shorts, kernels);
    let pad = || today::pad(shape, text!("edge_padded"), "", [Slot::Image, Slot::A], [0, 2]);
    let mut wide = own(shape, text!("taps_unpacked"), "", Slot::Padded, 8, 1);
    wide.reads = [Slot::A; 2];
    let folded = |section| own(shape, text!("edge_folded"), section, Slot::Image, 8, 1);
    vec![
        make("edge_padded", 8.0, vec![pad(), five_today(shape, Slot::A)]),
        make("edge_padded_wide", 8.0, vec![pad(), wide]),
        make("edge_reflected", 4.0, vec![own(shape, text!("edge_reflected"), "", Slot::Image, 2, 1)]),
        make("edge_folded", 4.0, vec![folded("group")]),
        make("edge_folded_lane", 4.0, vec![folded("lane")]),
    ]
}

/// The nine weights of sigma 2 that differ, the outermost first, as the product rounds them.
pub fn gaussian_weights() -> [f32; 9] {
    let raw = |k: i32| (-0.5 * f64::from(k * k) / 4.0).exp();
    let total: f64 = (-8..=8).map(raw).sum();
    std::array::from_fn(|k| (raw(8 - k as i32) / total) as f32)
}

fn gaussians(shape: Shape) -> Vec<Variant> {
    let weights: Vec<u32> = gaussian_weights().iter().map(|w| w.to_bits()).collect();
    let make = |name: &str, workgroup_bytes, (text, section), strip: u32, rows: u32| {
        let groups = [shape.width.div_ceil(strip), shape.height.div_ceil(rows), 1];
        let mut kernel = lab(shape, text, section, Slot::Image, [rows, 0, 0, 0], groups);
        kernel.table.clone_from(&weights);
        variant(Family::Gaussian, name, 4.0, Needs { workgroup_bytes, ..ANY }, Laid::Shorts, vec![kernel])
    };
    let march = |name, section, rows| make(name, 8192, (text!("gaussian_march"), section), 496, rows);
    let today = today::gaussian(shape, text!("gaussian_today"), &weights);
    vec![
        variant(Family::Gaussian, "gaussian_today", 44.0, ANY, Laid::Shorts, today),
        make("gaussian_tile", 14_080, (text!("gaussian_tile"), ""), 64, 24),
        make("gaussian_rows_64", 14_336, (text!("gaussian_rows"), ""), 240, 64),
        march("gaussian_march_32", "floats", 32),
        march("gaussian_march_64", "floats", 64),
        march("gaussian_march_128", "floats", 128),
        march("gaussian_march_packed_64", "packed", 64),
        march("gaussian_march_ahead_64", "ahead", 64),
    ]
}

fn tophats(shape: Shape) -> Vec<Variant> {
    let make = |name: &str, needs, kernel| variant(Family::Tophat, name, 6.0, needs, Laid::Shorts, vec![kernel]);
    let groups = |strip: u32, rows: u32| [shape.width.div_ceil(strip), shape.height.div_ceil(rows), 1];
    let doubling = lab(shape, text!("tophat_doubling"), "", Slot::Image, [0; 4], groups(64, 32));
    let march = |section, rows| lab(shape, text!("tophat_march"), section, Slot::Image, [rows, 0, 0, 0], groups(480, rows));
    let marching = Needs { workgroup_bytes: 8192, ..ANY };
    let half = Needs { workgroup_bytes: 4096, ..ANY };
    let one = |section, from| lab(shape, text!("tophat_two"), section, from, [64, 0, 0, 0], groups(496, 64));
    let erode = Kernel { result: Slot::A, ..one("erode", Slot::Image) };
    let two = vec![erode, Kernel { reads: [Slot::A, Slot::Image], ..one("dilate", Slot::A) }];
    vec![
        variant(Family::Tophat, "tophat_today", 38.0, ANY, Laid::Shorts, today::tophat(shape, text!("tophat_today"))),
        make("tophat_doubling", Needs { workgroup_bytes: 22_080, ..ANY }, doubling),
        variant(Family::Tophat, "tophat_two_64", 10.0, half, Laid::Shorts, two),
        make("tophat_march_64", marching, march("packed", 64)),
        make("tophat_march_128", marching, march("packed", 128)),
        make("tophat_march_ahead_64", marching, march("ahead", 64)),
        make("tophat_march_native_64", Needs { shorts: true, ..marching }, march("native", 64)),
    ]
}

fn medians(shape: Shape) -> Vec<Variant> {
    let make = |name, bytes, needs, kernels| variant(Family::Median, name, bytes, needs, Laid::Shorts, kernels);
    let columns = |section, per| vec![own(shape, text!("median_columns"), section, Slot::Image, per, 2)];
    vec![
        make("median_today", 8.0, ANY, today::median(shape, text!("median_today"))),
        make("median_columns", 4.0, ANY, columns("words4", 4)),
        make("median_columns_8", 4.0, ANY, columns("words8", 8)),
        make("median_pairs", 4.0, SHORTS, columns("pairs", 4)),
        make("median_pairs_8", 4.0, SHORTS, columns("fours", 8)),
    ]
}

fn folds(shape: Shape) -> Vec<Variant> {
    let vectors = shape.pitch() / 8 * shape.height;
    let count = vectors.div_ceil(2048);
    let columns = count.min(65_535);
    let groups = [columns, count.div_ceil(columns), 1];
    let extra = [vectors, shape.pitch() / 8, count, columns];
    let make = |name, needs, section| {
        let kernel = lab(shape, text!("fold_groups"), section, Slot::Image, extra, groups);
        variant(Family::Fold, name, 2.0, needs, Laid::Pairs(count as usize), vec![kernel])
    };
    let (today, laid) = today::fold(shape, text!("fold_today"));
    vec![
        variant(Family::Fold, "fold_today", 2.0, ANY, laid, vec![today]),
        make("fold_tree", Needs { workgroup_bytes: 1024, ..ANY }, "tree"),
        make("fold_subgroup", Needs { subgroups: true, workgroup_bytes: 256, ..ANY }, "subgroup"),
    ]
}

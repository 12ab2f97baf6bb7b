//! OME-XML: the Pixels element of the first image, scanned tolerantly, and the same printed for what we write.
//! It does not know TIFF pages beyond their numbers, and no XML beyond elements and attributes.

use super::units;
use crate::dtype::Dtype;
use crate::grid::Dims;
use crate::storage::{Axis, Info};

/// What the first image's Pixels element says.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Ome {
    /// `XYCZT` and the like: the third letter's planes change fastest.
    order: String,
    channels: usize,
    slices: usize,
    frames: usize,
    /// Distance and UDUNITS' unit along t, z, y, x.
    pub steps: Vec<Axis>,
    data: Vec<Data>,
}

/// One TiffData element: `count` planes from the given place on lie in the pages from `page` on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Data {
    page: usize,
    channel: usize,
    slice: usize,
    frame: usize,
    count: Option<usize>,
}

/// Reads OME-XML; `None` where the text is not, or has no usable Pixels element.
pub(super) fn parse(text: &str) -> Option<Ome> {
    if !text.trim_start().starts_with('<') || !text.contains("OME") {
        return None;
    }
    let mut elements = Elements(text).skip_while(|e| e.name() != "Pixels");
    let pixels = elements.next()?;
    let size = |key: &str| pixels.number(key).filter(|n| *n > 0);
    let data = elements.take_while(|e| e.name() != "/Pixels").filter(|e| e.name() == "TiffData").map(|e| e.data());
    let order = pixels.attribute("DimensionOrder")?;
    let is_order = order.len() == 5 && order.starts_with("XY") && "CZT".chars().all(|c| order.contains(c));
    Some(Ome {
        order: is_order.then_some(order)?,
        channels: size("SizeC")?,
        slices: size("SizeZ")?,
        frames: size("SizeT")?,
        steps: [
            ("t", "TimeIncrement", "s"),
            ("z", "PhysicalSizeZ", "µm"),
            ("y", "PhysicalSizeY", "µm"),
            ("x", "PhysicalSizeX", "µm"),
        ]
        .into_iter()
        .filter_map(|(name, key, unit)| pixels.step(name, key, unit))
        .collect(),
        data: data.collect(),
    })
}

impl Ome {
    /// The leading axes in the order of storage, slowest first, and the page of each plane; extents of 1 are left out.
    /// `None` where the file's pages are not the planes: a set of several files, for example.
    pub fn leading(&self, pages: usize, samples: usize) -> Option<(Dims, String, Vec<usize>)> {
        let channels = Some(self.channels / samples).filter(|c| c * samples == self.channels)?;
        let fast: Vec<(char, usize)> = self.order.chars().skip(2).map(|letter| (letter, self.extent(letter, channels))).collect();
        let planes = fast.iter().try_fold(1usize, |n, (_, extent)| n.checked_mul(*extent))?;
        if planes > pages {
            return None;
        }
        let slow = fast.iter().rev().filter(|(_, n)| *n > 1);
        let letters = slow.clone().map(|(letter, _)| letter.to_ascii_lowercase()).collect();
        let order = self.pages_of_planes(&fast, planes, pages)?;
        Some((slow.map(|(_, n)| *n).collect(), letters, order))
    }

    fn extent(&self, letter: char, channels: usize) -> usize {
        match letter {
            'C' => channels,
            'Z' => self.slices,
            _ => self.frames,
        }
    }

    /// The page of each plane by the TiffData elements; planes in order where there are none.
    fn pages_of_planes(&self, fast: &[(char, usize)], planes: usize, pages: usize) -> Option<Vec<usize>> {
        if self.data.is_empty() {
            return Some((0..planes).collect());
        }
        let mut order = vec![usize::MAX; planes];
        for data in &self.data {
            let at = |letter| match letter {
                'C' => data.channel,
                'Z' => data.slice,
                _ => data.frame,
            };
            let plane =
                fast.iter().rev().try_fold(0usize, |n, (letter, extent)| n.checked_mul(*extent)?.checked_add(at(*letter)))?;
            let count = data.count.unwrap_or(planes).min(planes.saturating_sub(plane));
            for (place, page) in order.iter_mut().skip(plane).take(count).zip(data.page..) {
                *place = page;
            }
        }
        order.iter().all(|page| *page < pages).then_some(order)
    }
}

/// One start or end tag: its name and attributes as text.
#[derive(Clone, Copy)]
struct Element<'a>(&'a str);

impl<'a> Element<'a> {
    /// The name without its namespace; `/Pixels` for an end tag.
    fn name(&self) -> &'a str {
        let name = self.0.split(|c: char| c.is_whitespace()).next().unwrap_or_default().trim_end_matches('/');
        name.rsplit(':').next().unwrap_or(name)
    }

    fn attribute(&self, key: &str) -> Option<String> {
        let mut rest = self.0;
        loop {
            let (before, after) = rest.split_once('=')?;
            let name = before.trim_end().rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default();
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, next) = after.get(1..)?.split_once(quote)?;
            if name == key {
                return Some(unescape(value));
            }
            rest = next;
        }
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.attribute(key)?.trim().parse().ok()
    }

    /// The axis of a physical size and its unit, which OME names with a default.
    fn step(&self, name: &str, key: &str, default: &str) -> Option<Axis> {
        let step = self.attribute(key)?.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s > 0.0)?;
        let unit = self.attribute(&format!("{key}Unit")).unwrap_or_else(|| default.to_owned());
        Some(Axis { name: name.to_owned(), step, unit: units::udunits(&unit) })
    }

    fn data(&self) -> Data {
        let at = |key: &str| self.number(key).unwrap_or(0);
        let page = self.number("IFD");
        let count = self.number("PlaneCount").or(page.map(|_| 1));
        Data { page: page.unwrap_or(0), channel: at("FirstC"), slice: at("FirstZ"), frame: at("FirstT"), count }
    }
}

/// All tags of a text in order; comments and instructions are passed over.
struct Elements<'a>(&'a str);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let (_, rest) = self.0.split_once('<')?;
            if let Some(comment) = rest.strip_prefix("!--") {
                self.0 = comment.split_once("-->")?.1;
                continue;
            }
            let (tag, after) = rest.split_once('>')?;
            self.0 = after;
            if !tag.starts_with(['?', '!']) {
                return Some(Element(tag));
            }
        }
    }
}

/// XML's character references, the micro sign's among them.
fn unescape(text: &str) -> String {
    let Some((before, after)) = text.split_once('&') else { return text.to_owned() };
    let Some((name, rest)) = after.split_once(';') else { return text.to_owned() };
    let code = match name.strip_prefix('#') {
        Some(hex) if hex.starts_with('x') => u32::from_str_radix(hex.trim_start_matches('x'), 16).ok(),
        Some(number) => number.parse().ok(),
        None => {
            [("lt", 60), ("gt", 62), ("amp", 38), ("quot", 34), ("apos", 39)].iter().find(|(n, _)| *n == name).map(|(_, c)| *c)
        }
    };
    match code.and_then(char::from_u32) {
        Some(letter) => format!("{before}{letter}{}", unescape(rest)),
        None => format!("{before}&{name};{}", unescape(rest)),
    }
}

/// ASCII XML text.
fn escape(text: &str) -> String {
    let plain = |c: char| c.is_ascii() && !matches!(c, '<' | '>' | '&' | '"');
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("&#{};", u32::from(c)) }).collect()
}

/// OME's name of a dtype; none for those that OME cannot hold. Masks are written as 0 and 255.
pub(super) fn type_name(dtype: Dtype) -> Option<&'static str> {
    Some(match dtype {
        Dtype::Bool | Dtype::U8 => "uint8",
        Dtype::I8 => "int8",
        Dtype::U16 => "uint16",
        Dtype::I16 => "int16",
        Dtype::U32 => "uint32",
        Dtype::I32 => "int32",
        Dtype::F32 => "float",
        Dtype::F64 => "double",
        Dtype::U64 | Dtype::I64 | Dtype::F16 => return None,
    })
}

/// The OME-XML of an array whose leading axes have these letters, slowest first, and end in y, x and perhaps s.
pub(super) fn print(info: &Info, leading: &str, kind: &str, image: &str) -> String {
    let mut order: String = leading.chars().rev().collect();
    order.extend("zct".chars().filter(|c| !leading.contains(*c)));
    let extent =
        |letter: char| leading.chars().position(|c| c == letter).and_then(|axis| info.shape.get(axis)).copied().unwrap_or(1);
    let at = |back: usize| info.shape.get(leading.len() + back).copied().unwrap_or(1);
    let samples = at(2);
    let steps: String = ["t", "z", "y", "x"]
        .iter()
        .filter_map(|name| {
            let place = leading.find(name).or(if *name == "y" { Some(leading.len()) } else { None });
            let place = place.or(if *name == "x" { Some(leading.len() + 1) } else { None })?;
            step_text(info.axes.get(place)?, name)
        })
        .collect();
    let channels: String =
        (0..extent('c')).map(|c| format!("<Channel ID=\"Channel:0:{c}\" SamplesPerPixel=\"{samples}\"/>")).collect();
    let planes = extent('t') * extent('c') * extent('z');
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.openmicroscopy.org/Schemas/OME/2016-06 \
         http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd\" Creator=\"stackmill\">\
         <Image ID=\"Image:0\" Name=\"{}\"><Pixels ID=\"Pixels:0\" DimensionOrder=\"XY{}\" Type=\"{kind}\" BigEndian=\"{}\" \
         Interleaved=\"{}\" SizeX=\"{}\" SizeY=\"{}\" SizeC=\"{}\" SizeZ=\"{}\" SizeT=\"{}\"{steps}>{channels}\
         <TiffData IFD=\"0\" PlaneCount=\"{planes}\"/></Pixels></Image></OME>",
        escape(image),
        order.to_uppercase(),
        cfg!(target_endian = "big"),
        samples > 1,
        at(1),
        at(0),
        extent('c') * samples,
        extent('z'),
        extent('t'),
    )
}

/// The attributes of one axis's distance; nothing where it is unknown or its unit is none of OME's.
fn step_text(axis: &Axis, name: &str) -> Option<String> {
    let unit = axis.unit.as_deref().and_then(units::symbol)?;
    let key = if name == "t" { "TimeIncrement".to_owned() } else { format!("PhysicalSize{}", name.to_uppercase()) };
    Some(format!(" {key}=\"{:?}\" {key}Unit=\"{}\"", axis.step, escape(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiff_data_places_planes() {
        let text = "<?xml?><!-- <Pixels/> --><OME><Image><ome:Pixels DimensionOrder='XYZCT' SizeC=\"2\" SizeZ=\"2\" SizeT=\"1\" \
                    PhysicalSizeX=\"0.5\" PhysicalSizeXUnit=\"&#xb5;m\"><TiffData IFD=\"2\" FirstZ=\"0\" FirstC=\"0\" PlaneCount=\"2\"/>\
                    <TiffData IFD=\"1\" FirstZ=\"0\" FirstC=\"1\"/><TiffData IFD=\"0\" FirstZ=\"1\" FirstC=\"1\"/></ome:Pixels></Image></OME>";
        let ome = parse(text).unwrap();
        assert_eq!(ome.leading(4, 1), Some((Dims::from([2, 2]), "cz".to_owned(), vec![2, 3, 1, 0])));
        assert_eq!(ome.leading(3, 1), None);
        assert_eq!(ome.steps, vec![Axis { name: "x".into(), step: 0.5, unit: Some("micrometer".into()) }]);
        assert_eq!(parse("<OME></OME>"), None);
    }
}

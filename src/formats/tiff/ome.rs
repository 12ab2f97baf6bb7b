//! OME-XML: the Pixels element of the first image, and the same printed for what we write.
//! It does not know TIFF pages beyond their numbers. The XML itself is quick-xml's, event by event: no depth of elements takes
//! stack, no entity of a document's own is expanded, and of a text nothing is kept but what is asked for here.

use super::units;
use crate::dtype::Dtype;
use crate::grid::Dims;
use crate::storage::{Axis, Info};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The page of a plane that the file does not have.
pub(super) const MISSING: usize = usize::MAX;

/// The most planes of an image of which the file may lack some: a word is kept for each.
const MOST_PLANES: usize = 1 << 22;

/// The longest attribute or text that is looked at, in bytes: numbers, units, UUIDs, names of files.
const LONGEST: usize = 4096;

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

/// One TiffData element: `count` planes from the given place on lie in the directories from `ifd` on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Data {
    ifd: usize,
    channel: usize,
    slice: usize,
    frame: usize,
    /// All that are left, where none.
    count: Option<usize>,
    /// Whether they lie in another file.
    elsewhere: bool,
}

/// The planes of an image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planes {
    /// The leading axes in the order of storage, slowest first, and their letters; extents of 1 are left out.
    pub shape: Dims,
    pub letters: String,
    /// The page of each plane, [`MISSING`] for those that the file does not have.
    pub pages: Vec<usize>,
}

impl Planes {
    /// How many the file does not have.
    pub fn missing(&self) -> usize {
        self.pages.iter().filter(|page| **page == MISSING).count()
    }
}

/// Reads the OME-XML of a file of this name; `None` where the text is none.
///
/// # Errors
/// Why it is of no use: what is no XML, or has no usable Pixels element.
pub(super) fn parse(text: &str, file_name: &str) -> Option<Result<Ome, String>> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') || !text.contains("OME") {
        return None;
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut found = Found { file_name, ..Found::default() };
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => found.start(&element, true),
            Ok(Event::Empty(element)) => found.start(&element, false),
            Ok(Event::Text(text)) => found.text(&text),
            Ok(Event::CData(text)) => found.text(&text),
            Ok(Event::End(element)) => found.end(element.local_name().as_ref()),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return found.is_ome.then(|| Err(format!("it is no XML: {error}"))),
        }
        if found.whole || found.is_other {
            break;
        }
    }
    found.is_ome.then(|| found.image())
}

/// What was found so far of a document.
#[derive(Default)]
struct Found<'a> {
    file_name: &'a str,
    is_ome: bool,
    /// The root is no OME element.
    is_other: bool,
    /// The UUID of the document, and the first of a TiffData's.
    root: Option<String>,
    first: Option<String>,
    /// TiffData name several files.
    several: bool,
    pixels: Option<Result<Ome, String>>,
    /// The text of the UUID that is being read, and whether it names this file.
    uuid: Option<(String, bool)>,
    /// All of Pixels was read.
    whole: bool,
}

impl Found<'_> {
    fn start(&mut self, element: &BytesStart<'_>, opens: bool) {
        match (element.local_name().as_ref(), &mut self.pixels) {
            ("OME", _) if !self.is_ome => {
                self.is_ome = true;
                let [uuid] = attributes(element, ["UUID"]);
                self.root = uuid;
            }
            _ if !self.is_ome => self.is_other = true,
            ("Pixels", None) => {
                self.pixels = Some(pixels(element));
                self.whole = !opens;
            }
            ("TiffData", Some(Ok(ome))) => ome.data.push(data(element)),
            ("UUID", Some(Ok(_))) => {
                let [name] = attributes(element, ["FileName"]);
                let is_own = name.is_some_and(|name| name.eq_ignore_ascii_case(self.file_name));
                self.uuid = Some((String::new(), is_own));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((uuid, _)) = &mut self.uuid
            && uuid.len() + text.len() <= LONGEST
        {
            uuid.push_str(text.trim());
        }
    }

    fn end(&mut self, name: &str) {
        self.whole |= name == "Pixels" && self.pixels.is_some();
        let Some((uuid, is_own)) = self.uuid.take_if(|_| name == "UUID") else { return };
        let is_own = is_own || self.root.as_ref() == Some(&uuid);
        if let Some(Ok(ome)) = &mut self.pixels
            && let Some(data) = ome.data.last_mut()
        {
            data.elsewhere = !is_own;
        }
        self.several |= self.first.as_ref().is_some_and(|first| *first != uuid);
        self.first.get_or_insert(uuid);
    }

    fn image(self) -> Result<Ome, String> {
        let mut ome = self.pixels.unwrap_or_else(|| Err("it has no Pixels element".to_owned()))?;
        // One file for all planes is this one, whatever it was called when it was written.
        if !self.several {
            ome.data.iter_mut().for_each(|data| data.elsewhere = false);
        }
        Ok(ome)
    }
}

/// The values of attributes by their names without namespace, entities and white space resolved; a value that cannot be
/// resolved is taken as it stands, one of absurd length is none.
fn attributes<const N: usize>(element: &BytesStart<'_>, names: [&str; N]) -> [Option<String>; N] {
    let mut values = [const { None }; N];
    // Checks for repeated names would compare each with each.
    for attribute in element.attributes().with_checks(false).flatten() {
        let place = names.iter().position(|name| attribute.key.local_name().as_ref() == *name);
        if let Some(value) = place.and_then(|place| values.get_mut(place)).filter(|value| value.is_none())
            && attribute.value.len() <= LONGEST
        {
            let resolved = attribute.normalized_value(XmlVersion::Implicit1_0);
            *value = Some(resolved.map_or_else(|_| attribute.value.to_string(), |text| text.into_owned()));
        }
    }
    values
}

fn number(text: Option<&String>) -> Option<usize> {
    text?.trim().parse().ok()
}

fn pixels(element: &BytesStart<'_>) -> Result<Ome, String> {
    let [order, c, z, t] = attributes(element, ["DimensionOrder", "SizeC", "SizeZ", "SizeT"]);
    let size = |name: &str, text: Option<String>| {
        number(text.as_ref()).filter(|n| *n > 0).ok_or_else(|| format!("its {name} is {}", text.as_deref().unwrap_or("missing")))
    };
    let order = order.unwrap_or_default();
    if order.len() != 5 || !order.starts_with("XY") || !"CZT".chars().all(|c| order.contains(c)) {
        return Err(format!("its DimensionOrder is '{}'", order.chars().take(16).collect::<String>()));
    }
    let steps = attributes(element, ["TimeIncrement", "PhysicalSizeZ", "PhysicalSizeY", "PhysicalSizeX"]);
    let units = attributes(element, ["TimeIncrementUnit", "PhysicalSizeZUnit", "PhysicalSizeYUnit", "PhysicalSizeXUnit"]);
    let axes = [("t", "s"), ("z", "µm"), ("y", "µm"), ("x", "µm")];
    let steps = axes.into_iter().zip(steps.into_iter().zip(units)).filter_map(|((name, default), (step, unit))| {
        let step = step?.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s > 0.0)?;
        Some(Axis { name: name.to_owned(), step, unit: units::udunits(unit.as_deref().unwrap_or(default)) })
    });
    let (channels, slices, frames) = (size("SizeC", c)?, size("SizeZ", z)?, size("SizeT", t)?);
    Ok(Ome { order, channels, slices, frames, steps: steps.collect(), data: Vec::new() })
}

fn data(element: &BytesStart<'_>) -> Data {
    let all = attributes(element, ["IFD", "FirstC", "FirstZ", "FirstT", "PlaneCount", "NumPlanes"]);
    let [ifd, channel, slice, frame, count, planes] = all.each_ref().map(|text| number(text.as_ref()));
    let count = count.or(planes).or(ifd.map(|_| 1));
    let [channel, slice, frame] = [channel, slice, frame].map(|place| place.unwrap_or(0));
    Data { ifd: ifd.unwrap_or(0), channel, slice, frame, count, elsewhere: false }
}

impl Ome {
    /// The planes of a file of so many pages of so many samples; `page` gives the page that a directory is, by its number.
    ///
    /// # Errors
    /// Why the file's pages cannot be the planes.
    pub fn planes(&self, pages: usize, samples: usize, page: impl Fn(usize) -> Option<usize>) -> Result<Planes, String> {
        let channels = Some(self.channels / samples).filter(|c| c * samples == self.channels);
        let channels = channels.ok_or_else(|| format!("its SizeC is {}, a pixel has {samples} samples", self.channels))?;
        let fast: Vec<(char, usize)> = self.order.chars().skip(2).map(|letter| (letter, self.extent(letter, channels))).collect();
        let planes = fast.iter().try_fold(1usize, |n, (_, extent)| n.checked_mul(*extent));
        let planes = planes.filter(|n| *n <= pages.max(MOST_PLANES));
        let planes = planes
            .ok_or_else(|| format!("it describes {} × {channels} × {} planes, the file has {pages}", self.frames, self.slices))?;
        if self.data.iter().any(|data| data.elsewhere) {
            return Err(format!("its {planes} planes lie in several files, and a set of files is not read as one"));
        }
        let slow = fast.iter().rev().filter(|(_, n)| *n > 1);
        let letters = slow.clone().map(|(letter, _)| letter.to_ascii_lowercase()).collect();
        let shape = slow.map(|(_, n)| *n).collect();
        let pages = self.pages_of_planes(&fast, planes, pages, page);
        Ok(Planes { shape, letters, pages })
    }

    fn extent(&self, letter: char, channels: usize) -> usize {
        match letter {
            'C' => channels,
            'Z' => self.slices,
            _ => self.frames,
        }
    }

    /// The page of each plane by the TiffData elements, of which later ones win; planes in order where there are none.
    fn pages_of_planes(
        &self,
        fast: &[(char, usize)],
        planes: usize,
        pages: usize,
        page: impl Fn(usize) -> Option<usize>,
    ) -> Vec<usize> {
        let existing = |page: usize| if page < pages { page } else { MISSING };
        if self.data.is_empty() {
            return (0..planes).map(existing).collect();
        }
        // From the last element to the first, each plane is given once: `next` leads past those that were. Elements that
        // cover each other take no more time than those that do not.
        let mut order = vec![MISSING; planes];
        let mut next: Vec<usize> = (0..=planes).collect();
        for data in self.data.iter().rev() {
            let Some(plane) = data.plane(fast) else { continue };
            let end = data.count.map_or(planes, |count| plane.saturating_add(count).min(planes));
            let mut at = free(&mut next, plane);
            while at < end {
                if let Some(place) = order.get_mut(at) {
                    let ifd = data.ifd.checked_add(at - plane);
                    *place = ifd.and_then(&page).map_or(MISSING, existing);
                }
                if let Some(place) = next.get_mut(at) {
                    *place = at + 1;
                }
                at = free(&mut next, at + 1);
            }
        }
        order
    }
}

/// The first plane from `at` on that was not given; the way there becomes shorter for who asks next.
fn free(next: &mut [usize], mut at: usize) -> usize {
    while let Some(step) = next.get(at).copied().filter(|step| *step != at) {
        let beyond = next.get(step).copied().unwrap_or(step);
        if let Some(place) = next.get_mut(at) {
            *place = beyond;
        }
        at = beyond;
    }
    at
}

impl Data {
    /// The number of its first plane; none for a place outside the image.
    fn plane(&self, fast: &[(char, usize)]) -> Option<usize> {
        fast.iter().rev().try_fold(0usize, |n, (letter, extent)| {
            let at = match letter {
                'C' => self.channel,
                'Z' => self.slice,
                _ => self.frame,
            };
            (at < *extent).then(|| n * extent + at)
        })
    }
}

/// ASCII XML text: what is no ASCII becomes a reference, and what XML has no place for becomes what stands for the unknown.
fn escape(text: &str) -> String {
    let plain = |c: char| (' '..='~').contains(&c) && !matches!(c, '<' | '>' | '&' | '"' | '\'');
    let is_legal = |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r');
    let escaped = |c: char| match c {
        c if plain(c) => c.to_string(),
        c if is_legal(c) => format!("&#{};", u32::from(c)),
        _ => "&#65533;".to_owned(),
    };
    text.chars().map(escaped).collect()
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

    fn ome(text: &str) -> Ome {
        parse(text, "a.ome.tif").expect("OME-XML").expect("Pixels")
    }

    fn image(pixels: &str) -> String {
        format!("<OME><Image><Pixels DimensionOrder='XYZCT' SizeC='2' SizeZ='3' SizeT='1' {pixels}</Pixels></Image></OME>")
    }

    fn pages(text: &str, pages: usize) -> Vec<usize> {
        ome(text).planes(pages, 1, Some).expect("planes").pages
    }

    #[test]
    fn tiff_data_places_planes() {
        let text = "<?xml?><!-- <Pixels/> --><OME><Image><ome:Pixels DimensionOrder='XYZCT' SizeC=\"2\" SizeZ=\"2\" SizeT=\"1\" \
                    PhysicalSizeX=\"0.5\" PhysicalSizeXUnit=\"&#xb5;m\"><TiffData IFD=\"2\" FirstZ=\"0\" FirstC=\"0\" PlaneCount=\"2\"/>\
                    <TiffData IFD=\"1\" FirstZ=\"0\" FirstC=\"1\"/><TiffData IFD=\"0\" FirstZ=\"1\" FirstC=\"1\"/></ome:Pixels></Image></OME>";
        let ome = ome(text);
        let planes = ome.planes(4, 1, Some).unwrap();
        assert_eq!((planes.shape, planes.letters.as_str()), (Dims::from([2, 2]), "cz"));
        assert_eq!(planes.pages, [2, 3, 1, 0]);
        // A directory that is no page, and one that the file lacks.
        let kept = |ifd: usize| [Some(0), Some(1), None, Some(2)].get(ifd).copied().flatten();
        assert_eq!(ome.planes(3, 1, kept).unwrap().pages, [MISSING, 2, 1, 0]);
        assert_eq!(ome.steps, vec![Axis { name: "x".into(), step: 0.5, unit: Some("micrometer".into()) }]);
        assert!(ome.planes(4, 3, Some).unwrap_err().contains("3 samples"));
    }

    #[test]
    fn later_elements_win_and_places_outside_count_for_nothing() {
        assert_eq!(pages(&image("><TiffData/>"), 6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(pages(&image(">"), 4), [0, 1, 2, 3, MISSING, MISSING]);
        let two =
            "><TiffData IFD='0' PlaneCount='6'/><TiffData FirstZ='1' IFD='4' PlaneCount='2'/><TiffData FirstZ='3' IFD='9'/>";
        assert_eq!(pages(&image(two), 6), [0, 4, 5, 3, 4, 5]);
        let far = format!("><TiffData IFD='{}' PlaneCount='{0}' FirstC='1'/>", usize::MAX);
        assert_eq!(pages(&image(&far), 6), [MISSING; 6]);
    }

    #[test]
    fn a_set_of_files_is_told_and_a_renamed_file_is_none() {
        let data = |uuid: &str, name: &str| format!("<TiffData IFD='0'><UUID FileName='{name}'>urn:{uuid}</UUID></TiffData>");
        let set = image(&format!(">{}{}", data("1", "A.ome.tif"), data("2", "b.ome.tif")));
        assert!(ome(&set).planes(6, 1, Some).unwrap_err().contains("several files"));
        let renamed = image(&format!(">{}{}", data("1", "old.tif"), data("<![CDATA[1]]>", "old.tif")));
        assert_eq!(pages(&renamed, 6).first(), Some(&0));
    }

    #[test]
    fn what_xml_may_hold_is_read_and_what_is_none_is_told() {
        let spaced = "\u{feff} <?xml version='1.0' encoding='UTF-8'?><!DOCTYPE OME [<!ENTITY lol 'lol'>]>\
                      <o:OME xmlns:o='x'><![CDATA[<Pixels/>]]><o:Pixels\n DimensionOrder = 'XYZ&#x43;T' SizeC='&lol;' \
                      SizeZ='1' SizeT='1'/></o:OME>";
        assert_eq!(parse(spaced, ""), Some(Err("its SizeC is &lol;".to_owned())));
        assert_eq!(parse("<OME></OME>", ""), Some(Err("it has no Pixels element".to_owned())));
        assert_eq!(parse("<HOME><Pixels/></HOME>", ""), None);
        assert_eq!(parse("ImageJ=1 OME", ""), None);
        let broken = image("><TiffData IFD='0'/><!-- ");
        assert!(parse(&broken, "").expect("OME").unwrap_err().contains("no XML"));
        let absurd = image(">").replace("SizeZ='3'", &format!("SizeZ='{}'", usize::MAX));
        assert!(ome(&absurd).planes(6, 1, Some).is_err());
    }

    /// Depth, entities, attributes and elements that cover each other: each in time that grows with its length.
    #[test]
    fn no_text_takes_stack_or_ages() {
        let many = |part: &str, n: usize| part.repeat(n);
        let entities = image(&format!("Name='{}'>", many("&amp;", 200_000)));
        let deep = image(&format!(">{}<TiffData IFD='5'/>", many("<a>", 200_000)));
        let repeated = image(&format!("{}>", many(" SizeC='2'", 200_000)));
        for text in [entities, deep, repeated] {
            assert_eq!(ome(&text).channels, 2);
        }
        let covering = format!(
            "<OME><Pixels DimensionOrder='XYZCT' SizeC='1' SizeT='1' SizeZ='100000'>{}</Pixels></OME>",
            many("<TiffData/>", 100_000)
        );
        assert_eq!(pages(&covering, 100_000).last(), Some(&99_999));
    }

    #[test]
    fn what_is_written_is_read() {
        let name = "a<b>&\"'\u{1}\t\u{fffe}µ\u{1f52c}.tif";
        assert!(escape(name).is_ascii());
        let text = format!("<OME UUID=\"{}\"/>", escape(name));
        let mut reader = Reader::from_str(&text);
        let Ok(Event::Empty(element)) = reader.read_event() else { panic!("an element") };
        assert_eq!(attributes(&element, ["UUID"]), [Some(name.replace(['\u{1}', '\u{fffe}'], "\u{fffd}"))]);
    }
}

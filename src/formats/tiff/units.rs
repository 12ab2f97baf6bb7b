//! Names of units: what ImageJ, OME and TIFF write, and UDUNITS' names for it.
//! It does not know which file a name came from, and converts no numbers but lengths to centimetres.

/// One unit: UDUNITS' name, OME's symbol, metres for lengths, and other spellings that files use.
struct Unit {
    name: &'static str,
    symbol: &'static str,
    metres: Option<f64>,
    spellings: &'static [&'static str],
}

const fn length(name: &'static str, symbol: &'static str, metres: f64, spellings: &'static [&'static str]) -> Unit {
    Unit { name, symbol, metres: Some(metres), spellings }
}

const fn time(name: &'static str, symbol: &'static str, spellings: &'static [&'static str]) -> Unit {
    Unit { name, symbol, metres: None, spellings }
}

const UNITS: &[Unit] = &[
    length("picometer", "pm", 1e-12, &[]),
    length("angstrom", "Å", 1e-10, &["\u{212b}", "A"]),
    length("nanometer", "nm", 1e-9, &["nanometre"]),
    length("micrometer", "µm", 1e-6, &["um", "\u{3bc}m", "micron", "microns", "micrometre"]),
    length("millimeter", "mm", 1e-3, &["millimetre"]),
    length("centimeter", "cm", 1e-2, &["centimetre"]),
    length("meter", "m", 1.0, &["metre"]),
    length("kilometer", "km", 1e3, &["kilometre"]),
    length("inch", "in", 0.0254, &["inches"]),
    length("foot", "ft", 0.3048, &[]),
    time("nanosecond", "ns", &[]),
    time("microsecond", "µs", &["us"]),
    time("millisecond", "ms", &["msec"]),
    time("second", "s", &["sec", "seconds"]),
    time("minute", "min", &["minutes"]),
    time("hour", "h", &["hours"]),
    time("day", "d", &["days"]),
];

fn known(name: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|u| u.name == name || u.symbol == name || u.spellings.contains(&name))
}

/// UDUNITS' name of a unit as a file spells it; an unknown one is kept, `pixel` and nothing are none.
pub(super) fn udunits(text: &str) -> Option<String> {
    let text = unescape(text.trim());
    match known(&text) {
        Some(unit) => Some(unit.name.to_owned()),
        None if text.is_empty() || text.starts_with("pixel") || text == "reference frame" => None,
        None => Some(text),
    }
}

/// OME's symbol of a unit; none for one that OME does not have.
pub(super) fn symbol(name: &str) -> Option<&'static str> {
    known(name).map(|u| u.symbol)
}

/// Centimetres of one of this unit; none where it is no length.
pub(super) fn centimetres(name: &str) -> Option<f64> {
    known(name)?.metres.map(|m| m * 100.0)
}

/// Java writes what is not ASCII as `\u00B5`: six literal characters.
fn unescape(text: &str) -> String {
    let Some((before, after)) = text.split_once("\\u") else { return text.to_owned() };
    let code = after.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    match (code, after.get(4..)) {
        (Some(letter), Some(rest)) => format!("{before}{letter}{}", unescape(rest)),
        _ => text.to_owned(),
    }
}

/// As text in an ASCII tag: what is not ASCII as Java's escape.
pub(super) fn escape(text: &str) -> String {
    let one = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{:04X}", u32::from(c)) };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_become_names() {
        assert_eq!(udunits("\\u00B5m").as_deref(), Some("micrometer"));
        assert_eq!(udunits("µm").as_deref(), Some("micrometer"));
        assert_eq!(udunits("micron").as_deref(), Some("micrometer"));
        assert_eq!(udunits("pixel"), None);
        assert_eq!(udunits("parsec").as_deref(), Some("parsec"));
        assert_eq!(udunits("\\u00"), Some("\\u00".to_owned()));
        assert_eq!(escape("µm"), "\\u00B5m");
    }
}

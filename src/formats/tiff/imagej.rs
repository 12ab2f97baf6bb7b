//! ImageJ's image description: how many channels, slices and frames, and the sizes that TIFF has no tags for.
//! It does not know pages: it parses and prints `key=value` lines.

use super::units;
use crate::grid::Dims;

/// What an ImageJ description says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImageJ {
    pub images: usize,
    pub channels: usize,
    pub slices: usize,
    pub frames: usize,
    /// Distance between slices.
    pub spacing: Option<f64>,
    /// UDUNITS' name of the pixel size's unit.
    pub unit: Option<String>,
    /// Seconds between frames, or in `time_unit`.
    pub interval: Option<f64>,
    pub time_unit: Option<String>,
}

/// Reads a description; `None` where it is not ImageJ's.
pub(super) fn parse(text: &str) -> Option<ImageJ> {
    if !text.starts_with("ImageJ=") {
        return None;
    }
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(str::trim)
    };
    let count = |key: &str| value(key).and_then(|v| v.parse::<usize>().ok()).filter(|n| *n > 0).unwrap_or(1);
    let number = |key: &str| value(key).and_then(|v| v.parse::<f64>().ok()).filter(|n| n.is_finite() && *n != 0.0);
    Some(ImageJ {
        images: count("images"),
        channels: count("channels"),
        slices: count("slices"),
        frames: count("frames"),
        spacing: number("spacing").map(f64::abs),
        unit: value("unit").and_then(units::udunits),
        interval: number("finterval").filter(|n| *n > 0.0),
        time_unit: value("tunit").and_then(units::udunits),
    })
}

impl ImageJ {
    /// The leading axes of `pages` pages: extents and letters, extents of 1 left out; channels change fastest, then
    /// slices, then frames. `None` where the counts do not fit the pages.
    pub fn leading(&self, pages: usize) -> Option<(Dims, String)> {
        let known = self.frames.checked_mul(self.slices)?.checked_mul(self.channels)?;
        if known == 1 && pages > 1 {
            return Some((Dims::from([pages]), "z".to_owned()));
        }
        if !pages.is_multiple_of(known) {
            return None;
        }
        let all = [(pages / known, '?'), (self.frames, 't'), (self.slices, 'z'), (self.channels, 'c')];
        let kept = all.into_iter().filter(|(n, _)| *n > 1);
        Some((kept.clone().map(|(n, _)| n).collect(), kept.map(|(_, letter)| letter).collect()))
    }

    /// The description as ImageJ writes it.
    pub fn print(&self) -> String {
        let mut text = format!("ImageJ=1.54f\nimages={}\n", self.images);
        let counts = [("channels", self.channels), ("slices", self.slices), ("frames", self.frames)];
        for (key, n) in counts.iter().filter(|(_, n)| *n > 1) {
            text += &format!("{key}={n}\n");
        }
        if counts.iter().filter(|(_, n)| *n > 1).count() > 1 {
            text += "hyperstack=true\nmode=grayscale\n";
        }
        if let Some(unit) = &self.unit {
            text += &format!("unit={}\n", units::escape(units::symbol(unit).unwrap_or(unit)));
        }
        if let Some(spacing) = self.spacing {
            text += &format!("spacing={spacing:?}\n");
        }
        if let Some(interval) = self.interval {
            text += &format!("finterval={interval:?}\n");
        }
        if let Some(unit) = &self.time_unit {
            text += &format!("tunit={}\n", units::escape(units::symbol(unit).unwrap_or(unit)));
        }
        text + "loop=false\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_and_parse_agree() {
        let unit = Some("micrometer".to_owned());
        let all = ImageJ {
            images: 24,
            channels: 2,
            slices: 3,
            frames: 4,
            spacing: Some(0.5),
            unit,
            interval: Some(2.0),
            time_unit: Some("minute".to_owned()),
        };
        assert_eq!(parse(&all.print()), Some(all.clone()));
        assert_eq!(all.leading(24), Some((Dims::from([4, 3, 2]), "tzc".to_owned())));
        assert_eq!(all.leading(25), None);
    }
}

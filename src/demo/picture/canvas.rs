//! An RGB canvas: pixels, boxes, rings and text.
//! It does not know what is drawn; what falls outside is clipped.

use crate::demo::picture::font;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// 8-bit RGB, C order.
pub struct Canvas {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel.
    pub bytes: Vec<u8>,
}

impl Canvas {
    /// A canvas of one colour.
    #[must_use]
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        Canvas { width, height, bytes: colour.repeat(width * height) }
    }

    /// Blends one pixel: 0 leaves it, 1 replaces it.
    pub fn blend(&mut self, y: usize, x: usize, colour: Colour, share: f32) {
        if y >= self.height || x >= self.width {
            return;
        }
        let at = 3 * (y * self.width + x);
        for (old, new) in self.bytes.iter_mut().skip(at).zip(colour) {
            *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * share.clamp(0.0, 1.0)).round() as u8;
        }
    }

    /// A filled box, `[y, x]` and `[height, width]`.
    pub fn fill(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: Colour) {
        for y in top..top + height {
            (left..left + width).for_each(|x| self.blend(y, x, colour, 1.0));
        }
    }

    /// A smooth ring about `centre` (y, x), clipped to the columns `from..to`.
    pub fn ring(&mut self, centre: [f64; 2], radius: f64, colour: Colour, columns: std::ops::Range<usize>) {
        let reach = radius + 2.0;
        let low = |at: f64| (at - reach).max(0.0) as usize;
        for y in low(centre[0])..=(centre[0] + reach).max(0.0) as usize {
            for x in low(centre[1]).max(columns.start)..=(centre[1] + reach).max(0.0) as usize {
                let off = ((y as f64 - centre[0]).hypot(x as f64 - centre[1]) - radius).abs();
                if x < columns.end && off < 1.4 {
                    self.blend(y, x, colour, (1.4 - off) as f32);
                }
            }
        }
    }

    /// Text with its top left at `[y, x]`, each dot of the font `dot` pixels wide. Gives its width.
    pub fn text(&mut self, [top, left]: [usize; 2], text: &str, dot: usize, colour: Colour) -> usize {
        for (n, letter) in text.chars().enumerate() {
            for (row, bits) in (font::descent(letter)..).zip(font::glyph(letter)) {
                for column in (0..font::WIDTH).filter(|c| bits >> (font::WIDTH - 1 - c) & 1 == 1) {
                    let at = [top + row * dot, left + (n * (font::WIDTH + 1) + column) * dot];
                    self.fill(at, [dot, dot], colour);
                }
            }
        }
        text_width(text, dot)
    }
}

/// How wide [`Canvas::text`] draws.
#[must_use]
pub fn text_width(text: &str, dot: usize) -> usize {
    (text.chars().count() * (font::WIDTH + 1)).saturating_sub(1) * dot
}

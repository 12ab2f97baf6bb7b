//! What stored blocks go through: LZW, deflate, PackBits, predictors and byte order, on buffers of known size.
//! It does not know files, pages or where a block lies in an image.

use super::directory::Order;
use super::unpack::Unpack;
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use flate2::{Compress, Compression, FlushCompress, Status};

/// How a block's bytes are stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Codec {
    None,
    Lzw,
    Deflate,
    PackBits,
}

impl Codec {
    /// The codec of a Compression tag.
    ///
    /// # Errors
    /// The name of a codec that is not supported.
    pub fn of(number: u64) -> std::result::Result<Codec, String> {
        match number {
            1 => Ok(Codec::None),
            5 => Ok(Codec::Lzw),
            8 | 32946 => Ok(Codec::Deflate),
            32773 => Ok(Codec::PackBits),
            other => Err(match codec_name(other) {
                Some(name) => format!("{name} (compression {other})"),
                None => format!("compression {other}"),
            }),
        }
    }

    /// The most bytes that one stored byte can become, generously: a header that claims more is a lie.
    pub fn largest_ratio(self) -> u64 {
        match self {
            Codec::None => 1,
            Codec::PackBits => 128,
            Codec::Deflate => 1100,
            Codec::Lzw => 4096,
        }
    }
}

fn codec_name(number: u64) -> Option<&'static str> {
    Some(match number {
        2 => "CCITT RLE",
        3 => "CCITT Group 3 fax",
        4 => "CCITT Group 4 fax",
        6 => "old-style JPEG",
        7 => "JPEG",
        34712 | 33003 | 33004 | 33005 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        _ => return None,
    })
}

/// What is subtracted before compression.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Predictor {
    None,
    /// Differences between neighbouring samples of a row.
    Horizontal,
    /// Bytes of a row sorted by significance, then differences between bytes.
    Float,
}

/// How the samples of a block's rows are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub dtype: Dtype,
    /// Pixels a row.
    pub width: usize,
    /// Samples a pixel that lie side by side.
    pub samples: usize,
}

impl Rows {
    fn bytes(&self) -> usize {
        (self.width * self.samples * self.dtype.size()).max(1)
    }
}

/// Undoes the codec: fills `out`, ignoring what a writer stored beyond it.
///
/// # Errors
/// A stream that is broken or holds fewer bytes than `out` needs.
pub(super) fn expand(codec: Codec, stored: &[u8], out: &mut [u8]) -> Result<()> {
    let (mut unpack, mut from) = (Unpack::new(codec), stored);
    let filled = unpack.fill(&mut from, out)?;
    if filled < out.len() {
        let what = format!("a {codec:?} block of {} bytes holds {filled} of the {} its header promises", stored.len(), out.len());
        return Err(Error::machine(what));
    }
    unpack.close(&mut from)
}

/// Turns the samples of whole rows as stored into native numbers: byte order and predictor.
pub(super) fn restore(bytes: &mut [u8], rows: Rows, order: Order, predictor: Predictor) {
    let size = rows.dtype.size();
    if predictor == Predictor::Float {
        let mut scratch = vec![0; rows.bytes()];
        bytes.chunks_exact_mut(rows.bytes()).for_each(|row| undo_float(row, &mut scratch, rows));
        return;
    }
    if order.swaps() && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    if predictor == Predictor::Horizontal {
        bytes.chunks_exact_mut(rows.bytes()).for_each(|row| sum_row(row, rows));
    }
}

macro_rules! unsigned_rows {
    ($(#[$doc:meta])* $name:ident, $each:ident) => {
        $(#[$doc])*
        fn $name(row: &mut [u8], rows: Rows) {
            match rows.dtype.size() {
                1 => $each!(row, rows.samples, u8, 1),
                2 => $each!(row, rows.samples, u16, 2),
                4 => $each!(row, rows.samples, u32, 4),
                _ => $each!(row, rows.samples, u64, 8),
            }
        }
    };
}

macro_rules! sum_each {
    ($row:expr, $samples:expr, $T:ty, $N:literal) => {{
        let (cells, _) = $row.as_chunks_mut::<$N>();
        for at in $samples..cells.len() {
            let sum = <$T>::from_ne_bytes(cells[at]).wrapping_add(<$T>::from_ne_bytes(cells[at - $samples]));
            cells[at] = sum.to_ne_bytes();
        }
    }};
}

macro_rules! difference_each {
    ($row:expr, $samples:expr, $T:ty, $N:literal) => {{
        let (cells, _) = $row.as_chunks_mut::<$N>();
        for at in ($samples..cells.len()).rev() {
            let step = <$T>::from_ne_bytes(cells[at]).wrapping_sub(<$T>::from_ne_bytes(cells[at - $samples]));
            cells[at] = step.to_ne_bytes();
        }
    }};
}

unsigned_rows! { /// Undoes the horizontal predictor: each sample is the sum of the differences up to it.
sum_row, sum_each }
unsigned_rows! { /// The horizontal predictor: each sample becomes its difference from the one before.
difference_row, difference_each }

/// Undoes the floating point predictor of one row; its bytes are sorted most significant first whatever the file's order.
fn undo_float(row: &mut [u8], scratch: &mut [u8], rows: Rows) {
    for at in rows.samples..row.len() {
        row[at] = row[at].wrapping_add(row[at - rows.samples]);
    }
    let (size, count) = (rows.dtype.size(), rows.width * rows.samples);
    for (number, element) in scratch.chunks_exact_mut(size).enumerate() {
        for (place, byte) in element.iter_mut().enumerate() {
            let plane = if cfg!(target_endian = "big") { place } else { size - 1 - place };
            *byte = row[plane * count + number];
        }
    }
    row.copy_from_slice(scratch);
}

/// Applies the horizontal predictor to whole rows of native numbers.
pub(super) fn predict(bytes: &mut [u8], rows: Rows) {
    bytes.chunks_exact_mut(rows.bytes()).for_each(|row| difference_row(row, rows));
}

/// The zlib stream of `bytes`, appended to `out`.
///
/// # Errors
/// A compressor that fails.
pub(super) fn deflate(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut state = Compress::new(Compression::default(), true);
    out.reserve(deflate_bound(bytes.len()));
    let status = state.compress_vec(bytes, out, FlushCompress::Finish);
    match status {
        Ok(Status::StreamEnd) => Ok(()),
        other => Err(Error::bug(format!("deflate of {} bytes stopped: {other:?}", bytes.len()))),
    }
}

/// What a compressor holds: window, hash chains, pending output.
pub(super) const DEFLATING_BYTES: u64 = 512 << 10;

/// A bound on the zlib stream of `len` bytes: stored blocks cost five bytes each, headers and checksum a few more.
pub(super) fn deflate_bound(len: usize) -> usize {
    len + len / 1000 * 5 + 128
}

#[cfg(test)]
mod tests {
    use super::*;
    use weezl::BitOrder;

    #[test]
    fn codecs_fill_what_they_hold_and_say_what_is_missing() {
        let plain: Vec<u8> = (0..5000u32).map(|n| u8::try_from(n * n / 7 % 251).unwrap()).collect();
        let lzw = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(&plain).unwrap();
        let mut zlib = Vec::new();
        deflate(&plain, &mut zlib).unwrap();
        for (codec, stored) in [(Codec::Lzw, &lzw), (Codec::Deflate, &zlib), (Codec::None, &plain)] {
            for len in [1, 4999, 5000] {
                let mut out = vec![0; len];
                expand(codec, stored, &mut out).unwrap();
                assert_eq!(out, plain[..len]);
            }
            assert!(expand(codec, stored, &mut vec![0; 5001]).unwrap_err().to_string().contains("holds 5000 of the 5001"));
            for cut in 0..stored.len() - 6 {
                assert!(expand(codec, &stored[..cut], &mut vec![0; 5000]).is_err(), "{codec:?} cut at {cut}");
            }
        }
        for at in 0..zlib.len() {
            let mut broken = zlib.clone();
            broken[at] ^= 4;
            let mut out = vec![0; 5000];
            assert!(expand(Codec::Deflate, &broken, &mut out).is_err() || out == plain, "bit at {at} passed");
        }
        // LZW strips without an end code are common: all pixels are there.
        expand(Codec::Lzw, &lzw[..lzw.len() - 1], &mut vec![0; 5000]).unwrap();
        assert!(expand(Codec::Lzw, &[0, 1, 2, 3], &mut [0; 4]).unwrap_err().to_string().contains("1992"));
    }

    #[test]
    fn predictors_and_byte_orders_are_undone() {
        for dtype in [Dtype::U8, Dtype::I16, Dtype::U32, Dtype::U64] {
            let rows = Rows { dtype, width: 7, samples: 3 };
            let plain: Vec<u8> = (0..2 * rows.bytes()).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
            for order in [Order::Little, Order::Big] {
                let mut bytes = plain.clone();
                predict(&mut bytes, rows);
                if order.swaps() {
                    bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
                }
                restore(&mut bytes, rows, order, Predictor::Horizontal);
                assert_eq!(bytes, plain, "{dtype} {order:?}");
            }
        }
        // Two f32 of one sample, 1.0 and -2.5: 3f800000 and c0200000, by significance 3f c0 80 20 00 00 00 00.
        let mut row = [0x3f, 0x81, 0xc0, 0xa0, 0xe0, 0, 0, 0];
        restore(&mut row, Rows { dtype: Dtype::F32, width: 2, samples: 1 }, Order::Big, Predictor::Float);
        assert_eq!(row, [1.0f32.to_ne_bytes(), (-2.5f32).to_ne_bytes()].concat()[..]);
    }
}

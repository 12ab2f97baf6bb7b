//! How many bytes a Zstandard stream says it will become, read without decoding, and gzip streams decoded as far as they may become
//! something: a garbled or malicious length must not allocate.
//! It does not know what the bytes mean, nor whether they will decode.

use flate2::read::GzDecoder;
use std::io::Read;

const FRAME: u32 = 0xFD2F_B528;
const SKIPPABLE: u32 = 0x184D_2A50;
/// The most bytes one block becomes.
const BLOCK: u64 = 128 << 10;

/// The sum of what all frames announce, or of what their blocks can become; `None` where the stream is malformed.
pub fn zstd_bound(stream: &[u8]) -> Option<u64> {
    let mut reader = Reader(stream);
    let mut total = 0u64;
    while !reader.0.is_empty() {
        let magic = u32::try_from(reader.number(4)?).ok()?;
        if magic & 0xFFFF_FFF0 == SKIPPABLE {
            let size = reader.number(4)?;
            reader.skip(size)?;
        } else if magic == FRAME {
            total = total.checked_add(frame(&mut reader)?)?;
        } else {
            return None;
        }
    }
    Some(total)
}

/// Decodes a gzip stream that becomes at most so many bytes.
pub fn gunzip(stream: &[u8], most: u64) -> Result<Vec<u8>, String> {
    // The last four bytes say the length; what they say is only a wish.
    let announced = stream.last_chunk::<4>().map_or(0, |last| u64::from(u32::from_le_bytes(*last))).min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    let read = GzDecoder::new(stream)
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| format!("its gzip stream: {e}"))?;
    if read as u64 > most {
        Err(format!("its gzip stream becomes more than the {most} bytes that a chunk has there"))
    } else {
        Ok(bytes)
    }
}

/// RFC 8878, section 3.1.1: descriptor, window, dictionary, content size, blocks, checksum.
fn frame(reader: &mut Reader<'_>) -> Option<u64> {
    let descriptor = reader.number(1)?;
    let single = descriptor & 0x20 != 0;
    reader.skip(u64::from(!single))?;
    reader.skip([0, 1, 2, 4][(descriptor & 3) as usize])?;
    let announced = match descriptor >> 6 {
        0 if single => Some(reader.number(1)?),
        0 => None,
        1 => Some(reader.number(2)? + 256),
        2 => Some(reader.number(4)?),
        _ => Some(reader.number(8)?),
    };
    let mut blocks = 0u64;
    loop {
        let header = reader.number(3)?;
        blocks += 1;
        // A block of one repeated byte stores that byte.
        let stored = if (header >> 1) & 3 == 1 { 1 } else { header >> 3 };
        reader.skip(stored)?;
        if header & 1 != 0 {
            break;
        }
    }
    reader.skip(if descriptor & 4 != 0 { 4 } else { 0 })?;
    announced.or_else(|| blocks.checked_mul(BLOCK))
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// A little-endian number of up to 8 bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let (head, tail) = self.0.split_at_checked(bytes)?;
        self.0 = tail;
        Some(head.iter().rev().fold(0, |n, b| (n << 8) | u64::from(*b)))
    }

    fn skip(&mut self, bytes: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }
}

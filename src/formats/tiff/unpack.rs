//! LZW, deflate and PackBits piece by piece: stored bytes come as they are there, decoded ones go where there is room.
//! It does not know files, nor what the bytes are.

use super::codec::Codec;
use crate::error::{Error, Result};
use flate2::{Decompress, FlushDecompress, Status};
use weezl::{BitOrder, LzwStatus, decode::Decoder};

/// Where stored bytes come from.
pub(super) trait Feed {
    /// Those that follow, at least one unless all were taken.
    fn ahead(&mut self) -> Result<&[u8]>;
    /// Passes over so many of them.
    fn take(&mut self, count: usize);
}

impl Feed for &[u8] {
    fn ahead(&mut self) -> Result<&[u8]> {
        Ok(self)
    }
    fn take(&mut self, count: usize) {
        *self = self.get(count..).unwrap_or_default();
    }
}

/// A block that is being decoded.
pub(super) struct Unpack {
    state: State,
    /// Whether anything was decoded.
    begun: bool,
    ended: bool,
}

enum State {
    Raw,
    Deflate(Box<Decompress>),
    Lzw(Box<Decoder>),
    PackBits(Run),
}

impl Unpack {
    /// The beginning of a block.
    pub fn new(codec: Codec) -> Unpack {
        let state = match codec {
            Codec::None => State::Raw,
            Codec::Deflate => State::Deflate(Box::new(Decompress::new(true))),
            Codec::Lzw => State::Lzw(Box::new(Decoder::with_tiff_size_switch(BitOrder::Msb, 8))),
            Codec::PackBits => State::PackBits(Run::None),
        };
        Unpack { state, begun: false, ended: false }
    }

    /// Decodes into all of `out`, or as much of it as there is: gives how much that is.
    ///
    /// # Errors
    /// A stream that is broken, and what the feed says.
    pub fn fill(&mut self, from: &mut impl Feed, out: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() && !self.ended {
            let (taken, made) = self.step(from.ahead()?, out.get_mut(filled..).unwrap_or_default())?;
            from.take(taken);
            filled += made;
            if (taken, made) == (0, 0) {
                break;
            }
        }
        Ok(filled)
    }

    /// Reads on to the end of the block: a checksum follows the last byte there, so that a flipped bit does not pass as a pixel.
    ///
    /// # Errors
    /// A stream that is broken or ends before, and what the feed says.
    pub fn close(&mut self, from: &mut impl Feed) -> Result<()> {
        let mut beyond = [0; 1024];
        while matches!(self.state, State::Deflate(_)) && !self.ended {
            let (taken, made) = self.step(from.ahead()?, &mut beyond)?;
            from.take(taken);
            if (taken, made) == (0, 0) && !self.ended {
                return Err(Error::machine("a deflate block is broken: it ends before its checksum"));
            }
        }
        Ok(())
    }

    /// Bytes taken and bytes made.
    fn step(&mut self, stored: &[u8], out: &mut [u8]) -> Result<(usize, usize)> {
        let is_first = !std::mem::replace(&mut self.begun, true);
        match &mut self.state {
            State::Raw => {
                let count = stored.len().min(out.len());
                out.iter_mut().zip(stored).for_each(|(o, s)| *o = *s);
                Ok((count, count))
            }
            State::Deflate(state) => {
                let (status, taken, made) = inflate(state, stored, out)?;
                self.ended = status == Status::StreamEnd;
                Ok((taken, made))
            }
            State::Lzw(decoder) => {
                if is_first && stored.first() == Some(&0) && stored.get(1).is_some_and(|b| b & 1 == 1) {
                    return Err(Error::machine("an LZW block has the bit order of before 1992, which is not supported"));
                }
                let result = decoder.decode_bytes(stored, out);
                let status = result.status.map_err(|e| Error::machine(format!("an LZW block is broken: {e}")))?;
                self.ended = matches!(status, LzwStatus::Done);
                Ok((result.consumed_in, result.consumed_out))
            }
            State::PackBits(run) => Ok(unpack_bits(run, stored, out)),
        }
    }
}

fn inflate(state: &mut Decompress, stored: &[u8], out: &mut [u8]) -> Result<(Status, usize, usize)> {
    let before = (state.total_in(), state.total_out());
    let status = state.decompress(stored, out, FlushDecompress::None);
    let status = status.map_err(|e| Error::machine(format!("a deflate block is broken: {e}")))?;
    let moved = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    Ok((status, moved(state.total_in(), before.0), moved(state.total_out(), before.1)))
}

/// What is left of a run of PackBits, in bytes.
#[derive(Clone, Copy)]
enum Run {
    None,
    /// They follow as they are.
    Follow(usize),
    /// Copies of a byte that has not come yet.
    Await(usize),
    Repeat(usize, u8),
}

/// One step: 0 to 127 is followed by one byte more than that, 129 to 255 by a byte that stands 257 less that often.
fn unpack_bits(run: &mut Run, stored: &[u8], out: &mut [u8]) -> (usize, usize) {
    let shorter = |left: usize, count: usize, rest: fn(usize, u8) -> Run, byte: u8| match left - count {
        0 => Run::None,
        left => rest(left, byte),
    };
    match (*run, stored.first().copied()) {
        (Run::None | Run::Await(_) | Run::Follow(_), None) => (0, 0),
        (Run::None, Some(head)) => {
            *run = match usize::from(head) {
                head if head < 128 => Run::Follow(head + 1),
                128 => Run::None,
                head => Run::Await(257 - head),
            };
            (1, 0)
        }
        (Run::Await(left), Some(byte)) => {
            *run = Run::Repeat(left, byte);
            (1, 0)
        }
        (Run::Follow(left), Some(_)) => {
            let count = left.min(stored.len()).min(out.len());
            out.iter_mut().zip(stored).take(count).for_each(|(o, s)| *o = *s);
            *run = shorter(left, count, |left, _| Run::Follow(left), 0);
            (count, count)
        }
        (Run::Repeat(left, byte), _) => {
            let count = left.min(out.len());
            out.iter_mut().take(count).for_each(|o| *o = byte);
            *run = shorter(left, count, Run::Repeat, byte);
            (0, count)
        }
    }
}

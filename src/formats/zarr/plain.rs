//! Chunks that are native bytes, as they are or as one Zstandard stream: most arrays' chunks. They are decoded where they are wanted and
//! encoded with contexts that each thread keeps, which small chunks would spend as long on as on their bytes.
//! It does not know the other codecs.

use super::meta::ArrayNode;
use crate::dtype::Dtype;
use serde_json::{Map, Value};
use std::cell::RefCell;
use zstd::bulk::{Compressor, Decompressor};

/// Bytes of a context that decodes, kept by a thread.
pub const CONTEXT_BYTES: u64 = 160 << 10;

/// How such chunks are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// As they are.
    Raw,
    /// As one Zstandard stream.
    Zstd { level: i32, checksum: bool },
}

thread_local! {
    static DECODER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static ENCODER: RefCell<Option<((i32, bool), Compressor<'static>)>> = const { RefCell::new(None) };
}

impl Plain {
    /// What an array's document says; none where its chunks are anything else.
    pub fn of(node: &ArrayNode, dtype: Dtype) -> Option<Plain> {
        match node.version {
            2 => version_2(&node.json),
            _ => version_3(node.json.get("codecs")?.as_array()?, dtype),
        }
    }

    /// Decodes into a chunk's bytes. The error says what is wrong with what is stored.
    pub fn decode(self, stored: &[u8], out: &mut [u8]) -> Result<(), String> {
        let len = match self {
            Plain::Raw => stored.len(),
            Plain::Zstd { .. } => unpack(stored, out).map_err(|e| e.to_string())?,
        };
        if len != out.len() {
            return Err(format!("it decodes to {len} bytes, a chunk has {}", out.len()));
        }
        if self == Plain::Raw {
            out.copy_from_slice(stored);
        }
        Ok(())
    }

    /// Encodes a chunk's bytes.
    pub fn encode(self, decoded: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Plain::Raw => Ok(decoded.to_vec()),
            Plain::Zstd { level, checksum } => pack(decoded, (level, checksum)).map_err(|e| e.to_string()),
        }
    }
}

fn version_2(document: &Map<String, Value>) -> Option<Plain> {
    let is_null = |name: &str| document.get(name).is_none_or(Value::is_null);
    let order = document.get("order")?.as_str()?;
    let native =
        document.get("dtype")?.as_str()?.starts_with(if cfg!(target_endian = "little") { ['<', '|'] } else { ['>', '|'] });
    if order != "C" || !is_null("filters") || !native {
        return None;
    }
    match document.get("compressor") {
        None | Some(Value::Null) => Some(Plain::Raw),
        Some(codec) if codec.get("id")? == "zstd" => zstd_of(codec),
        Some(_) => None,
    }
}

fn version_3(codecs: &[Value], dtype: Dtype) -> Option<Plain> {
    let (bytes, rest) = codecs.split_first()?;
    let native = if cfg!(target_endian = "little") { "little" } else { "big" };
    let endian = bytes.pointer("/configuration/endian").and_then(Value::as_str);
    if bytes.get("name")? != "bytes" || dtype.size() > 1 && endian != Some(native) {
        return None;
    }
    match rest {
        [] => Some(Plain::Raw),
        [codec] if codec.get("name")? == "zstd" => zstd_of(codec.get("configuration")?),
        _ => None,
    }
}

fn zstd_of(configuration: &Value) -> Option<Plain> {
    let level = i32::try_from(configuration.get("level")?.as_i64()?).ok()?;
    let checksum = configuration.get("checksum").and_then(Value::as_bool).unwrap_or(false);
    Some(Plain::Zstd { level, checksum })
}

/// Decodes a Zstandard stream that becomes at most so many bytes.
pub fn unzstd(stored: &[u8], most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(most).map_err(std::io::Error::other)?];
    let len = unpack(stored, &mut bytes)?;
    bytes.truncate(len);
    Ok(bytes)
}

fn unpack(stored: &[u8], out: &mut [u8]) -> std::io::Result<usize> {
    DECODER.with_borrow_mut(|kept| {
        let decoder = match kept {
            Some(decoder) => decoder,
            None => kept.insert(Decompressor::new()?),
        };
        decoder.decompress_to_buffer(stored, out)
    })
}

fn pack(decoded: &[u8], settings: (i32, bool)) -> std::io::Result<Vec<u8>> {
    ENCODER.with_borrow_mut(|kept| {
        let encoder = match kept {
            Some((known, encoder)) if *known == settings => encoder,
            _ => {
                let mut encoder = Compressor::new(settings.0)?;
                encoder.include_checksum(settings.1)?;
                &mut kept.insert((settings, encoder)).1
            }
        };
        encoder.compress(decoded)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of_3(codecs: &Value, dtype: Dtype) -> Option<Plain> {
        version_3(codecs.as_array()?, dtype)
    }

    #[test]
    fn only_native_bytes_are_plain() {
        let bytes = |endian: &str| json!({"name": "bytes", "configuration": {"endian": endian}});
        let zstd = json!({"name": "zstd", "configuration": {"level": 3, "checksum": true}});
        let packed = Some(Plain::Zstd { level: 3, checksum: true });
        assert_eq!(of_3(&json!([bytes("little"), zstd]), Dtype::U16), packed);
        assert_eq!(of_3(&json!([bytes("little")]), Dtype::F64), Some(Plain::Raw));
        assert_eq!(of_3(&json!([{"name": "bytes"}, zstd]), Dtype::U8), packed);
        assert_eq!(of_3(&json!([bytes("big"), zstd]), Dtype::U16), None);
        assert_eq!(of_3(&json!([{"name": "bytes"}, zstd]), Dtype::U16), None);
        assert_eq!(of_3(&json!([bytes("little"), zstd, {"name": "crc32c"}]), Dtype::U16), None);
        assert_eq!(of_3(&json!([{"name": "transpose", "configuration": {"order": [1, 0]}}, bytes("little")]), Dtype::U8), None);
        let old = |order: &str, dtype: &str, filters: Value| {
            let compressor = json!({"id": "zstd", "level": 1});
            let document = json!({"order": order, "dtype": dtype, "filters": filters, "compressor": compressor});
            version_2(document.as_object().expect("an object"))
        };
        assert_eq!(old("C", "<u2", Value::Null), Some(Plain::Zstd { level: 1, checksum: false }));
        assert_eq!(old("F", "<u2", Value::Null), None);
        assert_eq!(old("C", ">u2", Value::Null), None);
        assert_eq!(old("C", "|u1", json!([{"id": "delta"}])), None);
    }

    #[test]
    fn bytes_come_back_and_other_lengths_are_told() {
        let raw: Vec<u8> = (0..5000u32).map(|k| ((k * k) >> 7) as u8).collect();
        for plain in [Plain::Raw, Plain::Zstd { level: 3, checksum: true }, Plain::Zstd { level: -2, checksum: false }] {
            let stored = plain.encode(&raw).expect("stored bytes");
            let mut out = vec![0; raw.len()];
            plain.decode(&stored, &mut out).expect("its bytes");
            assert_eq!(out, raw);
            assert!(plain.decode(&stored, &mut vec![0; raw.len() + 1]).unwrap_err().contains("5000 bytes, a chunk has 5001"));
            assert!(plain.decode(&stored, &mut vec![0; raw.len() - 1]).is_err());
        }
        let checked = Plain::Zstd { level: 3, checksum: true };
        let mut stored = checked.encode(&raw).expect("stored bytes");
        *stored.last_mut().expect("a checksum") ^= 1;
        assert!(checked.decode(&stored, &mut vec![0; raw.len()]).unwrap_err().contains("checksum"));
    }
}

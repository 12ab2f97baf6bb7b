//! Where programs run and are measured: a folder, stacks of noise in several formats, and processes whose greatest memory the system tells.
//! It does not know what is expected.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder that is gone when its test is done.
pub struct Place {
    folder: PathBuf,
}

/// What a process said, and the most bytes of it that were resident, of one that fails as far as they were seen.
pub struct Ran {
    pub status: i32,
    pub err: String,
    pub peak: u64,
}

impl Ran {
    /// A figure of the summary.
    pub fn figure(&self, name: &str) -> u64 {
        self.said(name).unwrap_or_else(|| panic!("no {name} in {}", self.err))
    }

    fn said(&self, name: &str) -> Option<u64> {
        let mut objects = self.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        objects.find(|said| said["done"] == true)?[name].as_u64()
    }
}

/// A small generator (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n
    }
}

impl Place {
    pub fn new(name: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("stackmill-resident-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Place { folder }
    }

    /// Stacks of 38 to 67 MiB, as they come: raw, in strips, in tiles, in chunks large and small, in shards.
    pub fn with_inputs(name: &str) -> Place {
        let place = Place::new(name);
        place.noise("a.npy", "<u2", &[44, 800, 1000]);
        place.noise("b.npy", "|u1", &[64, 800, 1000]);
        place.noise("c.npy", "<f4", &[24, 600, 700]);
        let made: [&[&str]; 8] = [
            &["a.npy", "a.tif"],
            &["a.npy", "a.zarr"],
            &["b.npy", "b.tif", "--tiled"],
            &["b.npy", "b.zarr", "--chunks", "16,128,128", "--shards", "32,256,256"],
            &["c.npy", "c.tif"],
            &["c.npy", "c.zarr", "--chunks", "8,64,64"],
            &["a.npy", "a.ome.zarr", "--axes", "ZYX"],
            &["b.npy", "planes.zarr", "--chunks", "1,800,1000"],
        ];
        for words in made {
            let ran = place.run(&[&["run", words[0], words[1], "x", "--progress", "never"], &words[2..]].concat());
            assert_eq!(ran.status, 0, "{words:?}: {}", ran.err);
        }
        place
    }

    /// The stacks.
    pub fn inputs(&self) -> Vec<String> {
        let names =
            ["a.npy", "b.npy", "c.npy", "a.tif", "a.zarr", "b.tif", "b.zarr", "c.tif", "c.zarr", "a.ome.zarr", "planes.zarr"];
        names.map(str::to_owned).to_vec()
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.join(name)).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// Runs the program.
    pub fn run(&self, words: &[&str]) -> Ran {
        self.ran(Command::new(env!("CARGO_BIN_EXE_stackmill")).args(words))
    }

    /// Runs the program in a shell that limits it.
    pub fn shell(&self, limit: &str, command: &str) -> Ran {
        let line = format!("{limit}; exec \"$0\" {command}");
        self.ran(Command::new("bash").args(["-c", &line, env!("CARGO_BIN_EXE_stackmill")]))
    }

    /// Ends a run as soon as a file is so long.
    pub fn cut_off(&self, words: &[&str], file: &str, bytes: u64) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackmill"));
        let mut child = command.args(words).current_dir(&self.folder).stderr(Stdio::null()).spawn().unwrap();
        let path = self.folder.join(file);
        while std::fs::metadata(&path).map_or(0, |meta| meta.len()) < bytes {
            assert!(child.try_wait().unwrap().is_none(), "{words:?} ended before {file} had {bytes} bytes");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn ran(&self, command: &mut Command) -> Ran {
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::piped());
        // The variable would change which budget is chosen, the locale what is said.
        command.env_remove("SLURM_JOB_ID").env("LC_ALL", "C");
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut err = String::new();
            pipe.read_to_string(&mut err).map(|_| err).unwrap()
        });
        let mut peak = 0;
        let status = loop {
            peak = peak.max(peak_of(child.id()));
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        };
        let status = status.code().unwrap_or_else(|| 128 + std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0));
        let mut ran = Ran { status, err: reader.join().unwrap(), peak };
        ran.peak = ran.peak.max(ran.said("resident_bytes").unwrap_or(0));
        ran
    }

    /// What a process has that is about to run: what it had at most in a small run, without what that run added.
    pub fn nothing(&self) -> u64 {
        self.noise("nothing.npy", "<u2", &[2, 3, 4]);
        let ran = self.run(&["run", "nothing.npy", "nothing.tif", "x", "--progress", "json", "--overwrite"]);
        ran.figure("resident_bytes") - ran.figure("measured_bytes")
    }

    /// A stack of noise: pixels of a camera's kind, floats between 2 and 8.
    pub fn noise(&self, name: &str, dtype: &str, shape: &[usize]) {
        let shape_text: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let mut head = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape_text}), }}");
        while (head.len() + 11) % 64 != 0 {
            head.push(' ');
        }
        head.push('\n');
        let mut file = std::fs::File::create(self.folder.join(name)).unwrap();
        let length = u16::try_from(head.len()).unwrap().to_le_bytes();
        file.write_all(&[b"\x93NUMPY\x01\x00", &length[..], head.as_bytes()].concat()).unwrap();
        let size: usize = dtype[2..].parse().unwrap();
        let top = match size {
            1 => None,
            2 => Some(1),
            _ => Some(0x40),
        };
        let mut chance = Chance(shape.iter().sum::<usize>() as u64);
        let mut block: Vec<u8> = (0..1 << 17).flat_map(|_| chance.next().to_le_bytes()).collect();
        if let Some(top) = top {
            block.iter_mut().skip(size - 1).step_by(size).for_each(|byte| *byte = top);
        }
        let mut left = shape.iter().product::<usize>() * size;
        while left > 0 {
            let part = left.min(block.len());
            file.write_all(&block[..part]).unwrap();
            left -= part;
            block.rotate_left(4096);
        }
    }

    /// An array of one chunk of 4×4×4 bytes, which is stored as these bytes; in a shard, as one inner chunk of it.
    pub fn zarr(&self, name: &str, codecs: &[&str], stored: &[u8]) {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(folder.join("c/0/0")).unwrap();
        let codec = |name: &str| match name {
            "gzip" => json!({"name": "gzip", "configuration": {"level": 1}}),
            "zstd" => json!({"name": "zstd", "configuration": {"level": 1, "checksum": false}}),
            _ => json!({"name": "transpose", "configuration": {"order": [2, 0, 1]}}),
        };
        let shard = codecs.iter().position(|name| *name == "shard");
        let inner = codecs.iter().skip(shard.map_or(0, |place| place + 1)).map(|name| codec(name));
        let inner: Vec<Value> = std::iter::once(json!({"name": "bytes"})).chain(inner).collect();
        let (codecs, bytes): (Vec<Value>, Vec<u8>) = match shard {
            None => (inner, stored.to_vec()),
            Some(place) => {
                let index = [json!({"name": "bytes", "configuration": {"endian": "little"}})];
                let configuration =
                    json!({"chunk_shape": [2, 4, 4], "codecs": inner, "index_codecs": index, "index_location": "end"});
                let outer = codecs[..place].iter().map(|name| codec(name));
                let index = [0, stored.len() as u64, u64::MAX, u64::MAX].map(u64::to_le_bytes).concat();
                let shard = json!({"name": "sharding_indexed", "configuration": configuration});
                (outer.chain([shard]).collect(), [stored, &index].concat())
            }
        };
        let document = json!({
            "zarr_format": 3, "node_type": "array", "shape": [4, 4, 4], "data_type": "uint8", "fill_value": 0, "codecs": codecs,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 4, 4]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        });
        std::fs::write(folder.join("zarr.json"), document.to_string()).unwrap();
        std::fs::write(folder.join("c/0/0/0"), bytes).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The most bytes of a process that were ever resident until now. (What is told of a process that has ended counts what its parent had when
/// it began.)
fn peak_of(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}

/// What is compressed: bytes, or as many zeros as would not be held.
pub enum Plain<'b> {
    Bytes(&'b [u8]),
    Zeros(u64),
}

impl<'b> Plain<'b> {
    fn reader(self) -> Box<dyn Read + 'b> {
        match self {
            Plain::Bytes(bytes) => Box::new(bytes),
            Plain::Zeros(count) => Box::new(std::io::repeat(0).take(count)),
        }
    }
}

pub fn gzip(plain: Plain<'_>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut plain.reader(), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(plain: Plain<'_>) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    std::io::copy(&mut plain.reader(), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

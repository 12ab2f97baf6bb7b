//! Candidates for the product's GPU kernels, each alone: checked against plain loops, timed by the device, beside its rivals
//! and the device's own copy. A lab for the first minutes on a GPU; `cargo bench` leaves it alone.
//!
//! ```sh
//! cargo build --release --locked --workspace --bench gpu_lab     # target/release/deps/gpu_lab-*
//! gpu_lab --device gpu --json lab.json                           # a real one; --device llvmpipe --once checks the answers
//! ```
//!
//! rho = the bytes that must move (`ideal`) / time / the rate of the fastest copy of the same image in the same run. An image
//! that fits a device's cache tells of the cache: u16 in and out of 4096 x 4096 are 67 MB; `--size 8192` where that is too
//! small.
//!
//! Each `*.wgsl` beside this is one variant, or a few that differ in sections `// kernel NAMES`: what it computes, its idea,
//! what it moves. `prelude.wgsl` or `today.wgsl` comes before it. Ends with 0; 1: an answer is wrong; 2: what was asked for
//! makes no sense or there is no such device; 3: the device hangs or was lost.

mod args;
mod device;
mod harness;
mod reference;
mod report;
mod today;
mod variants;

use args::{Args, USAGE};
use device::{Buffers, Done, Fault, Gpu};
use harness::Bench;
use reference::Answer;
use report::{Header, Row};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use variants::{Family, Shape, Variant, variants};

fn main() -> ExitCode {
    let args = match Args::read(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(what) => return refused(&format!("{what}\n{USAGE}")),
    };
    if args.list {
        return list(&args);
    }
    let gpu = match Gpu::open(&args) {
        Ok(gpu) => gpu,
        Err(what) => {
            return refused(&format!("{what}\nhint: --device takes part of a name, or gpu for the first that is no software"));
        }
    };
    let [width, height] = args.size.unwrap_or(if gpu.is_software() { [256; 2] } else { [4096; 2] });
    run(&args, &gpu, Shape { width, height })
}

fn refused(what: &str) -> ExitCode {
    eprintln!("gpu_lab: {what}");
    ExitCode::from(2)
}

fn list(args: &Args) -> ExitCode {
    let shape = Shape { width: 4096, height: 4096 };
    for variant in variants(shape).iter().filter(|v| args.wants(v.family.name(), &v.name)) {
        let needs = variant.needs;
        let what = [(needs.shorts, "16-bit integers"), (needs.subgroups, "subgroups")];
        let mut needed: Vec<String> = what.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned()).collect();
        if needs.workgroup_bytes > 0 {
            needed.push(format!("{} bytes of workgroup memory", needs.workgroup_bytes));
        }
        let (family, _, ideal) = variant.family.told();
        println!("{family:10} {:24} {:4.1} of {ideal} B/px  {}", variant.name, variant.bytes, needed.join(", "));
    }
    ExitCode::SUCCESS
}

/// Ends the program where a driver never comes back: a variant in a call that has no timeout of its own.
struct Watch(Sender<Option<String>>);

impl Watch {
    /// `patience`: for what lies between two words.
    fn new(patience: Duration) -> Watch {
        let (send, heard) = channel::<Option<String>>();
        std::thread::spawn(move || {
            let mut now = None;
            loop {
                match (heard.recv_timeout(patience), &now) {
                    (Ok(next), _) => now = next,
                    (Err(RecvTimeoutError::Timeout), Some(name)) => {
                        let what = format!("the driver did not come back within {:.0} s", patience.as_secs_f64());
                        println!("| {name} | - | - | - | - | - | - | **WRONG** {what} |");
                        eprintln!("gpu_lab: {name}: {what}");
                        std::process::exit(3);
                    }
                    (Err(RecvTimeoutError::Timeout), None) => {}
                    (Err(RecvTimeoutError::Disconnected), _) => return,
                }
            }
        });
        Watch(send)
    }

    /// What the device does from now on; `None`: nothing.
    fn says(&self, what: Option<&str>) {
        // A watch that is gone has nothing to end.
        let _ = self.0.send(what.map(str::to_owned));
    }
}

/// What one run knows.
struct Lab<'l> {
    args: &'l Args,
    bench: Bench<'l>,
    header: Header,
    watch: Watch,
    rows: Vec<Row>,
    /// Bytes a second of the device's own copy, once that is known.
    copy: Option<f64>,
    /// What the device went away with.
    gone: Option<String>,
}

/// All variants, family by family. What is known is told at once: a driver may take the program down with it.
fn run(args: &Args, gpu: &Gpu, shape: Shape) -> ExitCode {
    let image = reference::image(shape);
    let bench = Bench { gpu, shape, image: &image, buffers: Buffers::new() };
    // Polls give up after the timeout; this is for calls that do not.
    let watch = Watch::new(args.timeout + Duration::from_secs_f64(2.0 + 2.0 * args.seconds));
    let header = header(args, gpu, shape);
    let mut lab = Lab { args, bench, header, watch, rows: Vec::new(), copy: None, gone: None };
    let all = variants(shape);
    if !all.iter().any(|v| args.wants(v.family.name(), &v.name)) {
        return refused(&format!("--only {}: no family or variant has that in its name", args.only.as_deref().unwrap_or("")));
    }
    for family in Family::ALL {
        let wanted = |v: &&Variant| v.family == family && (family == Family::Copy || args.wants(family.name(), &v.name));
        let of_family: Vec<&Variant> = all.iter().filter(wanted).collect();
        if !of_family.is_empty()
            && let Err(code) = lab.family(family, &of_family)
        {
            return code;
        }
    }
    lab.end()
}

impl Lab<'_> {
    fn family(&mut self, family: Family, variants: &[&Variant]) -> Result<(), ExitCode> {
        let shape = self.bench.shape;
        let answer = reference::answer(family, shape, self.bench.image);
        let from = self.rows.len();
        if family != Family::Copy {
            println!("{}", report::table_head(family));
        }
        for variant in variants {
            self.write(Some(variant))?;
            self.watch.says(Some(&variant.name));
            let row = made(self.args, &mut self.bench, variant, &answer, &mut self.gone);
            self.watch.says(None);
            if row.right == Some(false) {
                eprintln!("gpu_lab: {}: {}", row.name, row.said);
            }
            if family != Family::Copy {
                println!("{}", report::line(shape, &row, self.copy));
            }
            self.rows.push(row);
        }
        if family == Family::Copy {
            self.copy = report::copy_rate(shape, &self.rows);
            println!("{}{}", report::head(&self.header, self.copy), report::table_head(family));
            self.rows[from..].iter().for_each(|row| println!("{}", report::line(shape, row, self.copy)));
        }
        self.write(None)
    }

    /// The JSON of what is known so far; a variant that is begun is told as one that does not come back, for it may not.
    fn write(&self, begun: Option<&Variant>) -> Result<(), ExitCode> {
        let Some(path) = &self.args.json else { return Ok(()) };
        let begun =
            begun.map(|variant| Row { right: Some(false), said: "was begun and did not come back".to_owned(), ..empty(variant) });
        let text = format!("{:#}\n", report::json(&self.header, self.rows.iter().chain(&begun), self.copy));
        std::fs::write(path, text).map_err(|error| refused(&format!("--json {}: {error}", path.display())))
    }

    /// The last line, and the program's end.
    fn end(self) -> ExitCode {
        let wrong = self.rows.iter().filter(|row| row.right == Some(false)).count();
        let unmade = self.rows.iter().filter(|row| row.right.is_none()).count();
        let (all, right) = (self.rows.len(), self.rows.len() - wrong - unmade);
        println!("\n{all} variants: {right} right, {wrong} wrong, {unmade} not possible");
        if let Some(what) = self.gone {
            eprintln!("gpu_lab: the device is gone: {what}");
            // A driver that hangs may also hang where its device is given back.
            std::process::exit(3);
        }
        ExitCode::from(u8::from(wrong > 0))
    }
}

/// A variant of which nothing is known.
fn empty(variant: &Variant) -> Row {
    let (family, name, bytes) = (variant.family, variant.name.clone(), variant.bytes);
    Row { family, name, bytes, timed: None, compile_seconds: None, right: None, said: String::new() }
}

/// One variant; once the device is gone, only that.
fn made(args: &Args, bench: &mut Bench<'_>, variant: &Variant, answer: &Answer, gone: &mut Option<String>) -> Row {
    let mut row = empty(variant);
    if gone.is_some() {
        row.said = "not run: the device is gone".to_owned();
    } else if let Some(what) = harness::lacks(bench.gpu, variant.needs) {
        row.said = what;
    } else if let Err(fault) = measured(args, bench, variant, answer, &mut row) {
        row.right = Some(false);
        row.said = match fault {
            Fault::Impossible(what) => {
                row.right = None;
                what
            }
            Fault::Refused(what) => format!("refused: {what}"),
            Fault::Gone(what) => {
                *gone = Some(format!("{}: {what}", variant.name));
                what
            }
        };
    }
    row
}

fn measured(args: &Args, bench: &mut Bench<'_>, variant: &Variant, answer: &Answer, row: &mut Row) -> Done<()> {
    let ready = bench.ready(variant)?;
    row.compile_seconds = ready.compile_seconds;
    let made = bench.made(&ready)?;
    let verdict = reference::judge(bench.shape, variant.laid, &made, answer);
    row.right = Some(verdict.is_ok());
    row.said = verdict.unwrap_or_else(|what| what);
    row.timed = Some(bench.timed(&ready, if args.once { 0.0 } else { args.seconds })?);
    Ok(())
}

fn header(args: &Args, gpu: &Gpu, shape: Shape) -> Header {
    let named = [
        (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        (wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS, "timestamps between copies"),
        (wgpu::Features::SHADER_I16, "16-bit integers"),
        (wgpu::Features::SUBGROUP, "subgroups"),
    ];
    Header {
        adapter: gpu.info.name.clone(),
        driver: format!("{} {}", gpu.info.driver, gpu.info.driver_info).trim().to_owned(),
        backend: gpu.info.backend.to_string(),
        kind: format!("{:?}", gpu.info.device_type),
        checked: args.checked,
        shape,
        features: named.into_iter().filter(|(feature, _)| gpu.features.contains(*feature)).map(|(_, name)| name).collect(),
        workgroup_bytes: gpu.limits.max_compute_workgroup_storage_size,
        subgroups: [gpu.info.subgroup_min_size, gpu.info.subgroup_max_size],
    }
}

//! How much memory this process may still take, and who says so: the machine, the control groups that it is in, the batch system that
//! started it, its own limits.
//! It does not know what the memory is for.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Bytes that may be taken, and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// Bytes.
    pub bytes: u64,
    /// The least of all limits, in words: `the machine`, `the control group /job/step`.
    pub by: String,
}

/// What a system says about memory: its files, under a root of a test's choice, and its variables.
struct Told<'t> {
    root: &'t Path,
    variable: &'t dyn Fn(&str) -> Option<String>,
}

/// Bytes of memory that could be taken now, by the least of all limits; none where the system says nothing.
#[must_use]
pub fn available() -> Option<Available> {
    let variable = |name: &str| std::env::var(name).ok();
    let own = address_space_left().map(|bytes| Available { bytes, by: "this process's limit (ulimit -v)".to_owned() });
    Told { root: Path::new("/"), variable: &variable }.all().into_iter().chain(own).min_by_key(|limit| limit.bytes)
}

/// Bytes of memory that could be taken now.
#[must_use]
pub fn available_bytes() -> Option<u64> {
    available().map(|limit| limit.bytes)
}

impl Told<'_> {
    /// Every limit.
    fn all(&self) -> Vec<Available> {
        let machine = self.field("proc/meminfo", "MemAvailable:");
        let machine = machine.map(|bytes| Available { bytes, by: "the machine".to_owned() });
        machine.into_iter().chain(self.groups()).chain(self.batch()).collect()
    }

    fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        read_to_string(self.root.join(path)).ok()
    }

    fn field(&self, file: &str, name: &str) -> Option<u64> {
        kib_field(&self.text(file)?, name)
    }

    /// What each control group leaves that the process is in, and each that holds it.
    fn groups(&self) -> Vec<Available> {
        let (Some(own), Some(mounts)) = (self.text("proc/self/cgroup"), self.text("proc/self/mountinfo")) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for line in own.lines() {
            let Some((controllers, path)) = line.split_once(':').and_then(|(_, rest)| rest.split_once(':')) else { continue };
            let is_second = controllers.is_empty();
            if !is_second && !controllers.split(',').any(|name| name == "memory") {
                continue;
            }
            for (inside, point) in mounts.lines().filter_map(|line| mounted(line, is_second)) {
                // Of a group that lies outside what is mounted, what is mounted is all that is seen.
                let below = Path::new(path).strip_prefix(&inside).unwrap_or(Path::new("")).to_owned();
                let within = below.ancestors().map(|part| (point.join(part), Path::new("/").join(part)));
                found.extend(within.filter_map(|(folder, name)| self.group(&folder, &name, is_second)));
            }
        }
        found
    }

    /// What one control group leaves: its limit without what it holds, files that it may forget not counted.
    fn group(&self, folder: &Path, name: &Path, is_second: bool) -> Option<Available> {
        let number = |file: &str| self.text(folder.join(file))?.trim().parse::<u64>().ok();
        let (limits, used, forgotten) = match is_second {
            true => (&["memory.max", "memory.high"][..], "memory.current", "inactive_file "),
            false => (&["memory.limit_in_bytes"][..], "memory.usage_in_bytes", "total_inactive_file "),
        };
        let limit = limits.iter().filter_map(|file| number(file)).min()?;
        let forgotten = self.text(folder.join("memory.stat")).and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix(forgotten))?;
            line.trim().parse::<u64>().ok()
        });
        let used = number(used).unwrap_or(0).saturating_sub(forgotten.unwrap_or(0));
        Some(Available { bytes: limit.saturating_sub(used), by: format!("the control group {}", name.display()) })
    }

    /// What a batch system granted on this node, in MiB, less what the process has.
    fn batch(&self) -> Option<Available> {
        (self.variable)("SLURM_JOB_ID")?;
        let number = |name: &str| (self.variable)(name)?.trim().parse::<u64>().ok().filter(|n| *n > 0);
        let each = || Some(number("SLURM_MEM_PER_CPU")?.saturating_mul(number("SLURM_CPUS_ON_NODE").unwrap_or(1)));
        let (granted, by) = match number("SLURM_MEM_PER_NODE") {
            Some(node) => (node, "SLURM_MEM_PER_NODE"),
            None => (each()?, "SLURM_MEM_PER_CPU"),
        };
        let own = self.field("proc/self/status", "VmRSS:").unwrap_or(0);
        Some(Available { bytes: granted.saturating_mul(1 << 20).saturating_sub(own), by: by.to_owned() })
    }
}

/// Of a line about a mount, the group that is mounted and where, if it is one that limits memory.
fn mounted(line: &str, is_second: bool) -> Option<(PathBuf, PathBuf)> {
    let (first, last) = line.split_once(" - ")?;
    let mut last = last.split(' ');
    let (kind, options) = (last.next()?, last.nth(1).unwrap_or_default());
    let is_it = if is_second { kind == "cgroup2" } else { kind == "cgroup" && options.split(',').any(|word| word == "memory") };
    let (inside, point) = is_it.then(|| first.split(' ').skip(3)).and_then(|mut words| Some((words.next()?, words.next()?)))?;
    Some((PathBuf::from(inside), Path::new(point).strip_prefix("/").ok()?.to_owned()))
}

/// A number of KiB in a text of names and numbers.
pub(super) fn kib_field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|l| l.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

/// Bytes of addresses that this process may still take, where it is limited: stacks and files that are looked at count too, touched or not.
#[cfg(target_os = "linux")]
#[must_use]
#[allow(unsafe_code, reason = "no safe call tells a process's limits")]
pub fn address_space_left() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes to the struct, which is ours.
    let said = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    if said != 0 || limit.rlim_cur == libc::RLIM_INFINITY {
        return None;
    }
    let own = kib_field(&read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    Some(limit.rlim_cur.saturating_sub(own))
}

/// Other systems are asked by taking.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn address_space_left() -> Option<u64> {
    None
}

/// Makes a write beyond what a process may write (`ulimit -f`) an error of that write. Without it the system ends the process.
#[cfg(unix)]
#[allow(unsafe_code, reason = "a setting of the process that only C can change")]
pub fn errors_for_long_files() {
    // SAFETY: to ignore a signal runs no code of ours when it comes.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Other systems have no such signal.
#[cfg(not(unix))]
pub fn errors_for_long_files() {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const MIB: u64 = 1 << 20;

    /// A system of files and variables; gives what it leaves, in MiB, and who says so.
    fn told(name: &str, files: &[(&str, String)], variables: &[(&str, &str)]) -> (u64, String) {
        let root = std::env::temp_dir().join(format!("stackmill-limits-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (path, text) in [("proc/meminfo", "MemTotal: 9\nMemAvailable:   8388608 kB\n".to_owned())].iter().chain(files) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let variable = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let all = Told { root: &root, variable: &variable }.all();
        let least = all.into_iter().min_by_key(|limit| limit.bytes).expect("a limit");
        fs::remove_dir_all(&root).expect("the folder is removed");
        (least.bytes / MIB, least.by)
    }

    fn mount(inside: &str, point: &str, kind: &str, options: &str) -> (&'static str, String) {
        (
            "proc/self/mountinfo",
            format!(
                "24 1 8:1 / / rw - ext4 /dev/vda rw\n35 24 0:30 {inside} {point} rw,nosuid shared:9 - {kind} {kind} {options}\n"
            ),
        )
    }

    fn group(line: &str) -> (&'static str, String) {
        ("proc/self/cgroup", format!("9:name=systemd:/\n{line}\n"))
    }

    #[test]
    fn the_least_of_all_groups_above_counts() {
        let second = mount("/", "/sys/fs/cgroup", "cgroup2", "rw");
        let file = |path, mib: u64| (path, format!("{}\n", mib * MIB));
        let inner = "sys/fs/cgroup/job/step/memory.max";
        let files =
            [group("0::/job/step"), second.clone(), (inner, "max\n".to_owned()), file("sys/fs/cgroup/job/memory.max", 900)];
        assert_eq!(told("outer", &files, &[]), (900, "the control group /job".to_owned()));
        let high = [&files[..], &[file("sys/fs/cgroup/job/step/memory.high", 700)]].concat();
        assert_eq!(told("high", &high, &[]), (700, "the control group /job/step".to_owned()));
        // What is in use is taken, but for files that may be forgotten.
        let stat = ("sys/fs/cgroup/job/memory.stat", format!("anon 5\ninactive_file {}\n", 100 * MIB));
        let used = [&files[..], &[file("sys/fs/cgroup/job/memory.current", 300), stat]].concat();
        assert_eq!(told("used", &used, &[]).0, 700);
        // A container sees its own group as the root.
        let inside = [group("0::/"), second, file("sys/fs/cgroup/memory.max", 512)];
        assert_eq!(told("container", &inside, &[]), (512, "the control group /".to_owned()));
        assert_eq!(told("none", &[], &[]), (8192, "the machine".to_owned()));
    }

    #[test]
    fn groups_of_the_first_version_count() {
        let file = |path, mib: u64| (path, format!("{}\n", mib * MIB));
        let unlimited = ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n".to_owned());
        let files = [
            group("4:cpu,memory:/a/b"),
            mount("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
            unlimited,
            file("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", 400),
            file("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", 150),
        ];
        assert_eq!(told("first", &files, &[]), (250, "the control group /a/b".to_owned()));
        // A container that sees only its own group, under the path that it has outside.
        let mapped = [
            group("4:memory:/docker/c1"),
            mount("/docker/c1", "/sys/fs/cgroup/memory", "cgroup", "rw,memory"),
            file("sys/fs/cgroup/memory/memory.limit_in_bytes", 300),
        ];
        assert_eq!(told("mapped", &mapped, &[]).0, 300);
        // Another controller's groups say nothing of memory.
        let other = [
            group("4:cpu:/a"),
            mount("/", "/sys/fs/cgroup/cpu", "cgroup", "rw,cpu"),
            file("sys/fs/cgroup/cpu/a/memory.limit_in_bytes", 1),
        ];
        assert_eq!(told("other", &other, &[]).0, 8192);
    }

    #[test]
    fn what_a_batch_system_granted_counts() {
        let job = ("SLURM_JOB_ID", "7");
        let node = [job, ("SLURM_MEM_PER_NODE", "2048")];
        assert_eq!(told("node", &[], &node), (2048, "SLURM_MEM_PER_NODE".to_owned()));
        let each = [job, ("SLURM_MEM_PER_CPU", "500"), ("SLURM_CPUS_ON_NODE", "4")];
        let own = [("proc/self/status", format!("VmRSS: {} kB\n", 100 << 10))];
        assert_eq!(told("each", &own, &each), (1900, "SLURM_MEM_PER_CPU".to_owned()));
        // 0 is all of the node; without a job the variables are somebody's leftovers.
        assert_eq!(told("all", &[], &[job, ("SLURM_MEM_PER_NODE", "0")]).0, 8192);
        assert_eq!(told("left", &[], &node[1..]).0, 8192);
    }
}

//! The one error of the crate: what went wrong, where, the numbers, and the way out.
//! It does not know which module raised it; it knows only who must act.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Who must act for the work to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The caller: a name, shape, dtype, range or file that cannot work. Exit status 2.
    Caller,
    /// The machine: memory, disk, a device, a file that changed or broke. Exit status 1.
    Machine,
    /// Us: a broken promise inside stackmill. Exit status 1.
    Bug,
}

/// What an error is about, where a front end has a name of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Subject {
    /// Anything else.
    #[default]
    Other,
    /// Memory that does not suffice.
    Memory,
    /// A dtype that cannot be computed with.
    Dtype,
    /// A file that is not there.
    MissingFile,
    /// A file that is there already.
    ExistingFile,
}

/// What went wrong, where, and a hint. Cheap to clone: a lazy array carries its error until someone asks.
#[derive(Clone)]
pub struct Error(Box<Detail>);

#[derive(Clone)]
struct Detail {
    family: Family,
    subject: Subject,
    what: String,
    places: Vec<String>,
    notes: Vec<String>,
    hint: Option<String>,
    passes: bool,
    cause: Option<Arc<dyn Any + Send + Sync>>,
}

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    fn new(family: Family, what: impl Into<String>) -> Self {
        Error(Box::new(Detail {
            family,
            subject: Subject::Other,
            what: what.into(),
            places: Vec::new(),
            notes: Vec::new(),
            hint: None,
            passes: false,
            cause: None,
        }))
    }

    /// An error that the caller must mend.
    #[must_use]
    pub fn caller(what: impl Into<String>) -> Self {
        Self::new(Family::Caller, what)
    }

    /// An error of the machine or of a file's content.
    #[must_use]
    pub fn machine(what: impl Into<String>) -> Self {
        Self::new(Family::Machine, what)
    }

    /// A broken promise of our own.
    #[must_use]
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Family::Bug, what).hint("this is a fault in stackmill; please report it with the command that showed it")
    }

    /// An I/O error on `path`; `doing` says what was attempted ("open", "read 4096 bytes at 1024 of").
    #[must_use]
    pub fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let what = format!("cannot {doing} {}: {error}", path.display());
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::caller(what).on(Subject::MissingFile),
            std::io::ErrorKind::AlreadyExists => Self::caller(what).on(Subject::ExistingFile),
            std::io::ErrorKind::PermissionDenied => Self::caller(what),
            _ if may_pass(error) => Self::passing(what),
            _ => Self::machine(what),
        }
    }

    /// An error that may be over when the same is tried again.
    #[must_use]
    pub fn passing(what: impl Into<String>) -> Self {
        let mut error = Self::machine(what);
        error.0.passes = true;
        error
    }

    /// What raised it, as whoever knows its type made it: an exception of another language, say.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Any + Send + Sync) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// What raised it, where it is of this type.
    #[must_use]
    pub fn cause<T: Any>(&self) -> Option<&T> {
        self.0.cause.as_ref()?.downcast_ref()
    }

    /// Whether the same may succeed when it is tried again: a network that hiccuped, a busy device.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.0.passes
    }

    /// Adds what is good to know beside the error: what was kept, what was done instead.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    /// An output that is there already.
    #[must_use]
    pub fn exists(path: &std::path::Path) -> Self {
        Self::caller(format!("{} exists", path.display())).on(Subject::ExistingFile).hint("--overwrite replaces it")
    }

    /// Adds the way out. A second hint replaces the first.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says what it is about.
    #[must_use]
    pub fn on(mut self, subject: Subject) -> Self {
        self.0.subject = subject;
        self
    }

    /// Puts words before the message: `parameter 'mode': …`.
    #[must_use]
    pub fn about(mut self, subject: &str) -> Self {
        self.0.what = format!("{subject}: {}", self.0.what);
        self
    }

    /// The error without its places: for a front end that names its own.
    #[must_use]
    pub fn without_places(mut self) -> Self {
        self.0.places.clear();
        self
    }

    /// The places, innermost first.
    #[must_use]
    pub fn places(&self) -> &[String] {
        &self.0.places
    }

    /// What is good to know beside it.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// The way out, where there is one.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Adds a place: the op and the user's line, a tile, a path.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.places.push(place.into());
        self
    }

    /// Adds the op's name and the caller's line.
    #[must_use]
    pub fn in_op(self, op: &str, line: &'static Location<'static>) -> Self {
        self.at(format!("{op} at {}:{}", line.file(), line.line()))
    }

    /// Who must act.
    #[must_use]
    pub fn family(&self) -> Family {
        self.0.family
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.0.subject
    }

    /// The first line of the message, without places and hint.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The exit status of the command line: 2 when the caller must act, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.0.family == Family::Caller { 2 } else { 1 }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.what)?;
        for place in &self.0.places {
            write!(f, "\n  in {place}")?;
        }
        for note in &self.0.notes {
            write!(f, "\nnote: {note}")?;
        }
        match &self.0.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.family)
    }
}

impl std::error::Error for Error {}

/// The number of "input/output error" on Unix: what a flaky disk or mount says.
const EIO: i32 = 5;

/// Whether an I/O error may be over soon.
fn may_pass(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let is_eio = cfg!(unix) && error.raw_os_error() == Some(EIO);
    is_eio
        || matches!(
            error.kind(),
            Kind::Interrupted
                | Kind::TimedOut
                | Kind::WouldBlock
                | Kind::ConnectionReset
                | Kind::ConnectionAborted
                | Kind::NotConnected
                | Kind::BrokenPipe
                | Kind::NetworkDown
                | Kind::NetworkUnreachable
                | Kind::HostUnreachable
                | Kind::StaleNetworkFileHandle
                | Kind::ResourceBusy
        )
}

/// The candidate nearest to `name` by edit distance, if one is near enough to be a slip of the finger.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= reach || candidate.starts_with(name) && name.len() >= 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// More names than this are not listed in a hint.
const LONG_LIST: usize = 24;

/// `unknown WHAT 'name'`, with the nearest candidate as the hint, else the whole list.
#[must_use]
pub fn unknown<'a>(what: &str, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Error {
    let all: Vec<&str> = candidates.into_iter().collect();
    let error = Error::caller(format!("unknown {what} '{name}'"));
    match nearest(name, all.iter().copied()) {
        Some(near) => error.hint(format!("did you mean '{near}'?")),
        None if all.is_empty() => error,
        None if all.len() > LONG_LIST => error.hint("no known name is near; `stackmill ops` lists the ops"),
        None => error.hint(format!("known: {}", all.join(", "))),
    }
}

/// Levenshtein's distance, one row at a time.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Bytes as people write them: `256 MiB`, `1.5 GiB`, `640 B`.
#[must_use]
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut step = 0;
    while step + 1 < UNITS.len() && bytes >> (10 * (step + 1)) != 0 {
        step += 1;
    }
    if step == 0 {
        return format!("{bytes} B");
    }
    let tenths = (u128::from(bytes) * 10) >> (10 * step);
    match tenths {
        t if t >= 1000 || t % 10 == 0 => format!("{} {}", t / 10, UNITS[step]),
        t => format!("{}.{} {}", t / 10, t % 10, UNITS[step]),
    }
}

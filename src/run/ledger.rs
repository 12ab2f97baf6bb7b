//! Who may hold how many bytes: a limit, what is held, the most that was held.
//! It does not know what the bytes are.

/// A count of bytes that never passes its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    limit: u64,
    held: u64,
    peak: u64,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(limit: u64) -> Ledger {
        Ledger { limit, held: 0, peak: 0 }
    }

    /// Takes bytes if they fit; all or nothing.
    #[must_use]
    pub fn take(&mut self, bytes: u64) -> bool {
        let fits = self.held.saturating_add(bytes) <= self.limit;
        if fits {
            self.held += bytes;
            self.peak = self.peak.max(self.held);
        }
        fits
    }

    /// Gives bytes back.
    pub fn release(&mut self, bytes: u64) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Bytes held now.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// The most bytes that were held.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.peak
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }
}

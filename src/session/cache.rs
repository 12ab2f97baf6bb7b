//! What can be made again, kept in files of a folder of the user's: compiled kernels. `STACKMILL_CACHE` names another folder, or `none`.
//! It does not know what is kept, and never fails: what cannot be kept is made again.

use super::identity::fnv;
use crate::storage::Cache;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of the hash that ends a file: what is given to a driver is what the driver gave.
const HASH: usize = 16;

/// A folder of kept files.
#[derive(Debug)]
struct Folder(PathBuf);

/// The cache that the environment asks for; by default a folder of this user's.
pub(super) fn cache() -> Option<Arc<dyn Cache>> {
    let folder = match std::env::var_os("STACKMILL_CACHE") {
        Some(none) if none.is_empty() || none == "none" => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => crate::os::cache_folder().map(|all| all.join("stackmill")),
    };
    folder.map(|folder| Arc::new(Folder(folder)) as Arc<dyn Cache>)
}

impl Cache for Folder {
    fn get(&self, name: &str, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(self.0.join(name)).ok()?;
        file.take(most + HASH as u64 + 1).read_to_end(&mut bytes).ok()?;
        let hash = bytes.split_off(bytes.len().checked_sub(HASH)?);
        (bytes.len() as u64 <= most && hash == fnv(&bytes).to_le_bytes()).then_some(bytes)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        // Written beside and renamed: another process reads all of it or what was there before.
        let beside = self.0.join(format!(".{name}.{}", std::process::id()));
        let put = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.0)?;
            std::fs::write(&beside, [bytes, &fnv(bytes).to_le_bytes()].concat())?;
            std::fs::rename(&beside, self.0.join(name))
        };
        if put().is_err() {
            let _ = std::fs::remove_file(&beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("stackmill-cache-{}", std::process::id()));
        let cache = Folder(folder.join("new"));
        assert_eq!(cache.get("kernels", 100), None, "nothing was kept");
        cache.put("kernels", &[7; 100]);
        cache.put("kernels", &[8; 90]);
        assert_eq!(cache.get("kernels", 90), Some(vec![8; 90]));
        assert_eq!(cache.get("kernels", 89), None, "larger than what is asked for");
        assert_eq!(std::fs::read_dir(&cache.0).map(Iterator::count).ok(), Some(1), "nothing lies beside it");
        let mut changed = std::fs::read(cache.0.join("kernels")).unwrap_or_default();
        changed[40] ^= 1;
        std::fs::write(cache.0.join("kernels"), &changed).ok();
        assert_eq!(cache.get("kernels", 90), None, "one bit is another");
        std::fs::write(cache.0.join("kernels"), &changed[..changed.len() - 1]).ok();
        assert_eq!(cache.get("kernels", 90), None, "cut short");
        std::fs::write(folder.join("file"), b"no folder").ok();
        let nowhere = Folder(folder.join("file"));
        nowhere.put("kernels", &[1]);
        assert_eq!(nowhere.get("kernels", 10), None, "a folder that cannot be made");
        std::fs::remove_dir_all(&folder).ok();
    }
}

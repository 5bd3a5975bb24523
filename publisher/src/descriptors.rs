//! How many files this process may have open at once.

use std::io;

/// So many are enough: a store, peers, and the connections of web servers.
#[cfg(unix)]
const WANTED: u64 = 8192;

/// Raises the limit as far as it is useful and the system allows. Many systems begin with 256 or
/// 1024, which one busy web server uses up. To be called once, when a program starts.
///
/// # Errors
///
/// If the system does not let this process raise it; then the limit stays.
pub fn raise() -> io::Result<()> {
    #[cfg(unix)]
    rlimit::increase_nofile_limit(WANTED)?;
    Ok(())
}

/// The limit. Where the system has none, a number that is enough.
pub(crate) fn limit() -> u64 {
    #[cfg(unix)]
    if let Ok((soft, _)) = rlimit::Resource::NOFILE.get() {
        return soft;
    }
    8192
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_never_lowered() {
        let before = limit();
        raise().unwrap();
        assert!(limit() >= before);
    }
}

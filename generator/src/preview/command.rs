//! Sites that another program builds: when it has to run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use walkdir::WalkDir;

use super::scope::Scope;
use crate::error::Error;
use crate::sources;
use crate::stamp::Stamp;

/// Builds a site with another program: runs the command of its settings, if that is trusted, and waits for its end.
#[derive(Clone)]
pub struct Builder(Arc<dyn Fn() -> Result<(), Error> + Send + Sync>);

impl Builder {
    /// A builder that does `build`. Its errors are shown in the browser.
    pub fn new(build: impl Fn() -> Result<(), Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(build))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builder")
    }
}

/// What is known of the runs of a command.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The sources as they were after the last run, and how that ended.
    last: Option<(Files, Result<(), Error>)>,
    /// The files beside the output that only the command itself writes.
    own: BTreeSet<String>,
}

type Files = BTreeMap<String, Stamp>;

impl Runs {
    /// Runs the command, unless no source has changed since the last run; then that run's end is told again.
    pub(super) fn run(
        &mut self,
        dir: &Path,
        scope: &Scope,
        builder: &Builder,
    ) -> Result<(), Error> {
        let mut before = files(dir, scope);
        if let Some((after, ended)) = &self.last {
            let changed = differences(after, &before);
            if changed.is_empty() {
                return ended.clone();
            }
            for path in &changed {
                self.own.remove(path);
            }
        }
        let mut ended = (builder.0)();
        let mut after = files(dir, scope);
        let during = differences(&before, &after);
        if during.iter().any(|path| !self.own.contains(path)) {
            // Somebody may have saved meanwhile. What changes in the second run as well is the command's own.
            before = after;
            ended = (builder.0)();
            after = files(dir, scope);
            self.own.extend(during);
            self.own.extend(differences(&before, &after));
        }
        self.last = Some((after, ended.clone()));
        ended
    }
}

/// The files of the site's folder that the command may read.
fn files(dir: &Path, scope: &Scope) -> Files {
    let walk = WalkDir::new(dir).min_depth(1).into_iter();
    let inside = |path: &Path| sources::relative(dir, path).ok();
    let walk =
        walk.filter_entry(|entry| inside(entry.path()).is_some_and(|path| scope.matters(&path)));
    let files = walk.flatten().filter(|entry| !entry.file_type().is_dir());
    let files = files.filter_map(|entry| {
        // What a link leads to is read as well.
        let metadata = std::fs::metadata(entry.path()).or_else(|_| entry.path().symlink_metadata());
        Some((inside(entry.path())?, Stamp::of(&metadata.ok()?)))
    });
    files.collect()
}

fn differences(old: &Files, new: &Files) -> BTreeSet<String> {
    let came = new
        .iter()
        .filter(|(path, stamp)| old.get(*path) != Some(stamp));
    let went = old.keys().filter(|path| !new.contains_key(*path));
    came.map(|(path, _)| path).chain(went).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::config;
    use crate::error::ErrorKind;

    const TABLE: &str = "[build]\nengine = 'command'\ncommand = 'make'\noutput = 'out'\n";

    #[test]
    fn a_command_runs_once_for_each_change_whatever_it_writes_itself() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_owned();
        let scope = Scope::of(Some(&config::parse(TABLE).unwrap()));
        let count = Arc::new(AtomicUsize::new(0));
        let builder = Builder::new({
            let (dir, count) = (dir.clone(), Arc::clone(&count));
            move || {
                let number = count.fetch_add(1, Ordering::SeqCst);
                std::fs::create_dir_all(dir.join("out")).unwrap();
                std::fs::write(dir.join("out/index.html"), "x".repeat(number)).unwrap();
                std::fs::write(dir.join("lock"), "x".repeat(number)).unwrap();
                Ok(())
            }
        });
        let mut runs = Runs::default();
        let run = |runs: &mut Runs| {
            runs.run(&dir, &scope, &builder).unwrap();
            count.swap(0, Ordering::SeqCst)
        };
        std::fs::write(dir.join("a.md"), "one").unwrap();
        // Twice at first: the file `lock` could have been saved by somebody.
        assert_eq!(run(&mut runs), 2);
        assert_eq!(run(&mut runs), 0);
        std::fs::write(dir.join("a.md"), "another").unwrap();
        assert_eq!(run(&mut runs), 1);
        std::fs::remove_file(dir.join("a.md")).unwrap();
        assert_eq!(run(&mut runs), 1);
        assert_eq!(run(&mut runs), 0);
    }

    #[test]
    fn a_failure_is_told_again_until_a_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let scope = Scope::of(Some(&config::parse(TABLE).unwrap()));
        let file = dir.join("a.md");
        let builder = Builder::new({
            let file = file.clone();
            move || match file.exists() {
                true => Ok(()),
                false => Err(Error::new(ErrorKind::Build, "no a.md")),
            }
        });
        let mut runs = Runs::default();
        assert!(runs.run(dir, &scope, &builder).is_err());
        assert!(runs.run(dir, &scope, &builder).is_err());
        std::fs::write(&file, "there").unwrap();
        assert!(runs.run(dir, &scope, &builder).is_ok());
    }
}

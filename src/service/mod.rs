//! `skep node` as a service of this user: the file that says so to the system's service manager.
//!
//! A file that skep has written has [`MARK`] in it. Any other is left as it is.

mod launchd;
mod systemd;

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use etcetera::BaseStrategy;

use crate::error::{CliError, Result};

/// The service, and who manages it.
pub(crate) struct Service {
    /// What says how it is run.
    pub(crate) file: PathBuf,
    manager: Manager,
}

/// How the node is started.
pub(crate) struct Start<'a> {
    /// This program.
    pub(crate) program: &'a Path,
    pub(crate) home: &'a Path,
    /// The network, if a person named one.
    pub(crate) network: Option<&'a str>,
}

/// What lies where the file belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// What skep has written.
    Ours(String),
    /// What somebody else has put there.
    Foreign,
}

/// What `Service::write` has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    New,
    Changed,
    /// It was there already.
    Same,
}

/// What came of a command of the service manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Managed {
    Done,
    /// There is none here that skep could ask.
    Unavailable,
    /// Why it refused.
    Failed(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Systemd,
    Launchd,
}

/// What a file has in it that skep has written.
const MARK: &str = "Written by `skep node install`";
/// No service file is longer, in bytes.
const LONGEST: u64 = 64 << 10;

impl Service {
    /// The service of the user who runs this program.
    pub(crate) fn of_user() -> Result<Self> {
        let homeless = |e: etcetera::HomeDirError| {
            CliError::failed("io", format!("there is no home folder: {e}"))
                .hint("set HOME to the folder of the user who is to run the service")
        };
        let xdg = etcetera::base_strategy::Xdg::new().map_err(homeless)?;
        if cfg!(target_os = "linux") {
            Ok(Self {
                file: xdg.config_dir().join("systemd/user").join(systemd::NAME),
                manager: Manager::Systemd,
            })
        } else if cfg!(target_os = "macos") {
            Ok(Self {
                file: xdg
                    .home_dir()
                    .join("Library/LaunchAgents")
                    .join(launchd::NAME),
                manager: Manager::Launchd,
            })
        } else {
            Err(CliError::failed(
                "unsupported",
                "skep knows no service manager of this system",
            )
            .hint("let yours run `skep node` when you log in"))
        }
    }

    /// The name of its manager.
    pub(crate) fn manager(&self) -> &'static str {
        match self.manager {
            Manager::Systemd => "systemd",
            Manager::Launchd => "launchd",
        }
    }

    /// Whether what is written for that manager was ever tried.
    pub(crate) fn is_tried(&self) -> bool {
        self.manager == Manager::Systemd
    }

    /// What lies where the file belongs.
    pub(crate) fn found(&self) -> Result<Found> {
        let failed = |e| self.failed("read", &e);
        let meta = match fs::symlink_metadata(&self.file) {
            Ok(meta) => meta,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => return Err(failed(e)),
        };
        // A link is somebody else's, wherever it leads.
        if !meta.is_file() || meta.len() > LONGEST {
            return Ok(Found::Foreign);
        }
        let text = fs::read(&self.file).map_err(failed)?;
        Ok(match String::from_utf8(text) {
            Ok(text) if text.contains(MARK) => Found::Ours(text),
            _ => Found::Foreign,
        })
    }

    /// Writes the file, unless it is there already.
    pub(crate) fn write(&self, start: &Start<'_>) -> Result<Written> {
        let text = match self.manager {
            Manager::Systemd => systemd::unit(start)?,
            Manager::Launchd => launchd::plist(start)?,
        };
        let written = match self.found()? {
            Found::Ours(old) if old == text => return Ok(Written::Same),
            Found::Ours(_) => Written::Changed,
            Found::Nothing => Written::New,
            Found::Foreign => return Err(self.foreign()),
        };
        let dir = self.file.parent().unwrap_or(Path::new("."));
        let write = || {
            fs::create_dir_all(dir)?;
            let mut new = tempfile::NamedTempFile::new_in(dir)?;
            new.write_all(text.as_bytes())?;
            new.as_file().sync_all()?;
            new.persist(&self.file)?;
            Ok(())
        };
        write().map_err(|e: io::Error| self.failed("write", &e))?;
        Ok(written)
    }

    /// The commands that start what was written, also at each login.
    pub(crate) fn starting(&self, written: Written) -> Vec<String> {
        match self.manager {
            Manager::Systemd => systemd::starting(written),
            Manager::Launchd => vec![format!(
                "launchctl bootstrap gui/$(id -u) {}",
                self.quoted()
            )],
        }
    }

    /// Ends the service and deletes its file, and says whether there was one. What the manager has not done is to
    /// be done by [`stopping`](Self::stopping).
    pub(crate) fn remove(&self) -> Result<(bool, Managed)> {
        match self.found()? {
            Found::Nothing => return Ok((false, Managed::Done)),
            Found::Foreign => return Err(self.foreign()),
            Found::Ours(_) => {}
        }
        let [before, after] = match self.manager {
            Manager::Systemd => systemd::ending().map(|command| vec![command.to_owned()]),
            Manager::Launchd => [self.stopping(), Vec::new()],
        };
        let ended = self.manage(&before);
        fs::remove_file(&self.file).map_err(|e| self.failed("delete", &e))?;
        let wanted = self.file.with_file_name(systemd::WANTED);
        if fs::read_link(&wanted).is_ok_and(|leads| leads == self.file) {
            // The manager has not taken it away. If it stays, it leads nowhere.
            let _ = fs::remove_file(wanted);
        }
        let ended = match ended {
            Managed::Done => self.manage(&after),
            other => other,
        };
        Ok((true, ended))
    }

    /// The commands that end a service whose file is gone.
    pub(crate) fn stopping(&self) -> Vec<String> {
        match self.manager {
            Manager::Systemd => [systemd::STOP, systemd::ending()[1]]
                .map(str::to_owned)
                .into(),
            Manager::Launchd => vec![format!("launchctl bootout gui/$(id -u)/{}", launchd::LABEL)],
        }
    }

    /// Lets the manager do `commands`, one after the other, until one fails.
    pub(crate) fn manage(&self, commands: &[String]) -> Managed {
        for command in commands {
            match self.ask(command) {
                Some(Ok(_)) => {}
                Some(Err(why)) => return Managed::Failed(format!("`{command}` says: {why}")),
                None => return Managed::Unavailable,
            }
        }
        Managed::Done
    }

    /// What the manager says of the service, in its own word, such as `active`.
    pub(crate) fn state(&self) -> Option<String> {
        match self.manager {
            // It says so whether it fails or not.
            Manager::Systemd => match self.ask(systemd::STATE)? {
                Ok(state) => Some(state),
                Err(why) => Some(why),
            },
            Manager::Launchd => None,
        }
    }

    /// What the manager says to a command; `None` if there is no manager that skep asks.
    fn ask(&self, command: &str) -> Option<Result<String, String>> {
        // What nobody has tried is typed by a person.
        if !self.is_tried() {
            return None;
        }
        let mut words = command.split(' ');
        let output = Command::new(words.next()?)
            .args(words)
            .stdin(Stdio::null())
            .output();
        match output {
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => Some(Err(e.to_string())),
            Ok(output) => {
                let said = [&output.stdout, &output.stderr]
                    .map(|said| String::from_utf8_lossy(said).trim().to_owned());
                let said = said.into_iter().find(|said| !said.is_empty());
                let said = said.unwrap_or_else(|| output.status.to_string());
                Some(match output.status.success() {
                    true => Ok(said),
                    false => Err(said),
                })
            }
        }
    }

    fn quoted(&self) -> String {
        format!(
            "'{}'",
            self.file.display().to_string().replace('\'', r"'\''")
        )
    }

    fn foreign(&self) -> CliError {
        let message = format!("{} was not written by skep", self.file.display());
        CliError::failed("refused", message).hint("move it away if you do not need it")
    }

    fn failed(&self, what: &str, e: &io::Error) -> CliError {
        CliError::failed("io", format!("can't {what} {}: {e}", self.file.display()))
    }
}

impl Start<'_> {
    /// The arguments, the program first. They are put into files whose lines they must not break.
    fn args(&self) -> Result<Vec<&str>> {
        let text = |path| match plain(path) {
            Some(text) => Ok(text),
            None => Err(
                CliError::usage(format!("a service can't be told of the path {path:?}"))
                    .hint("it takes one of UTF-8 without control characters"),
            ),
        };
        let mut args = vec![text(self.program)?, "--home", text(self.home)?];
        if let Some(network) = self.network {
            args.extend(["--network", network]);
        }
        args.push("node");
        Ok(args)
    }
}

fn plain(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    (!text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(dir: &Path, manager: Manager) -> Service {
        Service {
            file: dir.join("deep/service"),
            manager,
        }
    }

    fn start(home: &Path) -> Start<'_> {
        Start {
            program: Path::new("/bin/skep"),
            home,
            network: None,
        }
    }

    #[test]
    fn the_file_is_written_once_and_changed() {
        for manager in [Manager::Systemd, Manager::Launchd] {
            let dir = tempfile::tempdir().unwrap();
            let service = service(dir.path(), manager);
            assert_eq!(service.found().unwrap(), Found::Nothing);
            assert_eq!(service.remove().unwrap(), (false, Managed::Done));
            for (home, written) in [
                ("/a", Written::New),
                ("/a", Written::Same),
                ("/b", Written::Changed),
            ] {
                assert_eq!(service.write(&start(Path::new(home))).unwrap(), written);
                let Found::Ours(text) = service.found().unwrap() else {
                    panic!("it is not known again");
                };
                assert!(text.contains(home), "{text}");
            }
            fs::remove_file(&service.file).unwrap();
            assert_eq!(service.found().unwrap(), Found::Nothing);
            assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_somebody_else_has_put_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let service = service(dir.path(), Manager::Systemd);
        fs::create_dir_all(dir.path().join("deep")).unwrap();
        for text in [&b"[Unit]\n"[..], b"", b"\xff"] {
            fs::write(&service.file, text).unwrap();
            assert_eq!(
                service.write(&start(Path::new("/a"))).unwrap_err().kind,
                "refused"
            );
            assert_eq!(service.remove().unwrap_err().kind, "refused");
            assert_eq!(fs::read(&service.file).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_somebody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let service = service(dir.path(), Manager::Systemd);
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir_all(dir.path().join("deep")).unwrap();
        fs::write(&elsewhere, format!("# {MARK}")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &service.file).unwrap();
        assert_eq!(service.found().unwrap(), Found::Foreign);
        assert!(service.write(&start(Path::new("/a"))).is_err());
        assert_eq!(fs::read_to_string(elsewhere).unwrap(), format!("# {MARK}"));
    }

    #[test]
    fn a_path_that_would_break_the_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for manager in [Manager::Systemd, Manager::Launchd] {
            let service = service(dir.path(), manager);
            for home in ["/a\nExecStartPre=/bin/rm", "/a\0", "/a\r"] {
                let error = service.write(&start(Path::new(home))).unwrap_err();
                assert_eq!(error.kind, "usage");
            }
            assert_eq!(service.found().unwrap(), Found::Nothing);
        }
    }
}

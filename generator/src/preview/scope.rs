//! What of a site's folder is watched.

use crate::config::{self, Config};
use crate::engine::Engine;
use crate::glob;
use crate::sources;

/// Which paths of a site's folder matter to the preview, as its settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// Whether skep builds the site.
    is_built: bool,
    /// The folder that a build writes to.
    output: Option<String>,
    include: Vec<String>,
}

impl Scope {
    /// The scope of a site with these settings. `None`: they can't be read.
    pub(super) fn of(config: Option<&Config>) -> Self {
        let output = config.and_then(|config| match &config.engine {
            Engine::Tera { output } | Engine::Command { output, .. } => Some(output.clone()),
            Engine::Static => None,
        });
        Self {
            is_built: config.is_none_or(|config| matches!(config.engine, Engine::Tera { .. })),
            output,
            include: config.map_or_else(Vec::new, |config| config.include.clone()),
        }
    }

    /// Whether anything below the folder called `name` at the top of a site can be a source.
    pub(super) fn is_watched(&self, name: &str) -> bool {
        let may_be_built = self.is_built && name.starts_with("_site");
        self.is_included(name)
            || sources::may_be_source(name)
                && !may_be_built
                && name != "node_modules"
                && self.output.as_deref() != Some(name)
    }

    /// Whether a change of the file or folder at `path` can change the site.
    pub(super) fn matters(&self, path: &str) -> bool {
        if path == config::FILE {
            return true;
        }
        let top = path.split('/').next().unwrap_or(path);
        let is_output = |prefix: &str| self.output.as_deref() == Some(prefix);
        self.is_watched(top)
            && path.split('/').all(|part| !part.is_empty())
            && !glob::prefixes(path).any(is_output)
            && (self.is_included(path) || glob::prefixes(path).all(sources::may_be_source))
    }

    /// Whether the settings include `path`, or can include something below it.
    fn is_included(&self, path: &str) -> bool {
        let is_repository = matches!(path.split('/').next(), Some(".git" | ".hg" | ".svn"));
        !is_repository
            && (glob::any(&self.include, path) || glob::may_match_below(&self.include, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(settings: &str) -> Scope {
        Scope::of(Some(&config::parse(settings).unwrap()))
    }

    #[test]
    fn only_sources_matter() {
        let scope = scope("include = ['.htaccess', '.github/*.txt']");
        for path in [
            "skep.toml",
            "_posts/a.md",
            "a/b.css",
            "_posts",
            ".well-known/a",
            ".htaccess",
            ".github",
            ".github/a.txt",
        ] {
            assert!(scope.matters(path), "{path}");
        }
        for path in [
            "",
            "_site/index.html",
            ".git/index",
            "_posts/.a.md.swp",
            "_posts/.#a.md",
            "_posts/#a.md#",
            "a.md~",
            "node_modules/x/y.js",
            ".github/a.yml",
        ] {
            assert!(!scope.matters(path), "{path}");
        }
    }

    #[test]
    fn what_another_program_writes_is_no_source() {
        let table = "[build]\nengine = 'command'\ncommand = 'make'\noutput = 'out/html'\n";
        let scope = scope(table);
        assert!(scope.matters("content/a.md") && scope.matters("out/a"));
        assert!(!scope.matters("out/html") && !scope.matters("out/html/index.html"));
    }
}

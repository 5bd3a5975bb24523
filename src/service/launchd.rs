//! The property list for launchd, on macOS. Nobody has tried it.

use super::{MARK, Start};
use crate::error::Result;

/// What launchd calls the service.
pub(super) const LABEL: &str = "computer.skep.node";

/// The name of the file.
pub(super) const NAME: &str = "computer.skep.node.plist";

/// The agent that runs `skep node`.
pub(super) fn plist(start: &Start<'_>) -> Result<String> {
    let args = start.args()?;
    let args = args.iter().map(|arg| {
        let arg = escape(arg);
        format!("    <string>{arg}</string>\n")
    });
    let args: String = args.collect();
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- {MARK}, which writes it again; `skep node remove` deletes it. -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{args}  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
</dict>
</plist>
"#
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_has_the_arguments_in_order_and_nothing_that_breaks_it() {
        let plist = plist(&Start {
            program: Path::new("/opt/<b>&co/skep"),
            home: Path::new("/Users/ann/]]></string>"),
            network: Some("public"),
        })
        .unwrap();
        assert!(plist.contains("<!-- Written by `skep node install`"));
        let strings = plist.lines().filter_map(|line| {
            let line = line.trim().strip_prefix("<string>")?;
            line.strip_suffix("</string>")
        });
        assert_eq!(
            strings.collect::<Vec<_>>(),
            [
                LABEL,
                "/opt/&lt;b&gt;&amp;co/skep",
                "--home",
                "/Users/ann/]]&gt;&lt;/string&gt;",
                "--network",
                "public",
                "node"
            ]
        );
    }
}

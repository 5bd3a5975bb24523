//! The result of each command: its last line.

use super::{
    Event, Field,
    Kind::{self, Address, Bool, ByAddress, List, Number, Object, Path, Text, Time},
    events::{NODE, flag},
    groups::{
        ADDRESS, BYTES, DIFF, DIFF_FIELDS, DIR, FILES, KNOWN, KNOWN_SITE, PART, RETRACTION, REVIEW,
        SIGNED, SIGNED_HEAD, VERSION,
    },
};

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field::new(name, kind, about)
}

pub(super) const RESULTS: &[Event] = &[
    Event::new("new", "`new`", &[ADDRESS, DIR]),
    Event::new(
        "init",
        "`init`",
        &[
            ADDRESS,
            DIR,
            field(
                "engine",
                Text,
                "what builds it: `tera`, `command` or `static`",
            ),
            field("command", Text, "the command that builds it").or_null(),
            field("output", Path, "the folder that is published").or_null(),
            field("generator", Text, "which program's website it looks like").or_null(),
            field("marks", Text, "what it was recognised by").or_null(),
            field("others", List(&Text), "what else it could be"),
            field("notes", List(&Text), "what you should know of it"),
        ],
    ),
    Event::new("draft", "`draft`", &[field("file", Path, "the draft")]),
    Event::new("post", "`post`", &[field("file", Path, "the post")]),
    Event::new(
        "build",
        "`build`",
        &[
            field("out", Path, "where the website is"),
            FILES,
            BYTES,
            field(
                "written",
                Number,
                "how many files were new or had changed; `null` for another program's",
            )
            .or_null(),
            field("unchanged", Number, "how many were as they should be").or_null(),
            field("removed", Number, "how many were removed").or_null(),
            field("warnings", List(&Text), "what is odd, each with its place"),
        ],
    ),
    Event::new(
        "status",
        "`status`",
        &[
            field("holders", Number, "how many nodes keep the newest version"),
            field("holders_named", Number, "of these, those that you named"),
            field(
                "holders_whole",
                Number,
                "of these, those that keep every version",
            ),
            flag("backed_up", "whether the key has a backup"),
            field(
                "from_elsewhere",
                Number,
                "the newest version that another machine has published, if `status` has not shown it before",
            )
            .or_null(),
            flag("published", "whether there is a version; `null` if nobody here knows").or_null(),
            field(
                "origin",
                Address,
                "the version that the site was forked from",
            )
            .or_null(),
        ],
    )
    .with(&[&REVIEW, &PART, &KNOWN]),
    Event::new(
        "diff",
        "`diff`",
        &[field("sources", Object(DIFF_FIELDS), "the same of the sources").or_null()],
    )
    .with(&[&DIFF]),
    Event::new("publish", "`publish`", &[]).with(&[&SIGNED, &REVIEW, &PART, &KNOWN]),
    Event::new(
        "publish",
        "`publish --dry-run`",
        &[flag("blocked", "whether a warning would stop the publish")],
    )
    .with(&[&REVIEW, &PART, &KNOWN]),
    Event::new("revert", "`revert`", &[]).with(&[&SIGNED, &REVIEW, &PART]),
    Event::new(
        "retract",
        "`retract`",
        &[field("version", Number, "the new version")],
    )
    .with(&[&RETRACTION, &SIGNED]),
    Event::new("retract", "`retract --dry-run`", &[]).with(&[&RETRACTION]),
    Event::new(
        "log",
        "`log`",
        &[
            ADDRESS,
            field(
                "versions",
                List(&Object(VERSION)),
                "the versions, the newest first",
            ),
            field(
                "abandoned",
                List(&Object(VERSION)),
                "those that the log abandons",
            ),
            field(
                "fork",
                Object(&[
                    field("here", Object(SIGNED_HEAD), "what is here").or_null(),
                    field("others", List(&Object(SIGNED_HEAD)), "what contradicts it"),
                ]),
                "`null` if nothing contradicts what is here",
            )
            .or_null(),
        ],
    ),
    Event::new(
        "show",
        "`show`, which without `--json` writes the file as it is",
        &[
            ADDRESS,
            field("version", Number, "the version"),
            field("path", Path, "the file"),
            field("bytes", Number, "its size; at most 16 MiB"),
            field("media_type", Text, "such as `text/html`"),
            field("hash", Text, "its BLAKE3 hash"),
            field("text", Text, "the file, if it is UTF-8").or_null(),
            field("base64", Text, "the file, if it is not").or_null(),
        ],
    ),
    Event::new(
        "verify",
        "`verify`",
        &[
            ADDRESS,
            field("versions", Number, "how many versions there are"),
            field(
                "whole",
                Number,
                "how many of them are here with all their bytes",
            ),
            field("retracted", Number, "how many were retracted"),
            field("files", Number, "how many files were read"),
            field("bytes", Number, "how many bytes were hashed"),
        ],
    ),
    Event::new(
        "export",
        "`export`",
        &[
            ADDRESS,
            field("file", Path, "the file"),
            field("versions", Number, "how many versions there are"),
            field("whole", Number, "how many of them are in the file"),
            field("abandoned", Number, "how many abandoned ones are in it"),
            field("retracted", Number, "how many were retracted"),
            field("bytes", Number, "how large the file is"),
        ],
    ),
    Event::new(
        "import",
        "`import`",
        &[
            ADDRESS,
            field("version", Number, "the newest version here"),
            field("new", Number, "how many versions came in"),
        ],
    ),
    Event::new(
        "clone",
        "`clone`",
        &[
            ADDRESS,
            field("version", Number, "the version"),
            DIR,
            FILES,
            BYTES,
        ],
    ),
    Event::new(
        "fork",
        "`fork`",
        &[
            field("address", Address, "the new site"),
            DIR,
            field("origin", Address, "the version that it was made of"),
            FILES,
            BYTES,
            field(
                "builds",
                Number,
                "how many files it builds; `null` if that was not tried",
            )
            .or_null(),
            field(
                "missing",
                List(&Path),
                "what the other site has and this one does not build",
            ),
            field(
                "command",
                Text,
                "the command that builds it, which was not run",
            )
            .or_null(),
            field(
                "url_left_out",
                Text,
                "the other site's `url`, which was left out",
            )
            .or_null(),
        ],
    ),
    Event::new(
        "fork_update",
        "`fork --update`",
        &[
            ADDRESS,
            field("origin", Address, "the version that it is a fork of now"),
            flag("up_to_date", "whether there was nothing newer"),
            field("from", Number, "the version that it was a fork of"),
            field("to", Number, "the version that it is a fork of now"),
            flag("dry_run", "whether it was only shown"),
            field(
                "changes",
                List(&Object(&[
                    field("path", Path, "the file"),
                    field("change", Text, "what happens to it"),
                ])),
                "what changes here",
            ),
            field(
                "conflicts",
                List(&Object(&[
                    field("path", Path, "the file"),
                    field("line", Number, "where the first one is").or_null(),
                    field("about", Text, "what it is about"),
                    field("beside", Path, "where their file is").or_null(),
                ])),
                "what is left to you",
            ),
            field("kept", Path, "where copies of what was overwritten are").or_null(),
        ],
    ),
    Event::new(
        "follow",
        "`follow`",
        &[
            ADDRESS,
            field("before", Text, "the relation before").or_null(),
            field("relation", Text, "the relation now"),
            field("version", Number, "the version here").or_null(),
            field("received", Number, "how many bytes came"),
            field(
                "missing",
                Object(&[
                    field("kind", Text, "as of an error"),
                    field("message", Text, "why"),
                ]),
                "why nothing newer could be had",
            )
            .or_null(),
        ],
    ),
    Event::new(
        "unfollow",
        "`unfollow`",
        &[
            ADDRESS,
            field("before", Text, "the relation before").or_null(),
            field("relation", Text, "the relation now"),
            field("version", Number, "the version that stays").or_null(),
            field(
                "bytes_here",
                Number,
                "how much of it stays until room is needed",
            ),
        ],
    ),
    Event::new(
        "peers",
        "`peers`",
        &[
            field(
                "running",
                Object(&[
                    field("name", Text, "what was started, such as `skep browse`"),
                    field("node", Text, "the node's key"),
                    field("ticket", Text, "how to reach it").or_null(),
                ]),
                "the node that runs here",
            )
            .or_null(),
            field(
                "total",
                Object(&[
                    field("up", Number, "how many bytes went to others"),
                    field("down", Number, "how many came"),
                    field("ratio", Number, "up by down").or_null(),
                ]),
                "the traffic of all sites",
            ),
            field("sites", List(&Object(KNOWN_SITE)), "the sites here"),
        ],
    ),
    Event::new(
        "key_new",
        "`key new`",
        &[
            ADDRESS,
            DIR,
            field("replaced", Address, "the address that the site had").or_null(),
        ],
    ),
    Event::new(
        "key_list",
        "`key list`",
        &[
            field("keys", List(&Address), "the sites whose keys are here"),
            field(
                "backups",
                ByAddress(&Object(&[
                    field("form", Text, "`sealed`, `phrase`, `plain` or `imported`"),
                    field("time", Time, "when it was made"),
                ])),
                "the last backup of each; `null` if there is none",
            ),
        ],
    ),
    Event::new(
        "key_export",
        "`key export`, if it writes a file",
        &[
            ADDRESS,
            field("form", Text, "`sealed`, `phrase` or `plain`"),
            field("file", Path, "the file"),
        ],
    ),
    Event::new(
        "key_export",
        "`key export` without a file",
        &[
            ADDRESS,
            field("form", Text, "`sealed`, `phrase` or `plain`"),
            field("key", Text, "the key, as the file would have it").or_none(),
            field("words", List(&Text), "of `phrase`: the words").or_none(),
        ],
    ),
    Event::new(
        "key_import",
        "`key import`",
        &[ADDRESS, field("new", Bool, "whether it was not here")],
    ),
    Event::new(
        "node_install",
        "`node install`",
        &[
            field("file", Path, "the service's file"),
            field("manager", Text, "`systemd` or `launchd`"),
            flag("written", "whether the file was new or had changed"),
            flag("started", "whether the service runs"),
            field("next", List(&Text), "what is left to type"),
        ],
    ),
    Event::new(
        "node_remove",
        "`node remove`",
        &[
            field("file", Path, "the service's file"),
            field("manager", Text, "`systemd` or `launchd`"),
            flag("removed", "whether there was one"),
            field("next", List(&Text), "what is left to type"),
        ],
    ),
    Event::new(
        "node_status",
        "`node status`",
        &[
            field("file", Path, "the service's file"),
            field("manager", Text, "`systemd` or `launchd`"),
            flag("installed", "whether the service is installed"),
            flag("foreign", "whether somebody else wrote that file"),
            field("state", Text, "what the service manager says").or_null(),
            field("home", Path, "the home"),
            field("node", Object(NODE), "the node that runs on it").or_null(),
            field("trouble", Text, "why it can't say what it is").or_null(),
        ],
    ),
];

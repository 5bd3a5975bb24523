//! Events that are not the result of a command.

use super::{
    Event, Field,
    Kind::{Address, Bool, List, Number, Object, Path, Text, Url},
};

const fn field(name: &'static str, kind: super::Kind, about: &'static str) -> Field {
    Field::new(name, kind, about)
}

const TICKET: Field = field(
    "ticket",
    Text,
    "how to reach this node; `null` if nobody can",
)
.or_null();

const PLACE: &[Field] = &[
    field("path", Path, "the file, from the site's folder on"),
    field("line", Number, "from 1").or_null(),
    field("column", Number, "in characters, from 1").or_null(),
];

const SITE_VERSION: &[Field] = &[
    field("address", Address, "the site"),
    field("version", Number, "the version"),
];

pub(super) const EVENTS: &[Event] = &[
    Event::new(
        "error",
        "every command that fails, also by its arguments",
        &[field(
            "error",
            Object(&[
                field(
                    "kind",
                    Text,
                    "a short name for programs, such as `not-found` or `usage`",
                ),
                field(
                    "message",
                    Text,
                    "what failed, where and why; one line or more",
                ),
                field("hint", Text, "what to do next").or_null(),
                field("place", Object(PLACE), "where in a file of the site it is").or_null(),
            ]),
            "why",
        )],
    ),
    Event::new(
        "progress",
        "every command, while it works for more than half a second",
        &[
            field("phase", Text, "what it does; see below"),
            field("done", Number, "how much of it is done"),
            field(
                "total",
                Number,
                "how much there is, if that is known; it may grow",
            )
            .or_null(),
            field("unit", Text, "what is counted: `bytes`, `files` or `nodes`"),
        ],
    ),
    Event::new(
        "ready",
        "`serve`, when the preview can be opened",
        &[
            field("url", Url, "the preview"),
            field(
                "review",
                Url,
                "the page that publishes; `null` if there is none",
            )
            .or_null(),
        ],
    ),
    Event::new(
        "ready",
        "`browse`, when sites can be read",
        &[
            field("url", Url, "the page to open"),
            field("gateway", Url, "where sites are read"),
            field(
                "library",
                Url,
                "the library, with the right to come in; `null` on a host",
            )
            .or_null(),
            TICKET,
        ],
    ),
    Event::new(
        "ready",
        "`host`, when it is up",
        &[
            TICKET,
            field("mirror", Url, "the first mirror"),
            field("gateway", Url, "where sites are read"),
            field(
                "mirrors",
                List(&Object(&[
                    field("address", Address, "a pinned site"),
                    field("url", Url, "its mirror"),
                ])),
                "all of them",
            ),
        ],
    ),
    Event::new("ready", "`node`, when it is up", &[TICKET]),
    Event::new(
        "ready",
        "`demo`, after its last step",
        &[
            field("address", Address, "the site"),
            field("preview", Url, "its preview"),
            field("mirror", Url, "what the host serves"),
            field("gateway", Url, "how a browser reads it"),
            field(
                "received",
                List(&Number),
                "how many bytes the host received for each version",
            ),
        ],
    ),
    Event::new(
        "version",
        "`browse`, `host`, `node`: a newer version came",
        &[
            field("address", Address, "the site"),
            field("version", Number, "the version"),
            field("received", Number, "how many bytes came for it"),
        ],
    ),
    Event::new(
        "elsewhere",
        "`browse`, `host`, `node`: another machine has published a version of a site of yours",
        SITE_VERSION,
    ),
    Event::new(
        "forked",
        "`browse`, `host`, `node`: what another machine has published of a site of yours contradicts what is here",
        SITE_VERSION,
    ),
    Event::new(
        "kept",
        "`browse`, `host`, `node`: another node says, signed, that it keeps a version of a site of yours",
        &[
            field("address", Address, "the site"),
            field("version", Number, "the version"),
            field("node", Text, "the node's key"),
        ],
    ),
    Event::new(
        "refused",
        "`browse`, `host`, `node`: a peer sent what its author can't have signed",
        &[
            field("address", Address, "the site"),
            field("reason", Text, "what is wrong with it"),
        ],
    ),
    Event::new(
        "limits",
        "`browse`, `host`, `node`: `config.toml` was changed",
        &[field(
            "limits",
            Object(&[
                field("upload", Number, "as in `config.toml`; `null` for no limit").or_null(),
                field("connections", Number, "as in `config.toml`"),
                field("disk", Number, "as in `config.toml`; `null` for no limit").or_null(),
            ]),
            "what counts from now on",
        )],
    ),
    Event::new(
        "bad_config",
        "`browse`, `host`, `node`: `config.toml` can't be understood, and what it said before still counts",
        &[field("reason", Text, "the place and what is wrong there")],
    ),
    Event::new(
        "changed",
        "`serve`: something was saved",
        &[
            field(
                "paths",
                List(&Path),
                "the files; none if only time has passed",
            ),
            field(
                "millis",
                Number,
                "how many milliseconds passed until browsers were told",
            ),
            field("waiting", Number, "of these, until all changes were seen"),
            field("reading", Number, "of these, to read the site"),
            field("telling", Number, "of these, to tell browsers"),
        ],
    ),
    Event::new(
        "failed",
        "`serve`: the site can't be built; browsers show the last good pages",
        &[field("message", Text, "why")],
    ),
    Event::new("mended", "`serve`: the site can be built again", &[]),
    Event::new(
        "polling",
        "`serve`: the system does not tell of changes, so files are looked at a few times a second",
        &[field("reason", Text, "why")],
    ),
    Event::new(
        "node",
        "`node status` to the node that runs; programs get it as a part of `node_status`",
        NODE,
    ),
];

/// What a running node says of itself.
pub(super) const NODE: &[Field] = &[
    field("name", Text, "what was started, such as `skep browse`"),
    field("version", Text, "of the program"),
    field("network", Text, "`public`, `lan` or `loopback`"),
    TICKET,
];

/// Whether something is so; used by results too.
pub(super) const fn flag(name: &'static str, about: &'static str) -> Field {
    field(name, Bool, about)
}

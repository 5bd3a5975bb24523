//! Fields that several events have.

use super::{
    Field, Group,
    Kind::{self, Address, List, Number, Object, Path, Text, Time},
    events::flag,
};

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field::new(name, kind, about)
}

pub(super) const ADDRESS: Field = field("address", Address, "the site");
pub(super) const DIR: Field = field("dir", Path, "the folder");
pub(super) const FILES: Field = field("files", Number, "how many files");
pub(super) const BYTES: Field = field("bytes", Number, "how large they are together");
pub(super) const MESSAGE: Field = field("message", Text, "what the author said of it");

pub(super) const NEW_PIXELS: Field = field(
    "pixels",
    List(&Number),
    "the size of an image, as `[width, height]`",
)
.or_null()
.or_none();
pub(super) const OLD_PIXELS: Field = field("old_pixels", List(&Number), "the same before")
    .or_null()
    .or_none();

/// What would change in the site, or in its sources.
pub(super) const PART: Group = Group {
    title: "Changes",
    fields: PART_FIELDS,
};

pub(super) const PART_FIELDS: &[Field] = &[
    field("files", Number, "how many files there would be"),
    field("bytes", Number, "how large they would be together"),
    field(
        "added",
        Number,
        "how many files are new; a move is in none of the three",
    ),
    field("modified", Number, "how many have changed"),
    field("removed", Number, "how many are gone"),
    field(
        "changes",
        List(&Object(&[
            field("path", Path, "the file"),
            field("change", Text, "`added`, `modified` or `removed`"),
            field("bytes", Number, "its size; `null` if it is gone").or_null(),
            field("old_bytes", Number, "its size before; `null` if it is new").or_null(),
            NEW_PIXELS,
            OLD_PIXELS,
        ])),
        "what changes; of a move both ends",
    ),
    field(
        "moves",
        List(&Object(&[
            field("from", Path, "the path before"),
            field("to", Path, "the path after"),
        ])),
        "files that are the same under another path",
    ),
];

pub(super) const MEND: &[Field] = &[
    field("onto", Number, "the version that it goes on from").or_null(),
    flag("onto_own", "whether that version was signed here"),
    field(
        "abandons",
        List(&Object(&[
            field("version", Number, "the version"),
            field("time", Time, "when it was signed"),
            MESSAGE,
            field("address", Address, "the version, by its hash"),
            field(
                "fork_point",
                Number,
                "the last version that both have; 0 for none",
            ),
            flag("own", "whether it was signed here"),
            field(
                "retracts",
                List(&Number),
                "versions whose retraction is undone",
            ),
            field(
                "lost",
                List(&Object(&[
                    field("path", Path, "the file"),
                    field("change", Text, "`lost`, `back` or `changed`"),
                ])),
                "what of its changes would be lost",
            ),
        ])),
        "what would be abandoned",
    ),
];

/// What all that shows a review has.
pub(super) const REVIEW: Group = Group {
    title: "A review",
    fields: REVIEW_FIELDS,
};

pub(super) const REVIEW_FIELDS: &[Field] = &[
    ADDRESS,
    field(
        "version",
        Number,
        "the newest version, after a publish the new one; `null` if there is none",
    )
    .or_null(),
    field("left_out", Number, "how many changes `--only` leaves out"),
    field(
        "warnings",
        List(&Object(&[
            field("name", Text, "what `--allow` takes"),
            flag("blocking", "whether it stops a publish"),
            field(
                "path",
                Path,
                "the file; `null` if it is about the whole site",
            )
            .or_null(),
            flag("in_sources", "whether it is a file of the sources"),
            field("line", Number, "from 1").or_null(),
            field("message", Text, "what is odd"),
        ])),
        "what the author should know",
    ),
    field(
        "sources",
        Object(PART_FIELDS),
        "the same of the sources; `null` if none are or were published",
    )
    .or_null(),
    field(
        "mend",
        Object(MEND),
        "what a publish would do about a [fork](publishing.md#from-two-computers)",
    )
    .or_null(),
];

/// What is known of the files beside the review.
pub(super) const KNOWN: Group = Group {
    title: "The output folder",
    fields: KNOWN_FIELDS,
};

pub(super) const KNOWN_FIELDS: &[Field] = &[
    flag(
        "drafts_checked",
        "`false` if with `--no-build` drafts could not be told from other files",
    ),
    field(
        "excluded",
        List(&Path),
        "some of what is in the folder and is left out",
    ),
];

/// What came of a version that was signed.
pub(super) const SIGNED: Group = Group {
    title: "A signed version",
    fields: SIGNED_FIELDS,
};

pub(super) const SIGNED_FIELDS: &[Field] = &[
    flag("changed", "`false` if there was nothing to publish"),
    field("root", Text, "the hash that the head signs"),
    field(
        "added_bytes",
        Number,
        "how many bytes the version adds to the archive",
    ),
    field("wanted", Number, "how many nodes were to confirm it"),
    field(
        "holders",
        List(&Object(&[
            field("node", Text, "the node's key"),
            field("mode", Text, "`whole` or `latest`: what it keeps"),
            field("time", Time, "when it said so"),
            field("received", Number, "how many bytes it received"),
        ])),
        "which nodes have said, signed, that they keep it",
    ),
    field(
        "failures",
        List(&Object(&[
            field("kind", Text, "as of an error"),
            field("message", Text, "why"),
        ])),
        "why others have not",
    ),
];

pub(super) const RETRACTION: Group = Group {
    title: "A retraction",
    fields: RETRACTION_FIELDS,
};

pub(super) const RETRACTION_FIELDS: &[Field] = &[
    ADDRESS,
    field("retracts", List(&Number), "the versions"),
    field(
        "gone",
        List(&Object(&[
            field("path", Path, "a file that no other version has"),
            field("bytes", Number, "its size"),
        ])),
        "what goes",
    ),
    field(
        "elsewhere",
        List(&Object(&[
            field("path", Path, "a file"),
            field("versions", List(&Number), "the versions that have it"),
        ])),
        "what stays because others have it",
    ),
    field(
        "deleted_bytes",
        Number,
        "how many bytes of blobs are deleted",
    ),
    field(
        "repacked_bytes",
        Number,
        "how many of them others need, and are stored anew",
    ),
];

/// What `diff` shows of the site, or of its sources.
pub(super) const DIFF: Group = Group {
    title: "Changed lines",
    fields: DIFF_FIELDS,
};

pub(super) const DIFF_FIELDS: &[Field] = &[
    field(
        "changes",
        List(&Object(&[
            field("path", Path, "the file"),
            field("from", Path, "where it was, if it moved").or_null(),
            field("old_bytes", Number, "its size before").or_null(),
            field("new_bytes", Number, "its size after").or_null(),
            field("added", Number, "how many lines are new").or_null(),
            field("removed", Number, "how many lines are gone").or_null(),
            field(
                "hunks",
                List(&Object(&[
                    field("old_start", Number, "the first line before"),
                    field("new_start", Number, "the first line after"),
                    field(
                        "lines",
                        List(&Object(&[
                            field("side", Text, "`both`, `old` or `new`"),
                            field(
                                "parts",
                                List(&Kind::Pair),
                                "the text in pieces, each with whether it is what changed",
                            ),
                        ])),
                        "the lines",
                    ),
                ])),
                "the changed lines; `null` for what is no text",
            )
            .or_null(),
            NEW_PIXELS,
            OLD_PIXELS,
        ])),
        "the changed files",
    ),
    field("added", Number, "how many lines are new in all of them"),
    field("removed", Number, "how many are gone"),
];

pub(super) const VERSION: &[Field] = &[
    field("version", Number, "its number"),
    field("time", Time, "when it was signed"),
    MESSAGE,
    FILES,
    BYTES,
    field("tree", Text, "the hash of its files"),
    field(
        "origin",
        Address,
        "the version that the site was forked from",
    )
    .or_null(),
    field("retracts", List(&Number), "the versions that it takes back"),
    field("retracted_by", Number, "the version that takes it back").or_null(),
    field(
        "address",
        Address,
        "of an abandoned version: its address, by its hash",
    )
    .or_none(),
];

pub(super) const SIGNED_HEAD: &[Field] = &[
    field("version", Number, "its number"),
    field("root", Text, "the hash that was signed"),
    field("fork_point", Number, "the last version that both have")
        .or_null()
        .or_none(),
];

pub(super) const KNOWN_SITE: &[Field] = &[
    ADDRESS,
    field("relation", Text, "`own`, `pinned`, `followed` or `visited`"),
    field("version", Number, "the newest version here").or_null(),
    field("up", Number, "how many bytes went to others"),
    field("down", Number, "how many came"),
    field("ratio", Number, "up by down").or_null(),
    field(
        "connected",
        List(&Text),
        "the keys of nodes that are connected for it",
    ),
    field(
        "holders",
        List(&Object(&[
            field("node", Text, "the node's key"),
            field("version", Number, "the version that it keeps"),
            flag("newest", "whether that is the newest here"),
            field("mode", Text, "`whole` or `latest`"),
            field("time", Time, "when it said so"),
        ])),
        "which nodes have said, signed, that they keep it",
    ),
    field(
        "known",
        List(&Object(&[
            field("node", Text, "the node's key"),
            field("heard", Time, "when it was last heard of").or_null(),
            flag("named", "whether you named it"),
            field("ticket", Text, "how to reach it"),
        ])),
        "nodes that may have it",
    ),
];

/// Fields that several events have, in the order of the manual.
#[cfg(test)]
pub(super) static GROUPS: [&Group; 6] = [&REVIEW, &PART, &KNOWN, &SIGNED, &RETRACTION, &DIFF];

//! From a built site to a signed, versioned archive that peers sync over iroh.

pub mod archive;

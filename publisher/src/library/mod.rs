//! What a person has on this machine: the folders of their own websites.

pub mod folders;

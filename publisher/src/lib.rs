//! From a built site to a signed, versioned archive that peers sync over iroh.
//!
//! Data flows one way: output folder → [`snapshot`] → [`review`] → [`publish`] → head, which a node
//! announces and serves. This crate knows nothing of Markdown and templates, and it never prints,
//! prompts, exits or reads the environment.

mod accept;
pub mod archive;
pub mod checkout;
pub mod config;
mod database;
pub mod descriptors;
pub mod error;
pub mod feeds;
mod files;
pub mod foreign;
pub mod gateway;
pub mod history;
pub mod home;
pub mod keys;
pub mod library;
pub mod manifest;
mod parallel;
mod plain;
pub mod portable;
pub mod progress;
pub mod publish;
pub mod review;
pub mod scratch;
pub mod snapshot;
pub mod store;
pub mod swarm;
pub mod verify;
pub mod words;

//! End-to-end tests: they drive the built binary, as its users do. One module a feature.

mod at_once;
mod choosing;
mod crash;
mod demo;
mod dht;
mod engines;
mod errors;
mod following;
mod forking;
mod forking_page;
mod forking_update;
mod forks;
#[cfg(unix)]
mod fuel;
mod holders;
#[cfg(target_os = "linux")]
mod hostile;
mod json;
mod keys;
#[cfg(target_os = "linux")]
mod lan;
mod layers;
#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
mod netns;
#[cfg(unix)]
mod node;
mod output;
mod peer;
#[cfg(unix)]
mod peers;
mod process;
mod progress;
mod publishing;
mod publishing_page;
mod reading;
mod refusing;
mod retracting;
mod reviewing;
#[cfg(unix)]
mod running;
#[cfg(target_os = "linux")]
mod seeding;
#[cfg(target_os = "linux")]
mod service;
mod serving;
mod showing;
mod skep;
mod sources;
mod writing;

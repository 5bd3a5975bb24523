//! The publisher from outside: real stores, real endpoints on loopback, and peers that lie.

mod checkout;
mod crash;
mod crash_fetch;
mod damage;
mod decoders;
mod disk;
mod fixture;
mod follow;
mod fork;
mod fork_retract;
mod gateway;
mod hostile;
mod hostile_author;
mod hostile_bombs;
mod hostile_decoders;
mod hostile_forks;
mod liar;
mod only;
mod portable;
mod publish;
mod retract;
mod sources;
mod swarm;
mod swarm_blobs;
mod swarm_retract;
mod vectors;

//! The program from outside: what it prints, where, and how it ends.

mod bad_input;
mod bench;
mod calibrate;
mod cluster;
mod drawn;
mod embed;
mod eval_cluster;
mod eval_detect;
mod eval_identify;
mod eval_pairs;
mod eval_protocols;
mod eval_report;
mod help;
mod identify;
mod model;
#[cfg(feature = "mpi")]
mod mpirun;
mod scene;
mod shipped;
mod verify;

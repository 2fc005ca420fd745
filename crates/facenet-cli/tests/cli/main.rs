//! The program from outside: what it prints, where, and how it ends.

mod bad_input;
mod bench;
mod cluster;
mod drawn;
mod embed;
mod eval_cluster;
mod eval_identify;
mod eval_pairs;
mod eval_report;
mod help;
mod identify;
mod model;
mod scene;
mod shipped;
mod verify;

//! The program from outside: what it prints, where, and how it ends.

mod bad_input;
mod bench;
mod cache;
mod calibrate;
mod cluster;
mod detect;
mod drawn;
mod embed;
mod eval_cluster;
mod eval_detect;
mod eval_embeddings;
mod eval_identify;
mod eval_pairs;
mod eval_protocols;
mod eval_reject;
mod eval_report;
mod experiment;
mod gallery;
mod harmonic;
mod help;
mod identify;
mod model;
#[cfg(feature = "onnx")]
mod model_import;
#[cfg(feature = "mpi")]
mod mpirun;
mod scene;
mod serve;
mod shipped;
mod track;
mod verify;

//! The service from outside: a real server on a free port of this machine, a real client, a fake engine.

mod client;
mod contract;
mod fake;
mod gallery;
mod hostile;
mod images;
mod jobs;
mod keys;
mod load;
mod map;
mod page;
mod restart;
mod runs;
mod tls;
mod traces;
mod upgrade;

//! The few kernels that the networks need, on plain slices, shared by the frozen and the trained network.
//!
//! A map is `height × width` values, row by row. Where a kernel takes many maps, it does not matter to it whether
//! they are ordered image by image (`[N, C, H, W]`, as in training) or channel by channel (`[C, N, H, W]`, as in
//! the frozen network).

mod columns;
mod depthwise;
mod local_response;
mod matmul;
mod pool;
mod upsample;
mod wide;

pub use columns::{Maps, Window, columns, spread_columns};
pub use depthwise::Depthwise;
pub use local_response::{LocalResponse, local_response_norm};
pub use matmul::{Matrix, Threads, multiply};
pub use pool::{l2_pool, max_pool};
pub use upsample::{gather_upsampled, upsample};
pub use wide::wide;

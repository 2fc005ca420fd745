//! What a request may cost, as options.

use std::time::Duration;

use anyhow::{Result, ensure};
use facenet_server::Limits;

/// What a request may cost. The reasons for the defaults are in docs/service.md.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitOptions {
    /// The most MiB of a body.
    #[arg(long, value_name = "MIB", default_value_t = 20)]
    max_body: usize,
    /// The most pixels of an image, in millions.
    #[arg(long, value_name = "MEGAPIXELS", default_value_t = 64)]
    max_pixels: u64,
    /// The most faces of an image.
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_faces: usize,
    /// How many seconds an answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    answer_time: u64,
    /// How many seconds a client may take to send its headers.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    header_time: u64,
    /// How many seconds a client may take to send its body.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    body_time: u64,
    /// How many images may wait for the engine.
    #[arg(long, value_name = "N", default_value_t = 64)]
    queue: usize,
    /// How many images the engine gets at a time.
    #[arg(long, value_name = "N", default_value_t = 8)]
    batch: usize,
    /// How many requests may be in work.
    #[arg(long, value_name = "N", default_value_t = 128)]
    in_flight: usize,
    /// How many requests a second each key may make, or each address where there are no keys.
    #[arg(long, value_name = "N", default_value_t = 100.0)]
    rate: f64,
}

impl LimitOptions {
    /// The limits.
    ///
    /// # Errors
    /// When nothing could be answered within them.
    pub(super) fn limits(&self) -> Result<Limits> {
        let counts = [
            ("max-body", self.max_body),
            ("max-faces", self.max_faces),
            ("queue", self.queue),
            ("batch", self.batch),
            ("in-flight", self.in_flight),
        ];
        for (name, value) in counts {
            ensure!(value > 0, "`--{name} 0` cannot be used: expected a number above 0");
        }
        for (name, value) in [
            ("max-pixels", self.max_pixels),
            ("answer-time", self.answer_time),
            ("header-time", self.header_time),
            ("body-time", self.body_time),
        ] {
            ensure!(value > 0, "`--{name} 0` cannot be used: expected a number above 0");
        }
        ensure!(
            self.rate.is_finite() && self.rate > 0.0,
            "`--rate {}` cannot be used: expected a number above 0",
            self.rate
        );
        Ok(Limits {
            body_bytes: self.max_body << 20,
            pixels: self.max_pixels * 1_000_000,
            faces: self.max_faces,
            header_time: Duration::from_secs(self.header_time),
            body_time: Duration::from_secs(self.body_time),
            answer_time: Duration::from_secs(self.answer_time),
            queue: self.queue,
            batch: self.batch,
            in_flight: self.in_flight,
            requests_per_second: self.rate,
            ..Limits::default()
        })
    }
}

//! facenet-train

//! facenet-eval

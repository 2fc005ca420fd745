//! facenet

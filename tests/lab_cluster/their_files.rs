//! their_files

//! One file per verb.

pub mod lab;

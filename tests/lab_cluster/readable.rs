//! readable

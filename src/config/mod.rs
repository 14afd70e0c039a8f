//! Settings: command line, schema, load and precedence, validation, edit with comments kept, paths.

pub mod cli;
#[cfg(any(test, fuzzing))]
pub mod decoders;
#[cfg(test)]
mod docs_tests;
pub mod edit;
pub mod error;
pub mod keymap;
pub mod keys;
pub mod load;
pub mod paths;
mod rules;
pub mod schema;
mod source;
pub mod theme;
pub mod units;

pub use error::{ConfigError, ConfigErrorKind};
pub use load::{Loaded, Origin, Override};
pub use paths::Home;
pub use schema::Settings;
pub use units::{ByteSize, Span};

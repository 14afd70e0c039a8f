//! State, pure update, effects, commands, event loop, headless loop, verbs.

pub mod age;
pub mod bytes;
pub mod command;
#[cfg(any(test, fuzzing))]
pub mod decoders;
pub mod demo;
pub mod effect;
pub mod event;
pub mod failure;
pub mod headless;
pub mod hit;
pub mod key;
pub mod keymap;
pub mod launch;
pub mod logging;
pub mod looks;
pub mod output;
pub mod plain;
pub mod record;
pub mod runtime;
pub mod session;
pub mod settings;
pub mod signal;
pub mod sim;
pub mod state;
pub mod update;
pub mod verbs;

//! End to end: the built program, as its users run it.

mod authoring;
mod bad_input;
mod central;
mod crash;
mod dashboard;
mod docs;
#[allow(dead_code)]
mod harness;
mod installed;
mod installs;
mod interop;
mod lan;
mod layers;
mod looks;
mod lossy;
mod lossy_line;
mod nodes;
mod screens;
#[allow(dead_code)]
mod terminal;
mod transfers;
mod trust;
mod usage;
mod verbs;
mod withdraw;

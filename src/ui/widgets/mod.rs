//! Parts that panes are made of.

mod bar;
mod facts;
mod frame;
mod input;
pub mod qr;
mod spark;
mod table;

pub use bar::{bar, meter};
pub use facts::Facts;
pub use frame::{empty, panel};
pub use input::input;
pub use spark::spark;
pub use table::{Column, Table, table};

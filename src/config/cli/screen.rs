//! What is shown instead of, or beside, the dashboard of a node.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::super::units::Span;
use super::span;

/// Options of the dashboard alone.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Dashboard")]
pub struct ScreenArgs {
    /// Tell what happens line by line, for screen readers, and take short commands; `help` lists them
    #[arg(long, conflicts_with_all = ["no_ui", "record", "snapshot"])]
    pub plain: bool,
    /// Show a simulated node instead of a real one: quiet, busy, flood or hostile
    #[arg(long, value_name = "NAME", value_parser = ["quiet", "busy", "flood", "hostile"],
          conflicts_with_all = ["demo", "no_ui", "replay"])]
    pub sim: Option<String>,
    /// Another course of the simulation
    #[arg(long, value_name = "NUMBER", requires = "sim")]
    pub seed: Option<u64>,
    /// Write all that happens in the dashboard to FILE, which must not be there yet
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_ui", "replay", "snapshot"])]
    pub record: Option<PathBuf>,
    /// Show what was recorded in FILE; no node is started
    #[arg(long, value_name = "FILE", conflicts_with_all = ["demo", "no_ui", "plain"])]
    pub replay: Option<PathBuf>,
    /// Print a pane of the running node (or of --sim, --replay) and leave: overview, peers, …; `screen` is what a recording
    /// showed
    #[arg(long, value_name = "PANE", conflicts_with_all = ["demo", "no_ui"])]
    pub snapshot: Option<String>,
    /// Columns and rows of the snapshot [default: 120x40]
    #[arg(long, value_name = "WxH", requires = "snapshot")]
    pub size: Option<Cells>,
    /// How far into the simulation or recording, e.g. 90s [default: 2m of a simulation, the end of a recording]
    #[arg(long, value_name = "TIME", requires = "snapshot", value_parser = span)]
    pub at: Option<Span>,
}

impl ScreenArgs {
    /// The first option that was given.
    pub fn given(&self) -> Option<&'static str> {
        let all = [
            ("--plain", self.plain),
            ("--sim", self.sim.is_some()),
            ("--record", self.record.is_some()),
            ("--replay", self.replay.is_some()),
            ("--snapshot", self.snapshot.is_some()),
        ];
        all.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// A size in cells, as `120x40`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    pub width: u16,
    pub height: u16,
}

impl Cells {
    const LEAST: Self = Self { width: 40, height: 12 };
    const MOST: Self = Self { width: 500, height: 200 };
}

impl Default for Cells {
    fn default() -> Self {
        Self { width: 120, height: 40 }
    }
}

impl FromStr for Cells {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (width, height) = text.split_once('x').ok_or("expected columns and rows, e.g. 120x40")?;
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number of cells"));
        let (width, height) = (number(width)?, number(height)?);
        let fits = |n: u16, least: u16, most: u16| (least..=most).contains(&n);
        let (least, most) = (Self::LEAST, Self::MOST);
        if !fits(width, least.width, most.width) || !fits(height, least.height, most.height) {
            return Err(format!("from {}x{} to {}x{}", least.width, least.height, most.width, most.height));
        }
        Ok(Self { width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_columns_and_rows_within_bounds() {
        assert_eq!("80x24".parse(), Ok(Cells { width: 80, height: 24 }));
        for wrong in ["80", "x", "80x", "39x24", "80x11", "501x24", "80x201", "-1x24", "99999x24"] {
            assert!(wrong.parse::<Cells>().is_err(), "{wrong}");
        }
    }
}

//! Bars made of block characters.

use crate::ui::theme::Symbols;

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of `cells`, filled to `fraction` (0 to 1) by eighths of a cell, the rest blank shade.
pub fn bar(fraction: f64, cells: usize, symbols: &Symbols) -> String {
    let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
    if symbols.ascii {
        let full = (fraction * cells as f64).round() as usize;
        return symbols.full.repeat(full) + &symbols.empty.repeat(cells - full);
    }
    let eighths = (fraction * cells as f64 * 8.0).round() as usize;
    let (full, part) = (eighths / 8, eighths % 8);
    let partial = EIGHTHS.get(part).copied().unwrap_or_default();
    let rest = cells - full - usize::from(part > 0);
    format!("{}{partial}{}", symbols.full.repeat(full), " ".repeat(rest))
}

/// A bar with whole cells and a visible rest, for small widths.
pub fn meter(fraction: f64, cells: usize, symbols: &Symbols) -> String {
    let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
    let full = (fraction * cells as f64).round() as usize;
    symbols.full.repeat(full) + &symbols.empty.repeat(cells - full)
}

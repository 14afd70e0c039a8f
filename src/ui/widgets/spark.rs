//! A row of small bars.

use crate::ui::theme::Symbols;

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII: [&str; 5] = ["_", ".", "-", "=", "#"];

/// The last `cells` of `values`, each as high as it is of the highest; the newest is on the right.
pub fn spark(values: &[f64], cells: usize, symbols: &Symbols) -> String {
    let levels: &[&str] = if symbols.ascii { &ASCII } else { &LEVELS };
    let shown = values.get(values.len().saturating_sub(cells)..).unwrap_or_default();
    let most = shown.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let level = |value: &f64| {
        let share = if most > 0.0 && value.is_finite() { (value / most).clamp(0.0, 1.0) } else { 0.0 };
        let at = (share * (levels.len() - 1) as f64).round() as usize;
        levels.get(at).copied().unwrap_or_default()
    };
    shown.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::DashboardOptions;
    use crate::ui::Theme;

    #[test]
    fn the_newest_are_shown_by_their_share_of_the_highest() {
        let symbols = Theme::new(&DashboardOptions::default()).symbols;
        assert_eq!(spark(&[9.0, 0.0, 3.5, 7.0], 3, &symbols), "▁▅█");
        assert_eq!(spark(&[0.0, f64::NAN], 3, &symbols), "▁▁");
        assert_eq!(spark(&[], 3, &symbols), "");
    }
}

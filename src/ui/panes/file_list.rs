//! The files of a package, with their sizes.

use crate::app::bytes;
use crate::net::api::FileList;
use crate::ui::theme::Theme;
use crate::ui::widgets::Facts;

pub fn put(theme: &Theme, facts: &mut Facts<'_>, list: &FileList) {
    for file in &list.files {
        facts.short("", &format!("{:>9}  {}", bytes::size(file.size), &*file.path), theme.dim);
    }
    if list.unlisted > 0 {
        facts.put("", &format!("and {} more", list.unlisted), theme.dim);
    }
}

//! Terminal events in the dashboard's own words.

use std::io;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::app::event::{Event, MouseAction, Signal};
use crate::app::hit::HitMap;
use crate::app::key::{Code, Key};

/// What the terminal said; none for what means nothing here. Its end or an error is a hang-up.
pub fn event(input: Option<io::Result<Input>>, hits: &HitMap) -> Option<Event> {
    match input {
        None | Some(Err(_)) => Some(Event::Signal(Signal::HangUp)),
        Some(Ok(Input::Key(event))) if event.kind != KeyEventKind::Release => key(event).map(Event::Key),
        Some(Ok(Input::Paste(text))) => Some(Event::Paste(text)),
        Some(Ok(Input::Resize(width, height))) => Some(Event::Resized { width, height }),
        Some(Ok(Input::Mouse(mouse))) => {
            let action = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseAction::Click,
                MouseEventKind::ScrollUp => MouseAction::WheelUp,
                MouseEventKind::ScrollDown => MouseAction::WheelDown,
                _ => return None,
            };
            Some(Event::Mouse { action, target: hits.at(mouse.column, mouse.row) })
        }
        Some(Ok(_)) => None,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    let code = match event.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::F(n) => Code::F(n),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    };
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    Some(Key { code, ctrl, alt })
}

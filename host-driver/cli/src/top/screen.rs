// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The picture that `top` draws on a terminal.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use hairpin_driver::Diagnostic;
use hairpin_driver::output::Top;
use hairpin_driver::report::TableFill;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::Line;
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table, Wrap};
use ratatui::{DefaultTerminal, Frame};

use crate::text::top::{COLUMNS, drops, rows, state};

/// Looks that are remembered for the curve.
const HISTORY: usize = 200;
/// While the picture is held, nothing but a key changes it.
const HELD: Duration = Duration::from_secs(3600);

/// Draws look after look until a key or their number ends it.
pub(super) fn run(
    name: &str,
    interval: Duration,
    looks: u64,
    next: impl FnMut() -> Result<Top, Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut terminal = ratatui::try_init().map_err(|error| terminal_error(&error))?;
    let result = watch(&mut terminal, Screen::new(name), interval, looks, next);
    ratatui::restore();
    result
}

fn watch(
    terminal: &mut DefaultTerminal,
    mut screen: Screen,
    interval: Duration,
    mut looks: u64,
    mut next: impl FnMut() -> Result<Top, Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut due = Instant::now() + interval;
    loop {
        terminal
            .draw(|frame| screen.draw(frame))
            .map_err(|error| terminal_error(&error))?;
        let wait = if screen.held {
            HELD
        } else {
            due.saturating_duration_since(Instant::now())
        };
        match key(wait).map_err(|error| terminal_error(&error))? {
            Some(Key::End) => return Ok(()),
            Some(Key::Hold) => screen.held = !screen.held,
            None => {}
        }
        if !screen.held && Instant::now() >= due {
            if looks == 0 {
                return Ok(());
            }
            looks -= 1;
            screen.take(next()?);
            due = Instant::now() + interval;
        }
    }
}

enum Key {
    End,
    Hold,
}

/// Waits for a key that means something.
fn key(wait: Duration) -> io::Result<Option<Key>> {
    if !event::poll(wait)? {
        return Ok(None);
    }
    let Event::Key(key) = event::read()? else {
        return Ok(None);
    };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(match key.code {
        _ if !key.is_press() => None,
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::End),
        KeyCode::Char('c') if control => Some(Key::End),
        KeyCode::Char(' ') => Some(Key::Hold),
        _ => None,
    })
}

fn terminal_error(error: &io::Error) -> Diagnostic {
    Diagnostic::new("terminal", format!("cannot use the terminal: {error}"))
        .help("`hairpin top --batch` needs none")
}

/// What is on the screen.
struct Screen {
    name: String,
    top: Option<Top>,
    /// Frames that came in, look by look, the newest first.
    frames: VecDeque<u64>,
    held: bool,
}

impl Screen {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            top: None,
            frames: VecDeque::new(),
            held: false,
        }
    }

    fn take(&mut self, top: Top) {
        let frames = top.ports.values().map(|counters| counters.in_frames).sum();
        self.frames.push_front(frames);
        self.frames.truncate(HISTORY);
        self.top = Some(top);
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let Some(top) = &self.top else {
            let wait = format!("{}: the first look comes after an interval", self.name);
            frame.render_widget(Paragraph::new(wait), frame.area());
            return;
        };
        let [title, status, curve, table, fills, reasons, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(5),
            Constraint::Min(4),
            Constraint::Length(3),
            Constraint::Length(4),
            Constraint::Length(1),
        ])
        .areas(frame.area());

        let held = if self.held { " (held)" } else { "" };
        let title_text = Line::from(format!("hairpin top   {}{held}", self.name)).bold();
        frame.render_widget(title_text, title);
        let ill = top.cause.is_some() || !top.uplink_up;
        let status_style = Style::new().fg(if ill { Color::Red } else { Color::Green });
        frame.render_widget(Line::from(state(top)).style(status_style), status);
        let frames = Sparkline::default()
            .data(self.frames.iter().copied())
            .style(Color::Cyan)
            .block(Block::bordered().title("frames in, newest left"));
        frame.render_widget(frames, curve);
        frame.render_widget(traffic(top), table);
        draw_fills(frame, top, fills);
        let reasons_text = match drops(top).as_slice() {
            [] => "none".to_owned(),
            some => some.join(", "),
        };
        let dropped = Paragraph::new(reasons_text)
            .wrap(Wrap { trim: true })
            .block(Block::bordered().title("dropped per second"));
        frame.render_widget(dropped, reasons);
        frame.render_widget(Line::from("Space: hold   q: end").dim(), keys);
    }
}

fn traffic(top: &Top) -> Table<'static> {
    let rows = rows(top).into_iter().map(|cells| {
        let idle = cells[1..].iter().all(|cell| cell == "-");
        let dropping = cells[5] != "-";
        let row = Row::new(cells.map(|cell| Line::from(cell).right_aligned()));
        match (idle, dropping) {
            (true, _) => row.dim(),
            (_, true) => row.yellow(),
            _ => row,
        }
    });
    let header = Row::new(COLUMNS.map(|name| Line::from(name).right_aligned())).bold();
    Table::new(rows, [Constraint::Length(11); COLUMNS.len()]).header(header)
}

fn draw_fills(frame: &mut Frame<'_>, top: &Top, area: Rect) {
    let tables = [
        ("MAC table", Some(&top.tables.mac)),
        ("flow table", top.tables.flow.as_ref()),
    ];
    let areas: [Rect; 2] = Layout::horizontal([Constraint::Fill(1); 2]).areas(area);
    for ((name, fill), area) in tables.into_iter().zip(areas) {
        let Some(TableFill {
            entries, capacity, ..
        }) = fill
        else {
            continue;
        };
        let share = *entries as f64 / (*capacity).max(1) as f64;
        let gauge = Gauge::default()
            .ratio(share.min(1.0))
            .label(format!("{entries} of {capacity}"))
            .gauge_style(if share > 0.9 {
                Color::Red
            } else {
                Color::Green
            })
            .block(Block::bordered().title(name));
        frame.render_widget(gauge, area);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hairpin_driver::cli::DEFAULT_CLOCK_HZ;
    use hairpin_driver::output::VERSION;
    use hairpin_driver::report::{Counters, Tables};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn drawn(screen: &Screen, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    fn look() -> Top {
        let vf0 = Counters {
            in_frames: 1500,
            in_bytes: 96_000,
            drops: BTreeMap::from([("spoofed".to_owned(), 3)]),
            ..Counters::default()
        };
        Top {
            version: VERSION,
            ticks: 2 * DEFAULT_CLOCK_HZ,
            interval: DEFAULT_CLOCK_HZ,
            ports: BTreeMap::from([
                ("vf0".to_owned(), vf0),
                ("uplink".to_owned(), Counters::default()),
            ]),
            vvlans: BTreeMap::new(),
            tables: Tables {
                mac: TableFill {
                    entries: 7,
                    capacity: 4096,
                    ..TableFill::default()
                },
                ..Tables::default()
            },
            cause: None,
            uplink_up: true,
        }
    }

    #[test]
    fn a_look_is_drawn_with_rates_fills_and_reasons() {
        let mut screen = Screen::new("pci/0000:01:00.0");
        assert!(drawn(&screen, 90, 30).contains("first look"));
        screen.take(look());
        let text = drawn(&screen, 90, 30);
        for part in [
            "pci/0000:01:00.0",
            "firmware running",
            "1.5 k",
            "768 k",
            "spoofed 3",
            "7 of 4096",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn no_size_of_the_terminal_is_too_small() {
        let mut screen = Screen::new("x");
        screen.take(look());
        for size in 1..30 {
            let _ = drawn(&screen, size, size);
        }
    }

    #[test]
    fn what_ails_the_nic_is_on_it() {
        let mut screen = Screen::new("x");
        let cause = Some("the watchdog ran out".to_owned());
        screen.take(Top { cause, ..look() });
        assert!(drawn(&screen, 100, 30).contains("FIRMWARE: the watchdog ran out"));
    }
}

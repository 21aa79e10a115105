//! A picture of a VM's screen, and the output of a guest's console.

use crate::{
    plot::png::Image,
    pve,
    tools::{
        answer::{Failure, Outcome, answer},
        param::{Kind, NODE, Param, VMID},
        run::{args::Args, context::Context, find, request::Request, state::State},
    },
};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Parameters of the screenshot tool.
pub const SCREEN: &[Param] = &[VMID, NODE];
/// Parameters of the console tool.
pub const SERIAL: &[Param] = &[
    VMID,
    NODE,
    Param::int("seconds", 1, 30).optional(),
    Param::one_of("serial", &["serial0", "serial1", "serial2", "serial3"]).unlisted(),
];

/// The largest picture, in bytes; a larger one is halved in width and height until it fits.
const MOST_PICTURE: usize = 512 * 1024;
/// How long console output is read by default, in seconds, and how many bytes of it are kept.
const SECONDS: i64 = 5;
const MOST_TEXT: usize = 16 * 1024;

/// Takes a picture of a VM's display; sends no input.
pub fn screen(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    if guest.kind != Kind::Vm {
        return Err(Failure::new(format!(
            "{} has no display; `proxmox_read_serial` reads its console.",
            guest.title()
        )));
    }
    running(&guest)?;
    if !opens(context, &guest, "vncproxy")? {
        return answer(&json!({}));
    }
    let picture = context.pve.screen(&context.call.cancel, &guest.path()?)?;
    let pve::Picture { width, height, rgb } = picture;
    let (png, scale) = Image { width, height, rgb }.png_within(MOST_PICTURE);
    let taken = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let facts = json!({
        "vmid": guest.vmid, "name": guest.name, "width": width, "height": height, "scale": scale,
        "bytes": png.len(), "time": taken, "seconds": context.started.elapsed().as_secs_f64(),
    });
    context.attach(png);
    answer(&facts)
}

/// Reads the output of a console for some seconds; sends no input.
pub fn serial(context: &Context<'_>, args: &Args) -> Outcome {
    let guest = find::guest(context, args.int("vmid").unwrap_or_default(), args.text("node"))?;
    running(&guest)?;
    let seconds = args.int("seconds").unwrap_or(SECONDS);
    let time = Duration::from_secs(seconds.unsigned_abs());
    // A container has a single console and takes no port name.
    let port = args.text("serial").filter(|_| guest.kind == Kind::Vm);
    if !opens(context, &guest, "termproxy")? {
        return answer(&json!({}));
    }
    let heard = context.pve.listen(&context.call.cancel, &guest.path()?, port, time, MOST_TEXT)?;
    let text = plain(&heard.bytes);
    let mut facts = json!({"vmid": guest.vmid, "name": guest.name, "seconds": seconds, "text": text});
    if heard.cut {
        facts["cut"] = json!(format!("Only the first {MOST_TEXT} bytes were read."));
    }
    if heard.ended {
        facts["ended"] = json!(true);
    }
    if text.trim().is_empty() {
        facts["note"] =
            "There was no output in this time. A console shows its login prompt only once, when it starts."
                .into();
    }
    answer(&facts)
}

/// Whether a console may be opened. No input is sent to it, but it would accept some, so the policy applies.
fn opens(context: &Context<'_>, guest: &find::Guest, proxy: &str) -> Result<bool, Failure> {
    let path = format!("{}/{proxy}", guest.path()?);
    context.permit(&Request { method: pve::Method::Post, path, params: pve::Params::new() })
}

/// Refuses a stopped guest. A paused one still has a screen, and one in an unknown state may have one.
fn running(guest: &find::Guest) -> Result<(), Failure> {
    match guest.state() {
        State::Stopped => Err(Failure::new(format!(
            "{} is stopped: there is nothing to see. Start it first.",
            guest.title()
        ))),
        _ => Ok(()),
    }
}

/// The text that a terminal would show: without control sequences, but with line breaks.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // CSI: parameters, then a letter.
                Some('[') => {
                    while letters.next_if(|letter| !('\u{40}'..='\u{7e}').contains(letter)).is_some() {}
                }
                // OSC and similar sequences end at a bell or the next escape.
                Some(']' | 'P' | '^' | '_') => {
                    while letters.next_if(|letter| !matches!(letter, '\u{7}' | '\u{1b}')).is_some() {}
                    if letters.peek() == Some(&'\u{1b}') {
                        letters.next();
                    }
                }
                // The choice of a character set takes one more letter.
                Some('(' | ')' | '#') => {}
                _ => continue,
            },
            '\n' | '\t' => {
                shown.push(letter);
                continue;
            }
            letter if letter.is_control() => continue,
            letter => {
                shown.push(letter);
                continue;
            }
        }
        letters.next();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_read_as_text() {
        for (said, expected) in [
            ("\r\nlogin: ", "\nlogin: "),
            ("\x1b[1;33mHint\x1b[0m!", "Hint!"),
            ("\x1b]0;title\x07$ ls", "$ ls"),
            ("\x1b]0;title\x1b\\$ ls", "$ ls"),
            ("\x1b(B\x1b[?25hx", "x"),
            ("a\x08\x07b\tc", "ab\tc"),
            ("cut \x1b[1;3", "cut "),
            ("cut \x1b", "cut "),
        ] {
            assert_eq!(plain(said.as_bytes()), expected, "{said:?}");
        }
        assert_eq!(plain(b"\xff\xfeok"), "\u{fffd}\u{fffd}ok");
    }
}

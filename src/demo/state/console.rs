//! VNC displays and consoles of guests: what they show, and the proxies that are open. Knows no wire.

use crate::{
    demo::state::guest::{Guest, Kind},
    plot::{canvas::Canvas, png::Image},
};

/// Seconds for which a proxy waits for its websocket.
const WAIT: f64 = 40.0;

/// An open proxy that waits for its websocket.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) ticket: String,
    pub(crate) password: String,
    pub(crate) user: String,
    pub(crate) vmid: u32,
    /// Whether it is a VNC display; otherwise a text console.
    pub(crate) screen: bool,
    opened: f64,
}

/// The proxies that wait.
#[derive(Debug, Default)]
pub(crate) struct Proxies(Vec<Proxy>);

impl Proxies {
    /// Opens a proxy on the first free port.
    pub(crate) fn open(
        &mut self,
        guest: u32,
        screen: bool,
        user: String,
        secrets: [String; 2],
        now: f64,
    ) -> Proxy {
        self.0.retain(|proxy| now < proxy.opened + WAIT);
        let port = (5900..=5999).find(|port| self.0.iter().all(|proxy| proxy.port != *port)).unwrap_or(5999);
        let [ticket, password] = secrets;
        let proxy = Proxy { port, ticket, password, user, vmid: guest, screen, opened: now };
        self.0.push(proxy.clone());
        proxy
    }

    /// The proxy on that port, if the ticket is right.
    pub(crate) fn find(&self, guest: u32, port: &str, ticket: &str, now: f64) -> Option<&Proxy> {
        self.0.iter().find(|proxy| {
            proxy.vmid == guest
                && proxy.port.to_string() == port
                && proxy.ticket == ticket
                && now < proxy.opened + WAIT
        })
    }

    /// Removes a proxy: it serves only one connection.
    pub(crate) fn take(&mut self, port: u16) {
        self.0.retain(|proxy| proxy.port != port);
    }
}

/// The text that a guest's console shows, in pieces.
pub(crate) fn lines(guest: &Guest) -> Vec<String> {
    let name = name(guest);
    let terminal = if guest.kind == Kind::Lxc { "tty1" } else { "ttyS0" };
    vec![
        format!("\r\nDebian GNU/Linux 13 {name} {terminal}\r\n"),
        "\r\n\x1b[1;33mHint: Num Lock on\x1b[0m\r\n\r\n".to_owned(),
        format!("{name} login: "),
    ]
}

/// A guest's VNC display: its console text in white on black, and a bar of colours.
pub(crate) fn screen(guest: &Guest) -> Image {
    let mut canvas = Canvas::new(720, 400, [0, 0, 0]);
    for (row, line) in lines(guest).concat().split("\r\n").enumerate() {
        let plain = line.replace("\x1b[1;33m", "").replace("\x1b[0m", "");
        canvas.text(8, 8 + row * 20, &plain, [204, 204, 204]);
    }
    for (at, colour) in [[205, 0, 0], [0, 205, 0], [205, 205, 0], [0, 0, 238], [205, 0, 205], [0, 205, 205]]
        .iter()
        .enumerate()
    {
        canvas.fill([8 + at * 24, 376, 24, 16], *colour);
    }
    canvas.image
}

fn name(guest: &Guest) -> &str {
    let key = if guest.kind == Kind::Lxc { "hostname" } else { "name" };
    guest.config.get(key).and_then(serde_json::Value::as_str).unwrap_or("localhost")
}

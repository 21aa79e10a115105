//! The protocols behind websockets: a VNC server for displays, and a console that prints a few lines.

use crate::{
    demo::{
        random,
        state::console::{self, Proxy},
        wire::{http::Incoming, shared::Shared, tls::Stream},
    },
    plot::png::Image,
    pve::vnc_response,
    sync::lock,
    websocket::{Socket, accept, wrong},
};
use std::io::{self, ErrorKind, Read, Write};

/// The height in rows of each rectangle of a picture.
const BAND: usize = 64;
/// The pixel format announced by this server, and the only one it serves: 32 bits, true colour, blue first.
const FORMAT: [u8; 16] = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
const RAW: [u8; 4] = [0; 4];

/// The proxy that a websocket request is for; `None` for other requests. The proxy is then used up.
pub(crate) fn wanted(shared: &Shared, request: &Incoming) -> Option<Proxy> {
    let parameter =
        |name: &str| request.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let asked = request.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let guest =
        request.path.strip_suffix("/vncwebsocket").filter(|_| asked)?.rsplit('/').next()?.parse().ok()?;
    let mut cluster = lock(&shared.cluster);
    let now = cluster.clock.now();
    let proxy = cluster.proxies.find(guest, parameter("port")?, parameter("vncticket")?, now).cloned()?;
    cluster.proxies.take(proxy.port);
    Some(proxy)
}

/// Accepts the websocket and serves it. The client may disconnect at any time.
pub(crate) fn converse(
    mut stream: Box<dyn Stream>,
    shared: &Shared,
    request: &Incoming,
    proxy: &Proxy,
) -> io::Result<()> {
    let key = request.header("sec-websocket-key").ok_or_else(|| wrong("a websocket without a key"))?;
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
        accept(key)
    );
    stream.write_all(head.as_bytes())?;
    stream.flush()?;
    let guest =
        lock(&shared.cluster).guests.get(&proxy.vmid).filter(|guest| guest.started.is_some()).cloned();
    // The proxy of a guest that does not run leads nowhere.
    let Some(guest) = guest else { return Ok(()) };
    let mut socket = Socket::server(stream);
    if proxy.screen {
        show(&mut socket, &proxy.password, &console::screen(&guest))?;
    } else {
        say(&mut socket, proxy, &console::lines(&guest))?;
    }
    // Until the client disconnects, or the server stops.
    let mut place = [0; 256];
    while !shared.is_stopped() {
        match socket.read(&mut place) {
            Ok(0) => break,
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            _ => {}
        }
    }
    socket.close();
    Ok(())
}

fn say(socket: &mut (impl Read + Write), proxy: &Proxy, lines: &[String]) -> io::Result<()> {
    let expected = format!("{}:{}\n", proxy.user, proxy.ticket);
    let mut entry = vec![0; expected.len()];
    socket.read_exact(&mut entry)?;
    if entry != expected.as_bytes() {
        return Ok(());
    }
    socket.write_all(b"OK")?;
    lines.iter().try_for_each(|line| socket.write_all(line.as_bytes()))
}

fn show(socket: &mut (impl Read + Write), password: &str, screen: &Image) -> io::Result<()> {
    socket.write_all(b"RFB 003.008\n")?;
    array::<12>(socket)?;
    socket.write_all(&[1, 2])?;
    array::<1>(socket)?;
    let challenge = random::bytes();
    socket.write_all(&challenge)?;
    if array(socket)? != vnc_response(password.as_bytes(), challenge) {
        let reason = b"Authentication failed";
        socket.write_all(&[&[0, 0, 0, 1, 0, 0, 0, 21][..], reason].concat())?;
        return Ok(());
    }
    socket.write_all(&[0; 4])?;
    array::<1>(socket)?;
    let size = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let (width, height) = (size(screen.width), size(screen.height));
    socket.write_all(&[&width[..], &height, &FORMAT, &[0, 0, 0, 4], b"QEMU"].concat())?;
    loop {
        match array::<1>(socket)?[0] {
            0 if array::<19>(socket)?[3..] != FORMAT => return Err(wrong("pixels of another form")),
            0 => {}
            2 => {
                let head = array::<3>(socket)?;
                for _ in 0..u16::from_be_bytes([head[1], head[2]]) {
                    array::<4>(socket)?;
                }
            }
            3 => break,
            other => return Err(wrong(&format!("a message of kind {other}"))),
        }
    }
    array::<9>(socket)?;
    let bands: Vec<usize> = (0..screen.height).step_by(BAND).collect();
    socket.write_all(&[&[0, 0][..], &size(bands.len())].concat())?;
    for y in bands {
        let rows = BAND.min(screen.height - y);
        let mut band = [&[0, 0][..], &size(y), &width, &size(rows), &RAW].concat();
        let pixels = screen.rgb[y * screen.width * 3..(y + rows) * screen.width * 3].as_chunks::<3>().0;
        pixels.iter().for_each(|[red, green, blue]| band.extend([*blue, *green, *red, 0]));
        socket.write_all(&band)?;
    }
    Ok(())
}

fn array<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

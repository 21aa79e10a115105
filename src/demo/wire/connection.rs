//! Connections: accepting them, TLS, keep-alive, and closing them in the way that a fault demands. Knows no API.

use crate::{
    demo::{
        state::clock::whole,
        wire::{
            console,
            dispatch::{self, Then},
            faults::Fault,
            http::{Buffer, Outgoing, RequestError},
            shared::{Open, Shared},
            tls::{Stream, Tls},
        },
    },
    sync::lock,
};
use std::{
    io::{self, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

/// Requests that one connection may carry (pve.md section 1).
const KEEP_ALIVE: usize = 100;
/// Stack size of a connection's thread, which needs little.
pub(crate) const STACK: usize = 512 * 1024;
/// How long a connection stays silent when a fault makes it stall.
const STALL: Duration = Duration::from_secs(3600);
/// How many bytes of a request are peeked at before it is read, if a reset fault is pending.
const PEEKED: usize = 64 * 1024;

/// Accepts connections until the server stops, each on its own thread.
pub(crate) fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in (1..).zip(listener.incoming()) {
        if shared.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(copy) = stream.try_clone() else { continue };
        let inner = Arc::clone(shared);
        let thread = thread::Builder::new().name("demo connection".into()).stack_size(STACK);
        // The list is locked until the connection is in it, so that a thread always finds its own entry.
        let mut connections = lock(&shared.connections);
        let Ok(thread) = thread.spawn(move || connection(stream, &inner, number)) else { continue };
        connections.retain(|open| !open.thread.is_finished());
        connections.push(Open { number, stream: copy, thread });
    }
}

fn connection(stream: TcpStream, shared: &Shared, number: u64) {
    let ready = stream.set_read_timeout(Some(shared.options.idle)).and_then(|()| stream.set_nodelay(true));
    let (Ok(()), Ok(socket)) = (ready, stream.try_clone()) else { return };
    match &shared.options.tls {
        None => {
            if serve(Box::new(stream), Some(&socket), shared, number) == End::Reset {
                // Unread bytes turn the close into a reset, but only once nothing else holds the socket.
                lock(&shared.connections).retain(|open| open.number != number);
                return;
            }
        }
        Some(Tls(secured)) => {
            let mut first = [0];
            // A TLS handshake record begins with 22; anything else is plain HTTP.
            if !matches!(stream.peek(&mut first), Ok(1)) {
            } else if first != [22] {
                redirect_to_https(stream);
            } else if let Some(stream) = secured(stream) {
                serve(stream, None, shared, number);
            }
        }
    }
    let _ = socket.shutdown(Shutdown::Both);
}

fn redirect_to_https(mut stream: TcpStream) {
    let Ok(request) = Buffer::default().request(&mut stream) else { return };
    let status = if request.method == crate::pve::Method::Get { 301 } else { 308 };
    let mut answer =
        Outgoing::empty(status, if status == 301 { "Moved Permanently" } else { "Permanent Redirect" });
    answer.location =
        Some(format!("https://{}{}", request.header("host").unwrap_or("localhost"), request.path));
    let _ = answer.write(&mut stream, true);
}

/// How a connection ends.
#[derive(PartialEq)]
enum End {
    Closed,
    Reset,
}

fn serve(mut stream: Box<dyn Stream>, plain: Option<&TcpStream>, shared: &Shared, number: u64) -> End {
    let mut buffer = Buffer::default();
    for count in 1..=KEEP_ALIVE {
        if count == 1 && shared.faults.take_drop_before_reading() {
            return End::Closed;
        }
        // Faults are looked up once the request has arrived, because one may be added while the connection waits for
        // it.
        if let Some(socket) = plain.filter(|_| buffer.is_empty()) {
            match socket.peek(&mut [0]) {
                Ok(1..) if reset_ordered(socket, shared, number) => return End::Reset,
                Ok(1..) => {}
                _ => return End::Closed,
            }
        }
        let request = match buffer.request(&mut stream) {
            Ok(request) => request,
            Err(RequestError::Gone) => return End::Closed,
            Err(RequestError::Refused(status, reason)) => {
                let _ = Outgoing::empty(status, reason).write(&mut stream, true);
                return End::Closed;
            }
        };
        // A connection that is kept alive was already being read when the fault was added.
        if shared.faults.take_drop_before_reading() {
            return End::Closed;
        }
        let asked_to_close =
            request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let (mut answer, then) = dispatch::answer(shared, &request, number);
        answer.date = Some(whole(lock(&shared.cluster).clock.now()));
        if shared.is_stopped() {
            return End::Closed;
        }
        if answer.status == 200
            && let Some(proxy) = console::wanted(shared, &request)
        {
            let _ = console::converse(stream, shared, &request, &proxy);
            return End::Closed;
        }
        let close = asked_to_close || count == KEEP_ALIVE || 400 <= answer.status;
        let written = match then {
            Then::Write => answer.write(&mut stream, close),
            Then::Chunked => answer.write_chunked(&mut stream, close),
            Then::Huge(more) => answer.write_huge(&mut stream, close, more),
            Then::Trickle(pause) => answer.write_slowly(&mut stream, close, || {
                shared.wait(pause);
                !shared.is_stopped()
            }),
            Then::Half => answer.write_half(&mut stream).and(Err(io::ErrorKind::ConnectionAborted.into())),
            Then::Stall => answer.write_half(&mut stream).map(|()| shared.wait(STALL)),
            Then::Bare => stream
                .write_all(&answer.body)
                .and_then(|()| stream.flush())
                .and(Err(io::ErrorKind::ConnectionAborted.into())),
            Then::Drop => Err(io::ErrorKind::ConnectionAborted.into()),
        };
        if close || written.is_err() {
            return End::Closed;
        }
    }
    End::Closed
}

/// If a reset fault is pending, peeks at the next request without taking it off the socket, and carries it out if the
/// fault demands that. Closing the socket then resets the connection.
fn reset_ordered(socket: &TcpStream, shared: &Shared, number: u64) -> bool {
    if !shared.faults.resets() {
        return false;
    }
    let mut bytes = vec![0; PEEKED];
    let mut before = 0;
    loop {
        let Ok(count @ 1..) = socket.peek(&mut bytes) else { return false };
        if let Ok(request) = Buffer::default().request(&mut &bytes[..count]) {
            let fault = shared.faults.take_reset(&dispatch::line(&request));
            if fault == Some(Fault::ResetAfterActing) {
                dispatch::carry_out_unanswered(shared, &request, number);
            }
            return fault.is_some();
        }
        // The rest is still on its way. Anything that is not a request, or is incomplete after a second, is read
        // normally.
        if shared.is_stopped() || count == PEEKED || 1000 < before {
            return false;
        }
        before += 1;
        shared.wait(Duration::from_millis(1));
    }
}

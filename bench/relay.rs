//! A link with a known latency: a TCP relay on loopback that delays every byte by half a round trip in each direction,
//! however many are in transit.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// A listening relay. It lasts as long as the program.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

/// Bytes and the time at which they are to arrive; `None` at the end of the stream.
type Due = (Instant, Vec<u8>);

impl Relay {
    /// Starts a relay to `target`, which appears `round_trip` away.
    pub(crate) fn start(target: &str, round_trip: Duration) -> io::Result<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, target) = (Arc::clone(&accepted), target.to_owned());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                if let Ok(far) = TcpStream::connect(&target) {
                    let _ = join(near, far, round_trip);
                }
            }
        });
        Ok(Relay { address, accepted })
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Copies bytes in both directions. Over a real link, opening a connection takes one round trip, which it does not on
/// loopback: bytes sent earlier are treated as sent at the end of that round trip.
fn join(near: TcpStream, far: TcpStream, round_trip: Duration) -> io::Result<()> {
    let open = Instant::now() + round_trip;
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        to.set_nodelay(true)?;
        let (sender, receiver) = channel();
        thread::spawn(move || take(from, &sender, open, round_trip / 2));
        thread::spawn(move || give(to, &receiver));
    }
    Ok(())
}

fn take(mut from: TcpStream, sender: &Sender<Due>, open: Instant, delay: Duration) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let amount = from.read(&mut buffer).unwrap_or(0);
        let due = Instant::now().max(open) + delay;
        if sender.send((due, buffer[..amount].to_vec())).is_err() || amount == 0 {
            return;
        }
    }
}

fn give(mut to: TcpStream, receiver: &Receiver<Due>) {
    for (due, bytes) in receiver {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if bytes.is_empty() || to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

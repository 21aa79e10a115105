//! Graceful shutdown on SIGTERM and SIGINT (Ctrl+C): calls in progress are answered if possible within a second.
//!
//! Signals are handled only from the first tool call on. Before it there is nothing to finish, and starting a server
//! needs no extra thread.

use crate::{log, mcp::Stop};
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

/// The number of the signal received; 0 if none was.
static RECEIVED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The exit code after a signal, 128 plus its number, as shells report it; `None` if no signal was received.
#[must_use]
pub fn exit_code() -> Option<u8> {
    let signal = u8::try_from(RECEIVED.load(Ordering::SeqCst)).ok()?;
    (signal != 0).then(|| 128 + signal)
}

/// How long calls in progress may take until they are answered.
const GRACE: std::time::Duration = std::time::Duration::from_millis(800);

/// Shuts the process down gracefully on the first signal.
#[cfg(unix)]
pub fn shut_down_on_signal(stop: Stop) {
    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        flag,
        low_level::pipe,
    };
    use std::{
        io::{self, Read},
        os::unix::net::UnixStream,
        process, thread,
    };

    let watch = || {
        let (mut read, write) = UnixStream::pair()?;
        for signal in [SIGTERM, SIGINT] {
            flag::register_usize(signal, Arc::clone(&RECEIVED), usize::try_from(signal).unwrap_or_default())?;
            pipe::register(signal, write.try_clone()?)?;
        }
        let wait = move || {
            if read.read_exact(&mut [0]).is_ok() {
                stop.within(GRACE);
                process::exit(exit_code().unwrap_or_default().into());
            }
        };
        thread::Builder::new().name("signals".into()).stack_size(128 * 1024).spawn(wait)?;
        Ok::<(), io::Error>(())
    };
    if let Err(error) = watch() {
        log::warn(format_args!("Signals cannot be handled ({error}); SIGTERM ends this server immediately."));
    }
}

/// Shuts the process down gracefully on Ctrl+C. On Windows a signal cannot wake a thread, so it is polled for. Being
/// killed by the client (`TerminateProcess`) cannot be handled; clients close the input first.
#[cfg(windows)]
pub fn shut_down_on_signal(stop: Stop) {
    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        flag,
    };
    use std::{io, process, thread, time::Duration};

    /// How often to check for a signal.
    const SLICE: Duration = Duration::from_millis(100);

    let watch = || {
        for signal in [SIGTERM, SIGINT] {
            flag::register_usize(signal, Arc::clone(&RECEIVED), usize::try_from(signal).unwrap_or_default())?;
        }
        let wait = move || {
            loop {
                thread::sleep(SLICE);
                if let Some(code) = exit_code() {
                    stop.within(GRACE);
                    process::exit(code.into());
                }
            }
        };
        thread::Builder::new().name("signals".into()).stack_size(128 * 1024).spawn(wait)?;
        Ok::<(), io::Error>(())
    };
    if let Err(error) = watch() {
        log::warn(format_args!("Ctrl+C cannot be handled ({error}); it ends this server immediately."));
    }
}

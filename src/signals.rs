//! Ending in order at SIGTERM and SIGINT (Ctrl+C): what is under way is answered if it can be within a second.
//!
//! Watched only from the first tool call on. Before it there is nothing to end in order, and the start of a server
//! pays for no thread.

use crate::{log, mcp::Stop};
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

/// The signal that came, 0 until one does.
static RECEIVED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// What the process exits with because of a signal, as a shell tells of a process that a signal ended; `None` where
/// none came.
#[must_use]
pub fn exit_code() -> Option<u8> {
    let signal = u8::try_from(RECEIVED.load(Ordering::SeqCst)).ok()?;
    (signal != 0).then(|| 128 + signal)
}

/// What calls under way get to be answered in.
const GRACE: std::time::Duration = std::time::Duration::from_millis(800);

/// Ends the process in order at the first signal.
#[cfg(unix)]
pub fn end_in_order(stop: Stop) {
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
        log::warn(format_args!("Signals cannot be watched ({error}); SIGTERM ends this server at once."));
    }
}

/// Ends the process in order at Ctrl+C. A signal can wake nobody there, so it is looked for at short intervals. What a
/// client on Windows ends by force (`TerminateProcess`) cannot be watched; clients close the input first.
#[cfg(windows)]
pub fn end_in_order(stop: Stop) {
    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        flag,
    };
    use std::{io, process, thread, time::Duration};

    /// How often it is looked whether one came.
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
        log::warn(format_args!("Ctrl+C cannot be watched ({error}); it ends this server at once."));
    }
}

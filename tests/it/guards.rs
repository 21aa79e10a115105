//! Attempts to bypass the guards: each bypass that was found, every method under every access level, and every spelling
//! of a guest.

mod every;
mod hidden;
mod holes;
mod nodes;
mod person;
#[cfg(target_os = "linux")]
mod processes;
mod spellings;

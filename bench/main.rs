//! Measures speed and size: one table of ratios, each from alternating pairs of measurements in the same run. See
//! `bench/run.sh`.
//!
//! usage: bench BINARY HELLO [COMMAND …]   (HELLO: `bench/hello.rs`; COMMAND: another server to compare)

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(missing_docs, unreachable_pub)]

mod calls;
mod child;
#[allow(dead_code, reason = "shared with the other benchmark")]
mod cluster;
mod inside;
mod processes;
mod sizes;
mod stats;

use std::{env, fs, io};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == "--cluster") {
        return cluster::serve(&words[1..]);
    }
    let [binary, hello, other @ ..] = words.as_slice() else {
        return Err(io::Error::other("usage: bench BINARY HELLO [COMMAND …]; bench/run.sh does all of it"));
    };
    let folder = env::temp_dir().join(format!("proxmox-mcp-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let done = (|| {
        processes::start(&folder, binary, hello, other)?;
        calls::small()?;
        calls::lists()?;
        calls::drain()?;
        processes::lists(&folder, binary)?;
        processes::streams(&folder, binary, other)?;
        processes::memory(&folder, binary, other)?;
        sizes::tokens(&folder, binary)?;
        sizes::binary(binary)
    })();
    fs::remove_dir_all(&folder)?;
    done
}

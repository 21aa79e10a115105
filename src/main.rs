//! The binary: hands its arguments to [`proxmox_mcp::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    proxmox_mcp::cli::run(std::env::args_os().skip(1))
}

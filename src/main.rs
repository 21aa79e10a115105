//! The binary: hands its arguments to [`proxmox_mcp::cli`].

fn main() {}

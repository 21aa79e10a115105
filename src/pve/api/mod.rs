//! The table of the Proxmox VE API: every path, method and parameter, and the checks that follow from it.

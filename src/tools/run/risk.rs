//! Methods that this server does not call, because a tool cannot return their answers.

use crate::pve::{Method, api::Row};

/// Methods that this server does not call: the method, how its path ends, and why.
const REFUSED: &[(Method, &[&str], &str)] = &[
    (
        Method::Get,
        &["/vncwebsocket", "/mtunnelwebsocket"],
        "it answers with a WebSocket stream, which a tool cannot return",
    ),
    (
        Method::Get,
        &["/file-restore/download"],
        "it answers with a file; download it in the web interface (Backups, File Restore)",
    ),
    (
        Method::Post,
        &["/upload"],
        "it uploads a file, which proxmox_upload_to_storage does; or have the node fetch it with `POST /nodes/{node}/storage/{storage}/download-url`",
    ),
    (
        Method::Post,
        &["/vncproxy", "/termproxy", "/spiceproxy", "/vncshell", "/spiceshell"],
        "it opens a console, whose ticket is a secret and whose stream a tool cannot return; open the console in the web interface",
    ),
    (
        Method::Post,
        &["/mtunnel"],
        "it opens the tunnel of a remote migration, which only another cluster uses; see `POST …/remote_migrate`",
    ),
];

/// Returns why a method is not called here, as a clause; `None` if it may be called.
#[must_use]
pub fn refusal(row: &Row) -> Option<&'static str> {
    let (_, _, why) = REFUSED.iter().find(|(method, ends, _)| {
        *method == row.method() && ends.iter().any(|end| row.path().ends_with(end))
    })?;
    Some(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pve::api;

    #[test]
    fn every_row_is_a_method_of_the_table() {
        for (method, ends, _) in REFUSED {
            for end in *ends {
                assert!(
                    api::rows().any(|row| row.method() == *method && row.path().ends_with(end)),
                    "{method} …{end}"
                );
            }
        }
        assert_eq!(api::rows().filter(|row| refusal(row).is_some()).count(), 18);
    }
}

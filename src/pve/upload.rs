//! Uploads a local file to a storage as streamed `multipart/form-data`, in the form that `…/storage/{storage}/upload`
//! expects (pve.md section 8: the other parts first, the file's field named `filename`, `Content-Length`, not chunked).

use super::in_flight::{self, Stage};
use std::{
    fs::File,
    io::{self, Cursor, Read, Seek},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A file that is sent with a request's parameters, under the file name given in the parameter `filename`.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its path on this machine.
    pub path: PathBuf,
    /// The open file: the path may refer to a different file by now.
    pub file: Arc<File>,
    /// Its size in bytes when it was opened; anything appended since is not sent.
    pub size: u64,
    /// How many bytes have been sent so far; reset to 0 when the upload is sent again.
    pub sent: Arc<AtomicU64>,
}

/// Uploads are equal if they have the same path and size.
impl PartialEq for Upload {
    fn eq(&self, other: &Upload) -> bool {
        (&self.path, self.size) == (&other.path, other.size)
    }
}

impl Eq for Upload {}

/// The multipart boundary. Only a file that contains exactly this line would be cut off.
const BOUNDARY: &str = "proxmox-mcp-7d1f4c2e9a6b53f08e1c";

/// The value of the `Content-Type` header.
pub(super) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A multipart body: the parameters, then the file.
#[derive(Clone, Debug)]
pub(super) struct Multipart {
    head: Vec<u8>,
    upload: Upload,
    tail: Vec<u8>,
}

impl Multipart {
    pub(super) fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, upload: &Upload) -> Multipart {
        let mut head = String::new();
        let mut filename = String::new();
        for (name, value) in pairs {
            if name == "filename" {
                // Quotes and line breaks would end the header value.
                filename = value.replace(['"', '\r', '\n'], "_");
                continue;
            }
            head.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        head.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"{filename}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        ));
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        Multipart { head: head.into_bytes(), upload: upload.clone(), tail: tail.into_bytes() }
    }

    /// The length of the whole body in bytes.
    pub(super) fn len(&self) -> u64 {
        self.head.len() as u64 + self.upload.size + self.tail.len() as u64
    }

    /// Returns a reader over the body, with the file rewound to its start. Every read extends the request's deadline
    /// to `patience` from then on, so that an upload that makes progress does not time out.
    pub(super) fn reader(&self, patience: Duration) -> io::Result<impl Read + use<>> {
        let mut file = self.upload.file.try_clone()?;
        file.rewind()?;
        let file = file.take(self.upload.size);
        self.upload.sent.store(0, Ordering::Relaxed);
        let body = Cursor::new(self.head.clone()).chain(file).chain(Cursor::new(self.tail.clone()));
        Ok(Moving { body, sent: Arc::clone(&self.upload.sent), patience })
    }
}

/// Counts the bytes sent and extends the request's deadline while the upload makes progress.
struct Moving<R> {
    body: R,
    sent: Arc<AtomicU64>,
    patience: Duration,
}

impl<R: Read> Read for Moving<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        in_flight::with(|flight| {
            flight.deadline = flight.deadline.max(Instant::now() + self.patience);
            if 0 < count {
                // A server that has not received the whole body cannot carry out the request.
                flight.stage = Stage::Sending;
            }
        });
        Ok(count)
    }
}

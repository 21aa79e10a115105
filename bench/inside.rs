//! The server in this process, over pipes, and a bare keep-alive client that sends the same requests to the same
//! cluster.

use crate::{
    child::{INITIALIZE, call},
    cluster::Cluster,
};
use proxmox_mcp::{
    config::Config,
    mcp::{self, Options},
    tools::Tools,
};
use std::{
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write, pipe},
    net::TcpStream,
    thread::{self, JoinHandle},
};

/// A server on a thread, addressed through two pipes as a client over stdio would do it.
pub(crate) struct Inside {
    input: Option<PipeWriter>,
    output: BufReader<PipeReader>,
    thread: Option<JoinHandle<io::Result<()>>>,
    line: String,
}

impl Inside {
    /// Starts it with the default configuration: long lists are truncated.
    pub(crate) fn start(cluster: &Cluster) -> io::Result<Inside> {
        Inside::with(cluster, None)
    }

    /// Starts it so that lists are never truncated.
    pub(crate) fn whole(cluster: &Cluster) -> io::Result<Inside> {
        Inside::with(cluster, Some(16 << 20))
    }

    fn with(cluster: &Cluster, max_answer_bytes: Option<usize>) -> io::Result<Inside> {
        let address = cluster.address.parse().map_err(io::Error::other)?;
        let mut config = Config::for_demo(address, &cluster.id, &cluster.secret);
        config.max_answer_bytes = max_answer_bytes.unwrap_or(config.max_answer_bytes);
        let (reader, input) = pipe()?;
        let (output, writer) = pipe()?;
        let thread = thread::spawn(move || {
            let tools = Tools::new(config);
            let options =
                Options { workers: 6, lenient: true, on_output_closed: || {}, on_first_call: &|_| {} };
            mcp::serve(BufReader::new(reader), writer, &tools, options)
        });
        let output = BufReader::with_capacity(1 << 16, output);
        let mut inside = Inside { input: Some(input), output, thread: Some(thread), line: String::new() };
        inside.ask(INITIALIZE)?;
        Ok(inside)
    }

    pub(crate) fn ask(&mut self, line: &str) -> io::Result<&str> {
        let input = self.input.as_mut().ok_or_else(|| io::Error::other("closed"))?;
        input.write_all([line, "\n"].concat().as_bytes())?;
        self.line.clear();
        self.output.read_line(&mut self.line)?;
        Ok(&self.line)
    }

    /// Writes lines at once and reads this many answers.
    pub(crate) fn many(&mut self, lines: &str, answers: usize) -> io::Result<()> {
        self.input.as_mut().ok_or_else(|| io::Error::other("closed"))?.write_all(lines.as_bytes())?;
        for _ in 0..answers {
            self.line.clear();
            self.output.read_line(&mut self.line)?;
        }
        Ok(())
    }

    /// Calls a tool; an answer that reports a failure is an error.
    pub(crate) fn call(&mut self, tool: &str, arguments: &str) -> io::Result<usize> {
        let answer = self.ask(&call(1, tool, arguments))?;
        if answer.contains("\"isError\"") || !answer.contains("\"result\"") {
            return Err(io::Error::other(format!("{tool} failed: {answer}")));
        }
        Ok(answer.len())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One persistent connection, used without any HTTP library.
pub(crate) struct Bare {
    stream: BufReader<TcpStream>,
    address: String,
    head: String,
}

impl Bare {
    pub(crate) fn start(cluster: &Cluster) -> io::Result<Bare> {
        let address = cluster.address.clone();
        let head = format!(
            "Host: {}\r\nAuthorization: PVEAPIToken={}={}\r\nAccept: application/json\r\n\r\n",
            cluster.address, cluster.id, cluster.secret
        );
        Ok(Bare { stream: Bare::connect(&address)?, address, head })
    }

    fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(BufReader::with_capacity(1 << 16, stream))
    }

    /// Sends a GET and reads the body of the answer, which must be a 200 with a content length.
    pub(crate) fn get(&mut self, path: &str, body: &mut Vec<u8>) -> io::Result<()> {
        let request = format!("GET /api2/extjs{path} HTTP/1.1\r\n{}", self.head);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut last) = (None, false);
        let mut line = String::new();
        let mut first = true;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if first && !line.contains(" 200 ") {
                return Err(io::Error::other(format!("{path}: {line}")));
            }
            first = false;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().ok();
                }
                // A server closes a connection after a number of requests, and announces that with the last answer.
                last |= name.eq_ignore_ascii_case("connection") && value.trim().eq_ignore_ascii_case("close");
            }
        }
        let length: usize = length.ok_or_else(|| io::Error::other("no content-length"))?;
        body.resize(length, 0);
        self.stream.read_exact(body)?;
        if last {
            self.stream = Bare::connect(&self.address)?;
        }
        Ok(())
    }
}

//! The minimal server over stdio, for comparison: it reads a line, writes a line, and reads on until the input ends.

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    while input.read_line(&mut line)? != 0 {
        let mut output = io::stdout().lock();
        output.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}\n")?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

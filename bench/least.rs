//! The least that a server with a configuration can do: read a file of JSON and a line of JSON, and answer with as
//! much text as `initialize` is answered with. What a start costs above this is our own doing; this much is not.

use serde_json::{Value, json};
use std::{
    env, fs,
    io::{self, BufRead, Write},
};

fn main() -> io::Result<()> {
    let file = env::args().nth(2).ok_or_else(|| io::Error::other("usage: least --config FILE"))?;
    let config: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut input = io::stdin().lock();
    let mut line = String::new();
    while input.read_line(&mut line)? != 0 {
        let message: Value = serde_json::from_str(&line)?;
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": {
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}, "prompts": {}, "resources": {}, "completions": {}},
            "serverInfo": {"name": config["host"], "version": env!("CARGO_PKG_VERSION")},
            "instructions": " ".repeat(780),
        }});
        let mut output = io::stdout().lock();
        output.write_all(format!("{answer}\n").as_bytes())?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

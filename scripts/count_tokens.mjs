#!/usr/bin/env node
// Counts the tokens that the tool list costs a client: name, description and inputSchema of each tool, with o200k.
// usage: proxmox-mcp --config FILE tools --json | node scripts/count_tokens.mjs [FOLDER]
// FOLDER is where npm installed `gpt-tokenizer` (default: the current folder). Prints the largest tools and the total.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const require = createRequire(resolve(process.argv[2] ?? '.') + '/');
const { encode } = require('gpt-tokenizer/encoding/o200k_base');
const count = text => encode(text).length;
const rows = JSON.parse(readFileSync(0, 'utf8'))
  .map(tool => [count(tool.name) + count(tool.description) + count(JSON.stringify(tool.inputSchema)), tool.name])
  .sort((a, b) => b[0] - a[0]);
for (const [tokens, name] of rows.slice(0, 10)) console.log(String(tokens).padStart(5), name);
console.log(`${rows.reduce((sum, [tokens]) => sum + tokens, 0)} tokens for ${rows.length} tools`);

// NicTool's reading of a TXT line of a tinydns data file, from the standard input.
//
// Prints one JSON line: [owner, ttl, value]. EDGE_JUDGES names the folder that holds node/node_modules.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.resolve(process.env.EDGE_JUDGES, 'node', 'judge.js'));
const { TXT } = await import(pathToFileURL(require.resolve('@nictool/dns-resource-record')));

const record = new TXT({ tinyline: readFileSync(0, 'utf8').trimEnd() });
console.log(JSON.stringify([record.get('owner'), record.get('ttl'), [record.get('data')].flat().join('')]));

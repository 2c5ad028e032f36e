// mailauth's verdict on each DKIM signature of some messages.
//
// Usage: mailauth.mjs <DNS address:port> <message file>...
// Prints one JSON line a message: [{"domain", "selector", "algorithm", "result", "detail"}, ...], top signature first.
// EDGE_JUDGES names the folder that holds node/node_modules.
import { createRequire } from 'node:module';
import { promises as dns } from 'node:dns';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const [server, ...files] = process.argv.slice(2);
const require = createRequire(path.resolve(process.env.EDGE_JUDGES, 'node', 'judge.js'));
const { dkimVerify } = require('mailauth/lib/dkim/verify');

const resolver = new dns.Resolver({ timeout: 5000, tries: 2 });
resolver.setServers([server]);

for (const file of files) {
    const { results } = await dkimVerify(await readFile(file), {
        resolver: (name, type) => resolver.resolve(name, type),
        minBitLength: 1024
    });
    const verdicts = results
        .filter(result => result.signingDomain)
        .map(result => ({
            domain: result.signingDomain,
            selector: result.selector,
            algorithm: result.algo,
            result: result.status.result,
            detail: result.status.comment || ''
        }));
    console.log(JSON.stringify(verdicts));
}

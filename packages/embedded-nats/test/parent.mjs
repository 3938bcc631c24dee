// A parent that starts a server, says its process id, and then lives until it is killed.
import { startEmbeddedNats } from '../dist/index.js';

const server = await startEmbeddedNats({ storeDir: process.argv[2] });
process.stdout.write(`${server.pid}\n`);
setInterval(() => undefined, 60_000);

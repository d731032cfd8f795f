// Serves the browser example on loopback, and passes the calls of its page on to the node with a token that stays here.
// Usage: node examples/browser/serve.mjs [PORT]
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connection, node } from '../node.mjs';

const PORT = Number(process.argv[2] ?? 8080);
const DAY_S = 86_400;
const TYPES = { '.html': 'text/html; charset=utf-8', '.mjs': 'text/javascript', '.js': 'text/javascript' };
const PAGE = new URL('./', import.meta.url);
const CLIENT = new URL('../../dist/', import.meta.url);

// Whoever reaches this server acts with this token: it opens what the page needs, for a day, and not the whole node.
const made = await node.tokens.create({
  name: 'browser example',
  scopes: ['read', 'jobs', 'spend'],
  expires_in_s: DAY_S,
});

/**
 * As the node does: other pages, and names that were bent to this address, are turned away.
 * @param {import('node:http').IncomingHttpHeaders} headers
 */
function isOwn({ host, origin }) {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`];
  return names.includes(host ?? '') && (origin === undefined || origin === `http://${host}`);
}

/** The node hears a program on its own machine: its own name as Host, no Origin, and the token. */
function passOn(incoming, outgoing) {
  const { host, origin, cookie, ...headers } = incoming.headers;
  const target = new URL(connection.url);
  const onward = request(
    {
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, host: target.host, authorization: `Bearer ${made.token}` },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.on('error', () => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end('the node does not answer');
  });
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

async function serveFile(path, outgoing) {
  const [root, name] = path.startsWith('/client/') ? [CLIENT, path.slice('/client/'.length)] : [PAGE, path.slice(1)];
  const file = new URL(name || 'index.html', root);
  try {
    if (!file.href.startsWith(root.href)) throw new Error('outside');
    const content = await readFile(fileURLToPath(file));
    outgoing
      .writeHead(200, { 'content-type': TYPES[extname(file.pathname)] ?? 'application/octet-stream' })
      .end(content);
  } catch {
    outgoing.writeHead(404).end('not found');
  }
}

const server = createServer((incoming, outgoing) => {
  const { pathname } = new URL(incoming.url ?? '/', 'http://localhost');
  if (!isOwn(incoming.headers)) outgoing.writeHead(403).end('calls from other web pages are not taken');
  else if (pathname.startsWith('/v1/') || pathname === '/render') passOn(incoming, outgoing);
  else serveFile(pathname, outgoing);
});
server.listen(PORT, '127.0.0.1');
await new Promise((resolve) => server.once('listening', () => resolve(undefined)));
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
console.log(`http://127.0.0.1:${port}/`);

process.once('SIGINT', async () => {
  server.close();
  server.closeAllConnections();
  await node.tokens.remove(made.id);
});

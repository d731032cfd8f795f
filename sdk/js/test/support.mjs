// What the tests here share: whether there is a program, an engine, a browser; a real node; a server that answers as
// told.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rayswarm } from '../dist/index.js';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
export const STILL = join(REPOSITORY, 'examples/still/still.blend');
export const TEXTURES = join(REPOSITORY, 'examples/still/textures');
/** What makes a picture of the still in seconds. */
export const SMALL = { resolution: { exact: { width: 96, height: 54 } }, samples: 4 };

const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, 'target');
const PROGRAM = process.env.RAYSWARM_BIN ?? join(TARGET, 'debug/rayswarm');
const SHARED = process.env.XDG_DATA_HOME ?? join(homedir(), '.local/share');
const ENGINES = process.env.RAYSWARM_ENGINES ?? join(SHARED, 'rayswarm/engines');
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why tests with a real node cannot run here; false when they can. */
export function whyNoNode() {
  if (PROGRAM === '') return 'RAYSWARM_BIN is empty: tests with a real node are not wanted';
  if (!existsSync(PROGRAM)) return `there is no ${PROGRAM}; \`make build\`, or say where it is in RAYSWARM_BIN`;
  const engines = existsSync(ENGINES) ? readdirSync(ENGINES) : [];
  const hasBlender = engines.some((name) => name.startsWith('blender'));
  return hasBlender ? false : `there is no Blender in ${ENGINES}; \`rayswarm engines install blender\``;
}

export function whyNoBrowser() {
  return whyNoNode() || (existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM}; install it, or name one in CHROMIUM`);
}

/** A node with a provider and test money: `{ client, url, token, folder, data, stop }`. */
export async function startRealNode() {
  const { startNode } = await import(new URL('../../../web/scripts/realNode.mjs', import.meta.url).href);
  const { url, folder, stop } = await startNode();
  const data = join(folder, 'node');
  const token = readFileSync(join(data, 'token'), 'utf8').trim();
  const client = new Rayswarm({ url, token });
  await client.wallet.faucet();
  return { client, url, token, folder, data, stop };
}

/** A server whose answers are made by `answer(request, response)`: `{ url, stop }`. */
export async function startServer(answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** Reads a request's body as text. */
export async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

// Starts what the scripts here need: the fake node on a free port, serving dist/, and a headless Chromium.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** `{ url, get, stop }`: the fake node with `jobs` in its list; `get` reads JSON from it. */
export async function startFake(jobs) {
  const port = await freePort();
  const script = fileURLToPath(new URL('../dev/server.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, String(port), String(jobs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Also when a script fails half-way.
  process.once('exit', () => child.kill());
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error('the fake node ended before it listened')));
  });
  const url = `http://127.0.0.1:${port}`;
  const get = async (path) => (await fetch(url + path, { headers: { authorization: 'Bearer script' } })).json();
  return { url, get, stop: () => child.kill() };
}

export async function startBrowser() {
  if (!existsSync(CHROMIUM)) throw new Error(`no Chromium at ${CHROMIUM}; install it, or say where it is in CHROMIUM`);
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--force-color-profile=srgb'] });
}

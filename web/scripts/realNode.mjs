// A real node for driving the studio: the built program with its provider role on, in a folder that goes away with it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, 'target');
const PROGRAM = process.env.RAYSWARM_BIN ?? join(TARGET, 'debug/rayswarm');
/** Every sandbox covers /tmp with its own, so a folder below it would not be seen inside. */
const SCRATCH = '/var/tmp/rayswarm-studio-';
const PATIENCE_MS = 120_000;

/** Asks again until the answer is something; fails with what was waited for. */
export async function until(what, ask, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** `{ address, url, token, folder, get, call, stop, log }`: `address` signs the studio in, `call` is the API with `token`. */
export async function startNode() {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not built; make build`);
  const folder = mkdtempSync(SCRATCH);
  const data = join(folder, 'node');
  const run = [
    'up',
    '--data-dir',
    data,
    '--provide',
    '--threads',
    '1',
    '--http',
    '127.0.0.1:0',
    '--listen',
    '127.0.0.1:0',
  ];
  const child = spawn(PROGRAM, run, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-20_000);
  });
  const end = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);
  await until('the node', () => {
    if (child.exitCode !== null) throw new Error(`the node ended: ${said}`);
    return existsSync(join(data, 'daemon.json'));
  });
  const url = `http://${JSON.parse(readFileSync(join(data, 'daemon.json'), 'utf8')).http}`;
  const token = readFileSync(join(data, 'token'), 'utf8').trim();
  const call = async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    return answer.json();
  };
  const get = (path) => call('GET', path);
  await until('the provider role', async () => (await get('/v1/node')).provider_ready);
  const studio = spawnSync(PROGRAM, ['studio', '--data-dir', data, '--no-browser', '--json'], { encoding: 'utf8' });
  if (studio.status !== 0) throw new Error(`rayswarm studio failed: ${studio.stderr}`);
  const { url: address } = JSON.parse(studio.stdout.trim().split('\n').at(-1));
  const stop = async () => {
    child.kill('SIGINT');
    await until('the node to stop', () => child.exitCode !== null || child.signalCode !== null);
    rmSync(folder, { recursive: true, force: true });
  };
  return { address, url, token, folder, get, call, stop, log: () => said };
}

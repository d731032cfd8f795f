// The browser example in a real browser: its server holds the token, its page renders a scene, other pages are turned
// away.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CHROMIUM, STILL, startRealNode, TEXTURES, whyNoBrowser } from './support.mjs';

const PATIENCE_MS = 540_000;
const SERVE = fileURLToPath(new URL('../examples/browser/serve.mjs', import.meta.url));

describe('in a browser', { skip: whyNoBrowser(), timeout: PATIENCE_MS }, () => {
  /** @type {Awaited<ReturnType<typeof startRealNode>>} */
  let real;
  /** @type {import('node:child_process').ChildProcess} */
  let server;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {string} */
  let address;
  before(async () => {
    real = await startRealNode();
    const env = { ...process.env, RAYSWARM_URL: real.url, RAYSWARM_TOKEN: real.token };
    server = spawn(process.execPath, [SERVE, '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(/** @type {import('node:stream').Readable} */ (server.stdout), 'data');
    address = String(said).trim();
    const { chromium } = await import('playwright-core');
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  after(async () => {
    await browser?.close();
    if (server?.exitCode === null) {
      server.kill('SIGINT');
      await once(server, 'exit');
    }
    await real?.stop();
  });

  it('a scene becomes a picture on the page', async () => {
    const page = await browser.newPage();
    const complaints = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(address);
    const textures = readdirSync(TEXTURES).map((name) => join(TEXTURES, name));
    await page.getByLabel('The scene and its pictures').setInputFiles([STILL, ...textures]);
    for (const [label, value] of [
      ['Samples', '4'],
      ['Width', '96'],
      ['Height', '54'],
    ]) {
      await page.getByLabel(label, { exact: true }).fill(value);
    }
    await page.getByRole('button', { name: 'Ask the price' }).click();
    await page.getByRole('button', { name: 'Start' }).click();
    const picture = page.locator('#pictures img');
    await picture.waitFor();
    const size = await picture.evaluate(async (/** @type {HTMLImageElement} */ image) => {
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    });
    assert.deepEqual(size, [96, 54]);
    assert.equal(await page.getByRole('status').textContent(), 'done');
    assert.deepEqual(complaints, []);
    await page.close();
  });

  /** The status of a call, with headers that a browser would not let a page choose. */
  async function statusOf(headers, path = '/v1/node') {
    const call = request(new URL(path, address), { headers });
    call.end();
    const [answer] = await once(call, 'response');
    answer.resume();
    return answer.statusCode;
  }

  it('calls of other pages and under other names are turned away', async () => {
    const { host, origin } = new URL(address);
    assert.equal(await statusOf({}), 200);
    assert.equal(await statusOf({ host, origin }), 200);
    assert.equal(await statusOf({ host, origin: 'https://evil.example' }), 403);
    assert.equal(await statusOf({ host: 'evil.example' }), 403);
    assert.equal(await statusOf({ host }, '/v1/tokens'), 403);
  });

  it('nothing outside of its folders is served', async () => {
    for (const path of [
      '/client/../package.json',
      '/..%2f..%2fpackage.json',
      '/client/%2e%2e/package.json',
      '/nothing',
    ]) {
      assert.equal(await statusOf({}, path), 404, path);
    }
    assert.equal(await statusOf({}, '/client/index.js'), 200);
  });

  it('the token goes when the server does', async () => {
    const names = async () => (await real.client.tokens.list()).map(({ name }) => name);
    assert.ok((await names()).includes('browser example'));
    server.kill('SIGINT');
    await once(server, 'exit');
    assert.ok(!(await names()).includes('browser example'));
  });
});

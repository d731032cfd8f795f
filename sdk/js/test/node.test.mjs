// The client against a real node with a real engine: from a file to a paid picture, and what goes wrong on the way.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CHUNK_BYTES } from '../dist/chunks.js';
import { BudgetError, JobError, localNode, ProblemError, Rayswarm, renderImage } from '../dist/index.js';
import { SMALL, STILL, startRealNode, TEXTURES, whyNoNode } from './support.mjs';

const WATCH = fileURLToPath(new URL('../examples/watch.mjs', import.meta.url));
const skip = whyNoNode();
const WITHIN = { signal: AbortSignal.timeout(540_000) };

describe('with a real node', { skip, timeout: 560_000 }, () => {
  /** @type {Awaited<ReturnType<typeof startRealNode>>} */
  let real;
  /** @type {Rayswarm} */
  let client;
  /** @type {string} */
  let done;
  const folder = mkdtempSync(join(tmpdir(), 'rayswarm-client-'));
  before(async () => {
    real = await startRealNode();
    client = real.client;
  });
  after(async () => {
    await real?.stop();
    rmSync(folder, { recursive: true });
  });

  /** A client whose calls are counted: `sent` holds `PUT /v1/…`. */
  function counting(token = real.token) {
    const sent = [];
    /** @type {typeof fetch} */
    const counted = (address, init) => {
      sent.push(`${init?.method} ${new URL(String(address)).pathname}`);
      return fetch(address, init);
    };
    return { sent, client: new Rayswarm({ url: real.url, token, fetch: counted }) };
  }
  const chunksIn = (sent) => sent.filter((call) => call.startsWith('PUT ')).length;

  it('a scene of this machine is quoted with its textures, and started when the price is accepted', async () => {
    const states = [];
    const stages = new Set();
    const onEvent = (event) => {
      if (event.event === 'job' && states.at(-1) !== event.data.state) states.push(event.data.state);
    };
    const onProgress = ({ stage }) => stages.add(stage);
    const asked = { budget: 1n, settings: SMALL, onEvent, onProgress, ...WITHIN };
    const error = await client.render({ path: STILL }, asked).catch((thrown) => thrown);
    assert.ok(error instanceof BudgetError, String(error));
    assert.deepEqual([...stages], ['hashing', 'sending', 'finishing']);
    assert.ok(BigInt(error.quote.budget) > 1n);
    const { id } = error.job;
    assert.deepEqual(await client.jobs.quote(id), error.quote);
    assert.equal((await client.jobs.show(id)).state, 'quoted');
    await client.jobs.start(id);
    const pictures = await client.wait(id, { onEvent, ...WITHIN });
    assert.equal(pictures.length, 1);
    assert.ok(states.includes('rendering'), `went through ${states}`);
    assert.equal(states.at(-1), 'done');
    const job = await client.jobs.show(id);
    assert.equal(job.facts?.dependencies.filter(({ state }) => state === 'found').length, 2);
    assert.equal(job.escrow.locked, '0');
    assert.ok(BigInt(job.paid) > 0n);
    done = id;
  });

  it('an output is downloaded whole, in part, as a stream and into a file', async () => {
    const [output] = await client.outputs.list(done);
    assert.ok(output);
    const wanted = readFileSync(output.pathOnNode);
    const whole = await output.blob();
    assert.equal(whole.type, output.mediaType);
    assert.ok(Buffer.from(await whole.arrayBuffer()).equals(wanted));
    const part = await output.blob({ range: { start: 10, end: 30 } });
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(wanted.subarray(10, 30)));
    const rest = await new Response(await output.stream({ range: { start: 50 } })).arrayBuffer();
    assert.ok(Buffer.from(rest).equals(wanted.subarray(50)));
    await output.save(join(folder, output.name));
    assert.ok(readFileSync(join(folder, output.name)).equals(wanted));
    await assert.rejects(output.blob({ range: { start: output.bytes + 1 } }), { name: 'ProblemError', status: 416 });
  });

  it('the example renders within a budget and saves the picture', async () => {
    const env = { ...process.env, RAYSWARM_URL: real.url, RAYSWARM_TOKEN: real.token };
    const example = fileURLToPath(new URL('../examples/render-scene.mjs', import.meta.url));
    const settings = ['--width', '96', '--height', '54', '--samples', '4'];
    const run = [example, STILL, '--to', folder, '--budget', '50', ...settings];
    const { stdout } = await promisify(execFile)(process.execPath, run, { env });
    const saved = /^saved (.*)$/m.exec(stdout)?.[1];
    assert.ok(saved, stdout);
    const [latest] = await client.jobs.list().toArray(1);
    const [output] = await client.outputs.list(latest?.id ?? '');
    assert.ok(readFileSync(saved).equals(readFileSync(output?.pathOnNode ?? '')));
  });

  it('a job that is interrupted is cancelled', async () => {
    const stop = new AbortController();
    let job = '';
    const rendering = client.render(
      { path: STILL, with: ['textures'] },
      {
        budget: 'any',
        settings: SMALL,
        signal: stop.signal,
        onEvent: (event) => {
          if (event.event === 'job') job = event.data.id;
          if (event.event === 'job' && event.data.state === 'probing') stop.abort(new Error('enough'));
        },
      },
    );
    await assert.rejects(rendering, /enough/);
    await assert.rejects(client.wait(job, WITHIN), (error) => {
      assert.ok(error instanceof JobError, String(error));
      assert.equal(error.job.state, 'cancelled');
      return true;
    });
    const again = await client.jobs.retry(job);
    assert.notEqual(again.id, job);
    await client.jobs.cancel(again.id);
  });

  it('a scene whose files are missing fails and says what to do', async () => {
    const alone = new File([readFileSync(STILL)], 'alone.blend');
    const error = await client.render(alone, { budget: 'any', settings: SMALL }).catch((thrown) => thrown);
    assert.ok(error instanceof JobError, String(error));
    assert.equal(error.job.state, 'failed');
    assert.match(error.message, /\.(png|jpg|exr)/);
  });

  it('jobs are listed over pages, shown, changed, duplicated', async () => {
    const all = await client.jobs.list().toArray();
    assert.ok(all.length >= 3);
    const paged = await client.jobs.list({}, { pageSize: 1 }).toArray();
    assert.deepEqual(
      paged.map(({ id }) => id),
      all.map(({ id }) => id),
    );
    const finished = await client.jobs.list({ state: 'done' }).toArray();
    assert.deepEqual(
      finished.map(({ id }) => id),
      all.filter(({ state }) => state === 'done').map(({ id }) => id),
    );
    assert.equal((await client.jobs.change(done, { name: 'pears' })).name, 'pears');
    const twin = await client.jobs.duplicate(done, { samples: 8 });
    assert.equal((await client.jobs.show(twin.id)).settings.samples, 8);
    await client.jobs.cancel(twin.id);
  });

  it('what a job consists of is told', async () => {
    const pages = [];
    for await (const page of client.jobs.tasks(done)) pages.push(page);
    const tasks = pages.flatMap((page) => page.tasks);
    assert.ok(tasks.length > 0 && tasks.every(({ state }) => state === 'verified'));
    assert.ok((await client.jobs.attempts(done).toArray()).length >= tasks.length);
    assert.equal((await client.jobs.preview(done, { side: 64 })).type, 'image/png');
    const [provider] = await client.providers.list();
    assert.equal(provider?.own, true);
    assert.equal((await client.node.show()).provider_ready, true);
    const wallet = await client.wallet.show();
    assert.ok(BigInt(wallet.tokens) > 0n);
    const kinds = new Set((await client.wallet.history({ pageSize: 2 }).toArray()).map(({ kind }) => kind));
    assert.ok(kinds.size > 1, `history has ${[...kinds]}`);
  });

  it('one key makes one job', async () => {
    const { id: uploaded } = await client.upload({ path: STILL, with: ['textures'] });
    const job = { scene: { upload: uploaded }, ...SMALL };
    const first = await client.jobs.create(job, { idempotencyKey: 'one intention' });
    const again = await client.jobs.create(job, { idempotencyKey: 'one intention' });
    const other = await client.jobs.create(job);
    assert.equal(again.id, first.id);
    assert.notEqual(other.id, first.id);
    for (const { id } of [first, other]) await client.jobs.cancel(id);
  });

  it('an upload sends what is missing, once, and goes on where it was stopped', async () => {
    const scene = readFileSync(STILL);
    const bulk = new Uint8Array(5 * CHUNK_BYTES + 99).map((_, at) => (at * 2654435761) >>> 13);
    const files = [new File([scene], 'bulk.blend'), { name: 'bulk.dat', data: new Blob([bulk]) }];
    const stopped = new AbortController();
    const first = counting();
    const onProgress = ({ stage, done: sent }) => {
      if (stage === 'sending' && sent > CHUNK_BYTES) stopped.abort(new Error('enough'));
    };
    await assert.rejects(first.client.upload(files, { onProgress, signal: stopped.signal }), /enough/);
    const second = counting();
    const known = [];
    const view = await second.client.upload(files, { onProgress: (progress) => known.push(progress.known) });
    assert.ok(view.complete);
    assert.equal(view.scene, 'bulk.blend');
    // The still itself came with the first test.
    assert.ok(chunksIn(second.sent) < 6, `${chunksIn(second.sent)} of 6 chunks were sent`);
    assert.ok((known.at(-1) ?? 0) >= scene.length);
    const third = counting();
    assert.equal((await third.client.upload(files)).id, view.id);
    assert.equal(chunksIn(third.sent), 0);
    await client.uploads.remove(view.id);
    await assert.rejects(client.uploads.show(view.id), { type: 'no_such_upload', status: 404 });
  });

  it('events go on after a broken line, without a gap', async () => {
    // A wire to the node that can be cut.
    const wires = new Set();
    const target = new URL(real.url);
    const proxy = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      wires.add(near);
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      near.on('close', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (proxy.address());
    const through = new Rayswarm({ url: `http://127.0.0.1:${port}`, token: real.token });
    const events = through.events({ signal: AbortSignal.timeout(60_000) });
    const heard = [];
    const next = async () => {
      const { value } = await events.next();
      heard.push(value);
      return value;
    };
    try {
      // The first event is asked for before anything happens, so that the stream is open by then or told from its
      // start.
      let waiting = next();
      const timer = setInterval(() => client.jobs.change(done, { priority: heard.length }).catch(() => {}), 200);
      await waiting;
      clearInterval(timer);
      for (const wire of wires) wire.destroy();
      // Told while nobody listens.
      await client.jobs.change(done, { name: 'told meanwhile' });
      for (;;) {
        waiting = next();
        const { event, data } = await waiting;
        if (event === 'job' && data.name === 'told meanwhile') break;
      }
      const ids = heard.map(({ id }) => Number(id));
      for (let at = 1; at < ids.length; at += 1) assert.equal(ids[at], ids[at - 1] + 1, `ids ${ids}`);
      assert.ok(heard.every(({ event }) => event !== 'reset'));
    } finally {
      await events.return(undefined);
      for (const wire of wires) wire.destroy();
      proxy.close();
    }
  });

  it('the example that watches says what happens until it is stopped', async () => {
    const env = { ...process.env, RAYSWARM_URL: real.url, RAYSWARM_TOKEN: real.token };
    // From the node's first event on, so that nothing depends on who is faster.
    const watch = spawn(process.execPath, [WATCH, '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(watch, 'exit');
    let text = '';
    watch.stdout.on('data', (said) => {
      text += said;
    });
    while (!/^\d+ job .*: done, 1 of 1 frames$/m.test(text)) await once(watch.stdout, 'data');
    watch.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    assert.match(text, /^\d+ output finished /m);
  });

  it('events that the node no longer has are told by a reset', async () => {
    for await (const event of client.events({ since: '18446744073709551614', ...WITHIN })) {
      assert.equal(event.event, 'reset');
      assert.match(event.id, /^\d+$/);
      break;
    }
    await assert.rejects(client.events({ since: 'yesterday' }).next(), { type: 'bad_last_event_id', status: 400 });
  });

  it('a stream ends by its signal', async () => {
    const stop = new AbortController();
    const next = client.events({ since: '1', signal: stop.signal });
    assert.equal((await next.next()).value?.event, 'reset');
    const waiting = (async () => {
      for await (const _ of next);
    })();
    stop.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
  });

  it('a wrong token is refused, and a token opens what its scopes say', async () => {
    await assert.rejects(new Rayswarm({ url: real.url, token: 'wrong' }).node.show(), {
      type: 'wrong_token',
      status: 401,
    });
    await assert.rejects(new Rayswarm({ url: real.url }).events().next(), { type: 'no_token', status: 401 });
    const { token, id } = await client.tokens.create({ name: 'reader', scopes: ['read'] });
    const reader = new Rayswarm({ url: real.url, token });
    assert.equal((await reader.jobs.show(done)).id, done);
    await assert.rejects(reader.jobs.cancel(done), { type: 'scope_missing', status: 403 });
    await client.tokens.remove(id);
    await assert.rejects(reader.node.show(), { type: 'wrong_token' });
  });

  it('a picture that cannot be worked on is refused with a problem', async () => {
    const error = await renderImage('no address', 'no model', { url: real.url }).catch((thrown) => thrown);
    assert.ok(error instanceof ProblemError, String(error));
    assert.ok(error.status >= 400 && error.status < 500);
    assert.ok(error.detail);
  });

  it('the node of a data folder is found', async () => {
    const found = new Rayswarm(await localNode(real.data));
    assert.equal((await found.node.show()).id, (await client.node.show()).id);
    await assert.rejects(localNode(folder), /no node runs with the data folder/);
  });

  it('a folder is a scene too', async () => {
    const place = join(folder, 'scene');
    mkdirSync(join(place, 'textures'), { recursive: true });
    cpSync(STILL, join(place, 'still.blend'));
    cpSync(TEXTURES, join(place, 'textures'), { recursive: true });
    const view = await client.upload({ path: place });
    assert.deepEqual([view.scene, view.files, view.complete], ['still.blend', 3, true]);
  });
});

// A fake node for working on the studio without a farm: the API of src/api/types.ts over seeded data, events included.
// Also what `npm run smoke` drives, and the feed of `npm run measure`: then it serves dist/. Usage: node dev/server.mjs [port]
// [jobs in the list]. Not shipped.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer, json } from './answers.mjs';
import { populate } from './cast.mjs';
import * as data from './data.mjs';
import { emit, flush, listeners, stream, watch } from './events.mjs';
import { jobs, tick } from './farm.mjs';
import { summary } from './views.mjs';
import { nodes, problem } from './world.mjs';

const port = Number(process.argv[2] ?? 3900);
const dist = fileURLToPath(new URL('../dist', import.meta.url));

populate(Number(process.argv[3] ?? 60));
for (const job of jobs.values()) {
  watch(job);
  job.changed.clear();
}
let still = false;
setInterval(() => {
  if (still) return;
  for (const job of jobs.values()) {
    const before = job.state;
    tick(job);
    flush(job);
    if (job.state !== before) emit('job', summary(job), job.id);
  }
}, 200).unref();
let height = data.height();
setInterval(() => {
  if (still || data.height() === height) return;
  height = data.height();
  const { number, hash, transactions, at } = data.block(height);
  emit('block', { number, hash, transactions: transactions.length, at });
}, 500).unref();
setInterval(() => {
  for (const { response } of listeners) response.write(': still here\n\n');
}, 15_000).unref();

/** Switches for scripts: hold everything still, or change N tasks at once. */
function control(path, query, response) {
  if (path === '/dev/still') still = query.get('on') !== '0';
  if (path === '/dev/burst') {
    const job = jobs.get(query.get('job'));
    const count = Number(query.get('count') ?? 1000);
    const from = Number(query.get('from') ?? 0);
    const states = ['given', 'rendering', 'delivered', 'verified'];
    for (let i = 0; i < count; i += 1) {
      const row = job.rows[(from + i) % job.rows.length];
      Object.assign(row, {
        state: states[(from + i) % 4],
        node: nodes[(from + i) % 12].id,
        permille: (i * 37) % 1000,
        rev: ++job.revision,
      });
      job.changed.add(row);
    }
    const batches = Number(query.get('batches') ?? 1);
    const rows = [...job.changed];
    job.changed.clear();
    for (let b = 0; b < batches; b += 1)
      emit(
        'tasks',
        {
          job: job.id,
          rev: job.revision,
          tasks: rows.slice(Math.floor((b * count) / batches), Math.floor(((b + 1) * count) / batches)),
        },
        job.id,
      );
  }
  if (path === '/dev/cut') for (const listener of listeners) listener.response.destroy();
  json(response, { still });
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
function file(path, response) {
  const found = join(dist, normalize(path === '/' ? '/index.html' : path));
  if (!found.startsWith(dist) || !existsSync(found))
    return response.writeHead(404).end('build the studio first: npm run build');
  response.writeHead(200, { 'content-type': TYPES[extname(found)] ?? 'application/octet-stream' });
  response.end(readFileSync(found));
}

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  try {
    if (pathname.startsWith('/dev/')) return control(pathname, searchParams, response);
    if (!pathname.startsWith('/v1/')) return file(pathname, response);
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (!token || token === 'wrong')
      return json(
        response,
        problem(
          'unauthorised',
          'The token is missing or not known',
          'no valid bearer token came with the call',
          'type "rayswarm studio" on the node',
          401,
        ),
        401,
      );
    if (pathname === '/v1/events') return stream(request, response, searchParams.get('job'));
    const result = await answer(pathname, searchParams, request, response);
    if (response.headersSent || result === response) return;
    if (result?.refusal) return json(response, result.refusal, result.refusal.status);
    json(response, result);
  } catch (error) {
    if (!response.headersSent)
      json(
        response,
        problem('internal', 'The fake node failed', String(error.stack ?? error), 'fix dev/server.mjs', 500),
        500,
      );
  }
}).listen(port, '127.0.0.1', () => console.log(`fake node: http://127.0.0.1:${port}/#token=dev`));

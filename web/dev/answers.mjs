// What the fake node answers, path by path, in the shapes of src/api/types.ts. Development only.
import { createReadStream, existsSync } from 'node:fs';
import { tasksOf } from './commands.mjs';
import * as data from './data.mjs';
import { emit, watch } from './events.mjs';
import { jobs, makeJob, recall } from './farm.mjs';
import { picture } from './previews.mjs';
import { createJob, inspect, inspectCommands, upload } from './uploads.mjs';
import { summary, view } from './views.mjs';
import { nodes, problem } from './world.mjs';

export const json = (response, body, status = 200) => {
  response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json' });
  response.end(JSON.stringify(body));
};
const page = (list, query, size = 50) => {
  const from = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? size);
  return {
    items: list.slice(from, from + limit),
    next_cursor: from + limit < list.length ? String(from + limit) : null,
  };
};
async function raw(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}
async function body(request) {
  const bytes = await raw(request);
  return bytes.length > 0 ? JSON.parse(bytes.toString()) : {};
}
const refused = (code, title, detail, next, status) => ({ refusal: problem(code, title, detail, next, status) });
const missing = () =>
  refused('not_found', 'There is no such thing', 'the id is not known to this node', 'look at the list of jobs', 404);

const actions = {
  start: (job) => Object.assign(job, { state: 'rendering', started_at: new Date().toISOString() }),
  pause: (job) => Object.assign(job, { paused: true }),
  resume: (job) => Object.assign(job, { paused: false }),
  cancel: (job) => Object.assign(job, { state: 'cancelled', finished_at: new Date().toISOString() }),
};
function again(job, name, settings = {}) {
  const made = makeJob({
    name,
    state: settings.auto_start ? 'rendering' : 'quoted',
    frames: job.frame_numbers.length,
    grid: job.grid,
    slices: job.slices,
    resolution: job.resolution,
    price: job.price,
    age: 1,
    film: job.film,
  });
  watch(made);
  emit('job', summary(made), made.id);
  return summary(made);
}

/** /v1/jobs/{id}/… */
async function jobPart(job, part, rest, query, request, response) {
  if (request.method === 'POST') {
    const input = await body(request);
    if (part === 'retry') return again(job, job.name, input);
    if (part === 'duplicate') return again(job, input.changes?.name ?? job.name, input.changes);
    if (!actions[part]) return missing();
    actions[part](job);
    emit('job', summary(job), job.id);
    return summary(job);
  }
  switch (part) {
    case undefined:
      if (request.method === 'PATCH') {
        Object.assign(job, await body(request));
        emit('job', summary(job), job.id);
        return summary(job);
      }
      return view(job);
    case 'tasks': {
      const since = Number(query.get('since') ?? 0);
      const { items, next_cursor } = page(
        since > 1 ? job.rows.filter((row) => row.rev > since) : job.rows,
        query,
        10_000,
      );
      return { rev: job.revision, tasks: job.facts ? items : [], next_cursor };
    }
    case 'commands':
      return page(tasksOf(job), query);
    case 'attempts': {
      const task = query.get('task');
      const node = query.get('node');
      if (task && job.rows[task]) recall(job, job.rows[task]);
      return page(
        job.attempts.filter((a) => (!task || a.task === Number(task)) && (!node || a.node === node)).reverse(),
        query,
      );
    }
    case 'log':
      return {
        lines: query.get('attempt')
          ? [
              { at: job.created_at, text: 'Fra:12 Mem:1840.20M | Rendering | Sample 128/256' },
              { at: job.created_at, text: 'Fra:12 Mem:1840.20M | Finished' },
            ]
          : job.log,
      };
    case 'explain': {
      const a = job.attempts.filter((x) => !query.get('task') || x.task === Number(query.get('task'))).slice(-20);
      return {
        items: a.map((x) => ({
          at: x.granted_at,
          decision: `task ${x.task} to ${x.node.slice(0, 8)}`,
          reason: x.reason,
        })),
        next_cursor: null,
      };
    }
    case 'audit':
      return {
        drawn: Math.ceil(job.verified / 4),
        passed: Math.ceil(job.verified / 4),
        failed: 0,
        inconclusive: 0,
        items: [],
      };
    case 'channels':
      return ['Combined', 'Depth', 'Normal', 'Albedo'];
    case 'quote':
      return job.quote ?? refused('no_quote', 'There is no quote yet', `the job is ${job.state}`, 'wait a moment', 409);
    case 'outputs':
      if (rest) return sendOutput(job, Number(rest), response);
      return { items: job.outputs };
    case 'preview': {
      const frame = Number(query.get('frame'));
      const tag = `"${frame}-${job.finished[frame - 1] ?? 0}-${query.get('side')}-${query.get('exposure')}-${query.get('channel')}"`;
      if (request.headers['if-none-match'] === tag && job.state !== 'rendering') return response.writeHead(304).end();
      const png = await picture(
        job,
        frame,
        Number(query.get('side') ?? 960),
        Number(query.get('exposure') ?? 0),
        query.get('channel'),
      );
      response.writeHead(200, { 'content-type': 'image/png', etag: tag });
      return response.end(png);
    }
    default:
      return missing();
  }
}

async function sendOutput(job, index, response) {
  const output = job.outputs[index];
  if (!output) return missing();
  const film = process.env.FAKE_FILM;
  if (output.kind === 'film' && film && existsSync(film)) {
    response.writeHead(200, { 'content-type': output.media_type });
    return createReadStream(film).pipe(response);
  }
  const png = await picture(job, output.frame ?? 1, 1920, 0, null);
  response.writeHead(200, { 'content-type': output.media_type, 'content-length': png.length });
  return response.end(png);
}

export async function answer(path, query, request, response) {
  const [head, id, part, rest] = path.slice(4).split('/');
  const method = request.method;
  if (head === 'jobs' && !id) {
    if (method === 'POST') return createJob(await body(request), request.headers['idempotency-key']);
    const states = query.get('state')?.split(',');
    const text = query.get('q')?.toLowerCase();
    const list = [...jobs.values()].filter(
      (job) =>
        (!states || states.includes(job.state)) &&
        (!text || job.name.toLowerCase().includes(text) || job.id.includes(text)),
    );
    list.sort((a, b) => b.created_at.localeCompare(a.created_at));
    const { items, next_cursor } = page(list, query);
    return { items: items.map(summary), next_cursor };
  }
  if (head === 'jobs') return jobs.has(id) ? jobPart(jobs.get(id), part, rest, query, request, response) : missing();
  if (head === 'providers') return { items: nodes };
  if (head === 'wallet') {
    if (id === 'history') return page(data.history, query);
    if (id === 'faucet') data.drop();
    return data.wallet();
  }
  if (head === 'chain') {
    if (!id) return data.chain();
    if (id === 'transactions') return data.transaction(part) ?? missing();
    if (part) return data.findBlock(part) ?? missing();
    const before = Number(query.get('before') ?? data.height() + 1);
    const limit = Number(query.get('limit') ?? 25);
    return {
      items: Array.from({ length: Math.min(limit, before) }, (_, i) => data.block(before - 1 - i)),
      next_cursor: before > limit ? String(before - limit) : null,
    };
  }
  if (head === 'node') {
    if (method === 'PATCH') Object.assign(data.settings, await body(request));
    return data.node();
  }
  if (head === 'invite') return { ticket: `rayswarm1${nodes[0].id}` };
  if (head === 'tokens' || head === 'webhooks') return keys(head, id, method, request, response);
  if (head === 'commands') return inspectCommands(await body(request));
  if (head === 'inspect') return inspect(await body(request));
  if (head === 'uploads') {
    const result = upload(id, rest, method, await raw(request));
    return result ?? response.writeHead(204).end();
  }
  return missing();
}

async function keys(head, id, method, request, response) {
  const list = head === 'tokens' ? data.tokens : data.webhooks;
  if (method === 'GET') return { items: list };
  if (method === 'DELETE') {
    list.splice(
      list.findIndex((item) => item.id === id),
      1,
    );
    return response.writeHead(204).end();
  }
  const input = await body(request);
  const made = {
    id: `${head}_${list.length + 1}`,
    created_at: new Date().toISOString(),
    last_used_at: null,
    expires_at: null,
    last_status: null,
    failures: 0,
    ...input,
  };
  list.push(made);
  return { ...made, ...(head === 'tokens' ? { token: 'rsk_shown_once_0123456789' } : { secret: 'whsec_0123456789' }) };
}

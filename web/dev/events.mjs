// The event stream of the fake node: numbered events, the last few kept for resuming. Development only.
import { summary } from './views.mjs';

const EVENTS_KEPT = 2000;
const started = new Set();

let eventId = Date.now();
export const kept = [];
export const listeners = new Set();
export function emit(event, body, job = null) {
  const text = `id: ${++eventId}\nevent: ${event}\ndata: ${JSON.stringify(body)}\n\n`;
  kept.push({ id: eventId, text, job });
  if (kept.length > EVENTS_KEPT) kept.shift();
  for (const listener of listeners) if (!listener.job || !job || listener.job === job) listener.response.write(text);
}
export function watch(job) {
  job.onLog = (line) => emit('log', { job: job.id, ...line }, job.id);
  job.onOutput = (output) => emit('output', { job: job.id, output }, job.id);
}
export function flush(job) {
  if (job.changed.size === 0) return;
  emit('tasks', { job: job.id, rev: job.revision, tasks: [...job.changed] }, job.id);
  job.changed.clear();
  if (!started.has(job.id) || Date.now() % 1000 < 200) emit('job', summary(job), job.id);
  started.add(job.id);
}

/** Answers GET /v1/events. */
export function stream(request, response, job) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const last = Number(request.headers['last-event-id'] ?? 0);
  if (last && (last < (kept[0]?.id ?? 0) - 1 || last > eventId)) {
    response.write(`id: ${eventId}\nevent: reset\ndata: {}\n\n`);
  } else if (last) {
    for (const event of kept) {
      if (event.id > last && (!job || !event.job || event.job === job)) response.write(event.text);
    }
  }
  response.write(': welcome\n\n');
  const listener = { response, job };
  listeners.add(listener);
  request.on('close', () => listeners.delete(listener));
}

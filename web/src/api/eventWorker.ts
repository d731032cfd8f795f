// Reads the node's event stream away from the main thread: the page draws while this decodes and parses. One stream at a
// time; resumed by Last-Event-ID, which is kept here because skipped events count too.
import type { EventKind, FromWorker, StudioEvent, ToWorker } from './eventMessages';
import { packTasks } from './packedTasks';
import { type RawEvent, SseParser } from './sse';
import type { NodeEvent } from './types';

/** The node writes a comment at least this often; a longer silence means the line is dead. */
const SILENCE_MS = 45_000;
/** How far into an event's JSON its job's id is looked for; the node writes it first. */
const JOB_WITHIN = 200;

let wanted: Partial<Record<EventKind, string[] | 'all'>> = {};
let lastEventId = '';
let running: AbortController | null = null;

const post = (message: FromWorker, transfer: Transferable[] = []) => self.postMessage(message, { transfer });

function isWanted(raw: RawEvent): boolean {
  const jobs = wanted[raw.event as EventKind];
  if (jobs === undefined || jobs === 'all') return jobs === 'all';
  const head = raw.data.slice(0, JOB_WITHIN);
  return jobs.some((job) => head.includes(job));
}

function publish(run: number, raws: RawEvent[]): void {
  const events: StudioEvent[] = [];
  const transfer: Transferable[] = [];
  for (const raw of raws) {
    if (raw.id) lastEventId = raw.id;
    if (!isWanted(raw)) continue;
    const event = { event: raw.event, data: JSON.parse(raw.data) } as NodeEvent;
    if (event.event === 'tasks') {
      const tasks = packTasks(event.data.tasks);
      transfer.push(tasks.rows.buffer);
      events.push({ event: 'tasks', data: { ...event.data, tasks } });
    } else events.push(event);
  }
  if (events.length > 0) post({ kind: 'events', run, events }, transfer);
}

async function read(run: number, url: string, token: string, signal: AbortSignal): Promise<number | null> {
  const headers: Record<string, string> = { Accept: 'text/event-stream', Authorization: `Bearer ${token}` };
  if (lastEventId) headers['Last-Event-ID'] = lastEventId;
  const response = await fetch(url, { headers, signal, cache: 'no-store' });
  if (!response.ok || !response.body) return response.status;
  post({ kind: 'live', run });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      clearTimeout(silence);
      silence = setTimeout(() => void reader.cancel(), SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) return null;
      publish(run, parser.push(decoder.decode(value, { stream: true })));
    }
  } finally {
    clearTimeout(silence);
  }
}

async function open(run: number, url: string, token: string): Promise<void> {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  let status: number | null = null;
  try {
    status = await read(run, url, token, mine.signal);
  } catch {
    // The node went away in the middle, or never answered: the page tries again.
  }
  if (!mine.signal.aborted) post({ kind: 'closed', run, status });
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === 'open') void open(data.run, data.url, data.token);
  else if (data.kind === 'close') running?.abort();
  else if (data.kind === 'forget') lastEventId = '';
  else wanted = data.wanted;
};

// The node's event stream, once per tab: read in a worker (eventWorker.ts), reconnected with growing pauses, given back
// while the tab is hidden. Views subscribe to kinds of events with `onEvent`.
import { currentToken, session, tokenRefused } from '@/app/session';
import { createStore } from '@/app/store';
import { address } from './client';
import type { EventData, EventKind, FromWorker, StudioEvent, ToWorker } from './eventMessages';

export type Connection = 'connecting' | 'live' | 'offline' | 'refused';
export const connection = createStore<Connection>('connecting');

interface Subscription {
  job: string | null;
  listener: (data: never) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A hidden tab gives its connection back after this: browsers allow six per host over HTTP/1.1. */
const HIDDEN_AFTER_MS = 60_000;

const subscriptions = new Map<EventKind, Set<Subscription>>();
let worker: Worker | null = null;
let run = 0;
let pauseMs = FIRST_PAUSE_MS;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;

const tell = (message: ToWorker) => worker?.postMessage(message);

function tellWanted(): void {
  const wanted: Partial<Record<EventKind, string[] | 'all'>> = {};
  for (const [kind, set] of subscriptions) {
    if (set.size === 0) continue;
    const jobs = [...set].map((subscription) => subscription.job);
    wanted[kind] = jobs.includes(null) ? 'all' : (jobs as string[]);
  }
  tell({ kind: 'wanted', wanted });
}

/**
 * Calls `listener` with each event of this kind; returns how to stop. With `job`, events of other jobs are dropped
 * before they are parsed (the listener still checks, since the test is a cheap one).
 */
export function onEvent<K extends EventKind>(
  kind: K,
  listener: (data: EventData<K>) => void,
  job: string | null = null,
) {
  const subscription: Subscription = { job, listener };
  const set = subscriptions.get(kind) ?? new Set();
  subscriptions.set(kind, set.add(subscription));
  tellWanted();
  return () => {
    set.delete(subscription);
    tellWanted();
  };
}

function dispatch({ event, data }: StudioEvent): void {
  for (const subscription of [...(subscriptions.get(event) ?? [])]) {
    (subscription.listener as (data: unknown) => void)(data);
  }
}

function closed(status: number | null): void {
  if (status === 401) tokenRefused(currentToken());
  if (status === 401 || status === 403) {
    connection.set('refused');
    return;
  }
  connection.set('offline');
  // Half of each pause is random, so that many tabs do not return at the same instant.
  retryTimer = setTimeout(open, pauseMs / 2 + Math.random() * (pauseMs / 2));
  pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
}

function answer({ data: message }: MessageEvent<FromWorker>): void {
  if (message.run !== run) return;
  if (message.kind === 'events') for (const event of message.events) dispatch(event);
  else if (message.kind === 'closed') closed(message.status);
  else {
    connection.set('live');
    pauseMs = FIRST_PAUSE_MS;
  }
}

function open(): void {
  clearTimeout(retryTimer);
  const token = currentToken();
  if (!token) return;
  run += 1;
  tell({ kind: 'open', run, url: address('/events'), token });
}

function close(): void {
  clearTimeout(retryTimer);
  run += 1;
  tell({ kind: 'close' });
}

/** Tries again now: a button, the network coming back, the tab being looked at. */
export function reconnect(): void {
  pauseMs = FIRST_PAUSE_MS;
  open();
}

/** Called once by the app. */
export function startEvents(): void {
  worker = new Worker(new URL('./eventWorker.ts', import.meta.url), { type: 'module', name: 'events' });
  worker.onmessage = answer;
  tellWanted();
  session.subscribe(() => {
    close();
    tell({ kind: 'forget' });
    connection.set('connecting');
    reconnect();
  });
  window.addEventListener('online', reconnect);
  window.addEventListener('offline', () => connection.set('offline'));
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      hiddenTimer = setTimeout(() => {
        close();
        connection.set('connecting');
      }, HIDDEN_AFTER_MS);
    } else if (connection.get() !== 'live') reconnect();
  });
  reconnect();
}

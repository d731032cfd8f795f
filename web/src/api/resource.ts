// Reads one thing from the node and keeps it: shared by key between views, reread when asked or when an event says it
// changed, shown stale rather than blank while the node is away.
import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { onEvent } from './events';
import { type Failure, isAbort, toFailure } from './problem';

export interface Resource<Value> {
  /** The newest value that was read; null until the first one. */
  data: Value | null;
  /** Why the last reading failed; null when it did not. */
  failure: Failure | null;
  loading: boolean;
}

interface Entry {
  state: Resource<unknown>;
  listeners: Set<() => void>;
  load: ((signal: AbortSignal) => Promise<unknown>) | null;
  running: AbortController | null;
  again: boolean;
}

const entries = new Map<string, Entry>();
const IDLE: Resource<never> = { data: null, failure: null, loading: true };
/** Entries nobody looks at are kept up to this many, so that going back shows at once what was there. */
const KEPT = 50;

function entryOf(key: string): Entry {
  let entry = entries.get(key);
  if (!entry) {
    entry = { state: IDLE, listeners: new Set(), load: null, running: null, again: false };
    entries.set(key, entry);
    for (const [old, unused] of entries) {
      if (entries.size <= KEPT) break;
      if (unused.listeners.size === 0 && old !== key) entries.delete(old);
    }
  }
  return entry;
}

function publish(entry: Entry, change: Partial<Resource<unknown>>): void {
  entry.state = { ...entry.state, ...change };
  for (const listener of entry.listeners) listener();
}

async function refresh(entry: Entry): Promise<void> {
  if (!entry.load) return;
  if (entry.running) {
    entry.again = true;
    return;
  }
  const running = new AbortController();
  entry.running = running;
  if (!entry.state.loading) publish(entry, { loading: true });
  try {
    const data = await entry.load(running.signal);
    publish(entry, { data, failure: null, loading: false });
  } catch (error) {
    if (!isAbort(error)) publish(entry, { failure: toFailure(error), loading: false });
  }
  entry.running = null;
  if (entry.again) {
    entry.again = false;
    void refresh(entry);
  }
}

/** Reads `key` again if anyone looks at it. A key ending in `*` means all keys that start so. */
export function invalidate(key: string): void {
  const prefix = key.endsWith('*') ? key.slice(0, -1) : null;
  for (const [name, entry] of entries) {
    if (prefix === null ? name !== key : !name.startsWith(prefix)) continue;
    if (entry.listeners.size > 0) void refresh(entry);
    else if (!entry.running) entries.delete(name);
  }
}

/** Puts a newer value in place, for instance the answer of a PATCH or the data of an event. */
export function replace<Value>(key: string, change: (old: Value) => Value): void {
  const entry = entries.get(key);
  if (entry?.state.data != null) publish(entry, { data: change(entry.state.data as Value) });
}

/**
 * The value of `key`, read with `load` when first looked at. `key` null: nothing to read yet.
 * `const { data, failure, loading, reload } = useResource('wallet', (signal) => api.wallet({ signal }))`
 */
export function useResource<Value>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<Value>,
): Resource<Value> & { reload: () => void } {
  const name = key ?? '';
  const entry = entryOf(name);
  if (key !== null) entry.load = load;
  const subscribe = useCallback(
    (listener: () => void) => {
      const watched = entryOf(name);
      watched.listeners.add(listener);
      return () => watched.listeners.delete(listener);
    },
    [name],
  );
  const state = useSyncExternalStore(subscribe, () => entryOf(name).state) as Resource<Value>;
  useEffect(() => {
    if (key !== null) void refresh(entryOf(key));
  }, [key]);
  const reload = useCallback(() => void refresh(entryOf(name)), [name]);
  return { ...state, reload };
}

// After a reset, or once the node is back, everything on screen is read anew.
onEvent('reset', () => invalidate('*'));

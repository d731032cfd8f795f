// The list of jobs behind the view: pages are read as they are needed, events change and add rows in place.
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { type Failure, isAbort, toFailure } from '@/api/problem';
import type { JobSummary } from '@/api/types';
import { session } from '@/app/session';
import { createStore } from '@/app/store';
import { type Filter, merge, SHOWN } from './filter';

const PAGE = 100;
/** Busy farms change many jobs at once; the list is redrawn at most this often. */
const PUBLISH_MS = 200;

export interface JobListState {
  jobs: readonly JobSummary[];
  loading: boolean;
  complete: boolean;
  failure: Failure | null;
}

const KEPT_LISTS = 3;
const kept = new Map<string, { list: JobList; stop: () => void }>();

/** The list of a filter. The last few stay alive, so that coming back from a job finds them as they were. */
export function jobList(filter: Filter): JobList {
  const key = `${filter.show}/${filter.text}`;
  let entry = kept.get(key);
  if (!entry) {
    const list = new JobList(filter);
    entry = { list, stop: list.start() };
  }
  kept.delete(key);
  kept.set(key, entry);
  for (const [oldest, { stop }] of kept) {
    if (kept.size <= KEPT_LISTS) break;
    stop();
    kept.delete(oldest);
  }
  return entry.list;
}

// Another session sees other jobs.
session.subscribe(() => {
  for (const { stop } of kept.values()) stop();
  kept.clear();
});

class JobList {
  readonly store = createStore<JobListState>({ jobs: [], loading: true, complete: false, failure: null });
  private cursor: string | null = null;
  private reading: AbortController | null = null;
  private readonly changed = new Map<string, JobSummary>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly filter: Filter;

  constructor(filter: Filter) {
    this.filter = filter;
  }

  start(): () => void {
    void this.read(true);
    const stops = [onEvent('job', (job) => this.note(job)), onEvent('reset', () => void this.read(true))];
    return () => {
      for (const stop of stops) stop();
      clearTimeout(this.timer);
      this.reading?.abort();
      this.reading = null;
    };
  }

  more = (): void => {
    const { complete, loading, failure } = this.store.get();
    if (!complete && !loading && !failure) void this.read(false);
  };

  again = (): void => void this.read(this.store.get().jobs.length === 0);

  private async read(fromStart: boolean): Promise<void> {
    if (this.reading && !fromStart) return;
    this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    this.patch({ loading: true, failure: null });
    try {
      const state = SHOWN[this.filter.show].join(',');
      const cursor = fromStart ? null : this.cursor;
      const query = { state, q: this.filter.text.trim(), limit: PAGE, cursor };
      const page = await api.jobs(query, { signal: reading.signal });
      this.cursor = page.next_cursor ?? null;
      const before = fromStart ? [] : this.store.get().jobs;
      const known = new Set(before.map((job) => job.id));
      const jobs = [...before, ...page.items.filter((job) => !known.has(job.id))];
      this.patch({ jobs, complete: this.cursor === null, loading: false });
    } catch (error) {
      if (isAbort(error)) return;
      this.patch({ failure: toFailure(error), loading: false });
    } finally {
      if (this.reading === reading) this.reading = null;
    }
  }

  private note(job: JobSummary): void {
    this.changed.set(job.id, job);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const jobs = merge(this.store.get().jobs, this.changed.values(), this.filter);
      this.changed.clear();
      this.patch({ jobs });
    }, PUBLISH_MS);
  }

  private patch(change: Partial<JobListState>): void {
    this.store.set({ ...this.store.get(), ...change });
  }
}

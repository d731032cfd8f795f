// Jobs: made, listed, steered, and looked into.
import { type EventsOptions, listen } from '../events.js';
import { Listing, type ListOptions } from '../listing.js';
import type { Transport } from '../transport.js';
import type * as T from '../types.js';

export interface JobFilter {
  state?: T.JobState | readonly T.JobState[] | undefined;
  /** Text in the name or the id. */
  q?: string | undefined;
}

export interface CreateOptions extends T.CallOptions {
  /** Asking again under one key gives the same job. A fresh one by default. */
  idempotencyKey?: string | undefined;
}

type Query<P extends T.PathOf<'get'>> = NonNullable<T.QueryOf<P>>;

/** randomUUID exists in secure contexts only; a page from a machine of the LAN without TLS is none. */
export function newIdempotencyKey(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function isFinal(state: T.JobState): boolean {
  return state === 'done' || state === 'cancelled' || state === 'failed';
}

export class Jobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a job: it is analysed, probed and then waits as `quoted`. */
  create(job: T.NewJob, { idempotencyKey = newIdempotencyKey(), signal }: CreateOptions = {}): Promise<T.JobSummary> {
    const headers = { 'Idempotency-Key': idempotencyKey };
    return this.#transport.call('post', '/v1/jobs', { body: job, headers, signal, repeatable: true });
  }

  /** Jobs, newest first. */
  list({ state, q }: JobFilter = {}, { pageSize: limit, signal }: ListOptions = {}): Listing<T.JobSummary> {
    const states = state === undefined ? undefined : [state].flat().join(',');
    return new Listing((page) =>
      this.#transport.call('get', '/v1/jobs', { query: { state: states, q, limit, ...page }, signal }),
    );
  }

  show(id: string, { signal }: T.CallOptions = {}): Promise<T.JobView> {
    return this.#transport.call('get', '/v1/jobs/{id}', { path: { id }, signal });
  }

  /** Another name or priority. */
  change(id: string, change: T.JobChange, { signal }: T.CallOptions = {}): Promise<T.JobSummary> {
    return this.#transport.call('patch', '/v1/jobs/{id}', { path: { id }, body: change, signal });
  }

  /** Price and time; refused (`no_quote`) before the job is quoted. */
  quote(id: string, { signal }: T.CallOptions = {}): Promise<T.Quote> {
    return this.#transport.call('get', '/v1/jobs/{id}/quote', { path: { id }, signal });
  }

  /** Accepts the quote: its budget, or a lower one of its curve, is locked and rendering begins. */
  start(id: string, { budget, signal }: T.CallOptions & { budget?: bigint | string } = {}): Promise<T.JobSummary> {
    const body = budget === undefined ? {} : { budget: String(budget) };
    return this.#transport.call('post', '/v1/jobs/{id}/start', { path: { id }, body, signal });
  }

  /** Gives nothing new out; tasks under way are finished. */
  pause(id: string, { signal }: T.CallOptions = {}): Promise<T.JobSummary> {
    return this.#transport.call('post', '/v1/jobs/{id}/pause', { path: { id }, signal });
  }

  resume(id: string, { signal }: T.CallOptions = {}): Promise<T.JobSummary> {
    return this.#transport.call('post', '/v1/jobs/{id}/resume', { path: { id }, signal });
  }

  /** Ends a job early: finished work is paid, the rest is refunded. */
  cancel(id: string, { signal }: T.CallOptions = {}): Promise<T.JobSummary> {
    return this.#transport.call('post', '/v1/jobs/{id}/cancel', { path: { id }, signal });
  }

  /** Makes a new job of what a failed or cancelled one left open. */
  retry(
    id: string,
    { autoStart = false, signal }: T.CallOptions & { autoStart?: boolean } = {},
  ): Promise<T.JobSummary> {
    const body = { auto_start: autoStart };
    return this.#transport.call('post', '/v1/jobs/{id}/retry', { path: { id }, body, signal });
  }

  /** Makes a new job like another, with some settings different. */
  duplicate(id: string, changes: T.JobSettings = {}, { signal }: T.CallOptions = {}): Promise<T.JobSummary> {
    return this.#transport.call('post', '/v1/jobs/{id}/duplicate', { path: { id }, body: { changes }, signal });
  }

  /** Tasks in the plan's order; a page also says the `rev` since which to ask for changes. */
  async *tasks(
    id: string,
    { signal, ...query }: T.CallOptions & Omit<Query<'/v1/jobs/{id}/tasks'>, 'cursor'> = {},
  ): AsyncGenerator<T.TaskPage> {
    let cursor: string | null | undefined;
    do {
      const whole = cursor ? { ...query, cursor } : query;
      const page: T.TaskPage = await this.#transport.call('get', '/v1/jobs/{id}/tasks', {
        path: { id },
        query: whole,
        signal,
      });
      yield page;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Who rendered what, when and why. */
  attempts(
    id: string,
    { signal, ...query }: T.CallOptions & Omit<Query<'/v1/jobs/{id}/attempts'>, 'cursor'> = {},
  ): Listing<T.AttemptView> {
    return new Listing((page) =>
      this.#transport.call('get', '/v1/jobs/{id}/attempts', { path: { id }, query: { ...query, ...page }, signal }),
    );
  }

  /** The tasks of a job of commands. */
  commands(
    id: string,
    { signal, ...query }: T.CallOptions & Omit<Query<'/v1/jobs/{id}/commands'>, 'cursor'> = {},
  ): Listing<T.CommandTask> {
    return new Listing((page) =>
      this.#transport.call('get', '/v1/jobs/{id}/commands', { path: { id }, query: { ...query, ...page }, signal }),
    );
  }

  /** The scheduler's decisions and their reasons. */
  explain(
    id: string,
    { signal, ...query }: T.CallOptions & Omit<Query<'/v1/jobs/{id}/explain'>, 'cursor'> = {},
  ): Listing<T.Explanation> {
    return new Listing((page) =>
      this.#transport.call('get', '/v1/jobs/{id}/explain', { path: { id }, query: { ...query, ...page }, signal }),
    );
  }

  log(id: string, { attempt, signal }: T.CallOptions & { attempt?: number } = {}): Promise<T.LogView> {
    return this.#transport.call('get', '/v1/jobs/{id}/log', { path: { id }, query: { attempt }, signal });
  }

  /** Which crops were rendered again, and how they compared. */
  audit(id: string, { signal }: T.CallOptions = {}): Promise<T.AuditReport> {
    return this.#transport.call('get', '/v1/jobs/{id}/audit', { path: { id }, signal });
  }

  /** What is there of a frame so far, as a PNG. */
  async preview(id: string, { signal, ...query }: T.CallOptions & Query<'/v1/jobs/{id}/preview'> = {}): Promise<Blob> {
    const response = await this.#transport.send('get', '/v1/jobs/{id}/preview', { path: { id }, query, signal });
    return response.blob();
  }

  /** The channels of a frame's raw picture. */
  channels(id: string, frame: number, { signal }: T.CallOptions = {}): Promise<string[]> {
    return this.#transport.call('get', '/v1/jobs/{id}/channels', { path: { id }, query: { frame }, signal });
  }

  /** One job's events from how it stands now to its end; the last is the `job` event that is final. */
  async *follow(id: string, { signal }: Pick<EventsOptions, 'signal'> = {}): AsyncGenerator<T.RayswarmEvent> {
    for await (const event of listen(this.#transport, { job: id, signal }, true)) {
      const told: T.RayswarmEvent =
        event.event === 'reset' ? { id: event.id, event: 'job', data: await this.show(id, { signal }) } : event;
      yield told;
      if (told.event === 'job' && told.data.id === id && isFinal(told.data.state)) return;
    }
  }
}

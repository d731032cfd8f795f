// One call to the node: address, token, body, refusals as errors, and another try when the node asks for one.
import { ProblemError, UnreachableError } from './problem.js';
import type { AnswerOf, CallOptions, InputOf, Method, PathOf } from './types.js';

/** How often one call is made at most. */
const TRIES = 5;
/** A longer pause is not waited for: the caller decides. */
const PAUSE_S_MAX = 60;
/** What a refusal for too many calls means when it does not say how long to wait. */
const CROWDED_PAUSE_S = 1;
const FIRST_PAUSE_MS = 250;

export type Fetch = typeof globalThis.fetch;

export interface Connection {
  /** Where the node answers: `http://127.0.0.1:3000`. */
  url?: string | URL | undefined;
  /** The node's token, or one made from it. Left out where a server in between adds it. */
  token?: string | undefined;
  /** Another `fetch`, for instance one with a certificate of its own. */
  fetch?: Fetch | undefined;
}

type Value = string | number | boolean | null | undefined;

export interface Request extends CallOptions {
  path?: Record<string, string | number> | undefined;
  query?: Record<string, Value> | undefined;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as they are. */
  bytes?: Uint8Array<ArrayBuffer> | undefined;
  headers?: Record<string, string> | undefined;
  /** Whether doing it twice is the same as once, so that a broken line is tried again. */
  repeatable?: boolean | undefined;
}

/** Waits, or throws the signal's reason. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Seconds that a refusal asks to wait; null when it is final. */
export function pauseAsked(response: Response, now = Date.now()): number | null {
  if (response.status !== 429 && response.status !== 503) return null;
  const asked = response.headers.get('retry-after')?.trim();
  if (!asked) return response.status === 429 ? CROWDED_PAUSE_S : null;
  const seconds = /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - now) / 1000;
  return Number.isNaN(seconds) || seconds > PAUSE_S_MAX ? null : Math.max(0, seconds);
}

/** The path of a call: `/v1/jobs/{id}` with its id. */
export function filled(path: string, values: Record<string, string | number> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
}

export class Transport {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #fetch: Fetch;

  constructor({ url = 'http://127.0.0.1:3000', token, fetch = globalThis.fetch }: Connection) {
    this.#url = String(url).replace(/\/+$/, '');
    this.#token = token;
    // A browser's fetch wants to be called by its window.
    this.#fetch = fetch.bind(globalThis);
  }

  /** A call that the API's document describes, answered in JSON. */
  async call<M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    input: InputOf<P, M> & CallOptions & { headers?: Record<string, string>; repeatable?: boolean },
  ): Promise<AnswerOf<P, M>> {
    const response = await this.send(method, path, input as Request);
    if (response.status === 204) return undefined as AnswerOf<P, M>;
    try {
      return (await response.json()) as AnswerOf<P, M>;
    } catch (error) {
      throw input.signal?.aborted ? input.signal.reason : new UnreachableError(this.#url, error);
    }
  }

  /** A call whose answer is used as it comes. */
  async send(method: Method, path: string, request: Request = {}): Promise<Response> {
    const { signal, repeatable = method === 'get' || method === 'put' } = request;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === TRIES;
      let response: Response;
      try {
        response = await this.#ask(method, path, request);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (isLast || !repeatable) throw new UnreachableError(this.#url, error);
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1), signal);
        continue;
      }
      if (response.ok) return response;
      const seconds = isLast ? null : pauseAsked(response);
      if (seconds === null) throw await ProblemError.from(response);
      await response.body?.cancel();
      await pause(seconds * 1000, signal);
    }
  }

  #ask(method: Method, path: string, { path: values, query, body, bytes, headers, signal }: Request) {
    const sent = new Headers(headers);
    if (this.#token) sent.set('Authorization', `Bearer ${this.#token}`);
    if (bytes) sent.set('Content-Type', 'application/octet-stream');
    else if (body !== undefined) sent.set('Content-Type', 'application/json');
    return this.#fetch(this.#address(filled(path, values), query), {
      method: method.toUpperCase(),
      headers: sent,
      body: bytes ?? (body === undefined ? null : JSON.stringify(body)),
      signal: signal ?? null,
    });
  }

  #address(path: string, query: Record<string, Value> = {}): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
    }
    const text = search.toString();
    return `${this.#url}${path}${text && `?${text}`}`;
  }
}

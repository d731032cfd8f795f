// The node's event stream over fetch, which unlike EventSource can carry a token: one endless iterator that connects
// again where it stopped.
import { ProblemError, UnreachableError } from './problem.js';
import { type RawEvent, SseParser } from './sse.js';
import { pause, type Transport } from './transport.js';
import type { CallOptions, RayswarmEvent } from './types.js';

/** The node writes a comment every 15 seconds; a longer silence means the line is dead. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

export interface EventsOptions extends CallOptions {
  /** The `id` of the last event that was heard; without it, what happens from now on. */
  since?: string | undefined;
  /** Only events of this job, and those of no job. */
  job?: string | undefined;
}

/**
 * What happens on the node, as it happens. Ends only by its signal (which throws), by leaving the loop, or by a
 * refusal. A `reset` says that events were lost: read again what you keep.
 */
export async function* events(transport: Transport, options: EventsOptions = {}): AsyncGenerator<RayswarmEvent> {
  yield* listen(transport, options, false);
}

/** Like `events`, but with a `reset` also once it is connected: what is read then is followed without a gap. */
export async function* listen(
  transport: Transport,
  { since = '', job, signal }: EventsOptions,
  beginsWithReset: boolean,
): AsyncGenerator<RayswarmEvent> {
  let last = since;
  let owesReset = beginsWithReset;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const line = new AbortController();
    const either = signal ? AbortSignal.any([signal, line.signal]) : line.signal;
    try {
      const stream = await connect(transport, last, job, either);
      if (stream) {
        pauseMs = FIRST_PAUSE_MS;
        if (owesReset) yield { id: last, event: 'reset', data: {} };
        for await (const raw of read(stream, line)) {
          last = raw.id;
          yield { id: raw.id, event: raw.event, data: JSON.parse(raw.data) } as RayswarmEvent;
        }
        // Nothing was heard on this line, so the node cannot be told where to go on.
        owesReset = last === '';
      }
    } finally {
      line.abort();
    }
    // Half of each pause is random, so that many listeners do not return at the same instant.
    await pause(pauseMs * (0.5 + Math.random() / 2), signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** The stream, or null when the node is away for now. */
async function connect(transport: Transport, last: string, job: string | undefined, signal: AbortSignal) {
  const headers = { Accept: 'text/event-stream', ...(last && { 'Last-Event-ID': last }) };
  try {
    const response = await transport.send('get', '/v1/events', { headers, query: { job }, signal, repeatable: false });
    return response.body;
  } catch (error) {
    const isAway = error instanceof UnreachableError || (error instanceof ProblemError && error.status >= 500);
    if (isAway && !signal.aborted) return null;
    throw error;
  }
}

/** The events of one connection, until it breaks or falls silent. */
async function* read(stream: ReadableStream<Uint8Array>, line: AbortController): AsyncGenerator<RawEvent> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  for (;;) {
    const silence = setTimeout(() => line.abort(), SILENCE_MS);
    let chunk: ReadableStreamReadResult<Uint8Array>;
    try {
      chunk = await reader.read();
    } catch {
      return;
    } finally {
      clearTimeout(silence);
    }
    if (chunk.done) return;
    yield* parser.push(decoder.decode(chunk.value, { stream: true }));
  }
}

// Sends files to the node: names their chunks, asks which it lacks, sends those, has them put together. Doing it again
// with the same files goes on where it stopped.
import { chunkSpans, nameOf, type Piece, piecesToSend } from './chunks.js';
import { filesOf, type Readable, type Source, sceneAmong } from './sources.js';
import type { Transport } from './transport.js';
import type { CallOptions, UploadFile, UploadView } from './types.js';

const SENT_AT_ONCE = 3;

export interface Progress {
  stage: 'hashing' | 'sending' | 'finishing';
  /** Bytes of this stage. */
  done: number;
  total: number;
  /** Bytes that the node has already and that are not sent. */
  known: number;
}

export interface UploadOptions extends CallOptions {
  /** Which of the files is the scene, where it is not the only one. */
  scene?: string | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

export async function upload(transport: Transport, source: Source, options: UploadOptions = {}): Promise<UploadView> {
  const { onProgress = () => {}, signal } = options;
  const files = await filesOf(source);
  const list = await listed(files, onProgress, signal);
  const scene = options.scene ?? sceneAmong(files.map(({ name }) => name));
  const begin = () => transport.call('post', '/v1/uploads', { body: { files: list, scene }, signal, repeatable: true });
  let view = await begin();
  let known: number | null = null;
  // The node names so many missing chunks at a time; a large upload asks more than once.
  while (!view.complete && view.missing.length > 0) {
    const pieces = piecesToSend(list, view.missing);
    if (pieces.length === 0) throw new Error(`the node misses chunks that upload ${view.id} does not have`);
    const total = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
    known ??= Math.max(0, view.bytes - total);
    await send(
      transport,
      view.id,
      files,
      pieces,
      (done) => onProgress({ stage: 'sending', done, total, known: known ?? 0 }),
      signal,
    );
    view = await transport.call('get', '/v1/uploads/{id}', { path: { id: view.id }, signal });
  }
  // An archive's scene is known only when it is unpacked, which finishing does.
  if (view.complete && view.scene) return view;
  onProgress({ stage: 'finishing', done: 0, total: 0, known: known ?? view.bytes });
  return transport.call('post', '/v1/uploads/{id}/finish', { path: { id: view.id }, signal, repeatable: true });
}

async function listed(files: Readable[], onProgress: (progress: Progress) => void, signal?: AbortSignal) {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const list: UploadFile[] = [];
  for (const { name, bytes, read } of files) {
    const chunks: string[] = [];
    for (const { start, end } of chunkSpans(bytes)) {
      signal?.throwIfAborted();
      chunks.push(await nameOf(await read(start, end)));
      done += end - start;
      onProgress({ stage: 'hashing', done, total, known: 0 });
    }
    list.push({ path: name, bytes, chunks });
  }
  return list;
}

/** Several senders share one queue; when one gives up, the others stop too. */
async function send(
  transport: Transport,
  id: string,
  files: Readable[],
  pieces: Piece[],
  onSent: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const queue = pieces.values();
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let sent = 0;
  onSent(sent);
  const sender = async () => {
    for (const { file, start, end, sha256 } of queue) {
      const bytes = await files[file]!.read(start, end);
      await transport.send('put', '/v1/uploads/{id}/chunks/{sha256}', { path: { id, sha256 }, bytes, signal: either });
      sent += end - start;
      onSent(sent);
    }
  };
  const senders = Array.from({ length: SENT_AT_ONCE }, sender);
  try {
    await Promise.all(senders);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(senders);
    throw error;
  }
}

// Sends files to the node: hashes first, then only the chunks it lacks, a few at once, then the order to put them
// together. Doing it again with the same files goes on where it stopped.
import { api } from '@/api/client';
import { ApiError, OfflineError } from '@/api/problem';
import type { UploadFile, UploadView } from '@/api/types';
import { messages } from '@/i18n';
import { chunkRanges, type Piece, piecesToSend, toHex } from './chunks';
import type { Picked } from './files';

export interface Progress {
  stage: 'hashing' | 'sending' | 'finishing';
  done: number;
  total: number;
  /** Bytes that the node has already and that are not sent. */
  known: number;
}

const SENT_AT_ONCE = 3;
const TRIES = 4;
const FIRST_PAUSE_MS = 400;

/** Files do not change while they are held; what was hashed once is not hashed again for a retry or an added file. */
const hashed = new WeakMap<File, string[]>();

function studioProblem(code: string, title: string, detail: string, next: string): ApiError {
  return new ApiError({ type: `about:blank#${code}`, title, status: 0, detail, next_step: next });
}

/** The browser digests beside the main thread, so a slice at a time blocks nothing. */
async function hashFile(picked: Picked, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<string[]> {
  const known = hashed.get(picked.file);
  if (known) {
    onBytes(picked.file.size);
    return known;
  }
  const hashes: string[] = [];
  for (const { start, end } of chunkRanges(picked.file.size)) {
    signal.throwIfAborted();
    const bytes = await readSlice(picked, start, end);
    hashes.push(toHex(await crypto.subtle.digest('SHA-256', bytes)));
    onBytes(end - start);
  }
  hashed.set(picked.file, hashes);
  return hashes;
}

async function readSlice({ path, file }: Picked, start: number, end: number): Promise<ArrayBuffer> {
  try {
    return await file.slice(start, end).arrayBuffer();
  } catch {
    const m = messages().newRender;
    throw studioProblem('unreadable', m.unreadable, path, m.unreadableNext);
  }
}

/** A short gap in the line is bridged; a longer one is told, and the person continues when it is mended. */
async function sendPiece(id: string, piece: Piece, picked: Picked, signal: AbortSignal): Promise<void> {
  const bytes = await readSlice(picked, piece.start, piece.end);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await api.putChunk(id, piece.hash, bytes, { signal });
    } catch (error) {
      if (!(error instanceof OfflineError) || attempt === TRIES) throw error;
      const pauseMs = FIRST_PAUSE_MS * 2 ** (attempt - 1);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      signal.throwIfAborted();
    }
  }
}

export async function uploadFiles(
  files: readonly Picked[],
  scene: string,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<UploadView> {
  if (!globalThis.crypto?.subtle) {
    const m = messages().newRender;
    throw studioProblem('insecure', m.insecure, m.insecureDetail, m.insecureNext);
  }
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  let done = 0;
  const list: UploadFile[] = [];
  for (const picked of files) {
    const chunks = await hashFile(
      picked,
      (bytes) => {
        done += bytes;
        onProgress({ stage: 'hashing', done, total, known: 0 });
      },
      signal,
    );
    list.push({ path: picked.path, bytes: picked.file.size, chunks });
  }
  signal.throwIfAborted();

  const upload = await api.newUpload({ files: list, scene });
  signal.throwIfAborted();
  // An archive's scene is known only when it is unpacked, which finishing does.
  if (upload.complete && upload.scene) return upload;
  const pieces = piecesToSend(list, upload.missing);
  const toSend = pieces.reduce((sum, { start, end }) => sum + end - start, 0);
  const known = Math.max(0, total - toSend);
  let sent = 0;
  onProgress({ stage: 'sending', done: 0, total: toSend, known });
  // The senders share one queue; when one gives up, the others stop too.
  const queue = pieces.values();
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const sender = async () => {
    try {
      for (const piece of queue) {
        await sendPiece(upload.id, piece, files[piece.file]!, both);
        sent += piece.end - piece.start;
        onProgress({ stage: 'sending', done: sent, total: toSend, known });
      }
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  await Promise.all(Array.from({ length: SENT_AT_ONCE }, sender));
  onProgress({ stage: 'finishing', done: toSend, total: toSend, known });
  const finished = await api.finishUpload(upload.id);
  signal.throwIfAborted();
  return finished;
}

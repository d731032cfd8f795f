// Previews of frames from the node: few at a time, the ones on screen first, decoded away from the main thread.
import { api, type PreviewQuery } from '@/api/client';

/** Browsers open six connections to a host; the event stream has one, and actions must find one free. */
const AT_ONCE = 3;
let running = 0;
const queue: (() => void)[] = [];

async function inTurn<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
  // Newest first: what was asked for last is what is being looked at.
  if (running >= AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve));
  running += 1;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    running -= 1;
    queue.pop()?.();
  }
}

export function previewBlob(job: string, query: PreviewQuery, signal: AbortSignal): Promise<Blob> {
  return inTurn(() => api.preview(job, query, { signal }), signal);
}

/** A decoded preview, ready to be drawn. The caller closes it when it is replaced. */
export async function previewBitmap(job: string, query: PreviewQuery, signal: AbortSignal): Promise<ImageBitmap> {
  // The picture on the stage does not wait behind thumbnails.
  const blob = await api.preview(job, query, { signal });
  const bitmap = await createImageBitmap(blob);
  if (signal.aborted) bitmap.close();
  signal.throwIfAborted();
  return bitmap;
}

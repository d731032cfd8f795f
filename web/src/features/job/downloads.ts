// Saves outputs of a job. The API wants a token on every call, so a plain link will not do: small files go through memory,
// large ones and whole folders straight to the disk where the browser can.
import { api } from '@/api/client';
import { isAbort } from '@/api/problem';
import type { Output } from '@/api/types';

/** Above this a file is written while it arrives instead of being held in memory first. */
const STREAM_FROM_BYTES = 64 * 2 ** 20;

// Not yet in TypeScript's DOM library.
interface Picker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
  showDirectoryPicker?: (options: { mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;
}
const picker = window as unknown as Picker;

async function stream(job: string, output: Output, file: FileSystemFileHandle, signal?: AbortSignal): Promise<void> {
  const response = await api.output(job, output.index, { signal });
  await response.body!.pipeTo(await file.createWritable(), { signal: signal ?? null } as StreamPipeOptions);
}

function click(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has begun reading by then; the address is only freed.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** False when the person closed the browser's question. */
export async function saveOutput(job: string, output: Output, signal?: AbortSignal): Promise<boolean> {
  try {
    if (output.bytes >= STREAM_FROM_BYTES && picker.showSaveFilePicker) {
      await stream(job, output, await picker.showSaveFilePicker({ suggestedName: output.name }), signal);
    } else {
      click(await (await api.output(job, output.index, { signal })).blob(), output.name);
    }
    return true;
  } catch (error) {
    if (isAbort(error)) return false;
    throw error;
  }
}

/** All into one chosen folder, or, where there is no such thing, one after another as single downloads. */
export async function saveAll(
  job: string,
  outputs: readonly Output[],
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<number> {
  let done = 0;
  try {
    const folder = await picker.showDirectoryPicker?.({ mode: 'readwrite' });
    for (const output of outputs) {
      signal.throwIfAborted();
      if (folder) await stream(job, output, await folder.getFileHandle(output.name, { create: true }), signal);
      else click(await (await api.output(job, output.index, { signal })).blob(), output.name);
      done += 1;
      onProgress(done);
    }
  } catch (error) {
    if (!isAbort(error)) throw error;
  }
  return done;
}

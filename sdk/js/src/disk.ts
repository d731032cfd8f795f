// Files of this machine, on Node.js. The modules are asked for when they are needed and not imported, so that browsers
// and bundlers never look for them.

interface FileHandle {
  read(buffer: Uint8Array, options: { position: number }): Promise<{ bytesRead: number }>;
  writeFile(data: ReadableStream<Uint8Array>): Promise<void>;
  close(): Promise<void>;
}

interface Stats {
  size: number;
  isDirectory(): boolean;
}

interface FileSystem {
  open(path: string, flags: string): Promise<FileHandle>;
  stat(path: string): Promise<Stats>;
  readdir(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: boolean }): Promise<void>;
  readFile(path: string, encoding: 'utf8'): Promise<string>;
}

interface Paths {
  basename(path: string): string;
  dirname(path: string): string;
  join(...parts: string[]): string;
}

interface Process {
  getBuiltinModule?(name: string): unknown;
  env: Record<string, string | undefined>;
}

const runtime = () => (globalThis as { process?: Process }).process;

function builtin<Module>(name: string): Module {
  const module = runtime()?.getBuiltinModule?.(name);
  if (!module)
    throw new Error('files are read by path on Node.js 20.16 or newer only; elsewhere give a Blob or a File');
  return module as Module;
}

const fs = () => builtin<FileSystem>('node:fs/promises');
const paths = () => builtin<Paths>('node:path');

export const environment = (name: string): string | undefined => runtime()?.env[name] || undefined;
export const joined = (...parts: string[]): string => paths().join(...parts);
export const folderOf = (path: string): string => paths().dirname(path);
export const baseName = (path: string): string => paths().basename(path);
export const readText = (path: string): Promise<string> => fs().readFile(path, 'utf8');

export type Entry = { kind: 'file'; bytes: number } | { kind: 'folder' };

/** What is there; null when nothing is. */
export async function entryAt(path: string): Promise<Entry | null> {
  try {
    const stats = await fs().stat(path);
    return stats.isDirectory() ? { kind: 'folder' } : { kind: 'file', bytes: stats.size };
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}

/** Names in a folder, sorted. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await fs().readdir(folder)).sort();
}

/** Bytes of a file from `start` up to `end`; fewer when it has become shorter. */
export async function readSpan(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await fs().open(path, 'r');
  try {
    const bytes = new Uint8Array(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes.subarray(filled), { position: start + filled });
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/** Writes a file as a whole or not at all. */
export async function writeWhole(path: string, content: ReadableStream<Uint8Array>): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await fs().open(part, 'w');
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    await fs().rename(part, path);
  } catch (error) {
    await fs().rm(part, { force: true });
    throw error;
  }
}

// Finished files: listed, streamed, downloaded, saved.
import { writeWhole } from '../disk.js';
import type { Transport } from '../transport.js';
import type * as T from '../types.js';

export interface DownloadOptions extends T.CallOptions {
  /** Bytes from `start` up to `end`, or to the file's end. */
  range?: { start: number; end?: number } | undefined;
}

/** A finished file of a job, which can be fetched. */
export class OutputFile {
  readonly job: string;
  readonly index: number;
  readonly name: string;
  /** Its frame, unless it is a film. */
  readonly frame: number | null;
  readonly kind: T.OutputKind;
  readonly bytes: number;
  readonly mediaType: string;
  /** Where it is on the node's machine. */
  readonly pathOnNode: string;
  readonly #outputs: Outputs;

  constructor(outputs: Outputs, job: string, output: T.Output) {
    this.#outputs = outputs;
    this.job = job;
    this.index = output.index;
    this.name = output.name;
    this.frame = output.frame ?? null;
    this.kind = output.kind;
    this.bytes = output.bytes;
    this.mediaType = output.media_type;
    this.pathOnNode = output.path;
  }

  blob(options?: DownloadOptions): Promise<Blob> {
    return this.#outputs.blob(this.job, this.index, options);
  }

  stream(options?: DownloadOptions): Promise<ReadableStream<Uint8Array>> {
    return this.#outputs.stream(this.job, this.index, options);
  }

  /** Writes it to a file of this machine (Node.js), as a whole or not at all. */
  async save(path: string, options?: T.CallOptions): Promise<void> {
    await writeWhole(path, await this.stream(options));
  }
}

export class Outputs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(job: string, { signal }: T.CallOptions = {}): Promise<OutputFile[]> {
    const { items } = await this.#transport.call('get', '/v1/jobs/{id}/outputs', { path: { id: job }, signal });
    return items.map((output) => new OutputFile(this, job, output));
  }

  async blob(job: string, index: number, options?: DownloadOptions): Promise<Blob> {
    return (await this.open(job, index, options)).blob();
  }

  async stream(job: string, index: number, options?: DownloadOptions): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.open(job, index, options);
    return body ?? new Blob([]).stream();
  }

  /** The answer as it comes, with its length and media type among the headers. */
  async open(job: string, index: number, { range, signal }: DownloadOptions = {}): Promise<Response> {
    const path = { id: job, index };
    const headers: Record<string, string> = range ? { Range: header(range) } : {};
    const response = await this.#transport.send('get', '/v1/jobs/{id}/outputs/{index}', { path, headers, signal });
    if (range && response.status !== 206) {
      await response.body?.cancel();
      throw new Error(`output ${index} of job ${job} came whole, though ${header(range)} was asked for`);
    }
    return response;
  }
}

function header({ start, end }: { start: number; end?: number }): string {
  return `bytes=${start}-${end === undefined ? '' : end - 1}`;
}

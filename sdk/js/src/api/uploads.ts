// Uploads that were begun. What `upload` does by itself, for those who send chunks their own way.
import type { Transport } from '../transport.js';
import type * as T from '../types.js';

export class UploadCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Begins an upload, or goes on with the one of the same list; says which chunks are missing. */
  begin(list: T.NewUpload, { signal }: T.CallOptions = {}): Promise<T.UploadView> {
    return this.#transport.call('post', '/v1/uploads', { body: list, signal, repeatable: true });
  }

  show(id: string, { signal }: T.CallOptions = {}): Promise<T.UploadView> {
    return this.#transport.call('get', '/v1/uploads/{id}', { path: { id }, signal });
  }

  async putChunk(
    id: string,
    sha256: string,
    bytes: Uint8Array<ArrayBuffer>,
    { signal }: T.CallOptions = {},
  ): Promise<void> {
    await this.#transport.send('put', '/v1/uploads/{id}/chunks/{sha256}', { path: { id, sha256 }, bytes, signal });
  }

  /** Puts the files together, unpacks an archive, and finds its scene. */
  finish(id: string, { signal }: T.CallOptions = {}): Promise<T.UploadView> {
    return this.#transport.call('post', '/v1/uploads/{id}/finish', { path: { id }, signal, repeatable: true });
  }

  /** Forgets an upload that no unfinished job uses. */
  remove(id: string, { signal }: T.CallOptions = {}): Promise<void> {
    return this.#transport.call('delete', '/v1/uploads/{id}', { path: { id }, signal });
  }
}

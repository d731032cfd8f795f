// The node itself, who provides, and who may call it or is told.
import type { Transport } from '../transport.js';
import type * as T from '../types.js';

export class NodeCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  show({ signal }: T.CallOptions = {}): Promise<T.NodeView> {
    return this.#transport.call('get', '/v1/node', { signal });
  }

  /** Pauses its provider role, or changes what it asks. */
  change(change: T.NodeChange, { signal }: T.CallOptions = {}): Promise<T.NodeView> {
    return this.#transport.call('patch', '/v1/node', { body: change, signal });
  }

  /** A ticket with which other machines join. */
  invite({ signal }: T.CallOptions = {}): Promise<T.InviteView> {
    return this.#transport.call('get', '/v1/invite', { signal });
  }

  /** Measurements in Prometheus' text format. */
  async metrics({ signal }: T.CallOptions = {}): Promise<string> {
    return (await this.#transport.send('get', '/metrics', { signal })).text();
  }

  /** The API's own description. */
  openapi({ signal }: T.CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#transport.call('get', '/v1/openapi.json', { signal });
  }
}

export class ProviderCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list({ signal }: T.CallOptions = {}): Promise<T.ProviderView[]> {
    return (await this.#transport.call('get', '/v1/providers', { signal })).items;
  }
}

export class TokenCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list({ signal }: T.CallOptions = {}): Promise<T.TokenView[]> {
    return (await this.#transport.call('get', '/v1/tokens', { signal })).items;
  }

  /** Makes a token that opens what its scopes say. It is shown this once. */
  create(token: T.NewToken, { signal }: T.CallOptions = {}): Promise<T.MadeToken> {
    return this.#transport.call('post', '/v1/tokens', { body: token, signal });
  }

  remove(id: string, { signal }: T.CallOptions = {}): Promise<void> {
    return this.#transport.call('delete', '/v1/tokens/{id}', { path: { id }, signal });
  }
}

export class WebhookCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list({ signal }: T.CallOptions = {}): Promise<T.Webhook[]> {
    return (await this.#transport.call('get', '/v1/webhooks', { signal })).items;
  }

  /** Has events posted to an address. The secret is shown this once. */
  create(hook: T.NewWebhook, { signal }: T.CallOptions = {}): Promise<T.MadeWebhook> {
    return this.#transport.call('post', '/v1/webhooks', { body: hook, signal });
  }

  remove(id: string, { signal }: T.CallOptions = {}): Promise<void> {
    return this.#transport.call('delete', '/v1/webhooks/{id}', { path: { id }, signal });
  }
}

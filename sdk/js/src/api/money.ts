// The node's wallet and its chain.
import { Listing, type ListOptions } from '../listing.js';
import type { Transport } from '../transport.js';
import type * as T from '../types.js';

export class WalletCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  show({ signal }: T.CallOptions = {}): Promise<T.Wallet> {
    return this.#transport.call('get', '/v1/wallet', { signal });
  }

  /** What came and went, newest first. */
  history({ pageSize: limit, signal }: ListOptions = {}): Listing<T.WalletEntry> {
    return new Listing((page) =>
      this.#transport.call('get', '/v1/wallet/history', { query: { limit, ...page }, signal }),
    );
  }

  /** Test money, where the chain gives any. */
  faucet({ signal }: T.CallOptions = {}): Promise<T.Wallet> {
    return this.#transport.call('post', '/v1/wallet/faucet', { signal });
  }
}

export class ChainCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  show({ signal }: T.CallOptions = {}): Promise<T.ChainView> {
    return this.#transport.call('get', '/v1/chain', { signal });
  }

  /** Blocks, newest first, below a number. */
  blocks({
    before,
    limit,
    signal,
  }: T.CallOptions & { before?: number; limit?: number } = {}): Promise<T.Page<T.BlockView>> {
    return this.#transport.call('get', '/v1/chain/blocks', { query: { before, limit }, signal });
  }

  /** A block by its number or hash. */
  block(id: string, { signal }: T.CallOptions = {}): Promise<T.BlockView> {
    return this.#transport.call('get', '/v1/chain/blocks/{id}', { path: { id }, signal });
  }

  transaction(hash: string, { signal }: T.CallOptions = {}): Promise<T.TransactionView> {
    return this.#transport.call('get', '/v1/chain/transactions/{hash}', { path: { hash }, signal });
  }
}

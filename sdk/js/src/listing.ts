// A list that the node gives page by page, as one async iterable.
import type { CallOptions, Page } from './types.js';

export interface PageQuery {
  limit?: number;
  cursor?: string;
}

/** Read with `for await`: item by item, or by whole pages; a page is asked for when it is needed. */
export class Listing<Item> implements AsyncIterable<Item> {
  readonly #load: (query: PageQuery) => Promise<Page<Item>>;

  constructor(load: (query: PageQuery) => Promise<Page<Item>>) {
    this.#load = load;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for await (const { items } of this.pages()) yield* items;
  }

  async *pages(): AsyncGenerator<Page<Item>> {
    let cursor: string | null | undefined;
    do {
      const page: Page<Item> = await this.#load(cursor ? { cursor } : {});
      yield page;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** The first so many items, or all of them. */
  async toArray(count = Number.POSITIVE_INFINITY): Promise<Item[]> {
    const items: Item[] = [];
    if (count <= 0) return items;
    for await (const item of this) if (items.push(item) >= count) break;
    return items;
  }
}

export interface ListOptions extends CallOptions {
  /** Items a page, at most 1000. */
  pageSize?: number | undefined;
}

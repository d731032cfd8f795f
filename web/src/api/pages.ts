// A list that is read page by page with a cursor: the first page at once, the next when asked. For lists that grow at
// their end only when somebody wants more (history); lists that change in place use useResource.
import { useCallback, useEffect, useRef, useState } from 'react';
import { type Failure, isAbort, toFailure } from './problem';
import type { Page } from './types';

export interface Pages<Item> {
  items: readonly Item[];
  loading: boolean;
  /** There is nothing after these. */
  complete: boolean;
  failure: Failure | null;
  more: () => void;
  reload: () => void;
}

interface State<Item> {
  items: readonly Item[];
  loading: boolean;
  cursor: string | null;
  complete: boolean;
  failure: Failure | null;
}

const EMPTY = { items: [], loading: true, cursor: null, complete: false, failure: null };

/** `load` must not change between renders: a function outside of the component, or kept with useCallback. */
export function usePages<Item>(load: (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>): Pages<Item> {
  const [state, setState] = useState<State<Item>>(EMPTY);
  const running = useRef<AbortController | null>(null);

  const read = useCallback(
    async (cursor: string | null) => {
      running.current?.abort();
      const here = new AbortController();
      running.current = here;
      setState((old) => ({ ...old, loading: true, failure: null }));
      try {
        const page = await load(cursor, here.signal);
        setState((old) => ({
          items: cursor === null ? page.items : [...old.items, ...page.items],
          loading: false,
          cursor: page.next_cursor ?? null,
          complete: page.next_cursor == null,
          failure: null,
        }));
      } catch (error) {
        if (!isAbort(error)) setState((old) => ({ ...old, loading: false, failure: toFailure(error) }));
      }
    },
    [load],
  );
  useEffect(() => {
    void read(null);
    return () => running.current?.abort();
  }, [read]);

  const { cursor } = state;
  const more = useCallback(() => void read(cursor), [read, cursor]);
  const reload = useCallback(() => void read(null), [read]);
  return { items: state.items, loading: state.loading, complete: state.complete, failure: state.failure, more, reload };
}

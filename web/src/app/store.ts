// The smallest store that React can read: a value, a way to change it, and listeners.
import { useSyncExternalStore } from 'react';

export interface Store<Value> {
  get(): Value;
  set(next: Value): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<Value>(initial: Value): Store<Value> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<Value>(store: Store<Value>): Value {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** localStorage may be refused (private windows, blocked cookies); the studio then just forgets. */
export const remembered = {
  read(name: string): string | null {
    try {
      return localStorage.getItem(`rayswarm.${name}`);
    } catch {
      return null;
    }
  },
  write(name: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(`rayswarm.${name}`);
      else localStorage.setItem(`rayswarm.${name}`, value);
    } catch {
      // Nothing to do: the choice lasts until the page is closed.
    }
  },
};

// One job, kept current: its summary from events at once, the rest (money, nodes, settlement) read again now and then.
import { useEffect } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { invalidate, replace, useResource } from '@/api/resource';
import type { JobState, JobView } from '@/api/types';

/** Money and shares of nodes are read again at most this often while events say that the job moves. */
const REREAD_MS = 4000;

export const jobKey = (id: string) => `job/${id}`;

export function hasEnded(state: JobState): boolean {
  return state === 'done' || state === 'cancelled' || state === 'failed';
}
/** Before rendering begins there is no plan, hence no mosaic. */
export function isPreparing(state: JobState): boolean {
  return state === 'analysing' || state === 'probing' || state === 'quoted' || state === 'funding';
}

export function useJob(id: string) {
  const key = jobKey(id);
  const resource = useResource<JobView>(key, (signal) => api.job(id, { signal }));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let state: JobState | null = null;
    const rereadSoon = (ms: number) => {
      if (ms === 0) {
        clearTimeout(timer);
        timer = undefined;
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        invalidate(key);
      }, ms);
    };
    const stops = [
      onEvent(
        'job',
        (summary) => {
          if (summary.id !== id) return;
          replace<JobView>(key, (old) => ({ ...old, ...summary }));
          // Another state brings other facts: the quote, the settlement, the film.
          rereadSoon(summary.state === state ? REREAD_MS : 0);
          state = summary.state;
        },
        id,
      ),
      onEvent(
        'output',
        (data) => {
          if (data.job !== id) return;
          replace<JobView>(key, (old) =>
            old.outputs.some((known) => known.index === data.output.index)
              ? old
              : { ...old, outputs: [...old.outputs, data.output] },
          );
        },
        id,
      ),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [id, key]);
  return resource;
}
